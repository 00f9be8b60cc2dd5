package simd

// DotU8S8 returns the dot product of an unsigned code and a signed query of
// the same length. Nothing saturates. A length that is a multiple of 64 is
// the fast one.
func DotU8S8(code []uint8, query []int8) int32 {
	if len(code) != len(query) {
		panic("simd: DotU8S8 of different lengths")
	}
	return dotU8S8(code, query)
}

// DotU8S8Batch scores the codes named by ids against query:
// out[i] = dot(codes[ids[i]*stride:][:stride], query), where stride is
// len(query). It fetches the codes of the ids to come while it works on the
// present ones. An id whose code is not wholly inside codes panics.
func DotU8S8Batch(codes []uint8, stride int, ids []uint32, query []int8, out []int32) {
	if stride != len(query) || len(out) < len(ids) {
		panic("simd: DotU8S8Batch of different lengths")
	}
	if len(ids) == 0 {
		return
	}
	if stride == 0 {
		clear(out[:len(ids)])
		return
	}
	rows := uint(len(codes)) / uint(stride)
	if done := dotU8S8Batch(codes, rows, ids, query, out); done != len(ids) {
		panicRow(ids[done], rows)
	}
}

// DotU8S8Rows scores len(out) codes that lie one behind the other:
// out[i] = dot(codes[i*len(query):][:len(query)], query).
func DotU8S8Rows(codes []uint8, query []int8, out []int32) {
	if len(query) == 0 {
		clear(out)
		return
	}
	if len(codes)/len(query) < len(out) {
		panic("simd: DotU8S8Rows has fewer codes than results")
	}
	if len(out) > 0 {
		dotU8S8Rows(codes, query, out)
	}
}

// L2SqU8 returns the squared Euclidean distance of two codes of one length.
func L2SqU8(a, b []uint8) int32 {
	if len(a) != len(b) {
		panic("simd: L2SqU8 of different lengths")
	}
	return l2SqU8(a, b)
}

// L2SqU8Batch is L2SqU8 of code against the codes named by ids, as
// DotU8S8Batch does it.
func L2SqU8Batch(codes []uint8, stride int, ids []uint32, code []uint8, out []int32) {
	if stride != len(code) || len(out) < len(ids) {
		panic("simd: L2SqU8Batch of different lengths")
	}
	if len(ids) == 0 {
		return
	}
	if stride == 0 {
		clear(out[:len(ids)])
		return
	}
	rows := uint(len(codes)) / uint(stride)
	if done := l2SqU8Batch(codes, rows, ids, code, out); done != len(ids) {
		panicRow(ids[done], rows)
	}
}

func dotU8S8Generic(code []uint8, query []int8) int32 {
	var s0, s1 int32
	n := len(code)
	query = query[:n]
	i := 0
	for ; i+2 <= n; i += 2 {
		s0 += int32(code[i]) * int32(query[i])
		s1 += int32(code[i+1]) * int32(query[i+1])
	}
	if i < n {
		s0 += int32(code[i]) * int32(query[i])
	}
	return s0 + s1
}

func l2SqU8Generic(a, b []uint8) int32 {
	var s int32
	b = b[:len(a)]
	for i := range a {
		d := int32(a[i]) - int32(b[i])
		s += d * d
	}
	return s
}
