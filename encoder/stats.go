package encoder

import (
	"context"
	"image"
	"time"
)

// Stats tell what runs the towers of an encoder and how much they have done.
type Stats struct {
	Image, Text TowerStats
}

// TowerStats are the counts of one tower since it was loaded. Encoders that
// share a tower share its counts.
type TowerStats struct {
	Provider string        // what computes it, "cpu" or "cuda" for instance; "" while it is not loaded
	Runs     int64         // batches that were computed
	Items    int64         // images or texts in them
	Busy     time.Duration // time within those runs
	Load     time.Duration // time that loading took
}

// Meter is implemented by encoders that keep Stats.
type Meter interface {
	Stats() Stats
}

// Preparer is implemented by encoders whose work on the pixels of an image can
// be done ahead, by as many goroutines as there are, while the model runs.
// What remains of an image, its tensor, is mostly far smaller.
type Preparer interface {
	Encoder

	// PrepareImage resizes and normalises an upright image: float32
	// [3, size, size]. It needs no model.
	PrepareImage(img image.Image) ([]float32, error)

	// EncodeTensors returns one unit vector for each tensor that PrepareImage
	// made, in order. The tensors belong to the encoder from then on, also when
	// it fails.
	EncodeTensors(ctx context.Context, tensors [][]float32) ([][]float32, error)
}
