package db

import (
	"io"
)

// ID names an item: UTF-8 of 1 to engine.MaxID bytes.
type ID = string

// Item is what Insert stores: a picture, or the caller's own vector, or both,
// with what is known about it.
type Item struct {
	// ID names the item. When it is empty, an item with a picture is named by
	// the hex sha256 of the picture's bytes, so the same picture is stored
	// once; one without gets a random name of 26 letters and digits.
	ID string

	// Image is read to its end, within Options.MaxImageBytes. Readers of
	// [File] open late and close themselves; others are the caller's to close.
	Image io.Reader

	// Caption is kept with the item, at most 64 KiB. It is not searched by
	// meaning: text and picture vectors do not mix in one ranking.
	Caption string

	// Attrs are what filters test. See engine.Attrs for the limits.
	Attrs Attrs

	// Vector is the item's vector when the caller computes them. It is scaled
	// to unit length. With a picture beside it, the model is not asked.
	Vector []float32

	// Source says where the item comes from, for messages; it is not stored.
	// Readers of [File] fill it in.
	Source string
}

// source names the item in messages.
func (it *Item) source() string {
	if it.Source != "" {
		return it.Source
	}
	if f, ok := it.Image.(interface{ Name() string }); ok {
		return f.Name()
	}
	return it.ID
}
