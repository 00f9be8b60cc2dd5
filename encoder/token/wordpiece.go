package token

import "io"

// WordPieceOptions configure [NewWordPiece]. The zero value is cased.
type WordPieceOptions struct {
	Lowercase bool // lower-case and strip accents first: the "uncased" models
}

// WordPiece is BERT's tokenizer.
type WordPiece struct{}

// NewWordPiece reads a vocab.txt: one token a line, the line number its id.
func NewWordPiece(vocab io.Reader, opts WordPieceOptions) (*WordPiece, error) {
	panic("not there yet")
}

// Encode implements [Tokenizer].
func (w *WordPiece) Encode(text string, contextLength int) []int32 { panic("not there yet") }

// Size implements [Tokenizer].
func (w *WordPiece) Size() int { panic("not there yet") }

// Pad implements [Tokenizer].
func (w *WordPiece) Pad() int32 { panic("not there yet") }
