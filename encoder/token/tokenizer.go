package token

import "errors"

// ErrVocabulary is returned for a vocabulary that cannot be read: another
// format, too large, or without the special tokens.
var ErrVocabulary = errors.New("unusable vocabulary")

// Tokenizer turns text into ids. Implementations are safe for use by several
// goroutines, take any string (bytes that are not UTF-8 are read as U+FFFD)
// and never fail.
type Tokenizer interface {
	// Encode returns the ids of text between the start and the end token, not
	// padded. Where that is longer than contextLength the text is cut and the
	// end token kept, so that at most contextLength ids come back. A context
	// length of 0 or less means no limit; 1 gives the start token alone.
	Encode(text string, contextLength int) []int32

	// Size returns the number of ids: each id of Encode is below it.
	Size() int

	// Pad returns the id that fills a batch up to its longest text.
	Pad() int32
}
