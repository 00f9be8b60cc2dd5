package engine

import (
	"fmt"
	"math"
	"time"
	"unicode/utf8"
)

// Limits of a record. They keep a single item from filling memory when many
// are read at once.
const (
	MaxID        = 1024     // bytes of an id; at least one
	MaxCaption   = 64 << 10 // bytes of a caption
	MaxAttrs     = 256      // attributes of an item
	MaxAttrName  = 256      // bytes of an attribute's name; at least one
	MaxAttrBytes = 1 << 20  // bytes of all attributes of an item, encoded
	MaxDim       = 32768    // components of a vector
)

// Record is an item as it is stored.
type Record struct {
	ID      string
	Caption string
	Attrs   Attrs
	Created time.Time // when the id was first stored
	Updated time.Time // when it was last written
	Model   string    // fingerprint of the model that made the vector; "" for the caller's own
	Image   *Image    // nil when the item has no picture
	Vector  []float32 // unit length; filled when asked for
}

// Image describes the picture of a record.
type Image struct {
	SHA256        [32]byte // of the original bytes, also where they are not kept
	Format        string   // "jpeg", "png", ...
	Width, Height int      // in pixels, upright
	Size          int64    // bytes of the original
	Frames        int      // 1, or more for animations, of which the first is used
	HasOriginal   bool     // the original bytes are stored
	HasThumbnail  bool     // a thumbnail is stored

	Original  []byte // the file as it was given; filled when asked for, nil when not stored
	Thumbnail []byte // a JPEG; filled when asked for, nil when not stored
}

// Check returns an error wrapping ErrLimit, ErrVector or ErrDimension when
// the record cannot be stored under spec.
func (r *Record) Check(spec Spec) error {
	if err := r.CheckText(); err != nil {
		return err
	}
	if len(r.Vector) != spec.Dim {
		return &DimensionError{Want: spec.Dim, Got: len(r.Vector)}
	}
	if r.Model != spec.Fingerprint {
		return &MismatchError{Stored: spec, Given: Spec{Dim: len(r.Vector), Model: "?", Fingerprint: r.Model}}
	}
	return CheckUnit(r.Vector)
}

// CheckText returns an error wrapping ErrLimit when id, caption or attributes
// cannot be stored.
func (r *Record) CheckText() error {
	if err := CheckID(r.ID); err != nil {
		return err
	}
	if len(r.Caption) > MaxCaption {
		return fmt.Errorf("%w: the caption of %q has %d bytes, %d are allowed", ErrLimit, r.ID, len(r.Caption), MaxCaption)
	}
	if !utf8.ValidString(r.Caption) {
		return fmt.Errorf("%w: the caption of %q is not UTF-8", ErrLimit, r.ID)
	}
	return r.Attrs.Check()
}

// CheckID returns an error wrapping ErrLimit when id cannot name a record: it
// must be valid UTF-8 of 1 to MaxID bytes without a zero byte.
func CheckID(id string) error {
	switch {
	case id == "":
		return fmt.Errorf("%w: the id is empty", ErrLimit)
	case len(id) > MaxID:
		return fmt.Errorf("%w: the id %.40q… has %d bytes, %d are allowed", ErrLimit, id, len(id), MaxID)
	case !utf8.ValidString(id):
		return fmt.Errorf("%w: the id %.80q is not UTF-8", ErrLimit, id)
	}
	for i := 0; i < len(id); i++ {
		if id[i] == 0 {
			return fmt.Errorf("%w: the id %.80q holds a zero byte", ErrLimit, id)
		}
	}
	return nil
}

// CheckUnit returns an error wrapping ErrVector unless v is finite and of
// unit length (within 1 %).
func CheckUnit(v []float32) error {
	var sum float64
	for _, x := range v {
		sum += float64(x) * float64(x)
	}
	if math.IsNaN(sum) || sum < 0.98 || sum > 1.02 {
		return fmt.Errorf("%w: its length is %.4g, not 1", ErrVector, math.Sqrt(sum))
	}
	return nil
}

// Unit returns v scaled to unit length, as a copy, or an error wrapping
// ErrVector when v has NaN or infinite components or no length.
func Unit(v []float32) ([]float32, error) {
	var sum float64
	for i, x := range v {
		if x != x || math.IsInf(float64(x), 0) {
			return nil, fmt.Errorf("%w: component %d is %v", ErrVector, i, x)
		}
		sum += float64(x) * float64(x)
	}
	if sum == 0 {
		return nil, fmt.Errorf("%w: all %d components are zero, so it has no direction", ErrVector, len(v))
	}
	inv := 1 / math.Sqrt(sum)
	u := make([]float32, len(v))
	for i, x := range v {
		u[i] = float32(float64(x) * inv)
	}
	return u, nil
}
