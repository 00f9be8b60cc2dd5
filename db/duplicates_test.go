package db_test

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/clipdb/clipdb/db"
	"github.com/clipdb/clipdb/db/engine"
	"github.com/clipdb/clipdb/encoder/pixel"
)

// examplePhoto is a photo of the examples, as a file.
func examplePhoto(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("..", "examples", "data", "photos", name))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// again is a picture saved anew: at a quality, and a scale of 4.
func again(t testing.TB, data []byte, quality, scale int) []byte {
	t.Helper()
	m, _, err := pixel.DecodeBytes(ctx, data, pixel.Limits{})
	if err == nil && scale != 4 {
		m, err = m.Resize(m.W*scale/4, m.H*scale/4)
	}
	var out bytes.Buffer
	if err == nil {
		err = jpeg.Encode(&out, m.RGBA(), &jpeg.Options{Quality: quality})
	}
	if err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// copies stores example photos, and of three of them copies.
func copies(t testing.TB, d *db.DB) {
	t.Helper()
	put := func(id string, data []byte) {
		mustInsert(t, d, db.Item{ID: id, Image: bytes.NewReader(data), Attrs: db.Attrs{"album": engine.String(id[:strings.Index(id, "/")])}})
	}
	cat, dogs, fig := examplePhoto(t, "cat.jpg"), examplePhoto(t, "dogs.jpg"), examplePhoto(t, "fig.jpg")
	put("a/cat-small.jpg", again(t, cat, 80, 2)) // before the originals: size counts, not order
	for _, name := range []string{"cat.jpg", "coins.jpg", "dogs.jpg", "fig.jpg", "sunset.jpg", "wine.jpg"} {
		put("b/"+name, examplePhoto(t, name))
	}
	put("c/cat.jpg", cat)
	put("c/dogs-poor.jpg", again(t, dogs, 30, 4))
	put("c/fig-large.jpg", again(t, fig, 90, 8))
}

// grouped writes groups as "first: other kinds, ...; ...".
func grouped(groups []db.DuplicateGroup) string {
	var out []string
	for _, g := range groups {
		var rest []string
		for _, m := range g.Items[1:] {
			rest = append(rest, m.ID+" "+m.Kinds.String())
		}
		out = append(out, g.Items[0].ID+": "+strings.Join(rest, ", "))
	}
	return strings.Join(out, "; ")
}

func duplicates(t testing.TB, d *db.DB, o *db.DuplicateOptions) (groups []db.DuplicateGroup) {
	t.Helper()
	for g, err := range d.Duplicates(ctx, o) {
		if err != nil {
			t.Fatal(err)
		}
		if len(g.Items) < 2 || g.Items[0].Kinds != 0 {
			t.Errorf("a group of %d, the first of kind %v", len(g.Items), g.Items[0].Kinds)
		}
		groups = append(groups, g)
	}
	return groups
}

func TestDuplicatesOfPhotos(t *testing.T) {
	for _, policy := range []db.ImagePolicy{db.KeepOriginal, db.KeepThumbnail, db.KeepNone} {
		d := open(t, newPath(t), &db.Options{Encoder: &palette{}, Images: policy})
		copies(t, d)
		const fig, dogs, exact = "c/fig-large.jpg: b/fig.jpg perceptual", "b/dogs.jpg: c/dogs-poor.jpg perceptual", "b/cat.jpg: c/cat.jpg exact"
		first, cat, ofCopy := fig, exact+",perceptual, a/cat-small.jpg perceptual", "c/cat.jpg: b/cat.jpg exact,perceptual, a/cat-small.jpg perceptual"
		all := strings.Join([]string{fig, dogs, cat}, "; ")
		perceptual := strings.Join([]string{fig, dogs, "b/cat.jpg: a/cat-small.jpg perceptual, c/cat.jpg perceptual"}, "; ")
		if policy == db.KeepNone { // there is nothing to look at
			all, first, perceptual, ofCopy = exact, exact, "", "c/cat.jpg: b/cat.jpg exact"
		}
		hashless := -1
		for _, c := range []struct {
			o    db.DuplicateOptions
			want string
		}{
			{db.DuplicateOptions{}, all},
			{db.DuplicateOptions{Kinds: db.DuplicateExact}, exact},
			{db.DuplicateOptions{Kinds: db.DuplicatePerceptual, Distance: 4}, perceptual},
			{db.DuplicateOptions{Limit: 1}, first},
			{db.DuplicateOptions{Filter: engine.Eq("album", engine.String("b"))}, ""},
			{db.DuplicateOptions{IDs: []string{"c/cat.jpg", "b/wine.jpg", "b/cat.jpg"}}, ofCopy},
		} {
			c.o.Progress = func(p db.DuplicateProgress) { hashless = p.NoHash }
			groups := duplicates(t, d, &c.o)
			if got := grouped(groups); got != c.want {
				t.Errorf("%v, %+v:\ngot  %s\nwant %s", policy, c.o, got, c.want)
			}
			for _, g := range groups {
				for _, m := range g.Items {
					if m.Image == nil || m.Image.Size == 0 || m.Image.Width == 0 || m.Distance > 6 || m.Score != 0 {
						t.Errorf("%s: %+v", m.ID, m)
					}
				}
			}
			want := 0
			if policy == db.KeepNone && c.o.Kinds != db.DuplicateExact {
				if want = 10; !c.o.Filter.IsZero() {
					want = 6
				}
			}
			if hashless != want {
				t.Errorf("%v, %+v: %d pictures without a hash, want %d", policy, c.o, hashless, want)
			}
		}
		g := duplicates(t, d, &db.DuplicateOptions{WithThumbnail: true, Limit: 1})
		if has := g[0].Items[1].Image.Thumbnail != nil; has != (policy != db.KeepNone) {
			t.Errorf("%v: thumbnails: %v", policy, has)
		}
	}
}

// What was deleted or changed is in no group, also when that happens between
// two groups; and no duplicates are left when all but the first are deleted.
func TestDuplicatesAndChanges(t *testing.T) {
	d := open(t, newPath(t), &db.Options{Encoder: &palette{}})
	copies(t, d)
	var got []db.DuplicateGroup
	for g, err := range d.Duplicates(ctx, nil) {
		if err != nil {
			t.Fatal(err)
		}
		if got = append(got, g); len(got) == 1 { // dogs and cat come after fig
			if n, err := d.Delete(ctx, "b/dogs.jpg", "c/cat.jpg"); n != 2 || err != nil {
				t.Fatal(n, err)
			}
			if _, _, err := d.Upsert(ctx, db.Item{ID: "a/cat-small.jpg", Image: picture(t, "red", 1), Attrs: db.Attrs{"album": engine.String("a")}}); err != nil {
				t.Fatal(err)
			}
		}
	}
	if s := grouped(got); s != "c/fig-large.jpg: b/fig.jpg perceptual" {
		t.Errorf("got %s", s)
	}
	mustInsert(t, d, db.Item{ID: "d/dogs.jpg", Image: bytes.NewReader(examplePhoto(t, "dogs.jpg"))})
	if s := grouped(duplicates(t, d, nil)); s != "c/fig-large.jpg: b/fig.jpg perceptual; d/dogs.jpg: c/dogs-poor.jpg perceptual" {
		t.Errorf("got %s", s)
	}
	for g, err := range d.Duplicates(ctx, nil) {
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range g.Items[1:] {
			if n, err := d.Delete(ctx, m.ID); n != 1 || err != nil {
				t.Fatal(n, err)
			}
		}
	}
	if s := grouped(duplicates(t, d, nil)); s != "" {
		t.Errorf("left: %s", s)
	}
}

// Blank pictures look alike and are not the same.
func TestDuplicatesOfBlankPictures(t *testing.T) {
	d := open(t, newPath(t), &db.Options{Encoder: &palette{}})
	for i := range 4 {
		m := image.NewGray(image.Rect(0, 0, 300+i/2, 200))
		for j := range m.Pix {
			m.Pix[j] = 255
		}
		m.SetGray(i/2, 0, color.Gray{})
		mustInsert(t, d, db.Item{ID: fmt.Sprint("page-", i), Image: bytes.NewReader(asPNG(t, m))})
	}
	if s := grouped(duplicates(t, d, nil)); s != "page-2: page-3 exact; page-0: page-1 exact" {
		t.Errorf("got %s", s)
	}
}

// Originals that an engine keeps without thumbnails are looked at instead, and
// those that cannot be read are passed over.
func TestDuplicatesOfOriginals(t *testing.T) {
	d := open(t, newPath(t), nil)
	for i, data := range [][]byte{examplePhoto(t, "wine.jpg"), again(t, examplePhoto(t, "wine.jpg"), 50, 4), []byte("no picture"), []byte("no picture either")} {
		err := d.Engine().Bind(ctx, engine.Spec{Dim: 8})
		if err != nil {
			t.Fatal(err)
		}
		_, err = d.Engine().Put(ctx, []engine.Record{{ID: fmt.Sprint(i), Vector: vector(i, 8),
			Image: &engine.Image{SHA256: [32]byte{byte(i)}, Format: "jpeg", Width: 100 - i, Height: 100, Size: int64(len(data)), Original: data}}}, engine.Create)
		if err != nil {
			t.Fatal(err)
		}
	}
	var last db.DuplicateProgress
	if s := grouped(duplicates(t, d, &db.DuplicateOptions{Progress: func(p db.DuplicateProgress) { last = p }})); s != "0: 1 perceptual" {
		t.Errorf("got %s", s)
	}
	if last != (db.DuplicateProgress{Comparing: true, Done: 4, Total: 4, NoHash: 2}) {
		t.Errorf("progress ended at %+v", last)
	}
}

// Groups by cosine are stars: what greedy choice gives when every pair is
// looked at.
func TestDuplicatesByCosine(t *testing.T) {
	const n, dim = 300, 3
	const least = 0.97
	d := open(t, newPath(t), nil)
	vectors := map[string][]float32{}
	for i := range n {
		id := fmt.Sprintf("v%03d", (i*7)%n) // stored in another order than ids have
		vectors[id] = vector(i, dim)
		mustInsert(t, d, db.Item{ID: id, Vector: vectors[id], Attrs: db.Attrs{"n": engine.Int(int64(i))}})
	}
	score := func(a, b string) (s float64) {
		for i, x := range vectors[a] {
			s += float64(x) * float64(vectors[b][i])
		}
		return s
	}
	groups := duplicates(t, d, &db.DuplicateOptions{Kinds: db.DuplicateCosine, MinScore: least})
	seen := map[string]bool{}
	var want []string // the first items of all groups, and single ones
	for i := range n {
		if id := fmt.Sprintf("v%03d", (i*7)%n); !slices.ContainsFunc(want, func(w string) bool { return score(w, id) >= least }) {
			want = append(want, id)
		}
	}
	for _, g := range groups {
		first := g.Items[0].ID
		at := slices.Index(want, first)
		if at < 0 {
			t.Fatalf("%s is first of a group, and near to one before", first)
		}
		for i, m := range g.Items {
			if seen[m.ID] {
				t.Errorf("%s is in two groups", m.ID)
			}
			seen[m.ID] = true
			if i == 0 {
				continue
			}
			if s := score(first, m.ID); s < least-1e-6 || math.Abs(s-float64(m.Score)) > 1e-5 || m.Kinds != db.DuplicateCosine {
				t.Errorf("%s and %s: score %v, it is %v; kinds %v", first, m.ID, m.Score, s, m.Kinds)
			}
			for _, w := range want[:at] {
				if score(w, m.ID) > least+1e-6 {
					t.Errorf("%s belongs to the group of %s, not of %s", m.ID, w, first)
				}
			}
			if i > 1 && cmp.Compare(g.Items[i-1].Score, m.Score) < 0 {
				t.Errorf("members of %s are out of order", first)
			}
		}
	}
	single := 0
	for _, w := range want {
		if !seen[w] {
			single++
		}
	}
	if len(groups) < 20 || single < 3 || len(seen)+single != n {
		t.Errorf("%d groups of %d items, %d single ones, %d items in all", len(groups), len(seen), single, n)
	}
	if again := duplicates(t, d, &db.DuplicateOptions{Kinds: db.DuplicateCosine, MinScore: least}); grouped(again) != grouped(groups) {
		t.Error("the same call has two answers")
	}
	// The filter holds for members, too.
	for _, g := range duplicates(t, d, &db.DuplicateOptions{Kinds: db.DuplicateCosine, MinScore: least, Filter: engine.Less("n", engine.Int(100))}) {
		for _, m := range g.Items {
			if n, _ := m.Attrs["n"].AsInt(); n >= 100 {
				t.Errorf("%s does not pass the filter", m.ID)
			}
		}
	}
	// Without a picture there is nothing else to go by.
	if s := grouped(duplicates(t, d, nil)); s != "" {
		t.Errorf("exact and perceptual: %s", s)
	}
}

// A chain is not a group: its end is unlike its beginning. More neighbours
// than the index is asked for at first are all found.
func TestDuplicatesChainsAndCrowds(t *testing.T) {
	d := open(t, newPath(t), nil)
	at := func(degrees float64) []float32 {
		s, c := math.Sincos(degrees * math.Pi / 180)
		return []float32{float32(c), float32(s)}
	}
	for i := range 7 { // neighbours have a cosine of 0.985, others at most 0.94
		mustInsert(t, d, db.Item{ID: fmt.Sprint("chain-", i), Vector: at(10 * float64(i))})
	}
	for i := range 50 {
		mustInsert(t, d, db.Item{ID: fmt.Sprintf("crowd-%02d", i), Vector: at(200 + float64(i)/100)})
	}
	groups := duplicates(t, d, &db.DuplicateOptions{Kinds: db.DuplicateCosine})
	crowd := groups[len(groups)-1]
	if s := grouped(groups[:len(groups)-1]); s != "chain-0: chain-1 cosine; chain-2: chain-3 cosine; chain-4: chain-5 cosine" || len(crowd.Items) != 50 {
		t.Errorf("got %s, and %d of 50", s, len(crowd.Items))
	}
	one := duplicates(t, d, &db.DuplicateOptions{Kinds: db.DuplicateCosine, IDs: []string{"chain-3"}})
	if s := grouped(one); s != "chain-3: chain-2 cosine, chain-4 cosine" {
		t.Errorf("got %s", s)
	}
}

func TestDuplicatesRefusals(t *testing.T) {
	d := open(t, newPath(t), &db.Options{Encoder: &palette{}})
	if s := grouped(duplicates(t, d, &db.DuplicateOptions{Kinds: db.DuplicateExact | db.DuplicatePerceptual | db.DuplicateCosine})); s != "" {
		t.Errorf("an empty database: %s", s)
	}
	copies(t, d)
	for _, c := range []struct {
		o    db.DuplicateOptions
		want error
	}{
		{db.DuplicateOptions{Kinds: 8}, db.ErrQuery},
		{db.DuplicateOptions{Distance: db.MaxDuplicateDistance + 1}, db.ErrQuery},
		{db.DuplicateOptions{MinScore: -0.5}, db.ErrQuery},
		{db.DuplicateOptions{MinScore: 1.5}, db.ErrQuery},
		{db.DuplicateOptions{MinScore: float32(math.NaN())}, db.ErrQuery},
		{db.DuplicateOptions{Limit: -1}, db.ErrQuery},
		{db.DuplicateOptions{Filter: engine.Filter{Op: "like"}}, db.ErrFilter},
		{db.DuplicateOptions{IDs: []string{"b/cat.jpg", "nobody"}}, db.ErrNotFound},
		{db.DuplicateOptions{IDs: []string{"b/cat.jpg"}, Filter: engine.Eq("album", engine.String("c"))}, db.ErrNotFound},
	} {
		calls := 0
		for g, err := range d.Duplicates(ctx, &c.o) {
			if calls++; !errors.Is(err, c.want) || g.Items != nil {
				t.Errorf("%+v: %v, %v; want %v", c.o, g, err, c.want)
			}
		}
		if calls != 1 {
			t.Errorf("%+v: %d answers", c.o, calls)
		}
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	for _, err := range d.Duplicates(ctx, nil) {
		if !errors.Is(err, db.ErrClosed) {
			t.Errorf("closed: %v", err)
		}
	}
}

func TestDuplicatesCancel(t *testing.T) {
	d := open(t, newPath(t), &db.Options{Encoder: &palette{}})
	copies(t, d)
	r := rand.New(rand.NewPCG(1, 1))
	before := runtime.NumGoroutine()
	for range 12 {
		ctx, cancel := context.WithCancel(ctx)
		stop := r.IntN(4)
		if stop == 3 {
			cancel()
		}
		calls := 0
		for g, err := range d.Duplicates(ctx, &db.DuplicateOptions{
			Kinds:    db.DuplicateExact | db.DuplicatePerceptual | db.DuplicateCosine,
			Progress: func(p db.DuplicateProgress) { cancel() },
		}) {
			if calls++; err == nil && len(g.Items) < 2 || err != nil && !errors.Is(err, context.Canceled) {
				t.Errorf("%v, %v", g, err)
			}
			if err == nil {
				t.Errorf("a group after ctx has ended: %v", g)
			}
		}
		if calls != 1 {
			t.Errorf("%d answers", calls)
		}
		cancel()
	}
	for range d.Duplicates(ctx, nil) {
		break // a loop that is left early
	}
	settle(t, before)
}

// failing is an engine whose calls of one kind fail.
type failing struct {
	engine.Engine
	get, search bool
}

func (f *failing) Get(ctx context.Context, id string, fetch engine.Fetch) (*engine.Record, error) {
	if f.get {
		return nil, errNoPower
	}
	return f.Engine.Get(ctx, id, fetch)
}

func (f *failing) Search(ctx context.Context, q engine.Query) ([]engine.Hit, error) {
	if f.search {
		return nil, errNoPower
	}
	return f.Engine.Search(ctx, q)
}

func TestDuplicatesEngineFails(t *testing.T) {
	f := &failing{Engine: openEngine(t, newPath(t))}
	d, err := db.Open(f, &db.Options{Encoder: &palette{}})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	copies(t, d)
	for _, c := range []struct {
		get, search bool
		kinds       db.DuplicateKind
	}{{true, false, db.DuplicateExact}, {true, false, db.DuplicateCosine}, {false, true, db.DuplicateCosine}} {
		f.get, f.search = c.get, c.search
		var last error
		for _, last = range d.Duplicates(ctx, &db.DuplicateOptions{Kinds: c.kinds}) {
		}
		if !errors.Is(last, errNoPower) {
			t.Errorf("%+v: %v", c, last)
		}
	}
}
