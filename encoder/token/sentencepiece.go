package token

import (
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"unicode/utf8"
)

// SentencePieceOptions say what a .model file leaves to the program that uses
// it.
type SentencePieceOptions struct {
	// Start and End put the model's ids of <s> (or <bos>) and </s> (or <eos>)
	// around each text.
	Start, End bool

	// Clean is done before anything else.
	Clean Cleaning
}

// maxSentencePiece bounds a .model file, in bytes. Gemma's takes 4.2 MB.
const maxSentencePiece = 64 << 20

// spaceMark stands for a space in SentencePiece's vocabularies.
const spaceMark = "▁"

// Types of pieces, and of models, in sentencepiece_model.proto.
const (
	pieceUnknown = 2
	pieceControl = 3
	pieceLiteral = 4
	pieceUnused  = 5
	pieceByte    = 6

	trainedUnigram = 1
	trainedPairs   = 2
)

// sentencePiece is what is read of a ModelProto.
type sentencePiece struct {
	pieces           []piece
	unk              int32
	bos, eos, pad    int32
	kind             uint64
	fallback         bool
	charsmap         []byte
	dummy, noExtra   bool
	escape, asSuffix bool
}

// NewSentencePiece reads a SentencePiece .model file (Kudo and Richardson
// 2018), Unigram or byte-pair, with its normalisation rules. Ids equal
// those of the sentencepiece library.
func NewSentencePiece(r io.Reader, opts SentencePieceOptions) (*Pipeline, error) {
	data, err := readAll(r, maxSentencePiece)
	if err != nil {
		return nil, err
	}
	m, err := parseSentencePiece(data)
	if err != nil {
		return nil, err
	}
	p := &Pipeline{clean: cleanings[opts.Clean], largest: len(m.pieces), pad: max(m.pad, 0)}
	cs, err := newCharsmap(m.charsmap)
	if err != nil {
		return nil, err
	}
	if cs != nil {
		p.steps = append(p.steps, cs.longest)
	}
	if m.noExtra {
		p.steps = append(p.steps, func(s string) string { return strings.Join(strings.FieldsFunc(s, isBlank), " ") })
	}
	p.steps = append(p.steps, func(s string) string {
		if s != "" && m.dummy {
			s = " " + s
		}
		if m.escape {
			s = strings.ReplaceAll(s, " ", spaceMark)
		}
		return s
	})
	if m.asSuffix {
		return nil, fmt.Errorf("%w: a model with white space as a suffix", ErrVocabulary)
	}
	var fixed []literal
	for i, x := range m.pieces {
		if x.literal && x.text != "" {
			fixed = append(fixed, literal{text: x.text, id: int32(i)})
		}
	}
	if p.cooked, err = newLiterals(fixed); err != nil {
		return nil, err
	}
	switch m.kind {
	case trainedUnigram:
		var u *unigram
		if u, err = newUnigram(m.pieces, m.unk, m.fallback); err == nil {
			u.single = true
			p.model = u
		}
	case trainedPairs:
		p.model, err = m.pairs()
	default:
		return nil, fmt.Errorf("%w: a SentencePiece model of type %d (want Unigram or BPE)", ErrVocabulary, m.kind)
	}
	if err != nil {
		return nil, err
	}
	for _, s := range []struct {
		want bool
		id   int32
		into *[]int32
		name string
	}{{opts.Start, m.bos, &p.before, "start"}, {opts.End, m.eos, &p.after, "end"}} {
		if !s.want {
			continue
		}
		if s.id < 0 || int(s.id) >= len(m.pieces) {
			return nil, fmt.Errorf("%w: the model has no %s piece", ErrVocabulary, s.name)
		}
		*s.into = []int32{s.id}
	}
	return p, nil
}

func isBlank(r rune) bool { return r == ' ' }

// pairs makes byte-pair rules of a vocabulary with scores: each way to cut a
// piece into two others is one, with the rank of the piece.
func (m *sentencePiece) pairs() (*pairs, error) {
	vocabulary := make(map[string]int32, len(m.pieces))
	order := make([]int32, 0, len(m.pieces))
	for i, x := range m.pieces {
		if x.hidden || x.literal || int32(i) == m.unk {
			continue
		}
		if len(x.text) > maxPieceBytes {
			return nil, fmt.Errorf("%w: a piece of %d bytes", ErrVocabulary, len(x.text))
		}
		vocabulary[x.text] = int32(i)
		order = append(order, int32(i))
	}
	slices.SortStableFunc(order, func(a, b int32) int {
		switch sa, sb := m.pieces[a].score, m.pieces[b].score; {
		case sa > sb:
			return -1
		case sa < sb:
			return 1
		}
		return 0
	})
	p := &pairs{ids: vocabulary, merges: make(map[uint64]merge), unk: m.unk, fuse: true, vocabularyLen: len(m.pieces)}
	for rank, id := range order {
		text := m.pieces[id].text
		for cut := range text {
			if cut == 0 {
				continue
			}
			left, ok := vocabulary[text[:cut]]
			if !ok {
				continue
			}
			if right, ok := vocabulary[text[cut:]]; ok {
				p.merges[pair(left, right)] = merge{int32(rank), id}
			}
		}
	}
	if m.fallback {
		names := map[string]int32{}
		for i, x := range m.pieces {
			if x.hidden {
				names[x.text] = int32(i)
			}
		}
		var err error
		if p.bytes, err = byteIDs(func(name string) (int32, bool) { id, ok := names[name]; return id, ok }); err != nil {
			return nil, err
		}
	}
	return p, nil
}

// parseSentencePiece reads the fields that matter of a ModelProto.
func parseSentencePiece(data []byte) (*sentencePiece, error) {
	m := &sentencePiece{kind: trainedUnigram, unk: 0, bos: 1, eos: 2, pad: -1, dummy: true, noExtra: true, escape: true}
	err := eachField(data, func(field int, number uint64, body []byte) error {
		switch field {
		case 1:
			return m.addPiece(body)
		case 2: // TrainerSpec
			return eachField(body, func(field int, number uint64, _ []byte) error {
				switch field {
				case 3:
					m.kind = number
				case 24:
					m.asSuffix = number != 0
				case 35:
					m.fallback = number != 0
				case 40:
					m.unk = int32(number)
				case 41:
					m.bos = int32(number)
				case 42:
					m.eos = int32(number)
				case 43:
					m.pad = int32(number)
				}
				return nil
			})
		case 3: // NormalizerSpec
			return eachField(body, func(field int, number uint64, body []byte) error {
				switch field {
				case 2:
					m.charsmap = body
				case 3:
					m.dummy = number != 0
				case 4:
					m.noExtra = number != 0
				case 5:
					m.escape = number != 0
				}
				return nil
			})
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	if len(m.pieces) == 0 {
		return nil, fmt.Errorf("%w: no pieces (want a SentencePiece .model)", ErrVocabulary)
	}
	if m.unk < 0 || int(m.unk) >= len(m.pieces) {
		return nil, fmt.Errorf("%w: the unknown piece %d is none of %d", ErrVocabulary, m.unk, len(m.pieces))
	}
	return m, nil
}

func (m *sentencePiece) addPiece(body []byte) error {
	x, kind := piece{}, uint64(1)
	err := eachField(body, func(field int, number uint64, body []byte) error {
		switch field {
		case 1:
			x.text = string(body)
		case 2:
			x.score = float64(math.Float32frombits(uint32(number)))
		case 3:
			kind = number
		}
		return nil
	})
	switch {
	case err != nil:
		return err
	case !utf8.ValidString(x.text):
		return fmt.Errorf("%w: piece %d is not UTF-8", ErrVocabulary, len(m.pieces))
	case len(m.pieces) == maxVocabularyLines:
		return fmt.Errorf("%w: more than %d pieces", ErrVocabulary, maxVocabularyLines)
	case math.IsNaN(x.score) || math.IsInf(x.score, 0):
		return fmt.Errorf("%w: piece %d has the score %v", ErrVocabulary, len(m.pieces), x.score)
	}
	switch kind {
	case pieceUnknown:
		m.unk = int32(len(m.pieces))
		x.hidden = true
	case pieceControl, pieceByte, pieceUnused:
		x.hidden = true
	case pieceLiteral:
		x.literal, x.hidden = true, true
	}
	m.pieces = append(m.pieces, x)
	return nil
}

// eachField calls yield with each field of a protocol buffer message: number
// holds what is no string of bytes, body what is one.
func eachField(data []byte, yield func(field int, number uint64, body []byte) error) error {
	broken := fmt.Errorf("%w: not a protocol buffer", ErrVocabulary)
	for len(data) > 0 {
		key, n := binary.Uvarint(data)
		if n <= 0 || key>>3 == 0 || key>>3 > 1<<29 {
			return broken
		}
		data = data[n:]
		var number uint64
		var body []byte
		switch key & 7 {
		case 0:
			if number, n = binary.Uvarint(data); n <= 0 {
				return broken
			}
		case 1:
			if n = 8; len(data) < n {
				return broken
			}
			number = binary.LittleEndian.Uint64(data)
		case 2:
			size, k := binary.Uvarint(data)
			if k <= 0 || size > uint64(len(data)-k) {
				return broken
			}
			n = k + int(size)
			body = data[k:n:n]
		case 5:
			if n = 4; len(data) < n {
				return broken
			}
			number = uint64(binary.LittleEndian.Uint32(data))
		default:
			return broken
		}
		data = data[n:]
		if err := yield(int(key>>3), number, body); err != nil {
			return err
		}
	}
	return nil
}
