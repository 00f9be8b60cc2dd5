package token

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// WordPieceOptions configure [NewWordPiece]. The zero value is for a cased
// vocabulary.
type WordPieceOptions struct {
	// Lowercase folds case and strips accents, as the uncased vocabularies
	// want it.
	Lowercase bool
}

// WordPiece is BERT's tokenizer (Devlin et al. 2019; the algorithm of
// Schuster and Nakajima 2012), equal to Hugging Face's BertTokenizer.
//
// Control and format characters go, white space and punctuation part words,
// Chinese characters stand alone, and each word becomes the longest pieces of
// the vocabulary from left to right, pieces inside a word being written with
// ## before them. A word of more than 100 characters, or with a part that no
// piece covers, becomes [UNK].
type WordPiece struct {
	first, inner   map[string]int32 // pieces that begin a word, pieces inside one without their ##
	longest        int              // bytes of the longest piece
	lowercase      bool
	size           int
	pad, unk       int32
	cls, sep, mask int32
}

// maxWordRunes is the length beyond which a word is unknown.
const maxWordRunes = 100

// NewWordPiece reads a vocab.txt: one token a line, the number of the line
// its id, counted from 0. [PAD], [UNK], [CLS] and [SEP] must be among them.
func NewWordPiece(vocab io.Reader, opts WordPieceOptions) (*WordPiece, error) {
	lines, err := readLines(vocab)
	if err != nil {
		return nil, err
	}
	w := &WordPiece{
		first:     make(map[string]int32, len(lines)),
		inner:     make(map[string]int32),
		lowercase: opts.Lowercase,
		size:      len(lines),
	}
	for i, piece := range lines {
		into := w.first
		if rest, ok := strings.CutPrefix(piece, "##"); ok && rest != "" {
			into, piece = w.inner, rest
		}
		into[piece] = int32(i) // of two equal lines the later counts
		w.longest = max(w.longest, len(piece))
	}
	for _, special := range []struct {
		name string
		id   *int32
	}{{"[PAD]", &w.pad}, {"[UNK]", &w.unk}, {"[CLS]", &w.cls}, {"[SEP]", &w.sep}} {
		id, ok := w.first[special.name]
		if !ok {
			return nil, fmt.Errorf("%w: no line reads %s (want BERT's vocab.txt)", ErrVocabulary, special.name)
		}
		*special.id = id
	}
	w.mask = -1
	if id, ok := w.first["[MASK]"]; ok {
		w.mask = id
	}
	return w, nil
}

// Size implements [Tokenizer].
func (w *WordPiece) Size() int { return w.size }

// Pad implements [Tokenizer].
func (w *WordPiece) Pad() int32 { return w.pad }

// Unknown implements [Unknower].
func (w *WordPiece) Unknown() (int32, bool) { return w.unk, true }

// Encode implements [Tokenizer]. Text that reads [CLS], [SEP], [MASK], [PAD]
// or [UNK], in capitals, gives these ids, as in Hugging Face's tokenizer.
func (w *WordPiece) Encode(text string, contextLength int) []int32 {
	free, start := room(contextLength)
	ids := make([]int32, 0, min(free, len(text)/3+6)+2)
	if start {
		ids = append(ids, w.cls)
	}
	limit := len(ids) + free
	if limit < 0 { // free is the largest int: no limit
		limit = free
	}
	// Nothing looks across a space, so the text is worked on one stretch
	// after the other and what lies behind the limit is never looked at.
	for len(text) > 0 && len(ids) < limit {
		var stretch string
		stretch, text, _ = strings.Cut(text, " ")
		for len(stretch) > 0 && len(ids) < limit {
			plain, id, rest := w.cutSpecial(stretch)
			ids = w.words(ids, plain, limit)
			if id >= 0 {
				ids = append(ids, id)
			}
			stretch = rest
		}
	}
	if len(ids) > limit {
		ids = ids[:limit]
	}
	return append(ids, w.sep)
}

// cutSpecial returns what comes before the first special token of text, its
// id, and what comes after. Without one the id is -1 and plain all of text.
func (w *WordPiece) cutSpecial(text string) (plain string, id int32, rest string) {
	for i := 0; i < len(text); i++ {
		at := strings.IndexByte(text[i:], '[')
		if at < 0 {
			break
		}
		i += at
		for _, special := range [...]struct {
			name string
			id   int32
		}{{"[PAD]", w.pad}, {"[UNK]", w.unk}, {"[CLS]", w.cls}, {"[SEP]", w.sep}, {"[MASK]", w.mask}} {
			if special.id >= 0 && strings.HasPrefix(text[i:], special.name) {
				return text[:i], special.id, text[i+len(special.name):]
			}
		}
	}
	return text, -1, ""
}

// words appends the pieces of each word of text, until limit is reached.
func (w *WordPiece) words(ids []int32, text string, limit int) []int32 {
	text = normalise(text, w.lowercase)
	for len(text) > 0 && len(ids) < limit {
		r, n := utf8.DecodeRuneInString(text)
		switch {
		case isBertSpace(r):
		case isPunctuation(r):
			ids = w.pieces(ids, text[:n])
		default:
			n = spanOf(text, n, func(r rune) bool { return !isBertSpace(r) && !isPunctuation(r) })
			ids = w.pieces(ids, text[:n])
		}
		text = text[n:]
	}
	return ids
}

// pieces appends the pieces of one word.
func (w *WordPiece) pieces(ids []int32, word string) []int32 {
	if len(word) > maxWordRunes && utf8.RuneCountInString(word) > maxWordRunes {
		return append(ids, w.unk)
	}
	before := len(ids)
	vocab := w.first
	for rest := word; len(rest) > 0; vocab = w.inner {
		end := min(len(rest), w.longest)
		for end > 0 {
			if end == len(rest) || utf8.RuneStart(rest[end]) {
				if id, ok := vocab[rest[:end]]; ok {
					ids = append(ids, id)
					break
				}
			}
			end--
		}
		if end == 0 {
			return append(ids[:before], w.unk)
		}
		rest = rest[end:]
	}
	return ids
}
