package machine

import (
	"bufio"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"github.com/clipdb/clipdb/internal/simd"
)

// Facts of the machine and of the program.
type Facts struct {
	CPU      string    `json:"cpu"`
	Cores    int       `json:"cores"`
	MaxProcs int       `json:"maxprocs"`
	Memory   int64     `json:"memory_bytes,omitempty"`
	Features string    `json:"features"` // the kernels in use
	OS       string    `json:"os"`
	Arch     string    `json:"arch"`
	Go       string    `json:"go"`
	Commit   string    `json:"commit,omitempty"`
	Load     string    `json:"load,omitempty"` // processes running in the last 1, 5 and 15 minutes
	Time     time.Time `json:"time"`
}

// Read takes the facts now.
func Read() Facts {
	f := Facts{
		CPU: cpuModel(), Cores: runtime.NumCPU(), MaxProcs: runtime.GOMAXPROCS(0), Features: simd.Features(),
		OS: runtime.GOOS, Arch: runtime.GOARCH, Go: runtime.Version(), Commit: commit(), Load: Load(),
		Time: time.Now().UTC().Truncate(time.Second),
	}
	if kib, err := strconv.ParseInt(strings.TrimSuffix(field("/proc/meminfo", "MemTotal"), " kB"), 10, 64); err == nil {
		f.Memory = kib << 10
	}
	return f
}

// Load is the load average of the last 1, 5 and 15 minutes, or empty.
func Load() string {
	b, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return ""
	}
	words := strings.Fields(string(b))
	return strings.Join(words[:min(3, len(words))], " ")
}

// commit is the revision that the program was built from, with a + when files
// had been changed.
func commit() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}
	var revision, changed string
	for _, s := range info.Settings {
		switch {
		case s.Key == "vcs.revision":
			revision = s.Value[:min(12, len(s.Value))]
		case s.Key == "vcs.modified" && s.Value == "true":
			changed = "+"
		}
	}
	if revision == "" {
		return ""
	}
	return revision + changed
}

// field returns the value of the first line "name : value" of a file.
func field(path, name string) string {
	f, err := os.Open(path)
	if err != nil {
		return ""
	}
	defer f.Close()
	for s := bufio.NewScanner(f); s.Scan(); {
		if k, v, ok := strings.Cut(s.Text(), ":"); ok && strings.TrimSpace(k) == name {
			return strings.TrimSpace(v)
		}
	}
	return ""
}
