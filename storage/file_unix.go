//go:build !windows

package storage

import (
	"errors"
	"io/fs"
	"os"
	"syscall"
)

// syncDir makes the names in a folder durable. File systems that cannot sync
// folders say so with EINVAL, and need not; a folder that may be written but
// not read cannot be synced by anybody.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if errors.Is(err, fs.ErrPermission) {
		return nil
	}
	if err != nil {
		return err
	}
	err = d.Sync()
	if errors.Is(err, syscall.EINVAL) || errors.Is(err, syscall.ENOTSUP) {
		err = nil
	}
	return errors.Join(err, d.Close())
}

// takeOver gives a new file the permissions of the old one, and its owner
// where that is allowed: who compacts another user's database must not lock
// them out of it.
func takeOver(f *os.File, old fs.FileInfo) error {
	if stat, ok := old.Sys().(*syscall.Stat_t); ok {
		_ = f.Chown(int(stat.Uid), int(stat.Gid))
	}
	return f.Chmod(old.Mode().Perm())
}
