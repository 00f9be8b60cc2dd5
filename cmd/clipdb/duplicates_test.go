package main

import (
	"bytes"
	"context"
	"image/jpeg"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/clipdb/clipdb"
	"github.com/clipdb/clipdb/encoder/pixel"
)

// album makes a database of photos with copies. No model is needed: the
// vectors are the caller's own.
func album(t *testing.T) string {
	t.Helper()
	ctx := context.Background()
	path := filepath.Join(t.TempDir(), "album.clipdb")
	d, err := clipdb.Open(path, &clipdb.Options{NoModel: true})
	if err != nil {
		t.Fatal(err)
	}
	put := func(n int, id string, data []byte) {
		v := make([]float32, 8)
		v[n] = 1
		if _, err := d.Insert(ctx, clipdb.Item{ID: id, Image: bytes.NewReader(data), Vector: v, Caption: "about " + id, Attrs: clipdb.Attrs{"n": clipdb.Int(int64(n))}}); err != nil {
			t.Fatal(err)
		}
	}
	photo := func(name string) []byte {
		data, err := os.ReadFile(filepath.Join("..", "..", "examples", "data", "photos", name))
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	cat, dogs := photo("cat.jpg"), photo("dogs.jpg")
	m, _, err := pixel.DecodeBytes(ctx, dogs, pixel.Limits{})
	if err == nil {
		m, err = m.Resize(m.W/2, m.H/2)
	}
	var small bytes.Buffer
	if err == nil {
		err = jpeg.Encode(&small, m.RGBA(), &jpeg.Options{Quality: 60})
	}
	if err != nil {
		t.Fatal(err)
	}
	put(0, "cat.jpg", cat)
	put(0, "copy of cat.jpg", cat)
	put(1, "dogs small\x1b[31m.jpg", small.Bytes())
	put(2, "dogs.jpg", dogs)
	put(3, "wine.jpg", photo("wine.jpg"))
	put(0, "two\nlines", cat)
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestDuplicates(t *testing.T) {
	h := newHome(t)
	path := album(t)
	r := h.run(t, "duplicates", path, "--json").ok()
	if got, want := names(t, strings.SplitN(r.out, "\n", 2)[0]), "duplicates keep"; got != want {
		t.Errorf("got the names %s, want %s", got, want)
	}
	l := lines[groupLine](r)
	if len(l) != 2 || l[0].Keep.ID != "dogs.jpg" || l[1].Keep.ID != "cat.jpg" || len(l[0].Duplicates) != 1 || len(l[1].Duplicates) != 2 {
		t.Fatalf("got %+v", l)
	}
	small, cat := l[0].Duplicates[0], l[1].Duplicates[0]
	if small.ID != "dogs small\x1b[31m.jpg" || strings.Join(small.Kinds, " ") != "perceptual" || small.Distance == nil || *small.Distance > 6 || small.Score != nil ||
		small.Width*2 > l[0].Keep.Width || small.Bytes == 0 || small.Format != "jpeg" || small.Caption != "about "+small.ID || small.Added.IsZero() {
		t.Errorf("got %+v", small)
	}
	if cat.ID != "copy of cat.jpg" || strings.Join(cat.Kinds, " ") != "exact perceptual" || *cat.Distance != 0 || cat.Bytes != l[1].Keep.Bytes {
		t.Errorf("got %+v", cat)
	}

	if r = h.run(t, "duplicates", path); r.code != exitOK {
		t.Fatalf("got\n%s", r)
	}
	for _, want := range []string{"\ncat.jpg", "  copy of cat.jpg", "same bytes", "looks alike, ", "of 64 bits differ", "451 x 300, 28.5 KiB, jpeg", "  two lines"} {
		if !strings.Contains(r.out, want) {
			t.Errorf("the answer lacks %q:\n%s", want, r)
		}
	}
	if strings.Contains(r.out, "\x1b") || strings.Contains(r.out, "wine") || !strings.Contains(r.err, "2 groups, 3 items") {
		t.Errorf("got\n%s", r)
	}

	for _, c := range []struct {
		args []string
		out  string
	}{
		{[]string{"--ids"}, "dogs small\x1b[31m.jpg\ncopy of cat.jpg\n"},
		{[]string{"--ids", "--exact"}, "copy of cat.jpg\n"},
		{[]string{"--ids", "--perceptual", "6", "--limit", "1"}, "dogs small\x1b[31m.jpg\n"},
		{[]string{"--ids", "--cosine", "0.99"}, "copy of cat.jpg\n"},
		{[]string{"--ids", "--filter", "n > 0"}, "dogs small\x1b[31m.jpg\n"},
		{[]string{"--ids", "copy of cat.jpg"}, "cat.jpg\n"},
		{[]string{"wine.jpg"}, ""},
	} {
		if r := h.run(t, append([]string{"duplicates", path, "-q"}, c.args...)...).ok(); r.out != c.out {
			t.Errorf("got\n%s\nwant\n%q", r, c.out)
		}
	}
	if r := h.run(t, "duplicates", path, "--ids"); r.code != exitOK || !strings.Contains(r.err, "line break") {
		t.Errorf("nothing is said of the id that was left out:\n%s", r)
	}
	if r := h.run(t, "duplicates", path, "--filter", "n = 3"); r.code != exitOK || r.out != "" || !strings.Contains(r.err, "no duplicates") {
		t.Errorf("got\n%s", r)
	}
	h.run(t, "duplicates", path, "nobody").fails(exitFailure, `"nobody"`)
	r = h.run(t, "duplicates", path, "--cosine", "0.9", "-q").ok()
	if !strings.Contains(r.out, "cosine 1.000") || strings.Contains(r.out, "bits") {
		t.Errorf("got\n%s", r)
	}

	// What --ids prints can be deleted, and then there are none left.
	ids := strings.Split(strings.TrimSpace(h.run(t, "duplicates", path, "--ids", "-q").ok().out), "\n")
	h.run(t, append([]string{"delete", path, "two\nlines"}, ids...)...).ok()
	if r := h.run(t, "duplicates", path, "--json").ok(); r.out != "" {
		t.Errorf("left:\n%s", r)
	}
}

func TestDuplicatesPage(t *testing.T) {
	h := newHome(t)
	path := album(t)
	page := filepath.Join(h.dir, "page.html")
	h.run(t, "duplicates", path, "--html", page, "-q").ok()
	data, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	got := string(data)
	if strings.Count(got, "<h2>") != 2 || strings.Count(got, "<li>") != 5 || strings.Count(got, "data:image/jpeg;base64,") != 5 || strings.Count(got, "<span>keep</span>") != 2 {
		t.Errorf("%d groups, %d items", strings.Count(got, "<h2>"), strings.Count(got, "<li>"))
	}
	for _, want := range []string{"--line: #e4e4df", "same bytes", "album.clipdb · 6 items", "about wine", "</html>"} {
		if strings.Contains(got, want) == (want == "about wine") {
			t.Errorf("%q on the page: %v", want, strings.Contains(got, want))
		}
	}
	for _, bad := range []string{"<script", "http://", "https://", "ZgotmplZ"} {
		if strings.Contains(got, bad) {
			t.Errorf("the page holds %q", bad)
		}
	}
	h.run(t, "duplicates", path, "--html", filepath.Join(h.dir, "no", "page.html")).fails(exitFailure, "page.html", "folder")
}
