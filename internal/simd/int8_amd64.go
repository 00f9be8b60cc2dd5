//go:build !noasm

package simd

import "unsafe"

func dotU8S8(code []uint8, query []int8) int32 {
	switch {
	case use.vnni:
		return dotU8S8VNNI(unsafe.SliceData(code), unsafe.SliceData(query), uint64(len(code)))
	case use.avx2:
		n := len(code) &^ 15
		return dotU8S8AVX2(unsafe.SliceData(code), unsafe.SliceData(query), uint64(n)) + dotU8S8Generic(code[n:], query[n:])
	}
	return dotU8S8Generic(code, query)
}

func dotU8S8Batch(codes []uint8, rows uint, ids []uint32, query []int8, out []int32) int {
	stride := len(query)
	done := 0
	switch {
	case use.vnni:
		return int(dotBatchVNNI(codes, rows, ids, query, out))
	case use.avx2 && stride%32 == 0:
		done = int(dotU8S8BatchAVX2(unsafe.SliceData(codes), uint64(rows), unsafe.SliceData(ids), uint64(len(ids)),
			unsafe.SliceData(query), uint64(stride), unsafe.SliceData(out)))
	}
	return dotU8S8BatchRest(done, codes, rows, ids, query, out)
}

func dotU8S8Rows(codes []uint8, query []int8, out []int32) {
	if use.vnni {
		dotRowsVNNI(codes, query, out)
		return
	}
	// Row after row, as memory likes it: four at a time are half as fast.
	dotU8S8RowsRest(0, codes, query, out)
}

func l2SqU8(a, b []uint8) int32 {
	switch {
	case use.vnni:
		return l2SqU8VNNI(unsafe.SliceData(a), unsafe.SliceData(b), uint64(len(a)))
	case use.avx2:
		n := len(a) &^ 15
		return l2SqU8AVX2(unsafe.SliceData(a), unsafe.SliceData(b), uint64(n)) + l2SqU8Generic(a[n:], b[n:])
	}
	return l2SqU8Generic(a, b)
}

func l2SqU8Batch(codes []uint8, rows uint, ids []uint32, code []uint8, out []int32) int {
	stride := len(code)
	done := 0
	switch {
	case use.vnni:
		return int(l2BatchVNNI(codes, rows, ids, code, out))
	case use.avx2 && stride%32 == 0:
		done = int(l2SqU8BatchAVX2(unsafe.SliceData(codes), uint64(rows), unsafe.SliceData(ids), uint64(len(ids)),
			unsafe.SliceData(code), uint64(stride), unsafe.SliceData(out)))
	}
	return l2SqU8BatchRest(done, codes, rows, ids, code, out)
}

// These pick the kernel made for the stride, if there is one.

func dotBatchVNNI(codes []uint8, rows uint, ids []uint32, query []int8, out []int32) uint64 {
	c, q, o, stride := unsafe.SliceData(codes), unsafe.SliceData(query), unsafe.SliceData(out), len(query)
	i, n := unsafe.SliceData(ids), uint64(len(ids))
	switch stride {
	case 384:
		return dotU8S8Batch384VNNI(c, uint64(rows), i, n, q, o)
	case 512:
		return dotU8S8Batch512VNNI(c, uint64(rows), i, n, q, o)
	case 768:
		return dotU8S8Batch768VNNI(c, uint64(rows), i, n, q, o)
	case 1024:
		return dotU8S8Batch1024VNNI(c, uint64(rows), i, n, q, o)
	default:
		return dotU8S8BatchVNNI(c, uint64(rows), i, n, q, uint64(stride), o)
	}
}

func dotRowsVNNI(codes []uint8, query []int8, out []int32) {
	c, q, o, stride := unsafe.SliceData(codes), unsafe.SliceData(query), unsafe.SliceData(out), len(query)
	n := uint64(len(out))
	switch stride {
	case 512:
		dotU8S8Rows512VNNI(c, n, q, o)
	case 768:
		dotU8S8Rows768VNNI(c, n, q, o)
	default:
		dotU8S8RowsVNNI(c, n, q, uint64(stride), o)
	}
}

func l2BatchVNNI(codes []uint8, rows uint, ids []uint32, code []uint8, out []int32) uint64 {
	c, q, o, stride := unsafe.SliceData(codes), unsafe.SliceData(code), unsafe.SliceData(out), len(code)
	i, n := unsafe.SliceData(ids), uint64(len(ids))
	switch stride {
	case 512:
		return l2SqU8Batch512VNNI(c, uint64(rows), i, n, q, o)
	case 768:
		return l2SqU8Batch768VNNI(c, uint64(rows), i, n, q, o)
	default:
		return l2SqU8BatchVNNI(c, uint64(rows), i, n, q, uint64(stride), o)
	}
}
