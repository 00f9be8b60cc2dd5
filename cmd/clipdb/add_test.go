package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/clipdb/clipdb"
)

// statuses counts the lines of add by status.
func statuses(list []addLine) map[string]int {
	n := map[string]int{}
	for _, l := range list {
		n[l.Status]++
	}
	return n
}

// adds runs add --json and checks what it counts: added, skipped, failed.
func (h *home) adds(t *testing.T, added, skipped, failed int, args ...string) []addLine {
	t.Helper()
	r := h.run(t, append([]string{"add", "--json"}, args...)...)
	if r.code != exitOK {
		t.Fatalf("want success:\n%s", r)
	}
	list := lines[addLine](r)
	n := statuses(list)
	if n["added"] != added || n["skipped"] != skipped || n["failed"] != failed || len(list) != added+skipped+failed {
		t.Fatalf("want %d added, %d skipped, %d failed:\n%s", added, skipped, failed, r)
	}
	return list
}

func (h *home) get(t *testing.T, db, id string) recordLine {
	t.Helper()
	return line[recordLine](h.run(t, "get", db, id, "--json").ok())
}

func TestAddAndSearch(t *testing.T) {
	h := newHomeWithRuntime(t)
	db := filepath.Join(h.dir, "photos.clipdb")
	r := h.run(t, "add", db, photos(t)).ok()
	n := len(goodPhotos())
	if !strings.Contains(r.out, fmt.Sprintf("added %d, skipped 0, failed 0 in ", n)) || !strings.Contains(r.out, "images/s, the model at work ") {
		t.Errorf("the summary is %q", r.out)
	}
	rec := h.get(t, db, "cat.jpg")
	info, err := os.Stat(filepath.Join(photos(t), "cat.jpg"))
	if err != nil {
		t.Fatal(err)
	}
	if rec.Attrs[fileSize] != clipdb.Int(info.Size()) || rec.Attrs[fileMtime] != clipdb.Time(info.ModTime()) ||
		rec.Attrs[filePath] != clipdb.String(filepath.Join(photos(t), "cat.jpg")) || rec.Image == nil || !rec.Image.Original {
		t.Errorf("got %+v", rec)
	}
	for text, want := range map[string]string{"a cat": "cat.jpg", "a rocket launch": "rocket.jpg", "a cup of coffee": "coffee.jpg"} {
		r := h.run(t, "search", db, text, "-k", "5", "--json").ok()
		if got, want := names(t, strings.SplitN(r.out, "\n", 2)[0]), "attrs caption id score"; got != want {
			t.Errorf("got the names %s, want %s", got, want)
		}
		m := lines[matchLine](r)
		if len(m) != 5 || !slices.ContainsFunc(m[:3], func(l matchLine) bool { return l.ID == want }) {
			t.Errorf("%s: %s is not among the best three:\n%s", text, want, r.out)
		}
		if !slices.IsSortedFunc(m, func(a, b matchLine) int { return int(1e6 * (b.Score - a.Score)) }) {
			t.Errorf("%s: not best first:\n%s", text, r.out)
		}
	}
	// By picture: the picture itself, from a file, from standard input, and
	// by id without itself.
	cat := filepath.Join(photos(t), "cat.jpg")
	if m := lines[matchLine](h.run(t, "similar", db, cat, "-k", "2", "--json").ok()); m[0].ID != "cat.jpg" || m[0].Score < 0.999 {
		t.Errorf("got %+v", m)
	}
	data, err := os.ReadFile(cat)
	if err != nil {
		t.Fatal(err)
	}
	if m := lines[matchLine](h.runWith(t, string(data), "similar", db, "-", "-k", "2", "--json").ok()); m[0].ID != "cat.jpg" {
		t.Errorf("got %+v", m)
	}
	if m := lines[matchLine](h.run(t, "similar", db, "cat.jpg", "-k", "3", "--json").ok()); len(m) != 3 || m[0].ID == "cat.jpg" {
		t.Errorf("got %+v", m)
	}
	// The picture comes back byte for byte.
	h.run(t, "get", db, "cat.jpg", "--image", "back.jpg").ok()
	if back, err := os.ReadFile(filepath.Join(h.dir, "back.jpg")); err != nil || !bytes.Equal(back, data) {
		t.Errorf("%d bytes came back of %d, %v", len(back), len(data), err)
	}
	if r := h.run(t, "get", db, "cat.jpg", "--image", "-").ok(); r.out != string(data) {
		t.Errorf("standard output has %d bytes of %d", len(r.out), len(data))
	}
	h.run(t, "get", db, "cat.jpg", "--image", "back.jpg").fails(exitFailure, "--force")
	// A page to look at.
	h.run(t, "search", db, "a cat & a dog", "-k", "4", "--html", "page.html", "--save", "found").ok()
	page, err := os.ReadFile(filepath.Join(h.dir, "page.html"))
	if err != nil || strings.Count(string(page), "data:image/jpeg;base64,") != 4 || !strings.Contains(string(page), "a cat &amp; a dog") {
		t.Errorf("the page: %v", err)
	}
	if saved, err := filepath.Glob(filepath.Join(h.dir, "found", "*.jpg")); err != nil || len(saved) != 4 {
		t.Errorf("saved %v, %v", saved, err)
	}
	if !line[verifyLine](h.run(t, "verify", db, "--json").ok()).OK {
		t.Error("verify finds problems")
	}
	l := line[infoLine](h.run(t, "info", db, "--json").ok())
	if l.Items != n || l.Model.Name == "" || l.Model.Licence == "" || len(l.Model.Fingerprint) != 64 || l.Failures != 0 {
		t.Errorf("got %+v", l)
	}
}

func TestAddAgain(t *testing.T) {
	h := newHomeWithRuntime(t)
	dir := folder(t, "a/cat.jpg=cat.jpg", "a/dogs.jpg=dogs.jpg", "coffee.jpg", "fig.jpg")
	db := filepath.Join(h.dir, "p.clipdb")
	list := h.adds(t, 4, 0, 0, db, dir)
	if got, want := names(t, mustJSON(t, list[0])), "error id path status"; got != want {
		t.Errorf("got the names %s, want %s", got, want)
	}
	if list[0].ID != "a/cat.jpg" || list[0].Path != filepath.Join(dir, "a", "cat.jpg") {
		t.Errorf("got %+v", list[0])
	}
	h.adds(t, 0, 4, 0, db, dir)

	// Touched, but with the same content: the vector stays, the time is new.
	before := line[recordLine](h.run(t, "get", db, "fig.jpg", "--vector", "--json").ok())
	when := time.Now().Add(-time.Hour).Truncate(time.Second)
	if err := os.Chtimes(filepath.Join(dir, "fig.jpg"), when, when); err != nil {
		t.Fatal(err)
	}
	h.adds(t, 0, 4, 0, db, dir)
	after := line[recordLine](h.run(t, "get", db, "fig.jpg", "--vector", "--json").ok())
	if after.Attrs[fileMtime] != clipdb.Time(when) || !slices.Equal(after.Vector, before.Vector) || !after.Created.Equal(before.Created) {
		t.Errorf("before %+v\nafter %+v", before, after)
	}

	// Other content: embedded anew, and what was said of it stays.
	h.adds(t, 0, 4, 0, db, dir, "--attr", "year=2024")
	write(t, filepath.Join(dir, "fig.jpg"), must(os.ReadFile(filepath.Join(photos(t), "wine.jpg"))))
	h.adds(t, 1, 3, 0, db, dir)
	changed := line[recordLine](h.run(t, "get", db, "fig.jpg", "--vector", "--json").ok())
	if slices.Equal(changed.Vector, before.Vector) || changed.Image.SHA256 == before.Image.SHA256 || changed.Attrs["year"] != clipdb.Int(2024) {
		t.Errorf("got %+v", changed)
	}
	if m := lines[matchLine](h.run(t, "similar", db, filepath.Join(photos(t), "wine.jpg"), "-k", "1", "--json").ok()); m[0].ID != "fig.jpg" || m[0].Score < 0.999 {
		t.Errorf("got %+v", m)
	}

	// The folder has moved: nothing is embedded, the paths are new.
	moved := filepath.Join(h.dir, "moved")
	if err := os.Rename(dir, moved); err != nil {
		t.Fatal(err)
	}
	h.adds(t, 0, 4, 0, db, moved)
	if got := h.get(t, db, "coffee.jpg").Attrs[filePath]; got != clipdb.String(filepath.Join(moved, "coffee.jpg")) {
		t.Errorf("the path is %v", got)
	}
	r := h.run(t, "add", db, moved).ok()
	if !strings.HasPrefix(r.out, "added 0, skipped 4, failed 0 in ") {
		t.Errorf("got %q", r.out)
	}

	// --replace forgets what is not said again.
	h.adds(t, 4, 0, 0, db, moved, "--replace")
	if rec := h.get(t, db, "coffee.jpg"); rec.Attrs["year"] != (clipdb.Value{}) {
		t.Errorf("got %+v", rec.Attrs)
	}
	if l := line[infoLine](h.run(t, "info", db, "--json").ok()); l.Items != 4 || l.Index.Live != 4 {
		t.Errorf("got %+v", l)
	}
	if !line[verifyLine](h.run(t, "verify", db, "--json").ok()).OK {
		t.Error("verify finds problems")
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func mustJSON(t *testing.T, v any) string {
	t.Helper()
	return string(must(json.Marshal(v)))
}

func TestAddCaptionsAndAttributes(t *testing.T) {
	h := newHomeWithRuntime(t)
	dir := folder(t, "cat.jpg", "sub/dogs.jpg=dogs.jpg", "fig.jpg")
	db := filepath.Join(h.dir, "p.clipdb")
	write(t, filepath.Join(h.dir, "c.jsonl"), []byte(`{"file":"cat.jpg","captions":["a cat","second"]}`+"\n"+`{"file":"dogs.jpg","captions":["two dogs"]}`+"\n"+`{"file":"none.jpg","captions":["x"]}`+"\n"))
	r := h.run(t, "add", db, dir, "--captions", "c.jsonl", "-a", "year=2024", "-a", "tags=[pet,home]", "-a", "code:text=007", "-a", "place=New York, NY")
	if r.code != exitOK || !strings.Contains(r.err, "1 of the captions file name no picture") {
		t.Fatalf("got\n%s", r)
	}
	cat := h.get(t, db, "cat.jpg")
	if cat.Caption != "a cat" || cat.Attrs["year"] != clipdb.Int(2024) || cat.Attrs["tags"] != clipdb.Strings("pet", "home") ||
		cat.Attrs["code"] != clipdb.String("007") || cat.Attrs["place"] != clipdb.String("New York, NY") {
		t.Errorf("got %+v", cat)
	}
	if c := h.get(t, db, "sub/dogs.jpg").Caption; c != "two dogs" {
		t.Errorf("the caption is %q", c)
	}
	if m := lines[matchLine](h.run(t, "search", db, "an animal", "--filter", "year>=2020 and tags in (pet, wild)", "--json").ok()); len(m) != 3 {
		t.Errorf("got %+v", m)
	}
	if r := h.run(t, "search", db, "an animal", "-k", "1").ok(); !strings.Contains(r.out, "a cat") && !strings.Contains(r.out, "two dogs") {
		t.Errorf("no caption is shown:\n%s", r.out)
	}
	// Without the captions file the captions stay; with another they change,
	// and nothing is embedded for it.
	h.adds(t, 0, 3, 0, db, dir)
	if c := h.get(t, db, "cat.jpg").Caption; c != "a cat" {
		t.Errorf("the caption is %q", c)
	}
	h.adds(t, 0, 3, 0, db, dir, "--captions", "c.jsonl", "--captions-keep", "0")
	if c := h.get(t, db, "cat.jpg").Caption; c != "a cat\nsecond" {
		t.Errorf("the caption is %q", c)
	}
	h.run(t, "add", db, dir, "--captions", "none.csv").fails(exitFailure, "none.csv")
	write(t, filepath.Join(h.dir, "bad.jsonl"), []byte("{\n"))
	h.run(t, "add", db, dir, "--captions", "bad.jsonl").fails(exitFailure, "bad.jsonl", "line 1")
}

// pngHeader is the beginning of a PNG that claims to be w by h pixels.
func pngHeader(w, h uint32) []byte {
	b := []byte("\x89PNG\r\n\x1a\n\x00\x00\x00\x0dIHDR")
	b = binary.BigEndian.AppendUint32(b, w)
	b = binary.BigEndian.AppendUint32(b, h)
	b = append(b, 8, 2, 0, 0, 0)
	b = binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(b[12:]))
	return append(b, "\x00\x00\x00\x00IDAT"...)
}

// Each bad input has its own reason, is remembered, and stops nothing.
func TestAddBadInputs(t *testing.T) {
	h := newHomeWithRuntime(t)
	dir := folder(t, "cat.jpg", "dogs.jpg")
	cat := must(os.ReadFile(filepath.Join(photos(t), "cat.jpg")))
	write(t, filepath.Join(dir, "notimage.jpg"), []byte("this is text, whatever its name says"))
	write(t, filepath.Join(dir, "truncated.jpg"), cat[:len(cat)/2])
	write(t, filepath.Join(dir, "huge.png"), pngHeader(50000, 50000))
	write(t, filepath.Join(dir, "empty.jpg"), nil)
	write(t, filepath.Join(dir, "notes.md"), []byte("no picture"))
	write(t, filepath.Join(dir, "camera.heic"), []byte("\x00\x00\x00\x18ftypheic"))
	db := filepath.Join(h.dir, "p.clipdb")
	reasons := map[string]string{}
	for _, l := range h.adds(t, 2, 0, 4, db, dir) {
		if l.Status == "failed" {
			reasons[l.ID] = l.Error
		} else if l.Error != "" {
			t.Errorf("%s was %s with the error %q", l.ID, l.Status, l.Error)
		}
	}
	for id, says := range map[string]string{"notimage.jpg": "image", "truncated.jpg": "truncated", "huge.png": "large", "empty.jpg": "empty"} {
		if !strings.Contains(reasons[id], says) {
			t.Errorf("%s: %q does not say %q", id, reasons[id], says)
		}
	}
	if l := line[infoLine](h.run(t, "info", db, "--json").ok()); l.Failures != 4 || l.Items != 2 {
		t.Errorf("got %+v", l)
	}
	var ids []string
	for _, f := range lines[failureLine](h.run(t, "info", db, "--failures", "--json").ok()) {
		ids = append(ids, f.ID)
		if f.Reason == "" || time.Since(f.Time) > time.Hour {
			t.Errorf("got %+v", f)
		}
	}
	if want := []string{"empty.jpg", "huge.png", "notimage.jpg", "truncated.jpg"}; !slices.Equal(ids, want) {
		t.Errorf("failures of %v, want %v", ids, want)
	}
	if out := h.run(t, "info", db).ok().out; !strings.Contains(out, "4 files could not be added") {
		t.Errorf("got\n%s", out)
	}
	r := h.run(t, "add", db, dir)
	if r.code != exitOK || !strings.Contains(r.out, "added 0, skipped 2, failed 4") || !strings.Contains(r.out, "truncated.jpg") || !strings.Contains(r.err, "1 heic") {
		t.Errorf("got\n%s", r)
	}
	if r := h.run(t, "add", db, dir, "--strict"); r.code != exitFailure || !strings.Contains(r.err, "4 files failed; clipdb info") {
		t.Errorf("got\n%s", r)
	}
	// What is named on the command line has to succeed.
	for name, says := range map[string]string{
		"notimage.jpg": "image", "truncated.jpg": "truncated", "huge.png": "large", "empty.jpg": "empty", "notes.md": "image",
		"camera.heic": "image", "missing.jpg": "no such file",
	} {
		r := h.run(t, "add", db, filepath.Join(dir, name), "--json").fails(exitFailure, name, says)
		if l := line[addLine](r); l.Status != "failed" || l.ID != name {
			t.Errorf("got %+v", l)
		}
	}
	// The file gets well: it is added and its failure forgotten.
	write(t, filepath.Join(dir, "truncated.jpg"), cat)
	h.adds(t, 1, 2, 3, db, dir)
	if l := line[infoLine](h.run(t, "info", db, "--json").ok()); l.Items != 3 || l.Failures != 5 { // and notes.md, camera.heic
		t.Errorf("got %+v", l)
	}
	// Queries with bad pictures leave everything as it was.
	for _, name := range []string{"notimage.jpg", "huge.png", "empty.jpg"} {
		h.run(t, "similar", db, filepath.Join(dir, name)).fails(exitFailure, name)
		h.run(t, "embed", "--image", filepath.Join(dir, name)).fails(exitFailure, name)
		h.run(t, "classify", filepath.Join(dir, name), "--labels", "a,b").fails(exitFailure, name)
	}
	h.run(t, "embed", "--image", dir).fails(exitFailure, "folder")
	h.run(t, "embed", "--image", filepath.Join(dir, "none.jpg")).fails(exitFailure, "there is no file")
	h.run(t, "embed", "--text", strings.Repeat("word ", 20000)).fails(exitFailure, "shorten")
	h.run(t, "search", db, strings.Repeat("x", 100000)).fails(exitFailure, "shorten")
	h.run(t, "embed", "--text", "caf\xe9").fails(exitFailure, "UTF-8")
	if !line[verifyLine](h.run(t, "verify", db, "--json").ok()).OK {
		t.Error("verify finds problems")
	}
}

// Two folders with equal names inside never overwrite each other.
func TestAddCollisions(t *testing.T) {
	h := newHomeWithRuntime(t)
	one, two := folder(t, "a.jpg=cat.jpg", "same.jpg=fig.jpg"), folder(t, "a.jpg=dogs.jpg", "same.jpg=fig.jpg")
	db := filepath.Join(h.dir, "p.clipdb")
	// In one run.
	list := h.adds(t, 2, 1, 1, db, one, two)
	failed := list[slices.IndexFunc(list, func(l addLine) bool { return l.Status == "failed" })]
	if failed.Path != filepath.Join(two, "a.jpg") || !strings.Contains(failed.Error, filepath.Join(one, "a.jpg")) || !strings.Contains(failed.Error, "--prefix") {
		t.Errorf("got %+v", failed)
	}
	// In a later run.
	list = h.adds(t, 0, 1, 1, db, two)
	if !strings.Contains(list[slices.IndexFunc(list, func(l addLine) bool { return l.Status == "failed" })].Error, filepath.Join(one, "a.jpg")) {
		t.Errorf("got %+v", list)
	}
	cat := must(os.ReadFile(filepath.Join(photos(t), "cat.jpg")))
	if r := h.run(t, "get", db, "a.jpg", "--image", "-").ok(); r.out != string(cat) {
		t.Error("the first picture was overwritten")
	}
	h.adds(t, 2, 0, 0, db, two, "--prefix", "two/")
	if rec := h.get(t, db, "two/a.jpg"); rec.ID != "two/a.jpg" {
		t.Errorf("got %+v", rec)
	}
	// The same path twice in one run is one picture.
	h.adds(t, 0, 4, 0, db, one, one)
}

func TestAddKeepsLessOfThePicture(t *testing.T) {
	h := newHomeWithRuntime(t)
	dir := folder(t, "cat.jpg")
	for policy, want := range map[string]imageLine{"thumbnail": {Thumbnail: true}, "none": {}} {
		db := filepath.Join(h.dir, policy+".clipdb")
		h.adds(t, 1, 0, 0, db, dir, "--images", policy)
		rec := h.get(t, db, "cat.jpg")
		if rec.Image.Original != want.Original || rec.Image.Thumbnail != want.Thumbnail || len(rec.Image.SHA256) != 64 {
			t.Errorf("%s: got %+v", policy, rec.Image)
		}
		r := h.run(t, "get", db, "cat.jpg", "--image", policy+".jpg")
		if policy == "none" {
			r.fails(exitFailure, "keeps no picture")
		} else if r.code != exitOK || !strings.Contains(r.err, "thumbnail") || !exists(filepath.Join(h.dir, policy+".jpg")) {
			t.Errorf("got\n%s", r)
		}
		h.adds(t, 0, 1, 0, db, dir, "--images", policy)
	}
}

func TestAddOddNames(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("such names cannot be made here")
	}
	h := newHomeWithRuntime(t)
	dir := folder(t, "sp ace/ü 日本.jpg=cat.jpg", "-dash.jpg=dogs.jpg", "new\nline.jpg=fig.jpg", "esc\x1b[31m.jpg=wine.jpg")
	bad := filepath.Join(dir, "bad\xff.jpg")
	if err := os.WriteFile(bad, must(os.ReadFile(filepath.Join(photos(t), "cat.jpg"))), 0o644); err != nil {
		t.Skip("this file system takes UTF-8 names only")
	}
	db := filepath.Join(h.dir, "p.clipdb")
	for _, l := range h.adds(t, 4, 0, 1, db, dir) {
		if l.Status == "failed" && (!strings.Contains(l.Error, "UTF-8") || !strings.Contains(l.Error, "rename")) {
			t.Errorf("got %+v", l)
		}
	}
	r := h.run(t, "search", db, "a picture").ok()
	if strings.Contains(r.out, "\x1b") || strings.Count(r.out, "\n") != 4 {
		t.Errorf("got %q", r.out)
	}
	if rec := h.get(t, db, "sp ace/ü 日本.jpg"); rec.ID == "" {
		t.Errorf("got %+v", rec)
	}
	h.run(t, "get", db, "--", "-dash.jpg").ok()
	cmd := h.command("add", db, "-dash.jpg", "--json") // looks like a flag
	cmd.Dir = dir
	if err := cmd.Run(); cmd.ProcessState.ExitCode() != exitUsage {
		t.Errorf("got %v", err)
	}
}

func TestNothingToAdd(t *testing.T) {
	h := newHomeWithRuntime(t)
	db := filepath.Join(h.dir, "p.clipdb")
	r := h.run(t, "add", db, t.TempDir())
	if r.code != exitOK || r.out != "" || !strings.Contains(r.err, "nothing to add") {
		t.Errorf("got\n%s", r)
	}
	h.run(t, "add", db, filepath.Join(h.dir, "no", "such")).fails(exitFailure, "such", "no such file")
	h.run(t, "add", h.dir, db).fails(exitFailure, "folder", "database comes first")
	if exists(db) {
		t.Error("a database was made for nothing")
	}
}

func TestClassifyAndEmbed(t *testing.T) {
	h := newHomeWithRuntime(t)
	cat := filepath.Join(photos(t), "cat.jpg")
	r := h.run(t, "classify", cat, "--labels", "rocket,cat, coffee cup", "--json").ok()
	list := lines[labelLine](r)
	var sum float32
	for _, l := range list {
		sum += l.Probability
	}
	if len(list) != 3 || list[0].Label != "cat" || sum < 0.999 || sum > 1.001 {
		t.Errorf("got %+v", list)
	}
	if out := h.run(t, "classify", cat, "-l", "rocket", "-l", "cat").ok().out; !strings.Contains(strings.SplitN(out, "\n", 2)[0], "cat") || !strings.Contains(out, "%") {
		t.Errorf("got\n%s", out)
	}
	text := h.run(t, "embed", "--text", "a cat", "--json").ok()
	if got, want := names(t, text.out), "dim model vector"; got != want {
		t.Errorf("got the names %s, want %s", got, want)
	}
	v, w := line[vectorLine](text), line[vectorLine](h.run(t, "embed", "--image", cat, "--json").ok())
	if v.Dim != len(v.Vector) || w.Dim != v.Dim || v.Model == "" {
		t.Errorf("got %d and %d components of %q", len(v.Vector), len(w.Vector), v.Model)
	}
	for _, u := range [][]float32{v.Vector, w.Vector} {
		var norm float64
		for _, x := range u {
			norm += float64(x) * float64(x)
		}
		if norm < 0.999 || norm > 1.001 {
			t.Errorf("the length is %v", norm)
		}
	}
	if out := h.run(t, "embed", "--text", "a cat").ok().out; strings.Count(out, "\n") != v.Dim {
		t.Errorf("%d lines", strings.Count(out, "\n"))
	}
}

// A model in a folder is the same model; an altered file of it is refused by
// name; a database of another model is refused naming both.
func TestModelFolder(t *testing.T) {
	h := newHomeWithRuntime(t)
	dir := filepath.Join(h.dir, "model")
	for _, name := range []string{"model.json", "image.onnx", "text.onnx", "vocab.txt"} {
		write(t, filepath.Join(dir, name), must(os.ReadFile(filepath.Join("..", "..", "encoder", "builtin", name))))
	}
	builtIn, shown := line[modelShown](h.run(t, "model", "show", "--json").ok()), line[modelShown](h.run(t, "model", "show", dir, "--verify", "--json").ok())
	if builtIn.Fingerprint != shown.Fingerprint || !shown.Verified || shown.Where != dir {
		t.Errorf("got %+v", shown)
	}
	a, b := h.run(t, "embed", "--text", "a cat", "--json").ok(), h.run(t, "embed", "--text", "a cat", "--json", "--model", dir).ok()
	if a.out != b.out {
		t.Error("the same model from a folder gives another vector")
	}
	db := filepath.Join(h.dir, "p.clipdb")
	h.adds(t, 2, 0, 0, db, folder(t, "cat.jpg", "dogs.jpg"), "--model", dir)
	h.run(t, "search", db, "a cat", "--json").ok()
	h.run(t, "search", db, "a cat", "--json", "--model", builtIn.Name).ok()

	own := ownVectors(t, 3)
	h.run(t, "search", own, "a cat", "--model", dir).fails(exitFailure, "another model")
	r := h.run(t, "search", own, "a cat")
	if r.code != exitFailure || r.out != "" {
		t.Errorf("got\n%s", r)
	}

	other := must(os.ReadFile(filepath.Join(dir, "model.json")))
	write(t, filepath.Join(dir, "model.json"), bytes.Replace(other, []byte(`"context_length": 64`), []byte(`"context_length": 32`), 1))
	h.run(t, "search", db, "a cat", "--model", dir).fails(exitFailure, "another model", builtIn.Name, "--model")
	write(t, filepath.Join(dir, "model.json"), other)
	write(t, filepath.Join(dir, "vocab.txt"), []byte("[PAD]\n"))
	h.run(t, "embed", "--text", "x", "--model", dir).fails(exitFailure, "vocab.txt")
	h.run(t, "model", "show", dir, "--verify").fails(exitFailure, "vocab.txt")
}

// openDatabase looks into a database with the library.
func openDatabase(t *testing.T, path string) *clipdb.DB {
	t.Helper()
	d, err := clipdb.Open(path, &clipdb.Options{NoModel: true, ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	return d
}

// items are the ids in a database, each with its picture checked by Verify.
func items(t *testing.T, path string) map[string]bool {
	t.Helper()
	d := openDatabase(t, path)
	defer d.Close()
	report, err := d.Verify(context.Background())
	if err != nil || !report.OK() {
		t.Fatalf("verify: %v, %v", report.Problems, err)
	}
	ids := map[string]bool{}
	for rec, err := range d.All(context.Background()) {
		if err != nil {
			t.Fatal(err)
		}
		if rec.Image == nil || !rec.Image.HasOriginal || !rec.Image.HasThumbnail {
			t.Errorf("%s is half there: %+v", rec.ID, rec.Image)
		}
		ids[rec.ID] = true
	}
	return ids
}
