package pixel

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
)

// Info describes the encoded picture that [Decode] read.
type Info struct {
	Format        string // jpeg, png, gif, webp, tiff or bmp
	Width, Height int    // stored size in pixels, before the orientation is applied
	Orientation   int    // EXIF orientation that was applied, 1 to 8; 1 where the file says none or nonsense
	Frames        int    // pictures in the file, of which only the first is decoded
	Bytes         int64  // encoded bytes
}

// Decode reads one picture from r, to the end of r, and returns it upright
// and opaque. See [DecodeBytes] for the errors; an error of r is returned
// wrapped, and one that says that r is a folder is ErrFormat too.
func Decode(ctx context.Context, r io.Reader, lim Limits) (*RGB, Info, error) {
	lim = lim.withDefaults()
	data, err := readAll(ctx, r, lim.Bytes)
	if err != nil {
		return nil, Info{}, err
	}
	return DecodeBytes(ctx, data, lim)
}

// readAll reads r to its end, at most limit bytes.
func readAll(ctx context.Context, r io.Reader, limit int64) ([]byte, error) {
	var buf bytes.Buffer
	if f, ok := r.(interface{ Stat() (fs.FileInfo, error) }); ok {
		if info, err := f.Stat(); err == nil {
			switch {
			case info.IsDir():
				return nil, fmt.Errorf("%w: %s is a folder", ErrFormat, info.Name())
			case info.Mode().IsRegular() && info.Size() > limit:
				return nil, fmt.Errorf("%w: %d bytes, limit %d", ErrTooLarge, info.Size(), limit)
			case info.Mode().IsRegular():
				buf.Grow(int(info.Size()) + bytes.MinRead)
			}
		}
	}
	n, err := buf.ReadFrom(&boundReader{ctx: ctx, r: io.LimitReader(r, limit+1)})
	if err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if isFolder(err) {
			return nil, fmt.Errorf("%w: it is a folder: %w", ErrFormat, err)
		}
		return nil, fmt.Errorf("reading image: %w", err)
	}
	if n > limit {
		return nil, fmt.Errorf("%w: more than %d bytes", ErrTooLarge, limit)
	}
	return buf.Bytes(), nil
}

// boundReader ends with the error of its context. It is how a decoder that
// knows no context is stopped: it fails at its next read.
type boundReader struct {
	ctx context.Context
	r   io.Reader
}

func (b *boundReader) Read(p []byte) (int, error) {
	if err := b.ctx.Err(); err != nil {
		return 0, err
	}
	return b.r.Read(p)
}

// DecodeBytes is [Decode] for bytes already in memory. Data is only read, and
// not kept.
//
// The size that the header claims is checked against lim, and against what
// the bytes could possibly hold, before any memory for pixels is allocated.
// It returns ErrTooLarge, ErrTruncated, ErrEmpty or, for everything else that
// is no readable picture, ErrFormat, each with the reason; and ctx.Err() when
// ctx ends first.
func DecodeBytes(ctx context.Context, data []byte, lim Limits) (*RGB, Info, error) {
	lim = lim.withDefaults()
	info := Info{Orientation: 1, Frames: 1, Bytes: int64(len(data))}
	if err := ctx.Err(); err != nil {
		return nil, info, err
	}
	if info.Bytes > lim.Bytes {
		return nil, info, fmt.Errorf("%w: %d bytes, limit %d", ErrTooLarge, info.Bytes, lim.Bytes)
	}
	f, err := sniff(data)
	if err != nil {
		return nil, info, err
	}
	info.Format = f.name

	var size size
	if err := guard(ctx, f.name, func() (err error) { size, err = f.size(data); return err }); err != nil {
		return nil, info, err
	}
	info.Width, info.Height = size.w, size.h
	if size.w <= 0 || size.h <= 0 {
		return nil, info, fmt.Errorf("%w: %s of %dx%d pixels", ErrFormat, f.name, size.w, size.h)
	}
	if pixels := int64(size.w) * int64(size.h); pixels > lim.Pixels {
		return nil, info, fmt.Errorf("%w: %s of %dx%d pixels, limit %d pixels", ErrTooLarge, f.name, size.w, size.h, lim.Pixels)
	}
	if int64(len(data)) < size.least {
		return nil, info, fmt.Errorf("%w: %s of %dx%d pixels in %d bytes", ErrTruncated, f.name, size.w, size.h, len(data))
	}

	var m *RGB
	err = guard(ctx, f.name, func() (err error) {
		m, err = f.decode(ctx, data, size)
		return err
	})
	if err != nil {
		return nil, info, err
	}
	info.Orientation = orientation(f.name, data)
	if f.frames != nil {
		info.Frames = f.frames(data)
	}
	return m.upright(info.Orientation), info, nil
}

// guard runs a foreign decoder: its panics become errors, and its errors
// sentinels of this package.
func guard(ctx context.Context, name string, decode func() error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("%w: the %s decoder failed: %v", ErrFormat, name, r)
		}
	}()
	err = decode()
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.Is(err, ErrFormat), errors.Is(err, ErrTooLarge):
		return err
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), endsTooSoon(err):
		return fmt.Errorf("%w: %s: %w", ErrTruncated, name, err)
	}
	return fmt.Errorf("%w: %s: %w", ErrFormat, name, err)
}

// endsTooSoon recognises the decoders that say so in their own words only.
// The tests hold these words against the decoders.
func endsTooSoon(err error) bool {
	text := err.Error()
	return strings.Contains(text, "not enough pixel data") || strings.Contains(text, "not enough image data")
}
