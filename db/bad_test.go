package db_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"image"
	"io"
	"io/fs"
	"log/slog"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/clipdb/clipdb/db"
	"github.com/clipdb/clipdb/db/engine"
	"github.com/clipdb/clipdb/db/local"
	"github.com/clipdb/clipdb/encoder"
)

func openRaw(t testing.TB, path string, opts *local.Options) engine.Engine {
	t.Helper()
	e, err := local.Open(path, opts)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// hugePNG is the beginning of a PNG of that size: signature, IHDR and IDAT.
func hugePNG(w, h uint32) []byte {
	chunk := func(kind string, body []byte) []byte {
		b := binary.BigEndian.AppendUint32(nil, uint32(len(body)))
		b = append(append(b, kind...), body...)
		return binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(b[4:]))
	}
	head := binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(nil, w), h)
	b := append([]byte("\x89PNG\r\n\x1a\n"), chunk("IHDR", append(head, 8, 2, 0, 0, 0))...)
	return append(b, chunk("IDAT", []byte{0x78, 0x9c})...)
}

type badPicture struct {
	name  string
	image func() io.Reader
	want  error
	says  string
}

func badPictures(t testing.TB) []badPicture {
	dir := t.TempDir()
	write := func(name string, b []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	jpg := asJPEG(t, painted("red", 1))
	text, cut, empty := write("text.jpg", []byte("this is no picture")), write("cut.jpg", jpg[:len(jpg)*2/3]), write("empty.jpg", nil)
	large := write("large.png", hugePNG(50_000, 50_000))
	fat := write("fat.jpg", append(slices.Clone(jpg), make([]byte, 2<<20)...))
	file := func(path string) func() io.Reader { return func() io.Reader { return db.File(path) } }
	return []badPicture{
		{"not an image", file(text), db.ErrImageFormat, ""},
		{"truncated JPEG", file(cut), db.ErrImageTruncated, "truncated"},
		{"50,000 x 50,000", file(large), db.ErrImageTooLarge, "50000x50000"},
		{"empty file", file(empty), db.ErrImageEmpty, "empty"},
		{"folder", file(dir), db.ErrImageFormat, "folder"},
		{"folder (opened)", func() io.Reader {
			f, err := os.Open(dir)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { f.Close() })
			return f
		}, db.ErrImageFormat, "folder"},
		{"missing file", file(filepath.Join(dir, "none.jpg")), fs.ErrNotExist, "none.jpg"},
		{"too many bytes", file(fat), db.ErrImageTooLarge, "bytes"},
		{"too many bytes, streamed", func() io.Reader { return io.LimitReader(endless{}, 1<<40) }, db.ErrImageTooLarge, "bytes"},
		{"reader that fails", func() io.Reader { return io.MultiReader(bytes.NewReader(jpg[:50]), failingReader{}) }, errNoPower, ""},
	}
}

type endless struct{}

func (endless) Read(p []byte) (int, error) { return len(p), nil }

type failingReader struct{}

func (failingReader) Read([]byte) (int, error) { return 0, errNoPower }

// TestBadInputChangesNothing gives a database everything that it must refuse,
// and compares the bytes of its file before and after.
func TestBadInputChangesNothing(t *testing.T) {
	path := newPath(t)
	opts := &db.Options{Encoder: &palette{}, MaxImageBytes: 1 << 20}
	d := open(t, path, opts)
	gallery(t, d)
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	said := map[string]string{}
	check := func(name string, err, want error, says string) {
		t.Helper()
		if !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", name, err, want)
			return
		}
		if !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %q does not say %q", name, err, says)
		}
		if len(err.Error()) > 1000 {
			t.Errorf("%s: the error has %d bytes", name, len(err.Error()))
		}
		name, _, _ = strings.Cut(name, " (") // the same thing given to another call
		if other, ok := said[err.Error()]; ok && other != name {
			t.Errorf("%s and %s give the same error: %v", name, other, err)
		}
		said[err.Error()] = name
	}
	for _, p := range badPictures(t) {
		_, err := d.Insert(ctx, db.Item{ID: "new", Image: p.image()})
		check(p.name, err, p.want, p.says)
		_, _, err = d.Upsert(ctx, db.Item{ID: "red-0", Image: p.image()})
		check(p.name+" (upsert)", err, p.want, p.says)
		_, err = d.SearchByImage(ctx, p.image(), nil)
		check(p.name+" (search)", err, p.want, p.says)
	}
	good := vector(1, paletteDim)
	with := func(i int, x float64) []float32 {
		v := slices.Clone(good)
		v[i] = float32(x)
		return v
	}
	million := strings.Repeat("word ", 200_000)
	for _, c := range []struct {
		name string
		item db.Item
		want error
		says string
	}{
		{"NaN", db.Item{ID: "x", Vector: with(3, math.NaN())}, db.ErrVector, "component 3"},
		{"infinity", db.Item{ID: "x", Vector: with(4, math.Inf(-1))}, db.ErrVector, "component 4"},
		{"zero vector", db.Item{ID: "x", Vector: make([]float32, paletteDim)}, db.ErrVector, "zero"},
		{"wrong dimension", db.Item{ID: "x", Vector: good[:7]}, db.ErrDimension, "7"},
		{"empty vector", db.Item{ID: "x", Vector: []float32{}}, db.ErrVector, "0 components"},
		{"nothing", db.Item{ID: "x", Caption: "words alone"}, db.ErrItem, ""},
		{"caption of a megabyte", db.Item{ID: "x", Vector: good, Caption: million}, db.ErrLimit, "1000000"},
		{"caption of no text", db.Item{ID: "x", Vector: good, Caption: "\xff\xfe"}, db.ErrLimit, "UTF-8"},
		{"id of a megabyte", db.Item{ID: million, Vector: good}, db.ErrLimit, "1000000"},
		{"attribute of a megabyte", db.Item{ID: "x", Vector: good, Attrs: db.Attrs{"a": engine.String(million + million)}}, db.ErrLimit, "attributes"},
		{"attribute that is NaN", db.Item{ID: "x", Vector: good, Attrs: db.Attrs{"a": engine.Float(math.NaN())}}, db.ErrLimit, "NaN"},
		{"taken id", db.Item{ID: "red-0", Vector: good}, db.ErrExists, "red-0"},
	} {
		_, err := d.Insert(ctx, c.item)
		check(c.name, err, c.want, c.says)
	}
	for _, c := range []struct {
		name string
		q    db.Query
		opts *db.SearchOptions
		want error
		says string
	}{
		{"text of a megabyte", db.Text(million), nil, db.ErrText, "1000000"},
		{"text of no text", db.Text("\xff"), nil, db.ErrText, "UTF-8"},
		{"empty text", db.Text(""), nil, db.ErrQuery, "empty"},
		{"empty query", db.Query{}, nil, db.ErrQuery, "no parts"},
		{"no image", db.Image(nil), nil, db.ErrQuery, "nil"},
		{"query with NaN", db.Vector(with(5, math.NaN())), nil, db.ErrVector, "component 5"},
		{"zero query", db.Vector(make([]float32, paletteDim)), nil, db.ErrVector, "zero"},
		{"query of wrong dimension", db.Vector(good[:9]), nil, db.ErrDimension, "9"},
		{"like nobody", db.Like("nobody"), nil, db.ErrNotFound, "nobody"},
		{"cancelled out", db.Text("red").Minus(1, db.Text("red")), nil, db.ErrVector, "cancel"},
		{"weight", db.Text("red").Plus(math.Inf(1), db.Text("blue")), nil, db.ErrQuery, "weight"},
		{"k", db.Text("red"), &db.SearchOptions{K: -1}, db.ErrQuery, "-1"},
		{"large k", db.Text("red"), &db.SearchOptions{K: math.MaxInt}, db.ErrQuery, "100000"},
		{"score", db.Text("red"), &db.SearchOptions{MinScore: float32(math.NaN())}, db.ErrQuery, "MinScore"},
		{"filter", db.Text("red"), &db.SearchOptions{Filter: db.Filter{Op: "like"}}, db.ErrFilter, "like"},
	} {
		_, err := d.Search(ctx, c.q, c.opts)
		check(c.name, err, c.want, c.says)
	}
	for _, err := range d.Scan(ctx, db.ScanOptions{Filter: db.Filter{Op: "like"}}) {
		check("filter (scan)", err, db.ErrFilter, "like")
	}
	after, err := os.ReadFile(path)
	if err != nil || !bytes.Equal(before, after) {
		t.Errorf("the file was changed by what was refused (%v)", err)
	}
	// And the model was not blamed: everything works as before.
	if ms, err := d.SearchByText(ctx, "red", &db.SearchOptions{K: 3}); err != nil || len(ms) != 3 {
		t.Errorf("%v, %v", ids(ms), err)
	}
	mustInsert(t, d, db.Item{ID: "new", Image: picture(t, "red", 77)})
}

// TestBadFiles opens what is no database of ours, or not now.
func TestBadFiles(t *testing.T) {
	path := newPath(t)
	d := open(t, path, &db.Options{Encoder: &palette{}})
	gallery(t, d)
	began := time.Now()
	_, err := local.Open(path, nil)
	if took := time.Since(began); !errors.Is(err, db.ErrLocked) || !strings.Contains(err.Error(), path) || took < 900*time.Millisecond || took > 5*time.Second {
		t.Errorf("a locked file: %v after %v", err, took)
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.Open(openRaw(t, path, nil), &db.Options{Encoder: &palette{name: "other"}}); !errors.Is(err, db.ErrModelMismatch) {
		t.Errorf("another model's file: %v", err)
	}
	// Several may read.
	ro := &local.Options{ReadOnly: true}
	a := openLocal(t, path, ro, &db.Options{Encoder: &palette{}})
	b := openLocal(t, path, ro, &db.Options{Encoder: &palette{}})
	for _, d := range []*db.DB{a, b} {
		if ms, err := d.SearchByText(ctx, "red", &db.SearchOptions{K: 3}); err != nil || len(ms) != 3 {
			t.Errorf("%v, %v", ids(ms), err)
		}
		if _, err := d.Insert(ctx, db.Item{Vector: vector(1, paletteDim)}); !errors.Is(err, db.ErrReadOnly) {
			t.Errorf("Insert: %v", err)
		}
		if _, err := d.InsertAll(ctx, slices.Values([]db.Item{{Vector: vector(1, paletteDim)}}), nil); !errors.Is(err, db.ErrReadOnly) {
			t.Errorf("InsertAll: %v", err)
		}
		if _, err := d.Delete(ctx, "red-0"); !errors.Is(err, db.ErrReadOnly) {
			t.Errorf("Delete: %v", err)
		}
		if err := d.Compact(ctx); !errors.Is(err, db.ErrReadOnly) {
			t.Errorf("Compact: %v", err)
		}
	}
	if after, err := os.ReadFile(path); err != nil || !bytes.Equal(before, after) {
		t.Errorf("the file was changed (%v)", err)
	}
}

// TestNoRuntime is a machine without the library that runs models.
func TestNoRuntime(t *testing.T) {
	var log bytes.Buffer
	none := fmt.Errorf("%w: looked in /nowhere", encoder.ErrNoRuntime)
	enc := &powerless{err: none}
	path := newPath(t)
	d := open(t, path, &db.Options{Encoder: enc, EncoderIsDefault: true, Logger: slog.New(slog.NewTextHandler(&log, nil))})
	for i := range 3 {
		if _, err := d.Insert(ctx, db.Item{Image: picture(t, "red", i)}); !errors.Is(err, db.ErrNoRuntime) {
			t.Errorf("Insert: %v", err)
		}
		if _, err := d.SearchByText(ctx, "red", nil); !errors.Is(err, db.ErrNoRuntime) || !strings.Contains(err.Error(), "/nowhere") {
			t.Errorf("SearchByText: %v", err)
		}
	}
	items := func(yield func(db.Item) bool) {
		for i := range 1000 {
			if !yield(db.Item{Image: picture(t, "red", i)}) {
				return
			}
		}
	}
	rep, err := d.InsertAll(ctx, items, nil)
	if !errors.Is(err, db.ErrNoRuntime) || rep.Added+rep.Failed+rep.Skipped > 0 {
		t.Errorf("InsertAll: %v, %v", rep, err)
	}
	if n := strings.Count(log.String(), "\n"); n != 1 || !strings.Contains(log.String(), "/nowhere") {
		t.Errorf("the log has %d lines: %s", n, log.String())
	}
	if err := d.Warm(ctx); !errors.Is(err, db.ErrNoRuntime) {
		t.Errorf("Warm: %v", err)
	}
	mustInsert(t, d, db.Item{ID: "own", Vector: vector(1, 8)})
	if ms, err := d.Search(ctx, db.Vector(vector(1, 8)), nil); err != nil || len(ms) != 1 {
		t.Errorf("%v, %v", ms, err)
	}
}

// powerless fails with an error of the machine.
type powerless struct {
	palette
	err error
}

func (p *powerless) EncodeText(context.Context, []string) ([][]float32, error) { return nil, p.err }
func (p *powerless) EncodeImages(context.Context, []image.Image) ([][]float32, error) {
	return nil, p.err
}

// TestOddEncoders are encoders that break their contract.
func TestOddEncoders(t *testing.T) {
	for name, answer := range map[string][][]float32{
		"nothing": {}, "too many": {vector(1, paletteDim), vector(2, paletteDim)}, "narrow": {vector(1, 3)},
		"NaN": {slices.Repeat([]float32{float32(math.NaN())}, paletteDim)}, "zero": {make([]float32, paletteDim)},
	} {
		enc := &palette{broken: func() [][]float32 { return answer }}
		d := open(t, newPath(t), &db.Options{Encoder: enc})
		if _, err := d.Insert(ctx, db.Item{Image: picture(t, "red", 1)}); err == nil || !strings.Contains(err.Error(), "palette") {
			t.Errorf("%s: %v", name, err)
		}
		if n := count(t, d); n != 0 {
			t.Errorf("%s: %d items", name, n)
		}
	}
}
