package trial

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/clipdb/clipdb/bench/machine"
	"github.com/clipdb/clipdb/bench/npy"
	"github.com/clipdb/clipdb/index"
)

// Built is an index over base vectors, row i being slot i.
type Built struct {
	Config Config
	Base   npy.Matrix
	Index  index.Index
	Took   time.Duration // for building
	CPU    time.Duration // of the process meanwhile; 0 where unknown
	Stats  index.Stats   // after building
}

// Build builds the index of c over base.
func Build(ctx context.Context, c Config, base npy.Matrix) (*Built, error) {
	if base.Rows < 1 || base.Rows > index.MaxSlot {
		return nil, fmt.Errorf("an index over %d vectors", base.Rows)
	}
	x, err := c.open(base)
	if err != nil {
		return nil, err
	}
	slots, vectors := make([]index.Slot, base.Rows), make([][]float32, base.Rows)
	for i := range slots {
		slots[i], vectors[i] = index.Slot(i), base.Row(i)
	}
	cpu, began := machine.CPUTime(), time.Now()
	if err := x.Add(ctx, slots, vectors); err != nil {
		return nil, errors.Join(fmt.Errorf("building %v: %w", c, err), x.Close())
	}
	return &Built{Config: c, Base: base, Index: x, Took: time.Since(began), CPU: machine.CPUTime() - cpu, Stats: x.Stats()}, nil
}

// Close closes the index.
func (b *Built) Close() error { return b.Index.Close() }

// Opening is how long it takes from an empty index to the first answer.
type Opening struct {
	Warm, Cold time.Duration // Cold is 0 where the system's cache cannot be emptied
	Bytes      int64         // of all pages
}

// Open writes the pages of the index to a file in dir (empty: the system's
// folder for temporary files), and restores an index from them, up to the
// answer to query.
func (b *Built) Open(ctx context.Context, dir string, query []float32) (o Opening, err error) {
	f, err := os.CreateTemp(dir, "clipdb-bench-*.pages")
	if err != nil {
		return o, err
	}
	defer func() {
		err = errors.Join(err, f.Close(), os.Remove(f.Name()))
	}()
	p := pages{f: f, at: map[uint32]extent{}}
	if err := b.Index.Checkpoint(p.put); err != nil {
		return o, fmt.Errorf("checkpoint of %v: %w", b.Config, err)
	}
	if err := f.Sync(); err != nil {
		return o, err
	}
	o.Bytes = p.end
	if dropCache(f) == nil {
		if o.Cold, err = b.restore(ctx, &p, query); err != nil {
			return o, err
		}
	}
	// The file is in the cache now, or has just been written.
	o.Warm, err = b.restore(ctx, &p, query)
	return o, err
}

func (b *Built) restore(ctx context.Context, p *pages, query []float32) (took time.Duration, err error) {
	began := time.Now()
	x, err := b.Config.open(b.Base)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, x.Close()) }()
	if err := x.Restore(p.get); err != nil {
		return 0, fmt.Errorf("restore of %v: %w", b.Config, err)
	}
	got, err := x.Search(ctx, index.Query{Vector: query, K: 1})
	took = time.Since(began)
	if err == nil && len(got) != 1 {
		err = fmt.Errorf("restore of %v: %d answers for one", b.Config, len(got))
	}
	return took, err
}

// pages is a file of pages, one after the other.
type pages struct {
	f   *os.File
	at  map[uint32]extent
	end int64
}

type extent struct{ at, n int64 }

func (p *pages) put(key uint32, page []byte) error {
	if _, err := p.f.WriteAt(page, p.end); err != nil {
		return err
	}
	p.at[key] = extent{p.end, int64(len(page))}
	p.end += int64(len(page))
	return nil
}

func (p *pages) get(key uint32) ([]byte, error) {
	e, ok := p.at[key]
	if !ok {
		return nil, nil
	}
	b := make([]byte, e.n)
	if _, err := p.f.ReadAt(b, e.at); err != nil && err != io.EOF {
		return nil, err
	}
	return b, nil
}
