package token

import (
	"math"
	"sync"
)

// Pipeline is a tokenizer put together from the steps that a tokenizer.json or
// a SentencePiece model names: tokens of its own are cut out of the text, the
// rest is normalised, split into words, and each word becomes ids.
//
// The whole text is normalised before it is cut at the context length; time
// is linear in the text, but for a logarithm within one word.
type Pipeline struct {
	clean   []step    // before anything else: see Cleaning
	raw     *literals // tokens found in the text as it is, nil without any
	steps   []step    // normalisation
	cooked  *literals // tokens found in normalised text, nil without any
	splits  []splitter
	model   tokenModel
	before  []int32 // special ids before the text
	after   []int32 // and behind it
	largest int     // number of ids
	pad     int32
}

// step normalises text.
type step func(string) string

// splitter splits words into smaller ones.
type splitter func(into []span, word span) []span

// span is a part of the text on its way to the model.
type span struct {
	text  string
	first bool // it begins the text
}

// tokenModel turns one word into ids. It is safe for use by several
// goroutines, each with its own scratch.
type tokenModel interface {
	append(ids []int32, word string, sc *scratch) []int32
	size() int
}

// Size implements [Tokenizer].
func (p *Pipeline) Size() int { return p.largest }

// Pad implements [Tokenizer].
func (p *Pipeline) Pad() int32 { return p.pad }

// Unknown implements [Unknower]. Byte pairs have no such id here: they spell
// out what they lack.
func (p *Pipeline) Unknown() (int32, bool) {
	if u, ok := p.model.(Unknower); ok {
		return u.Unknown()
	}
	return -1, false
}

var scratches = sync.Pool{New: func() any { return new(scratch) }}

// Encode implements [Tokenizer].
func (p *Pipeline) Encode(text string, contextLength int) []int32 {
	free := math.MaxInt
	before, after := p.before, p.after
	if contextLength > 0 {
		if contextLength < len(before)+len(after) {
			before = nil
		}
		if len(after) > contextLength {
			after = after[len(after)-contextLength:]
		}
		free = contextLength - len(before) - len(after)
	}
	text = validUTF8(text)
	for _, s := range p.clean {
		text = s(text)
	}
	sc := scratches.Get().(*scratch)
	defer scratches.Put(sc)
	var ids []int32
	first := true
	p.raw.cut(text, func(plain string, id int32) bool {
		if plain != "" {
			ids = p.part(ids, plain, first, free, sc)
		}
		if id >= 0 {
			ids = append(ids, id)
		}
		first = false
		return len(ids) < free
	})
	ids = ids[:min(len(ids), free)]
	out := make([]int32, 0, len(before)+len(ids)+len(after))
	out = append(out, before...)
	out = append(out, ids...)
	return append(out, after...)
}

// part appends the ids of text that holds no raw token.
func (p *Pipeline) part(ids []int32, text string, first bool, free int, sc *scratch) []int32 {
	for _, s := range p.steps {
		text = s(text)
	}
	p.cooked.cut(text, func(plain string, id int32) bool {
		if plain != "" {
			words := []span{{plain, first}}
			for _, split := range p.splits {
				var smaller []span
				for _, w := range words {
					smaller = split(smaller, w)
				}
				words = smaller
			}
			for _, w := range words {
				if len(ids) >= free {
					break
				}
				if w.text != "" {
					ids = p.model.append(ids, w.text, sc)
				}
			}
		}
		if id >= 0 {
			ids = append(ids, id)
		}
		first = false
		return len(ids) < free
	})
	return ids
}
