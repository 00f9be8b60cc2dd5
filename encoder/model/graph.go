package model

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
)

// ErrGraph is returned for a file that is no ONNX model, or one whose inputs
// and outputs do not make a tower.
var ErrGraph = errors.New("unusable ONNX file")

// Types of tensors: the names that manifests use.
const (
	Float32 = "float32"
	Float16 = "float16"
	Int32   = "int32"
	Int64   = "int64"
)

// Tensor is an input or output of a graph.
type Tensor struct {
	Name string
	Type string  // Float32, ..., or "type 9" for others
	Dims []int64 // -1 where free
}

// Graph is what an ONNX file says of itself, its weights aside.
type Graph struct {
	Inputs, Outputs []Tensor
	External        []string           // files with weights, as the graph names them
	Scalars         map[string]float32 // constants of one number, by name
}

// Limits on what is read of a graph.
const (
	maxGraphFields = 8 << 20
	maxGraphDepth  = 8
	maxGraphString = 1 << 16
	maxExternal    = 1024
)

// ReadGraph reads the inputs, outputs and external files of an ONNX model
// (onnx.proto, IR version 3 and later). Weights are skipped, not read, so that
// a file of gigabytes takes milliseconds.
func ReadGraph(r io.ReaderAt, size int64) (*Graph, error) {
	g := &graphReader{window: window{r: r, size: size}, graph: Graph{Scalars: map[string]float32{}}}
	found := false
	err := g.fields(0, size, 0, func(f field) error {
		if f.number == 7 && f.wire == 2 {
			found = true
			return g.readGraph(f, 1)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrGraph, err)
	}
	if !found || len(g.graph.Inputs) == 0 || len(g.graph.Outputs) == 0 {
		return nil, fmt.Errorf("%w: no graph with inputs and outputs", ErrGraph)
	}
	// Files of the old kind list weights among the inputs.
	g.graph.Inputs = slices.DeleteFunc(g.graph.Inputs, func(t Tensor) bool { return g.weights[t.Name] })
	return &g.graph, nil
}

type graphReader struct {
	window
	graph   Graph
	count   int
	weights map[string]bool
}

// field is one field of a protocol buffer message.
type field struct {
	number   int
	wire     int
	value    uint64 // wire types 0, 1 and 5
	from, to int64  // wire type 2
}

func (g *graphReader) readGraph(at field, depth int) error {
	return g.fields(at.from, at.to, depth, func(f field) error {
		switch {
		case f.wire != 2:
		case f.number == 1:
			return g.readNode(f, depth+1)
		case f.number == 5:
			return g.readTensor(f, depth+1)
		case f.number == 11 && depth == 1:
			t, err := g.readValue(f, depth+1)
			g.graph.Inputs = append(g.graph.Inputs, t)
			return err
		case f.number == 12 && depth == 1:
			t, err := g.readValue(f, depth+1)
			g.graph.Outputs = append(g.graph.Outputs, t)
			return err
		}
		return nil
	})
}

// readNode looks for tensors among the attributes of a node.
func (g *graphReader) readNode(at field, depth int) error {
	return g.fields(at.from, at.to, depth, func(f field) error {
		if f.number != 5 || f.wire != 2 {
			return nil
		}
		return g.fields(f.from, f.to, depth+1, func(f field) error {
			switch {
			case f.wire != 2:
			case f.number == 5:
				return g.readTensor(f, depth+2)
			case f.number == 6:
				return g.readGraph(f, depth+2)
			}
			return nil
		})
	})
}

func (g *graphReader) readTensor(at field, depth int) error {
	var name string
	var kind uint64
	var raw []byte
	err := g.fields(at.from, at.to, depth, func(f field) (err error) {
		switch {
		case f.number == 2 && f.wire == 0:
			kind = f.value
		case f.number == 4 && f.wire == 2 && f.to-f.from == 4, f.number == 9 && f.wire == 2 && f.to-f.from == 4:
			raw, err = g.bytes(f)
		case f.number == 8 && f.wire == 2:
			name, err = g.text(f)
		case f.number == 13 && f.wire == 2:
			return g.readExternal(f, depth+1)
		}
		return err
	})
	if err != nil {
		return err
	}
	if name != "" && depth == 2 {
		if g.weights == nil {
			g.weights = map[string]bool{}
		}
		g.weights[name] = true
		if kind == 1 && len(raw) == 4 && len(g.graph.Scalars) < maxExternal {
			g.graph.Scalars[name] = math.Float32frombits(binary.LittleEndian.Uint32(raw))
		}
	}
	return nil
}

// readExternal reads an entry of external_data.
func (g *graphReader) readExternal(at field, depth int) error {
	var key, value string
	err := g.fields(at.from, at.to, depth, func(f field) (err error) {
		switch {
		case f.number == 1 && f.wire == 2:
			key, err = g.text(f)
		case f.number == 2 && f.wire == 2:
			value, err = g.text(f)
		}
		return err
	})
	if err != nil || key != "location" || slices.Contains(g.graph.External, value) {
		return err
	}
	if len(g.graph.External) == maxExternal {
		return fmt.Errorf("more than %d files of weights", maxExternal)
	}
	g.graph.External = append(g.graph.External, value)
	return nil
}

// readValue reads a ValueInfoProto.
func (g *graphReader) readValue(at field, depth int) (t Tensor, err error) {
	err = g.fields(at.from, at.to, depth, func(f field) (err error) {
		switch {
		case f.number == 1 && f.wire == 2:
			t.Name, err = g.text(f)
		case f.number == 2 && f.wire == 2: // TypeProto
			err = g.fields(f.from, f.to, depth+1, func(f field) error {
				if f.number != 1 || f.wire != 2 { // tensor_type
					return nil
				}
				return g.fields(f.from, f.to, depth+2, func(f field) error {
					switch {
					case f.number == 1 && f.wire == 0:
						t.Type = typeName(f.value)
					case f.number == 2 && f.wire == 2:
						return g.readShape(f, depth+3, &t)
					}
					return nil
				})
			})
		}
		return err
	})
	return t, err
}

func (g *graphReader) readShape(at field, depth int, t *Tensor) error {
	return g.fields(at.from, at.to, depth, func(f field) error {
		if f.number != 1 || f.wire != 2 {
			return nil
		}
		dim := int64(-1)
		err := g.fields(f.from, f.to, depth+1, func(f field) error {
			if f.number == 1 && f.wire == 0 && f.value > 0 && f.value < 1<<31 {
				dim = int64(f.value)
			}
			return nil
		})
		t.Dims = append(t.Dims, dim)
		if len(t.Dims) > 64 {
			return errors.New("a tensor of more than 64 dimensions")
		}
		return err
	})
}

func typeName(v uint64) string {
	switch v {
	case 1:
		return Float32
	case 6:
		return Int32
	case 7:
		return Int64
	case 10:
		return Float16
	}
	return fmt.Sprintf("type %d", v)
}

var errNotONNX = errors.New("not a protocol buffer")

// fields calls yield with each field between two offsets.
func (g *graphReader) fields(from, to int64, depth int, yield func(field) error) error {
	if depth > maxGraphDepth*3 {
		return errors.New("nested too deep")
	}
	for at := from; at < to; {
		if g.count++; g.count > maxGraphFields {
			return fmt.Errorf("more than %d fields", maxGraphFields)
		}
		key, n, err := g.uvarint(at, to)
		if err != nil {
			return err
		}
		at += n
		f := field{number: int(key >> 3), wire: int(key & 7)}
		switch f.wire {
		case 0:
			f.value, n, err = g.uvarint(at, to)
		case 1:
			n = 8
		case 2:
			var size uint64
			if size, n, err = g.uvarint(at, to); err == nil && size > uint64(to-at-n) {
				err = errNotONNX
			}
			f.from, f.to = at+n, at+n+int64(size)
			n += int64(size)
		case 5:
			n = 4
		default:
			err = errNotONNX
		}
		if err != nil {
			return err
		}
		if f.number == 0 || at+n > to {
			return errNotONNX
		}
		at += n
		if err := yield(f); err != nil {
			return err
		}
	}
	return nil
}

func (g *graphReader) text(f field) (string, error) {
	b, err := g.bytes(f)
	return string(b), err
}

func (g *graphReader) bytes(f field) ([]byte, error) {
	if f.to-f.from > maxGraphString {
		return nil, fmt.Errorf("a text of %d bytes", f.to-f.from)
	}
	b := make([]byte, f.to-f.from)
	if len(b) == 0 {
		return b, nil
	}
	if n, err := g.r.ReadAt(b, f.from); n < len(b) {
		return nil, err
	}
	return b, nil
}

// window reads small numbers from a file through a buffer.
type window struct {
	r        io.ReaderAt
	size     int64
	buf      []byte
	from, to int64
}

func (w *window) uvarint(at, end int64) (v uint64, n int64, err error) {
	want := min(at+binary.MaxVarintLen64, end)
	if at < w.from || want > w.to {
		if w.buf == nil {
			w.buf = make([]byte, 64<<10)
		}
		got, err := w.r.ReadAt(w.buf[:min(int64(len(w.buf)), w.size-at)], at)
		if err != nil && !errors.Is(err, io.EOF) {
			return 0, 0, err
		}
		w.from, w.to = at, at+int64(got)
		want = min(want, w.to)
	}
	v, k := binary.Uvarint(w.buf[at-w.from : want-w.from])
	if k <= 0 {
		return 0, 0, errNotONNX
	}
	return v, int64(k), nil
}
