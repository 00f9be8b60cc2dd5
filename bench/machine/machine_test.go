package machine

import (
	"runtime"
	"testing"
	"time"
)

func TestFacts(t *testing.T) {
	f := Read()
	if f.Cores < 1 || f.Go != runtime.Version() || f.Features == "" || f.OS != runtime.GOOS {
		t.Errorf("%+v", f)
	}
	if runtime.GOOS == "linux" && (f.Memory < 1<<20 || f.Load == "") {
		t.Errorf("%+v", f)
	}
}

func TestUse(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("read on Linux alone")
	}
	before := CPUTime()
	ResetPeak()
	now, _ := Resident()
	b := make([]byte, 64<<20)
	for i := range b {
		b[i] = byte(i)
	}
	_, peak := Resident()
	if peak-now < 48<<20 {
		t.Errorf("64 MiB written, but the peak grew from %d to %d", now, peak)
	}
	for CPUTime()-before < 10*time.Millisecond {
		for i := range b {
			b[i]++
		}
	}
}
