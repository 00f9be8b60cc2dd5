package main

import (
	"bytes"
	"encoding/base64"
	"image"
	"image/color"
	"image/jpeg"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/clipdb/clipdb/db"
	"github.com/clipdb/clipdb/db/engine"
)

func picture(t *testing.T, w, h int, c color.Color) []byte {
	t.Helper()
	img := image.NewRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			img.Set(x, y, c)
		}
	}
	var b bytes.Buffer
	if err := jpeg.Encode(&b, img, nil); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestSheetPage(t *testing.T) {
	thumb := picture(t, 8, 6, color.White)
	s := &sheet{Title: "a <b>", Asked: `dog & "cat"`, Picture: inline(thumb), Note: "photos.clipdb · 2 items",
		Answers: []answer{
			{Rank: 1, ID: "x/<script>alert(1)</script>.jpg", Score: "0.312", Share: 100, Caption: "line\ntwo", Facts: []string{"year: 2020"}, Picture: inline(thumb)},
			{Rank: 2, ID: "vector only", Score: "0.100", Share: 32},
		}}
	var page bytes.Buffer
	if err := s.write(&page); err != nil {
		t.Fatal(err)
	}
	got := page.String()
	for _, want := range []string{
		"<title>a &lt;b&gt; · clipdb</title>", "dog &amp; &#34;cat&#34;", "year: 2020", "0.312", "no picture stored",
		"x/&lt;script&gt;", strings.ReplaceAll("data:image/jpeg;base64,"+base64.StdEncoding.EncodeToString(thumb), "+", "&#43;"), "width: 32%",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	for _, bad := range []string{"<script", "http://", "https://", "ZgotmplZ"} {
		if strings.Contains(got, bad) {
			t.Errorf("the page holds %q", bad)
		}
	}
	if n := strings.Count(got, "<li>"); n != 2 {
		t.Errorf("%d answers on the page", n)
	}
	empty := &sheet{Title: "x", Asked: "x"}
	page.Reset()
	if err := empty.write(&page); err != nil || !strings.Contains(page.String(), "No picture answers this") {
		t.Errorf("without answers: %v", err)
	}
}

func TestInline(t *testing.T) {
	if got := inline([]byte("<svg onload=alert(1)>")); got != "" {
		t.Errorf("markup became %q", got)
	}
	if got := inline(nil); got != "" {
		t.Errorf("nothing became %q", got)
	}
}

func TestShare(t *testing.T) {
	for _, c := range []struct {
		score, best float32
		want        int
	}{{0.3, 0.3, 100}, {0.15, 0.3, 50}, {-0.1, 0.3, 0}, {-0.2, -0.1, 0}, {0.4, 0.3, 100}, {0, 0, 0}} {
		if got := share(c.score, c.best); got != c.want {
			t.Errorf("%v of %v: %d, want %d", c.score, c.best, got, c.want)
		}
	}
}

func TestFileNameOf(t *testing.T) {
	for id, want := range map[string]string{
		"holiday/beach.jpg": "beach", "a:b?.png": "a_b_", "..": "_", "": "_", "x/": "x", "tab\there.jpg": "tab_here",
		"noext": "noext", ".hidden": "_", strings.Repeat("é", 200): strings.Repeat("é", 60), `win\dows.jpg`: "dows",
	} {
		if got := fileNameOf(id); got != want {
			t.Errorf("%q: %q, want %q", id, got, want)
		}
	}
}

// The pictures of a saved folder are originals where they are stored.
func TestSaveAnswers(t *testing.T) {
	original, thumb := picture(t, 40, 30, color.Black), picture(t, 8, 6, color.White)
	matches := []db.Match{
		{Record: db.Record{ID: "a/one.jpg", Image: &engine.Image{Format: "jpeg", Original: original, Thumbnail: thumb}}, Score: 0.5},
		{Record: db.Record{ID: "b/two.png", Image: &engine.Image{Format: "png", Thumbnail: thumb}}, Score: 0.25},
		{Record: db.Record{ID: "vector"}, Score: 0.1},
	}
	dir := filepath.Join(t.TempDir(), "new", "folder")
	if err := saveAnswers(dir, &sheet{Title: "t"}, matches); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string][]byte{"1-one.jpg": original, "2-two.jpg": thumb} {
		got, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s: %d bytes, %v", name, len(got), err)
		}
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 3 {
		t.Errorf("the folder holds %v, %v", entries, err)
	}
}

func TestWriteFile(t *testing.T) {
	dir := t.TempDir()
	name := filepath.Join(dir, "f")
	put := func(text string, replace bool) error {
		return writeFile(name, replace, func(w io.Writer) error {
			_, err := w.Write([]byte(text))
			return err
		})
	}
	if err := put("one", false); err != nil {
		t.Fatal(err)
	}
	if err := put("two", false); err == nil || !strings.Contains(err.Error(), "--force") {
		t.Errorf("a file was replaced unasked: %v", err)
	}
	if err := put("three", true); err != nil {
		t.Fatal(err)
	}
	if got, _ := os.ReadFile(name); string(got) != "three" {
		t.Errorf("holds %q", got)
	}
	// A write that fails leaves neither the file nor a leftover.
	other := filepath.Join(dir, "g")
	err := writeFile(other, true, func(io.Writer) error { return os.ErrInvalid })
	if err == nil || exists(other) {
		t.Errorf("a failed write left a file: %v", err)
	}
	if err := writeFile(filepath.Join(dir, "no", "such", "x"), true, nil); err == nil {
		t.Error("a folder that is not there was written to")
	}
	entries, _ := os.ReadDir(dir)
	if len(entries) != 1 {
		t.Errorf("left behind: %v", entries)
	}
}
