package hnsw

import (
	"encoding/binary"
	"math"
	"unsafe"

	"github.com/clipdb/clipdb/index"
	"github.com/clipdb/clipdb/internal/simd"
)

// With index.QuantFloat32 the rows of view.codes hold the vectors themselves:
//
//	dim float32   the vector, unit length
//	8 float32     marks: zeros, or what parts a vector from its equals
//	zeros         up to a whole cache line
//
// The pool, the heuristic and the links work on int32, so that cosines and
// squared distances are brought to fixed point, which keeps their order. The
// int8 codec stays beside: it is what tells that the data have moved, for the
// codes of the plane.
const (
	floatMarks = 8

	// A cosine is in steps of 2^-29: those above 2^-6 keep all bits of their
	// float32. A squared distance, up to 4, is in steps of 2^-28.
	cosineBits   = 29
	distanceBits = 28

	// markStep is the step of the marks, small enough for no one to see in a
	// distance and large enough to tell equals apart by.
	markStep = 1.0 / (1 << 14)

	// nearSquared is the squared distance below which 2-2*cosine has lost too
	// many digits, and the differences are summed up.
	nearSquared = 1e-4
)

// keepsFloats reports whether the graph computes on the vectors themselves.
func (g *Graph) keepsFloats() bool { return g.params.Quant == index.QuantFloat32 }

// floatStride is the length of a row in bytes.
func floatStride(dim int) int { return (4*(dim+floatMarks) + 63) &^ 63 }

// floatsOf reads the bytes of a row as the numbers that they are.
func floatsOf(code []uint8) []float32 {
	return unsafe.Slice((*float32)(unsafe.Pointer(unsafe.SliceData(code))), len(code)/4)
}

// encode writes the row of a unit vector.
func (v *view) encode(slot uint32, unit []float32) {
	if !v.floats {
		v.codec.Encode(v.code(slot), unit)
		return
	}
	row := floatsOf(v.code(slot))
	clear(row[copy(row, unit):])
}

// vector is the vector in a row of floats.
func (v *view) vector(slot uint32) []float32 {
	dim := v.codec.Dim()
	return floatsOf(v.code(slot))[:dim:dim]
}

// scoreFloats writes the cosines of ids' vectors with a unit vector.
func (v *view) scoreFloats(unit []float32, ids []uint32, out []int32) {
	for i, id := range ids {
		v.fetch(ids, i+1)
		out[i] = fixedCosine(simd.DotF32(v.vector(id), unit))
	}
}

func fixedCosine(x float32) int32 {
	return int32(math.RoundToEven(float64(x) * (1 << cosineBits)))
}

// fetch asks for the first lines of a row that is scored next; the processor
// sees by itself that the others follow.
func (v *view) fetch(ids []uint32, i int) {
	if i < len(ids) {
		at := v.code(ids[i])
		for line := 0; line < min(len(at), 512); line += 64 {
			simd.Prefetch(unsafe.Pointer(&at[line]))
		}
	}
}

// floatDistances writes the squared distances of ids' rows from a row.
func (v *view) floatDistances(code []uint8, ids []uint32, out []int32) {
	dim := v.codec.Dim()
	base := floatsOf(code)
	for i, id := range ids {
		v.fetch(ids, i+1)
		row := floatsOf(v.code(id))
		d := 2 - 2*simd.DotF32(row[:dim], base[:dim])
		if d < nearSquared {
			d = squaredDistance(row, base)
		}
		out[i] = int32(math.RoundToEven(float64(d) * (1 << distanceBits)))
	}
}

func squaredDistance(a, b []float32) float32 {
	var s0, s1 float32
	b = b[:len(a)]
	for i := 0; i+2 <= len(a); i += 2 {
		d0, d1 := a[i]-b[i], a[i+1]-b[i+1]
		s0 += d0 * d0
		s1 += d1 * d1
	}
	return s0 + s1
}

// scatterFloats sets the marks of a row by a draw from its slot. Scores do not
// see them, distances between rows do.
func (v *view) scatterFloats(slot uint32) {
	dim := v.codec.Dim()
	z := hash64(uint64(slot))
	for i, row := 0, floatsOf(v.code(slot)); i < floatMarks; i++ {
		row[dim+i] = float32(int(z%(2*scatterBy+1))-scatterBy) * markStep
		z /= 2*scatterBy + 1
	}
}

// appendFloatRows appends the i-th n bytes of rows, little-endian, with zeros
// behind their end.
func appendFloatRows(p, rows []byte, i uint32, n int) []byte {
	at := min(int(i)*n, len(rows))
	end := min(at+n, len(rows))
	for _, x := range floatsOf(rows[at:end]) {
		p = binary.LittleEndian.AppendUint32(p, math.Float32bits(x))
	}
	return append(p, make([]byte, n-(end-at))...)
}

// readFloatRows is the way back.
func readFloatRows(rows, b []byte) {
	for i, row := 0, floatsOf(rows[:len(b)]); i < len(row); i++ {
		row[i] = math.Float32frombits(binary.LittleEndian.Uint32(b[4*i:]))
	}
}

// unitError is how far the squared length of a stored vector may be off one.
const unitError = 1e-3

// checkFloats refuses rows that are no unit vectors with marks.
func (r *restored) checkFloats() error {
	v := &r.view
	dim := v.codec.Dim()
	for slot := range r.linked.All {
		row := floatsOf(v.code(slot))
		for _, x := range row[dim:] {
			if !(x >= -scatterBy*markStep && x <= scatterBy*markStep) {
				return damaged("the marks of slot %d are impossible", slot)
			}
		}
		if n := simd.DotF32(row[:dim], row[:dim]); !(n >= 1-unitError && n <= 1+unitError) {
			return damaged("the vector of slot %d is not of unit length", slot)
		}
	}
	return nil
}
