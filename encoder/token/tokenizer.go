package token

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// ErrVocabulary is returned for a vocabulary that cannot be used: another
// format, too large, or without the special tokens.
var ErrVocabulary = errors.New("unusable vocabulary")

// Tokenizer turns text into ids. Implementations are safe for use by several
// goroutines, take any string (each byte that is not UTF-8 is read as U+FFFD)
// and never fail. Time is linear in the text, but for a logarithm within one
// word, and text beyond the context length costs next to nothing.
type Tokenizer interface {
	// Encode returns the ids of text between the start and the end token, not
	// padded. Where that is longer than contextLength the text is cut and the
	// end token kept, so that at most contextLength ids come back. A context
	// length of 0 or less means no limit; 1 leaves the end token alone.
	Encode(text string, contextLength int) []int32

	// Size returns the number of ids: each id of Encode is below it.
	Size() int

	// Pad returns the id that fills the texts of a batch up to the longest.
	Pad() int32
}

// Unknower is implemented by tokenizers whose vocabulary may have an id for
// whatever it lacks.
type Unknower interface {
	// Unknown returns that id, and false when every text is spelt out.
	Unknown() (int32, bool)
}

// Limits on vocabulary files. The largest in use, of 250,000 tokens in a
// hundred languages, takes 5 MB; OpenAI's byte-pair file takes 3.
const (
	maxVocabularyBytes = 32 << 20
	maxVocabularyLines = 1 << 20
	maxLineBytes       = 4096
)

// readLines returns the lines of a vocabulary, without their line ends.
func readLines(r io.Reader) ([]string, error) {
	limited := &io.LimitedReader{R: r, N: maxVocabularyBytes + 1}
	scan := bufio.NewScanner(limited)
	scan.Buffer(make([]byte, 0, maxLineBytes), maxLineBytes)
	var lines []string
	for scan.Scan() {
		line := strings.TrimSuffix(scan.Text(), "\r")
		if !utf8.ValidString(line) {
			return nil, fmt.Errorf("%w: line %d is not UTF-8", ErrVocabulary, len(lines)+1)
		}
		if len(lines) == maxVocabularyLines {
			return nil, fmt.Errorf("%w: more than %d lines", ErrVocabulary, maxVocabularyLines)
		}
		lines = append(lines, line)
	}
	if err := scan.Err(); err != nil {
		return nil, fmt.Errorf("%w: line %d: %w", ErrVocabulary, len(lines)+1, err)
	}
	if limited.N <= 0 {
		return nil, fmt.Errorf("%w: more than %d bytes", ErrVocabulary, maxVocabularyBytes)
	}
	return lines, nil
}

// room returns how many ids fit between the start and the end token, and
// whether there is a start token at all.
func room(contextLength int) (n int, start bool) {
	switch {
	case contextLength <= 0:
		return int(^uint(0) >> 1), true
	case contextLength == 1:
		return 0, false
	}
	return contextLength - 2, true
}
