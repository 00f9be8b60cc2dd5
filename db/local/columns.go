package local

import (
	"context"
	"fmt"
	"sync"

	"github.com/clipdb/clipdb/db/engine"
	"github.com/clipdb/clipdb/index"
	"github.com/clipdb/clipdb/storage"
)

// columns hold, in memory, the attributes that filters have asked for, by
// slot. A column is read from the file when the first filter names its field,
// and follows every change from then on.
type columns struct {
	loading sync.Mutex // one load at a time

	mu     sync.RWMutex
	loaded bool // live is filled
	live   bits
	fields map[string]*column
}

func newColumns() *columns { return &columns{fields: map[string]*column{}} }

// column keeps a number for each slot and each distinct value once, so a
// filter looks at a value once and at a slot with one comparison.
type column struct {
	codes  []*[codesPerChunk]uint32 // by slot: 0 for no value, else 1 + place in values
	values []engine.Value
	uses   []uint32 // slots that hold a value
	byVal  map[engine.Value]uint32
	free   []uint32 // places in values that nobody uses
}

const codesPerChunk = 4096

func newColumn() *column { return &column{byVal: map[engine.Value]uint32{}} }

func (c *column) set(slot uint32, v engine.Value, ok bool) {
	chunk := int(slot / codesPerChunk)
	if chunk >= len(c.codes) || c.codes[chunk] == nil {
		if !ok {
			return
		}
		for chunk >= len(c.codes) {
			c.codes = append(c.codes, nil)
		}
		c.codes[chunk] = new([codesPerChunk]uint32)
	}
	code := &c.codes[chunk][slot%codesPerChunk]
	c.release(*code)
	*code = 0
	if ok {
		*code = c.code(v)
	}
}

func (c *column) code(v engine.Value) uint32 {
	place, ok := c.byVal[v]
	switch {
	case ok:
	case len(c.free) > 0:
		place = c.free[len(c.free)-1]
		c.free = c.free[:len(c.free)-1]
		c.values[place], c.byVal[v] = v, place
	default:
		place = uint32(len(c.values))
		c.values, c.uses = append(c.values, v), append(c.uses, 0)
		c.byVal[v] = place
	}
	c.uses[place]++
	return place + 1
}

func (c *column) release(code uint32) {
	if code == 0 {
		return
	}
	place := code - 1
	if c.uses[place]--; c.uses[place] == 0 {
		delete(c.byVal, c.values[place])
		c.values[place] = engine.Value{}
		c.free = append(c.free, place)
	}
}

// match returns the slots whose value passes a filter of this one field.
func (c *column) match(f engine.Filter, n int) bits {
	pass := make([]bool, len(c.values)+1)
	any := false
	for i, v := range c.values {
		pass[i+1] = !v.IsZero() && f.MatchValue(v)
		any = any || pass[i+1]
	}
	out := newBits(n)
	if !any {
		return out
	}
	for i, chunk := range c.codes {
		if chunk == nil {
			continue
		}
		for j, code := range chunk {
			if pass[code] {
				if slot := i*codesPerChunk + j; slot < n {
					out.set(uint32(slot))
				}
			}
		}
	}
	return out
}

// apply follows a commit.
func (c *columns) apply(ch *change) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.loaded {
		return
	}
	for _, list := range [][]addition{ch.added, ch.renewed} {
		for _, a := range list {
			c.put(a.slot, a.attrs)
		}
	}
	for _, s := range ch.gone {
		c.live.clear(s)
		for _, col := range c.fields {
			col.set(s, engine.Value{}, false)
		}
	}
}

func (c *columns) put(slot uint32, attrs engine.Attrs) {
	c.live.grow(slot)
	c.live.set(slot)
	for name, col := range c.fields {
		v, ok := attrs[name]
		col.set(slot, v, ok)
	}
}

// missing returns the fields of f that have no column, and whether anything
// has to be loaded.
func (c *columns) missing(f engine.Filter) (fields []string, load bool) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	for name := range f.Fields {
		if c.fields[name] == nil {
			fields = append(fields, name)
		}
	}
	return fields, !c.loaded || len(fields) > 0
}

// eval returns the slots that pass a filter, whose fields must be loaded.
func (c *columns) eval(f engine.Filter) *index.Bitmap {
	c.mu.RLock()
	defer c.mu.RUnlock()
	pass := c.match(f)
	b := index.NewBitmap(64 * len(pass))
	pass.and(c.live)
	pass.each(b.Set)
	return b
}

func (c *columns) match(f engine.Filter) bits {
	n := 64 * len(c.live)
	switch f.Op {
	case engine.OpAll, engine.OpAnd:
		out := newBits(n)
		out.not() // all
		for _, g := range f.Filters {
			out.and(c.match(g))
		}
		return out
	case engine.OpOr:
		out := newBits(n)
		for _, g := range f.Filters {
			out.or(c.match(g))
		}
		return out
	case engine.OpNot:
		out := c.match(f.Filters[0])
		out.not()
		return out
	}
	if col := c.fields[f.Field]; col != nil {
		return col.match(f, n)
	}
	return newBits(n)
}

// loadColumns reads the columns that a filter needs and that are not there.
func (e *Engine) loadColumns(ctx context.Context, f engine.Filter) error {
	if f.IsZero() {
		return nil
	}
	c := e.cols
	if _, load := c.missing(f); !load {
		return nil
	}
	c.loading.Lock()
	defer c.loading.Unlock()
	fields, load := c.missing(f)
	if !load {
		return nil
	}
	// No writer: what is read is what the index holds, and stays so until the
	// columns are in place.
	e.applying.RLock()
	defer e.applying.RUnlock()
	fresh := columns{fields: map[string]*column{}}
	for _, name := range fields {
		fresh.fields[name] = newColumn()
	}
	err := e.store.View(func(tx *storage.Tx) error {
		n := 0
		for rec, err := range tx.Records("") {
			if err != nil {
				return err
			}
			if n++; n%256 == 0 && ctx.Err() != nil {
				return ctx.Err()
			}
			attrs, err := engine.DecodeAttrs(rec.Attrs)
			if err != nil {
				return fmt.Errorf("%w: item %.200q: %w", engine.ErrCorrupt, rec.ID, err)
			}
			fresh.put(rec.Slot, attrs)
		}
		return nil
	})
	if err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for name, col := range fresh.fields {
		c.fields[name] = col
	}
	c.live, c.loaded = fresh.live, true
	return nil
}
