//go:build unix

package machine

import (
	"time"

	"golang.org/x/sys/unix"
)

// CPUTime is what the process has used so far, in user and system mode
// together; 0 where the system does not tell.
func CPUTime() time.Duration {
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
