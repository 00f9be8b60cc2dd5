//go:build !unix

package machine

import "time"

// CPUTime is not read on this system.
func CPUTime() time.Duration { return 0 }
