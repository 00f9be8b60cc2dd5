package simd

import "fmt"

func panicRow(id uint32, rows uint) {
	panic(fmt.Sprintf("simd: id %d is beyond the %d codes", id, rows))
}
