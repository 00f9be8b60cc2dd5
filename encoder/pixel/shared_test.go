package pixel_test

import (
	"context"
	"encoding/binary"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/clipdb/clipdb/encoder/pixel"
)

// shared returns the folder of shared fixtures, CLIPDB_SHARED or ../shared
// beside the repository.
func shared(t testing.TB) string {
	t.Helper()
	if root := os.Getenv("CLIPDB_SHARED"); root != "" {
		return root
	}
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return filepath.Join(filepath.Dir(dir), "shared")
		}
		up := filepath.Dir(dir)
		if up == dir {
			t.Fatal("no go.mod above the test")
		}
		dir = up
	}
}

// TestTensorCLIP holds a photo's tensor against the one that OpenAI's ViT-B/32
// preprocessing made of it.
func TestTensorCLIP(t *testing.T) {
	root := filepath.Join(shared(t), "fixtures", "clip")
	f, err := os.Open(filepath.Join(root, "franz-kafka.jpg"))
	if err != nil {
		t.Skipf("shared fixture absent: %v", err)
	}
	defer f.Close()
	m, _, err := pixel.Decode(context.Background(), f, pixel.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	spec := pixel.Spec{
		Size: 224, Resize: pixel.Shortest, CenterCrop: true,
		Mean: [3]float32{0.48145466, 0.4578275, 0.40821073},
		Std:  [3]float32{0.26862954, 0.26130258, 0.27577711},
	}
	got := make([]float32, spec.Len())
	if err := spec.Tensor(got, m); err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile(filepath.Join(root, "franz-kafka.preprocessed.npy"))
	if err != nil {
		t.Fatal(err)
	}
	raw = raw[len(raw)-4*len(got):]
	worst, differ := 0.0, 0
	for i, v := range got {
		want := math.Float32frombits(binary.LittleEndian.Uint32(raw[4*i:]))
		d := math.Abs(float64(v) - float64(want))
		worst = max(worst, d)
		if d > 0 {
			differ++
		}
	}
	t.Logf("largest difference %g, %d of %d floats differ", worst, differ, len(got))
	if worst > 1e-6 {
		t.Errorf("largest difference %g", worst)
	}
}
