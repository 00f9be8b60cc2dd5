package encoder

import "context"

// Reading tells how a text tower takes a text.
type Reading struct {
	Tokens  int // of the whole text, those that mark its ends among them
	Context int // tokens that the tower takes at most, 0 for any number
	Unknown int // tokens that stand for something outside the vocabulary; 0 where vocabularies have no such token
	Marks   int // tokens that mark the ends

	// Unread is the end of the text that the tower does not get because of
	// Context: from the first word on of which nothing is read. It is "" when
	// everything is read, or when the word that is cut is the last. Texts
	// without spaces, such as Chinese, are cut within.
	Unread string
}

// Cut reports whether the tower reads less than the whole text.
func (r Reading) Cut() bool { return r.Context > 0 && r.Tokens > r.Context }

// Reader is implemented by encoders that can tell how their text tower takes a
// text. It needs the tokenizer and not the tower, and so works where the model
// cannot run.
type Reader interface {
	ReadText(ctx context.Context, text string) (Reading, error)
}
