//go:build noasm || !arm64

package simd

// What a kernel for many rows left over, or all rows where there is none. done
// rows are done; a batch returns how many are in the end, fewer than ids when
// the next id is not below rows.

func dotU8S8BatchRest(done int, codes []uint8, rows uint, ids []uint32, query []int8, out []int32) int {
	stride := len(query)
	for ; done < len(ids) && uint(ids[done]) < rows; done++ {
		at := int(ids[done]) * stride
		out[done] = dotU8S8(codes[at:at+stride], query)
	}
	return done
}

func dotU8S8RowsRest(done int, codes []uint8, query []int8, out []int32) {
	stride := len(query)
	for ; done < len(out); done++ {
		out[done] = dotU8S8(codes[done*stride:(done+1)*stride], query)
	}
}

func l2SqU8BatchRest(done int, codes []uint8, rows uint, ids []uint32, code []uint8, out []int32) int {
	stride := len(code)
	for ; done < len(ids) && uint(ids[done]) < rows; done++ {
		at := int(ids[done]) * stride
		out[done] = l2SqU8(codes[at:at+stride], code)
	}
	return done
}
