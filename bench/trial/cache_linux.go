package trial

import (
	"os"

	"golang.org/x/sys/unix"
)

// dropCache asks the system to forget a file that has been synced.
func dropCache(f *os.File) error {
	return unix.Fadvise(int(f.Fd()), 0, 0, unix.FADV_DONTNEED)
}
