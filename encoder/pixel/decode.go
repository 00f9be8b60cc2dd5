package pixel

import (
	"bytes"
	"context"
	"fmt"
	"image"
	_ "image/gif"
	_ "image/jpeg"
	_ "image/png"
	"io"

	_ "golang.org/x/image/bmp"
	_ "golang.org/x/image/tiff"
	_ "golang.org/x/image/webp"
)

// Info describes the encoded picture that [Decode] read.
type Info struct {
	Format        string // jpeg, png, gif, webp, tiff or bmp
	Width, Height int    // stored size in pixels, before the orientation is applied
	Orientation   int    // EXIF orientation, 1 to 8; 1 where the file says none or nonsense
	Frames        int    // pictures in the file; only the first is decoded
	Bytes         int64  // encoded bytes
}

// Decode reads one picture from r to its end and returns it upright as packed
// RGB. See [DecodeBytes] for the errors; those of r are returned wrapped.
func Decode(ctx context.Context, r io.Reader, lim Limits) (*RGB, Info, error) {
	lim = lim.withDefaults()
	data, err := io.ReadAll(io.LimitReader(r, lim.Bytes+1))
	if err != nil {
		return nil, Info{}, fmt.Errorf("reading image: %w", err)
	}
	return DecodeBytes(ctx, data, lim)
}

// DecodeBytes is [Decode] for bytes already in memory.
func DecodeBytes(ctx context.Context, data []byte, lim Limits) (*RGB, Info, error) {
	lim = lim.withDefaults()
	if err := ctx.Err(); err != nil {
		return nil, Info{}, err
	}
	if int64(len(data)) > lim.Bytes {
		return nil, Info{}, fmt.Errorf("%w: more than %d bytes", ErrTooLarge, lim.Bytes)
	}
	if len(data) == 0 {
		return nil, Info{}, ErrEmpty
	}
	c, format, err := image.DecodeConfig(bytes.NewReader(data))
	if err != nil {
		return nil, Info{}, fmt.Errorf("%w: %v", ErrFormat, err)
	}
	if int64(c.Width)*int64(c.Height) > lim.Pixels {
		return nil, Info{}, fmt.Errorf("%w: %dx%d pixels, limit %d", ErrTooLarge, c.Width, c.Height, lim.Pixels)
	}
	img, _, err := image.Decode(bytes.NewReader(data))
	if err != nil {
		return nil, Info{}, fmt.Errorf("%w: %v", ErrFormat, err)
	}
	m, err := FromImage(img)
	return m, Info{Format: format, Width: c.Width, Height: c.Height, Orientation: 1, Frames: 1, Bytes: int64(len(data))}, err
}
