package simd

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"
)

// TestAVX2KeepsToAVX2 wants no zmm, no mask and no register above 15 in the
// kernels that run on machines without AVX-512: the generator's register
// allocator does not know the difference.
func TestAVX2KeepsToAVX2(t *testing.T) {
	files, err := filepath.Glob("*_amd64.s")
	if err != nil || len(files) == 0 {
		t.Fatalf("no assembly: %v", err)
	}
	kernel := regexp.MustCompile(`(?s)TEXT ·(\w+)\(SB\).*?(?:\n\n|$)`)
	beyond := regexp.MustCompile(`\b(Z\d+|K[0-7]|[XY](1[6-9]|2\d|3[01]))\b`)
	found := 0
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range kernel.FindAllSubmatch(text, -1) {
			name := string(m[1])
			if regexp.MustCompile(`AVX512|VNNI`).MatchString(name) {
				continue
			}
			found++
			if reg := beyond.Find(m[0]); reg != nil {
				t.Errorf("%s: %s uses %s", file, name, reg)
			}
		}
	}
	if found < 15 {
		t.Errorf("found only %d kernels", found)
	}
}
