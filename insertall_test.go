package clipdb_test

import (
	"bytes"
	"fmt"
	"image"
	"image/jpeg"
	"iter"
	"math"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/clipdb/clipdb"
	"github.com/clipdb/clipdb/encoder/builtin"
)

// generated are 300 JPEG files of 1024 x 768 pixels with structure at every
// scale, as photos have it.
var generated = sync.OnceValue(func() [][]byte {
	files := make([][]byte, 300)
	var wg sync.WaitGroup
	for first := range 4 {
		wg.Go(func() {
			img := image.NewRGBA(image.Rect(0, 0, 1024, 768))
			for i := first; i < len(files); i += 4 {
				f := 1 + float64(i%17)/4
				for y := range 768 {
					row := img.Pix[y*img.Stride:]
					wave := math.Sin(float64(y) * f / 90)
					for x := range 1024 {
						n := (x*73 ^ y*151 ^ i*31) * 2654435761 >> 27 & 15
						row[4*x], row[4*x+1] = byte(128+100*wave)+byte(n), byte(float64(x)*f/4)+byte(n)
						row[4*x+2], row[4*x+3] = byte(x*y>>9)+byte(i), 255
					}
				}
				var b bytes.Buffer
				if err := jpeg.Encode(&b, img, &jpeg.Options{Quality: 85}); err != nil {
					panic(err)
				}
				files[i] = b.Bytes()
			}
		})
	}
	wg.Wait()
	return files
})

func items(files [][]byte) iter.Seq[clipdb.Item] {
	return func(yield func(clipdb.Item) bool) {
		for i, f := range files {
			if !yield(clipdb.Item{ID: fmt.Sprintf("%04d", i), Image: bytes.NewReader(f)}) {
				return
			}
		}
	}
}

// BenchmarkInsertAll stores 300 pictures with the built-in model: reading,
// decoding, thumbnails, vectors and the file.
//
//	go test -run '^$' -bench InsertAll -benchtime 1x -count 5 .
func BenchmarkInsertAll(b *testing.B) {
	withModel(b)
	files := generated()
	for b.Loop() {
		b.StopTimer()
		db := open(b, filepath.Join(b.TempDir(), "bench.clipdb"), nil)
		if err := db.Warm(ctx); err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
		rep, err := db.InsertAll(ctx, items(files), nil)
		if err != nil || rep.Added != len(files) {
			b.Fatal(rep, err)
		}
	}
	b.ReportMetric(float64(b.N*len(files))/b.Elapsed().Seconds(), "images/s")
}

// without hides that an encoder implements encoder.Preparer.
type without struct{ clipdb.Encoder }

// TestInsertAllPrepares: whether pictures are prepared beside the model or
// within it, every item gets the same vector and the same verdict.
func TestInsertAllPrepares(t *testing.T) {
	withModel(t)
	enc, err := builtin.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer enc.Close()
	mixed := func(yield func(clipdb.Item) bool) {
		for i, p := range photos(t) {
			if i%6 == 4 && !yield(clipdb.Item{ID: fmt.Sprint("bad ", i), Image: strings.NewReader("no picture")}) {
				return
			}
			if !yield(clipdb.Item{ID: filepath.Base(p), Image: clipdb.File(p)}) {
				return
			}
		}
	}
	type outcome struct {
		result clipdb.ItemResult
		vector []float32
	}
	insert := func(e clipdb.Encoder) (all []outcome) {
		db := open(t, filepath.Join(t.TempDir(), "test.clipdb"), &clipdb.Options{Encoder: e, Images: clipdb.KeepNone})
		opts := &clipdb.BatchOptions{BatchSize: 5, Result: func(r clipdb.ItemResult) { all = append(all, outcome{result: r}) }}
		rep, err := db.InsertAll(ctx, mixed, opts)
		if err != nil || rep.Added != len(photos(t)) || rep.Encoding <= 0 || rep.Encoding > rep.Elapsed {
			t.Fatalf("%+v, %v", rep, err)
		}
		for i, o := range all {
			if o.result.Status == clipdb.Added {
				r, err := db.GetWith(ctx, o.result.ID, clipdb.Fetch{Vector: true})
				if err != nil {
					t.Fatal(err)
				}
				all[i].vector = r.Vector
			}
		}
		return all
	}
	ahead, within := insert(enc), insert(without{enc})
	if len(ahead) != len(within) {
		t.Fatalf("%d and %d results", len(ahead), len(within))
	}
	for i, a := range ahead {
		w := within[i]
		if a.result.ID != w.result.ID || a.result.Status != w.result.Status || a.result.Index != i || fmt.Sprint(a.result.Err) != fmt.Sprint(w.result.Err) {
			t.Errorf("%+v\n%+v", a.result, w.result)
		}
		for j := range a.vector { // batches of other sizes round otherwise
			if d := math.Abs(float64(a.vector[j] - w.vector[j])); d > 1e-5 {
				t.Fatalf("%s: component %d differs by %g", a.result.ID, j, d)
			}
		}
	}
}
