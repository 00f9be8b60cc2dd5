package local_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"runtime"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/clipdb/clipdb/db/engine"
	"github.com/clipdb/clipdb/db/local"
)

// captionRecords have captions of about a dozen words of a large vocabulary.
func captionRecords(from, n int) []engine.Record {
	out := make([]engine.Record, n)
	for i := range out {
		k := from + i
		text := fmt.Sprintf("photo %d of", k)
		for j := range 10 {
			text += fmt.Sprintf(" thing%d", (k*(j*j+3))%(50*(1<<j)))
		}
		v := []float32{0, 0, 0, 0}
		v[k%4] = 1
		out[i] = engine.Record{ID: fmt.Sprintf("item-%07d", k), Caption: text, Vector: v}
	}
	return out
}

func openCaptions(t testing.TB, path string, opts *local.Options) *local.Engine {
	t.Helper()
	e, err := local.Open(path, opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	})
	if err := e.Bind(context.Background(), engine.Spec{Dim: 4}); err != nil {
		t.Fatal(err)
	}
	return e
}

func putAll(t testing.TB, e *local.Engine, records []engine.Record) {
	t.Helper()
	if _, err := e.Put(context.Background(), records, engine.Replace); err != nil {
		t.Fatal(err)
	}
}

func words(text string) engine.Query {
	return engine.Query{K: 1000, Keywords: &engine.Keywords{Text: text, Weight: 1}}
}

// Captions are read once, by the first search that needs them, which tells of
// it and can be ended.
func TestCaptionsAreReadOnce(t *testing.T) {
	var mu sync.Mutex
	var events []engine.Event
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	e := openCaptions(t, filepath.Join(t.TempDir(), "db"), &local.Options{Listener: func(ev engine.Event) {
		if ev.Kind != engine.EventCaptions {
			return
		}
		mu.Lock()
		defer mu.Unlock()
		if events = append(events, ev); len(events) == 1 {
			cancel() // in the middle of reading
		}
	}})
	putAll(t, e, captionRecords(0, 4400))
	if _, err := e.Search(context.Background(), engine.Query{K: 1, Vector: []float32{1, 0, 0, 0}}); err != nil || len(events) != 0 {
		t.Fatalf("a search by vector: %v, %v", err, events)
	}
	if _, err := e.Search(ctx, words("photo")); !errors.Is(err, context.Canceled) {
		t.Fatalf("a search that was ended: %v", err)
	}
	if last := events[len(events)-1]; !last.Finished || !errors.Is(last.Err, context.Canceled) {
		t.Errorf("the last event is %+v", last)
	}
	events = events[:0]
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			if hits, err := e.Search(context.Background(), words("4321")); err != nil || len(hits) != 1 || hits[0].Record.ID != "item-0004321" {
				t.Errorf("%d hits, %v", len(hits), err)
			}
		})
	}
	wg.Wait()
	finished := 0
	for _, ev := range events {
		if ev.Finished {
			finished++
			if ev.Err != nil || ev.Done != 4400 || ev.Total != 4400 {
				t.Errorf("the last event is %+v", ev)
			}
		}
	}
	if finished != 1 {
		t.Errorf("captions were read %d times", finished)
	}
}

// While captions are read the database changes: afterwards the words are those
// of the records. The listener writes between any two batches that are read.
func TestCaptionsFollowWhatHappensWhileTheyAreRead(t *testing.T) {
	ctx := context.Background()
	var e *local.Engine
	step := make(chan struct{})
	e = openCaptions(t, filepath.Join(t.TempDir(), "db"), &local.Options{Listener: func(ev engine.Event) {
		if ev.Kind == engine.EventCaptions && !ev.Finished {
			step <- struct{}{} // a writer starts
			<-step             // and is done
		}
	}})
	records := captionRecords(0, 8300)
	putAll(t, e, records)
	writer := make(chan error, 1)
	go func() {
		batch := 0
		var err error
		for range step {
			batch++
			text := "written" + strconv.Itoa(batch)
			for _, at := range []int{5, 4500, 8200} { // read already, or to come
				same, moved := records[at+batch], records[at+50+batch]
				same.Caption, moved.Caption = text, text
				moved.Vector = []float32{0.6, 0.8, 0, 0}
				fresh := engine.Record{ID: fmt.Sprintf("%s-%d", records[at].ID, batch), Caption: text, Vector: same.Vector}
				_, perr := e.Put(ctx, []engine.Record{same, moved, fresh}, engine.Replace)
				_, derr := e.Delete(ctx, []string{records[at+80+batch].ID})
				err = errors.Join(err, perr, derr)
			}
			step <- struct{}{}
		}
		writer <- err
	}()
	q := words("photo")
	q.K = 20_000
	hits, err := e.Search(ctx, q)
	close(step)
	if err := errors.Join(err, <-writer); err != nil {
		t.Fatal(err)
	}
	found := map[string]bool{}
	for _, h := range hits {
		found[h.Record.ID] = true
	}
	batches := 0
	for rec, err := range e.All(ctx, engine.Scan{}) {
		if err != nil {
			t.Fatal(err)
		}
		var batch int
		isNew, _ := fmt.Sscanf(rec.Caption, "written%d", &batch)
		batches = max(batches, batch)
		if found[rec.ID] != (isNew == 0) {
			t.Errorf("%s %q is found: %v", rec.ID, rec.Caption, found[rec.ID])
		}
		delete(found, rec.ID)
	}
	if len(found) > 0 {
		t.Errorf("found although it is gone: %v", found)
	}
	if batches < 2 {
		t.Fatalf("written between %d batches: the test tests nothing", batches)
	}
	for b := 1; b <= batches; b++ {
		if hits, err := e.Search(ctx, words("written"+strconv.Itoa(b))); err != nil || len(hits) != 9 {
			t.Errorf("batch %d: %d hits, want 9 (%v)", b, len(hits), err)
		}
	}
}

func TestCaptionLanguage(t *testing.T) {
	for lang, want := range map[string]int{"": 1, "en": 1, "de": 2, "none": 1} {
		e := openCaptions(t, filepath.Join(t.TempDir(), "db"), &local.Options{Language: lang})
		recs := captionRecords(0, 2)
		recs[0].Caption, recs[1].Caption = "Zwei Häuser am Meer", "Ein Haus am See"
		putAll(t, e, recs)
		hits, err := e.Search(context.Background(), words("haus"))
		if err != nil || len(hits) != want {
			t.Errorf("language %q: %d hits, want %d (%v)", lang, len(hits), want, err)
		}
	}
	if _, err := local.Open(filepath.Join(t.TempDir(), "db"), &local.Options{Language: "xx"}); err == nil {
		t.Error("language xx is taken")
	}
}

// BenchmarkFirstKeywords measures the first search for keywords in a database
// of 100,000 captions, one later search, and what the words take in memory.
func BenchmarkFirstKeywords(b *testing.B) {
	const n = 100_000
	ctx := context.Background()
	path := filepath.Join(b.TempDir(), "db")
	e := openCaptions(b, path, &local.Options{Index: local.IndexOptions{Kind: local.Flat}})
	for i := 0; i < n; i += 5000 {
		putAll(b, e, captionRecords(i, 5000))
	}
	if err := e.Close(); err != nil {
		b.Fatal(err)
	}
	heap := func() uint64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	for b.Loop() {
		b.StopTimer()
		e := openCaptions(b, path, &local.Options{ReadOnly: true})
		before := heap()
		b.StartTimer()
		q := engine.Query{K: 10, Vector: []float32{1, 0, 0, 0}, Keywords: &engine.Keywords{Text: "thing7 and thing123 of photo", Weight: 0.7}}
		if hits, err := e.Search(ctx, q); err != nil || len(hits) != 10 {
			b.Fatal(len(hits), err)
		}
		b.StopTimer()
		b.ReportMetric(float64(heap()-before)/n, "B/caption")
		began := time.Now()
		for range 20 {
			if _, err := e.Search(ctx, q); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(time.Since(began).Microseconds())/20, "later-µs")
		b.StartTimer()
	}
}
