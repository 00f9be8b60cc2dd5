package dataset

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"

	"github.com/clipdb/clipdb/bench/npy"
	"github.com/clipdb/clipdb/index"
)

// ErrFormat is returned for files that are none of those that this package
// reads, or damaged ones.
var ErrFormat = errors.New("not a file of vectors")

// Queries are query vectors of one side.
type Queries struct {
	Side index.Side
	npy.Matrix
}

// Set is a set of base vectors and the queries that are asked of it, all of
// unit length.
type Set struct {
	Name    string
	Base    npy.Matrix
	Queries []Queries // one entry a side
}

// Of returns the queries of a side.
func (s *Set) Of(side index.Side) (Queries, bool) {
	for _, q := range s.Queries {
		if q.Side == side {
			return q, true
		}
	}
	return Queries{}, false
}

// SideName is the word for a side in options and tables.
func SideName(s index.Side) string {
	if s == index.SideText {
		return "text"
	}
	return "image"
}

// ParseSide reads what SideName writes.
func ParseSide(name string) (index.Side, error) {
	switch name {
	case "image":
		return index.SideImage, nil
	case "text":
		return index.SideText, nil
	}
	return 0, fmt.Errorf("side %q: take image or text", name)
}

// Unit scales the rows of m to unit length, in place. The error names the
// first row that has no direction.
func Unit(m npy.Matrix) error {
	for i := range m.Rows {
		row := m.Row(i)
		var n float64
		for _, x := range row {
			n += float64(x) * float64(x)
		}
		if n = math.Sqrt(n); n < 1e-30 || math.IsNaN(n) || math.IsInf(n, 0) {
			return fmt.Errorf("row %d has the length %v: %w", i, n, index.ErrVector)
		}
		if math.Abs(n-1) < 1e-7 {
			continue
		}
		f := float32(1 / n)
		for j := range row {
			row[j] *= f
		}
	}
	return nil
}

// New puts a set together from base and queries that were read from files, and
// brings all to unit length.
func New(name string, base npy.Matrix, queries ...Queries) (*Set, error) {
	if base.Rows < 1 {
		return nil, fmt.Errorf("%s: no base vectors", name)
	}
	if err := Unit(base); err != nil {
		return nil, fmt.Errorf("%s: base: %w", name, err)
	}
	for _, q := range queries {
		if q.Rows < 1 {
			return nil, fmt.Errorf("%s: no %s queries", name, SideName(q.Side))
		}
		if q.Cols != base.Cols {
			return nil, fmt.Errorf("%s: %s queries have %d components, the base vectors %d: %w",
				name, SideName(q.Side), q.Cols, base.Cols, index.ErrDimension)
		}
		if err := Unit(q.Matrix); err != nil {
			return nil, fmt.Errorf("%s: %s queries: %w", name, SideName(q.Side), err)
		}
	}
	return &Set{Name: name, Base: base, Queries: queries}, nil
}

// HoldOut takes n rows, chosen by seed, out of m and returns them apart from
// the rest. Both are copies.
func HoldOut(m npy.Matrix, n int, seed uint64) (rest, held npy.Matrix, err error) {
	if n < 1 || n >= m.Rows {
		return rest, held, fmt.Errorf("cannot hold %d of %d vectors out", n, m.Rows)
	}
	out := make([]bool, m.Rows)
	for _, i := range rand.New(rand.NewPCG(seed, 0x401d)).Perm(m.Rows)[:n] {
		out[i] = true
	}
	rest = npy.Matrix{Rows: m.Rows - n, Cols: m.Cols, Data: make([]float32, 0, (m.Rows-n)*m.Cols)}
	held = npy.Matrix{Rows: n, Cols: m.Cols, Data: make([]float32, 0, n*m.Cols)}
	for i := range m.Rows {
		if out[i] {
			held.Data = append(held.Data, m.Row(i)...)
		} else {
			rest.Data = append(rest.Data, m.Row(i)...)
		}
	}
	return rest, held, nil
}

// Rows makes a matrix of vectors of equal length.
func Rows(vectors [][]float32) npy.Matrix {
	if len(vectors) == 0 {
		return npy.Matrix{}
	}
	m := npy.Matrix{Rows: len(vectors), Cols: len(vectors[0])}
	m.Data = make([]float32, 0, m.Rows*m.Cols)
	for _, v := range vectors {
		m.Data = append(m.Data, v...)
	}
	return m
}
