package enginetest

import (
	"bytes"
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/clipdb/clipdb/db/engine"
)

func testEmpty(t *testing.T, h Harness) {
	dir := folder(t)
	e := open(t, h, dir)
	for range 2 {
		if e.Spec().Bound() {
			t.Errorf("spec of a new database: %v", e.Spec())
		}
		hits, err := e.Search(ctx, engine.Query{Vector: []float32{1, 0}, K: 3})
		if len(hits) != 0 || err != nil {
			t.Errorf("Search: %v, %v", hits, err)
		}
		if _, err := e.Get(ctx, "nobody", engine.Fetch{}); !errors.Is(err, engine.ErrNotFound) {
			t.Errorf("Get: %v", err)
		}
		if n, err := e.Delete(ctx, []string{"nobody", "", strings.Repeat("x", 5000)}); n != 0 || err != nil {
			t.Errorf("Delete: %d, %v", n, err)
		}
		model{}.check(t, e)
		if err := e.Warm(ctx); err != nil {
			t.Errorf("Warm: %v", err)
		}
		e = reopen(t, h, e, dir)
	}
}

func testCRUD(t *testing.T, h Harness) {
	dir := folder(t)
	e := open(t, h, dir)
	bind(t, e, 4)
	start := time.Now().Add(-time.Second)
	a := engine.Record{ID: "a", Caption: "first", Vector: []float32{1, 0, 0, 0}}
	m := model{}
	m.put(t, e, engine.Create, a)
	got, err := e.Get(ctx, "a", engine.Fetch{Vector: true})
	if err != nil {
		t.Fatal(err)
	}
	sameRecord(t, got, &a)
	if got.Vector == nil || got.Created.Before(start) || !got.Created.Equal(got.Updated) {
		t.Errorf("vector %v, created %v, updated %v", got.Vector, got.Created, got.Updated)
	}
	if lean, _ := e.Get(ctx, "a", engine.Fetch{}); lean.Vector != nil {
		t.Error("Get brings a vector that was not asked for")
	}
	created := got.Created

	results, err := e.Put(ctx, []engine.Record{{ID: "a", Vector: []float32{0, 1, 0, 0}}}, engine.Create)
	if err != nil || results[0].Status != engine.Refused || !errors.Is(results[0].Err, engine.ErrExists) {
		t.Errorf("creating again: %v, %v", results, err)
	}
	m.check(t, e)

	a.Caption, a.Vector, a.Attrs = "second", []float32{0, 0, 1, 0}, engine.Attrs{"n": engine.Int(2)}
	m.put(t, e, engine.Replace, a)
	for range 2 {
		if got, err = e.Get(ctx, "a", engine.Fetch{Vector: true}); err != nil {
			t.Fatal(err)
		}
		sameRecord(t, got, &a)
		if !got.Created.Equal(created) || got.Updated.Equal(created) {
			t.Errorf("replaced: created %v is now %v, updated is %v", created, got.Created, got.Updated)
		}
		for listed, err := range e.All(ctx, engine.Scan{}) {
			if err != nil || !listed.Updated.Equal(got.Updated) {
				t.Errorf("All says updated at %v, Get at %v; %v", listed.Updated, got.Updated, err)
			}
		}
		e = reopen(t, h, e, dir)
	}
	found, err := e.Exists(ctx, []string{"a", "b", ""})
	if err != nil || len(found) != 3 || !found[0] || found[1] || found[2] {
		t.Errorf("Exists: %v, %v", found, err)
	}
	m.delete(t, e, "a", "a", "b")
	m.check(t, e)
	e = reopen(t, h, e, dir)
	m.check(t, e)
	m.put(t, e, engine.Create, a)
	m.check(t, e)
}

func testValues(t *testing.T, h Harness) {
	dir := folder(t)
	e, m := open(t, h, dir), model{}
	bind(t, e, 2)
	at := time.Date(1999, 12, 31, 23, 59, 59, 123456789, time.FixedZone("X", 3600))
	m.put(t, e, engine.Create, engine.Record{
		ID: "日本/ünïcode é.jpg", Caption: strings.Repeat("a", engine.MaxCaption), Vector: []float32{0.6, 0.8},
		Created: at, Updated: at.Add(time.Hour),
		Attrs: engine.Attrs{
			"empty": engine.String(""), "text": engine.String("ö\x00\n"), "min": engine.Int(math.MinInt64), "max": engine.Int(math.MaxInt64),
			"tiny": engine.Float(5e-324), "huge": engine.Float(-math.MaxFloat64), "zero": engine.Float(math.Copysign(0, -1)),
			"yes": engine.Bool(true), "no": engine.Bool(false), "at": engine.Time(at), "none": engine.Strings(), "one": engine.Strings(""),
			"list": engine.Strings("b", "a", "b", strings.Repeat("x", 300)), "year 1": engine.Time(time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC)),
		},
	}, engine.Record{ID: strings.Repeat("i", engine.MaxID), Vector: []float32{1, 0}})
	for range 2 {
		m.check(t, e)
		r, err := e.Get(ctx, "日本/ünïcode é.jpg", engine.Fetch{})
		if err != nil {
			t.Fatal(err)
		}
		if !r.Created.Equal(at) || !r.Updated.Equal(at.Add(time.Hour)) {
			t.Errorf("times %v and %v", r.Created, r.Updated)
		}
		if v, _ := r.Attrs["at"].AsTime(); !v.Equal(at) {
			t.Errorf("time attribute %v", v)
		}
		e = reopen(t, h, e, dir)
	}
}

func testImages(t *testing.T, h Harness) {
	dir := folder(t)
	e := open(t, h, dir)
	if !e.Caps().Images {
		t.Skip("the engine keeps no images")
	}
	bind(t, e, 2)
	original, thumb := bytes.Repeat([]byte("original"), 200_000), []byte("thumbnail")
	m := model{}
	full := engine.Record{ID: "full", Vector: []float32{1, 0}, Image: &engine.Image{
		SHA256: [32]byte{1, 2, 3}, Format: "jpeg", Width: 640, Height: 480, Size: int64(len(original)), Frames: 1,
		Original: original, Thumbnail: thumb,
	}}
	bare := engine.Record{ID: "bare", Vector: []float32{1, 0}, Image: &engine.Image{SHA256: [32]byte{9}, Format: "png", Width: 1, Height: 2, Size: 3, Frames: 4}}
	twin := full
	twin.ID = "twin"
	m.put(t, e, engine.Create, full, bare, twin)
	for range 2 {
		r, err := e.Get(ctx, "full", engine.Fetch{Original: true, Thumbnail: true})
		if err != nil {
			t.Fatal(err)
		}
		want := *full.Image
		want.HasOriginal, want.HasThumbnail = true, true
		if !bytes.Equal(r.Image.Original, original) || !bytes.Equal(r.Image.Thumbnail, thumb) {
			t.Error("the bytes of the image changed")
		}
		r.Image.Original, r.Image.Thumbnail, want.Original, want.Thumbnail = nil, nil, nil, nil
		if r.Image.SHA256 != want.SHA256 || r.Image.Format != "jpeg" || r.Image.Width != 640 || r.Image.Height != 480 || r.Image.Size != want.Size || !r.Image.HasOriginal || !r.Image.HasThumbnail {
			t.Errorf("image %+v, want %+v", r.Image, want)
		}
		if r, err = e.Get(ctx, "full", engine.Fetch{}); err != nil || r.Image.Original != nil || r.Image.Thumbnail != nil {
			t.Errorf("Get brings image bytes that were not asked for: %v", err)
		}
		if r, err = e.Get(ctx, "bare", engine.Fetch{Original: true, Thumbnail: true}); err != nil || r.Image.HasOriginal || r.Image.HasThumbnail || r.Image.Original != nil || r.Image.Frames != 4 {
			t.Errorf("image without bytes: %+v, %v", r.Image, err)
		}
		e = reopen(t, h, e, dir)
	}
	// The twin's bytes stay when the other goes.
	m.delete(t, e, "full")
	r, err := e.Get(ctx, "twin", engine.Fetch{Original: true})
	if err != nil || !bytes.Equal(r.Image.Original, original) {
		t.Errorf("the twin lost its image: %v", err)
	}
	hits, err := e.Search(ctx, engine.Query{Vector: []float32{1, 0}, K: 5, Fetch: engine.Fetch{Original: true, Vector: true}})
	if err != nil || len(hits) != 2 || hits[0].Record.Vector == nil {
		t.Errorf("Search with fetch: %d hits, %v", len(hits), err)
	}
}

func testBatches(t *testing.T, h Harness) {
	dir := folder(t)
	e, m := open(t, h, dir), model{}
	bind(t, e, 3)
	nan := float32(math.NaN())
	good := []float32{0, 1, 0}
	batch := []engine.Record{
		{ID: "one", Vector: good},
		{ID: "one", Vector: good, Caption: "again"},
		{ID: "", Vector: good},
		{ID: "bad\xff", Vector: good},
		{ID: "nul\x00", Vector: good},
		{ID: strings.Repeat("x", engine.MaxID+1), Vector: good},
		{ID: "long caption", Caption: strings.Repeat("x", engine.MaxCaption+1), Vector: good},
		{ID: "bad caption", Caption: "\xff", Vector: good},
		{ID: "wide", Vector: []float32{0, 1, 0, 0}},
		{ID: "narrow", Vector: []float32{1}},
		{ID: "none"},
		{ID: "nan", Vector: []float32{nan, 0, 0}},
		{ID: "inf", Vector: []float32{float32(math.Inf(1)), 0, 0}},
		{ID: "zero", Vector: []float32{0, 0, 0}},
		{ID: "not unit", Vector: []float32{0, 2, 0}},
		{ID: "empty value", Vector: good, Attrs: engine.Attrs{"x": {}}},
		{ID: "nan value", Vector: good, Attrs: engine.Attrs{"x": engine.Float(math.NaN())}},
		{ID: "no name", Vector: good, Attrs: engine.Attrs{"": engine.Int(1)}},
		{ID: "foreign", Vector: good, Model: "feed"},
		{ID: "two", Vector: good},
	}
	want := map[string]error{
		"wide": engine.ErrDimension, "narrow": engine.ErrDimension, "none": engine.ErrDimension,
		"nan": engine.ErrVector, "inf": engine.ErrVector, "zero": engine.ErrVector, "not unit": engine.ErrVector,
		"foreign": engine.ErrModelMismatch,
	}
	results, err := e.Put(ctx, batch, engine.Create)
	if err != nil {
		t.Fatal(err)
	}
	for i, r := range results {
		switch id := batch[i].ID; {
		case i == 0 || id == "two":
			if r.Status != engine.Created || r.Err != nil {
				t.Errorf("%q: %v", id, r)
			}
			m[id] = batch[i]
		case i == 1:
			if !errors.Is(r.Err, engine.ErrExists) {
				t.Errorf("the same id twice: %v", r)
			}
		default:
			sentinel := want[id]
			if sentinel == nil {
				sentinel = engine.ErrLimit
			}
			if r.Status != engine.Refused || !errors.Is(r.Err, sentinel) {
				t.Errorf("%.20q: %v, want %v", id, r, sentinel)
			}
		}
	}
	m.check(t, e)
	e = reopen(t, h, e, dir)
	m.check(t, e)

	// Within one batch the later replacement wins.
	a, b := engine.Record{ID: "x", Vector: []float32{1, 0, 0}}, engine.Record{ID: "x", Vector: []float32{0, 0, 1}, Caption: "b"}
	m.put(t, e, engine.Replace, a, b)
	m.check(t, e)
	hits, err := e.Search(ctx, engine.Query{Vector: []float32{0, 0, 1}, K: 10})
	if err != nil {
		t.Fatal(err)
	}
	m.checkHits(t, hits, m.nearest([]float32{0, 0, 1}, nil))
	if len(hits) != 3 {
		t.Errorf("%d hits, want 3", len(hits))
	}
	if results, err := e.Put(ctx, nil, engine.Create); len(results) != 0 || err != nil {
		t.Errorf("Put of nothing: %v, %v", results, err)
	}
}

func testBind(t *testing.T, h Harness) {
	dir := folder(t)
	e := open(t, h, dir)
	one := engine.Spec{Dim: 3, Model: "one", Fingerprint: "aaaa"}
	two := engine.Spec{Dim: 3, Model: "two", Fingerprint: "bbbb"}
	for _, s := range []engine.Spec{{}, {Dim: -1}, {Dim: engine.MaxDim + 1}} {
		if err := e.Bind(ctx, s); err == nil {
			t.Errorf("Bind(%+v) is taken", s)
		}
	}
	for _, s := range []engine.Spec{two, one, one} {
		if err := e.Bind(ctx, s); err != nil || e.Spec() != s {
			t.Fatalf("Bind of an empty database to %v: %v", s, err)
		}
	}
	m := model{}
	m.put(t, e, engine.Create, engine.Record{ID: "a", Vector: []float32{1, 0, 0}, Model: "aaaa"})
	for range 2 {
		var mismatch *engine.MismatchError
		err := e.Bind(ctx, two)
		if !errors.Is(err, engine.ErrModelMismatch) || !errors.As(err, &mismatch) || mismatch.Stored != one || mismatch.Given != two {
			t.Errorf("Bind to another model: %v", err)
		}
		if err != nil && (!strings.Contains(err.Error(), "one") || !strings.Contains(err.Error(), "two")) {
			t.Errorf("the error does not name both models: %v", err)
		}
		if err := e.Bind(ctx, own(3)); !errors.Is(err, engine.ErrModelMismatch) {
			t.Errorf("Bind to own vectors: %v", err)
		}
		var dim *engine.DimensionError
		if err := e.Bind(ctx, engine.Spec{Dim: 4, Fingerprint: "aaaa"}); !errors.As(err, &dim) || dim.Want != 3 || dim.Got != 4 {
			t.Errorf("Bind to another dimension: %v", err)
		}
		if err := e.Bind(ctx, engine.Spec{Dim: 3, Model: "renamed", Fingerprint: "aaaa"}); err != nil {
			t.Errorf("Bind to the same model by another name: %v", err)
		}
		if e.Spec() != one {
			t.Errorf("spec became %v", e.Spec())
		}
		e = reopen(t, h, e, dir)
	}
	// What was not known of the model is completed, and no more than that.
	told := engine.Spec{Dim: 3, Model: "renamed", Fingerprint: "aaaa", Licence: "MIT", Card: `{"about":"x"}`}
	for _, s := range []engine.Spec{told, {Dim: 3, Fingerprint: "aaaa", Licence: "other", Card: "{}"}} {
		if err := e.Bind(ctx, s); err != nil {
			t.Errorf("Bind with a card: %v", err)
		}
		told.Model = "one"
		if e.Spec() != told {
			t.Errorf("spec is %+v", e.Spec())
		}
		e = reopen(t, h, e, dir)
	}
	if err := e.Bind(ctx, engine.Spec{Dim: 3, Fingerprint: "aaaa", Card: strings.Repeat("x", engine.MaxSpecText+1)}); !errors.Is(err, engine.ErrLimit) {
		t.Errorf("Bind with a card beyond the limit: %v", err)
	}
	m.check(t, e)
	m.delete(t, e, "a")
	if err := e.Bind(ctx, two); err != nil {
		t.Fatalf("Bind of an emptied database: %v", err)
	}
	if err := e.Bind(ctx, engine.Spec{Dim: 3, Fingerprint: strings.Repeat("f", engine.MaxFingerprint+1)}); !errors.Is(err, engine.ErrLimit) {
		t.Errorf("Bind with a fingerprint beyond the limit: %v", err)
	}
	// What is empty again takes vectors of any dimension.
	for _, dim := range []int{5, 2} {
		wide := engine.Spec{Dim: dim, Model: "wide", Fingerprint: "cccc"}
		if err := e.Bind(ctx, wide); err != nil {
			t.Fatalf("Bind of an emptied database to %d components: %v", dim, err)
		}
		v := make([]float32, dim)
		v[dim-1] = 1
		m.put(t, e, engine.Create, engine.Record{ID: "w", Vector: v, Model: "cccc"})
		e = reopen(t, h, e, dir)
		m.check(t, e)
		m.delete(t, e, "w")
	}
	if err := e.Bind(ctx, two); err != nil {
		t.Fatalf("Bind of an emptied database: %v", err)
	}
	m.put(t, e, engine.Create, engine.Record{ID: "b", Vector: []float32{1, 0, 0}, Model: "bbbb"})
	e = reopen(t, h, e, dir)
	m.check(t, e)
	if e.Spec() != two {
		t.Errorf("spec is %v", e.Spec())
	}
}

func testFailures(t *testing.T, h Harness) {
	dir := folder(t)
	e := open(t, h, dir)
	bind(t, e, 2)
	at := time.Date(2024, 5, 6, 7, 8, 9, 0, time.UTC)
	list := []engine.Failure{{ID: "c", Reason: "truncated", Time: at}, {ID: "a", Reason: "folder", Time: at}, {ID: "b", Reason: "", Time: at}}
	if err := e.PutFailures(ctx, list); err != nil {
		t.Fatal(err)
	}
	if err := e.PutFailures(ctx, []engine.Failure{{ID: "b", Reason: "newer", Time: at}}); err != nil {
		t.Fatal(err)
	}
	check := func(want ...string) {
		t.Helper()
		var got []string
		for f, err := range e.Failures(ctx) {
			if err != nil {
				t.Fatal(err)
			}
			if !f.Time.Equal(at) {
				t.Errorf("time of %v", f)
			}
			got = append(got, f.ID+" "+f.Reason)
		}
		if strings.Join(got, ", ") != strings.Join(want, ", ") {
			t.Errorf("failures are %q, want %q", got, want)
		}
	}
	check("a folder", "b newer", "c truncated")
	e = reopen(t, h, e, dir)
	model{}.put(t, e, engine.Create, engine.Record{ID: "a", Vector: []float32{1, 0}})
	if _, err := e.Delete(ctx, []string{"c"}); err != nil {
		t.Fatal(err)
	}
	check("b newer")
	for range e.Failures(ctx) {
		break
	}
}
