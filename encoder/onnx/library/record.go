package library

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/clipdb/clipdb/encoder"
)

// record is what Install writes beside a library, as LIBRARY.json.
type record struct {
	Version   string    `json:"version"`
	Platform  string    `json:"platform"`
	SHA256    string    `json:"sha256"`
	Size      int64     `json:"size"` // bytes
	Pinned    bool      `json:"pinned"`
	Source    string    `json:"source"`
	Installed time.Time `json:"installed"`
}

// maxRecord bounds the record file, in bytes.
const maxRecord = 64 << 10

// DefaultCache returns the folder that holds installed libraries when no
// other is named: clipdb/onnxruntime in the user's cache folder.
func DefaultCache() (string, error) {
	dir, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("no cache folder for ONNX Runtime: %w; name one", err)
	}
	return filepath.Join(dir, "clipdb", "onnxruntime"), nil
}

// cacheFolder returns the absolute folder of this version and platform.
func cacheFolder(cache string, p Platform) (string, error) {
	if cache == "" {
		var err error
		if cache, err = DefaultCache(); err != nil {
			return "", err
		}
	}
	return filepath.Abs(filepath.Join(cache, Version, p.cacheDir()))
}

func recordPath(library string) string { return library + ".json" }

func readRecord(library string) (record, error) {
	f, err := os.Open(recordPath(library))
	if err != nil {
		return record{}, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxRecord+1))
	if err != nil {
		return record{}, err
	}
	var rec record
	if len(data) > maxRecord {
		return record{}, fmt.Errorf("record of more than %d bytes", maxRecord)
	}
	if err := json.Unmarshal(data, &rec); err != nil {
		return record{}, err
	}
	if raw, err := hex.DecodeString(rec.SHA256); err != nil || len(raw) != sha256.Size {
		return record{}, errors.New("record without a sha256")
	}
	return rec, nil
}

// Verify compares an installed library with the hash recorded for it. It
// returns an error wrapping ErrAltered and encoder.ErrNoRuntime when they
// differ. For a library outside the cache it does nothing.
func (l Library) Verify() error {
	if l.SHA256 == "" {
		return nil
	}
	hash, _, err := hashFile(context.Background(), l.Path)
	if err != nil {
		return fmt.Errorf("%w: %s: %w", encoder.ErrNoRuntime, l.Path, err)
	}
	if hash != l.SHA256 {
		return fmt.Errorf("%w: %w: %s has sha256 %s, recorded was %s; run: %s",
			encoder.ErrNoRuntime, ErrAltered, l.Path, hash, l.SHA256, mend)
	}
	return nil
}

// hashFile returns the sha256 in hex and the size in bytes of a file.
func hashFile(ctx context.Context, path string) (string, int64, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", 0, err
	}
	defer f.Close()
	h := sha256.New()
	n, err := io.CopyBuffer(h, struct{ io.Reader }{ctxReader{ctx, f}}, make([]byte, 1<<20))
	if err != nil {
		return "", 0, err
	}
	return hex.EncodeToString(h.Sum(nil)), n, nil
}

// ctxReader ends a copy when ctx ends.
type ctxReader struct {
	ctx context.Context
	r   io.Reader
}

func (c ctxReader) Read(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.r.Read(p)
}

// writeFile writes what fill writes to path so that path always holds either
// the old or the whole new content, also after a power cut.
func writeFile(path string, fill func(io.Writer) error) (err error) {
	dir := filepath.Dir(path)
	tmp, err := os.CreateTemp(dir, tempPrefix+"*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			tmp.Close()
			os.Remove(tmp.Name())
		}
	}()
	if err := fill(tmp); err != nil {
		return err
	}
	if err := tmp.Chmod(0o644); err != nil {
		return err
	}
	if err := tmp.Sync(); err != nil {
		return err
	}
	if err := tmp.Close(); err != nil {
		return err
	}
	if err := os.Rename(tmp.Name(), path); err != nil {
		return err
	}
	syncDir(dir)
	return nil
}

// syncDir makes a rename durable where folders can be synced; elsewhere the
// file system journals it by itself.
func syncDir(dir string) {
	if d, err := os.Open(dir); err == nil {
		_ = d.Sync()
		d.Close()
	}
}
