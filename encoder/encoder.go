package encoder

import (
	"context"
	"errors"
	"image"
)

// ErrNoRuntime is returned when the library that runs the model cannot be
// found or loaded. Its message lists what was tried and the command that
// mends it.
var ErrNoRuntime = errors.New("no ONNX Runtime")

// ErrClosed is returned by calls on a closed encoder.
var ErrClosed = errors.New("encoder is closed")

// ErrBadText is returned for text that no tower can take: bytes that are not
// UTF-8, or text beyond the byte limit.
var ErrBadText = errors.New("text cannot be encoded")

// Model describes what an encoder computes. Two encoders with equal
// Fingerprint give interchangeable vectors.
type Model struct {
	Name        string   // short name, as `clipdb model list` prints it
	Family      string   // architecture family: "clipdb-mini", "openai-clip", ...
	Dim         int      // components of a vector
	Fingerprint string   // hex sha256 over model files, tokenizer, preprocessing and dim
	Licence     string   // SPDX identifier
	Languages   []string // BCP 47 tags that the text tower understands
	LogitScale  float32  // factor that turns cosines into logits (CLIP, section 2.3)
	LogitBias   float32  // what is added to the logits where Sigmoid is set
	Sigmoid     bool     // probabilities are the logistic function of each logit (SigLIP), not the softmax over all
	Templates   []string // captions of a label, which takes the place of {}, that labels are averaged over; none: the plain label
	Temperature float32  // divisor of the logits, found on held-out labels, that makes probabilities match how often they are right; 0 counts as 1
	ImageSize   int      // side of the square that the image tower sees, in pixels
	Card        Card     // what people should know of the model
}

// Encoder turns images and texts into unit vectors of Model().Dim float32
// components. Implementations are safe for use by several goroutines, and
// package encodertest holds the suite that each of them passes.
type Encoder interface {
	// Model describes the encoder. It does no work and never fails.
	Model() Model

	// EncodeText returns one unit vector for each text, in order. Text beyond
	// the context length is cut, keeping the end token. It returns ErrBadText
	// for text that is not UTF-8, ctx.Err() when ctx ends first, and ErrClosed
	// after Close. No texts give no vectors and no error.
	EncodeText(ctx context.Context, texts []string) ([][]float32, error)

	// EncodeImages returns one unit vector for each image, in order. The
	// images are upright already (see pixel.Decode); resizing and
	// normalisation are the encoder's own.
	EncodeImages(ctx context.Context, images []image.Image) ([][]float32, error)

	// Close frees the model. It waits for calls in flight; a second Close
	// does nothing.
	Close() error
}
