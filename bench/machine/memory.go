package machine

import (
	"os"
	"strconv"
	"strings"
)

// Resident is the memory of this process that is in RAM now, and the most that
// ever was, since the start or the last ResetPeak; 0 where the system does not
// tell.
func Resident() (now, peak int64) {
	return kib("VmRSS"), kib("VmHWM")
}

// ResetPeak begins a new count of the peak (Linux).
func ResetPeak() {
	_ = os.WriteFile("/proc/self/clear_refs", []byte("5"), 0) // else the peak is that since the start
}

func kib(name string) int64 {
	n, err := strconv.ParseInt(strings.TrimSuffix(field("/proc/self/status", name), " kB"), 10, 64)
	if err != nil {
		return 0
	}
	return n << 10
}
