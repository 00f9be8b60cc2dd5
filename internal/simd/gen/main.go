// Command gen writes the amd64 assembly of package simd, one group of kernels
// per file. It is a module of its own, so that the library does not depend on
// avo. `go generate` in the directory above runs it for every group.
//
// Registers in names of kernels: ...AVX2 works on ymm, ...AVX512 and ...VNNI
// on zmm.
package main

import (
	"flag"
	"log"

	. "github.com/mmcloughlin/avo/build"
)

func main() {
	group := flag.String("group", "", "kernels to write: int8, float, bits, hadamard, quantize")
	flag.Parse()
	ConstraintExpr("amd64,!noasm")
	switch *group {
	case "int8":
		int8Kernels()
	case "float":
		floatKernels()
	case "bits":
		bitKernels()
	case "hadamard":
		hadamardKernels()
	case "quantize":
		quantizeKernels()
	default:
		log.Fatalf("no group %q", *group)
	}
	Generate()
}
