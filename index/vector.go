package index

import (
	"fmt"
	"math"
	"slices"
)

// CheckVector returns ErrDimension or ErrVector when v cannot be indexed or
// searched for in dim dimensions.
func CheckVector(v []float32, dim int) error {
	_, err := norm2(v, dim)
	return err
}

// Normalize appends v at unit length to dst[:0]. It returns ErrDimension or
// ErrVector, naming the fault, for a vector that has not dim components, that
// is not finite, or whose length is zero.
func Normalize(dst, v []float32, dim int) ([]float32, error) {
	n2, err := norm2(v, dim)
	if err != nil {
		return dst[:0], err
	}
	dst = append(dst[:0], v...)
	// A vector of unit length to float32's rounding is kept bit by bit, so
	// that scores equal those of the caller's own arithmetic.
	if math.Abs(n2-1) > 1e-6 {
		inv := 1 / math.Sqrt(n2)
		for i, x := range dst {
			dst[i] = float32(float64(x) * inv)
		}
	}
	return dst, nil
}

func norm2(v []float32, dim int) (float64, error) {
	if len(v) != dim {
		return 0, fmt.Errorf("index: vector of %d components, want %d: %w", len(v), dim, ErrDimension)
	}
	var s float64
	for _, x := range v {
		s += float64(x) * float64(x)
	}
	switch {
	case math.IsNaN(s) || math.IsInf(s, 0):
		at := slices.IndexFunc(v, func(x float32) bool { return x != x || math.IsInf(float64(x), 0) })
		return 0, fmt.Errorf("index: component %d is %v: %w", at, v[at], ErrVector)
	case s < 1e-24:
		return 0, fmt.Errorf("index: vector of length %.2g: %w", math.Sqrt(s), ErrVector)
	}
	return s, nil
}
