package token

import (
	"fmt"
	"math"
	"unicode/utf8"
)

// unigram finds the pieces of a word whose log probabilities have the highest
// sum (Kudo 2018, Subword Regularization), by Viterbi's algorithm over the
// bytes of the word.
type unigram struct {
	ids      map[string]int32
	scores   []float64
	longest  int // bytes of the longest piece
	unk      int32
	unkScore float64
	single   bool        // sums are float32, as in the sentencepiece library
	bytes    *[256]int32 // ids of <0x00> to <0xFF>, nil without byte fallback
}

// unkPenalty is how far an unknown character lies below the worst piece.
const unkPenalty = 10.0

// piece is one entry of a Unigram vocabulary.
type piece struct {
	text    string
	score   float64
	hidden  bool // never found in text: control and byte pieces
	literal bool // user-defined: found before anything else
}

// Unknown implements [Unknower].
func (u *unigram) Unknown() (int32, bool) { return u.unk, u.bytes == nil }

func newUnigram(pieces []piece, unk int32, fallback bool) (*unigram, error) {
	if unk < 0 || int(unk) >= len(pieces) {
		return nil, fmt.Errorf("%w: no unknown piece among %d", ErrVocabulary, len(pieces))
	}
	u := &unigram{ids: make(map[string]int32, len(pieces)), scores: make([]float64, len(pieces)), unk: unk}
	lowest := math.Inf(1)
	for i, p := range pieces {
		if math.IsNaN(p.score) || math.IsInf(p.score, 0) {
			return nil, fmt.Errorf("%w: piece %d has the score %v", ErrVocabulary, i, p.score)
		}
		u.scores[i] = p.score
		if p.hidden {
			continue
		}
		lowest = min(lowest, p.score)
		if p.text == "" || int32(i) == unk {
			continue
		}
		u.ids[p.text] = int32(i)
		u.longest = max(u.longest, len(p.text))
	}
	if u.longest > maxPieceBytes {
		return nil, fmt.Errorf("%w: a piece of %d bytes", ErrVocabulary, u.longest)
	}
	u.unkScore = lowest - unkPenalty
	if fallback {
		var err error
		names := make(map[string]int32, len(pieces))
		for i, p := range pieces {
			names[p.text] = int32(i)
		}
		if u.bytes, err = byteIDs(func(name string) (int32, bool) {
			id, ok := names[name]
			return id, ok
		}); err != nil {
			return nil, err
		}
	}
	return u, nil
}

// maxPieceBytes bounds pieces: it is the factor in front of the length of the
// text in Unigram's time. SentencePiece trains pieces of at most 16 characters.
const maxPieceBytes = 512

// byteIDs looks the 256 byte pieces up.
func byteIDs(find func(string) (int32, bool)) (*[256]int32, error) {
	var ids [256]int32
	for b := range ids {
		id, ok := find(fmt.Sprintf("<0x%02X>", b))
		if !ok {
			return nil, fmt.Errorf("%w: byte fallback without the piece <0x%02X>", ErrVocabulary, b)
		}
		ids[b] = id
	}
	return &ids, nil
}

// node is the best way to the end of a prefix.
type node struct {
	score float64
	from  int32 // where its last piece starts, -1 when nothing leads here
	id    int32
}

// append implements tokenModel.
func (u *unigram) append(ids []int32, word string, sc *scratch) []int32 {
	nodes := grow(sc.nodes, len(word)+1)
	sc.nodes = nodes
	for i := range nodes {
		nodes[i] = node{from: -1}
	}
	sum := func(a, b float64) float64 {
		if u.single {
			return float64(float32(a) + float32(b))
		}
		return a + b
	}
	for at := 0; at < len(word); {
		here := nodes[at].score
		_, first := utf8.DecodeRuneInString(word[at:])
		single := false
		for end, limit := at+first, min(len(word), at+u.longest); end <= limit; {
			if id, ok := u.ids[word[at:end]]; ok {
				n := &nodes[end]
				if score := sum(u.scores[id], here); n.from < 0 || score > n.score {
					*n = node{score, int32(at), id}
				}
				single = single || end == at+first
			}
			if end == len(word) {
				break
			}
			_, size := utf8.DecodeRuneInString(word[end:])
			end += size
		}
		if !single {
			n := &nodes[at+first]
			if score := sum(u.unkScore, here); n.from < 0 || score > n.score {
				*n = node{score, int32(at), u.unk}
			}
		}
		at += first
	}
	// Backwards, unknown neighbours in one.
	begin := len(ids)
	for end := len(word); end > 0; {
		n := nodes[end]
		if n.id != u.unk {
			ids = append(ids, n.id)
			end = int(n.from)
			continue
		}
		from := int(n.from)
		for from > 0 && nodes[from].id == u.unk {
			from = int(nodes[from].from)
		}
		if u.bytes == nil {
			ids = append(ids, u.unk)
		} else {
			for i := end - 1; i >= from; i-- {
				ids = append(ids, u.bytes[word[i]])
			}
		}
		end = from
	}
	for i, j := begin, len(ids)-1; i < j; i, j = i+1, j-1 {
		ids[i], ids[j] = ids[j], ids[i]
	}
	return ids
}

func (u *unigram) size() int { return len(u.scores) }
