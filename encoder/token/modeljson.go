package token

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
)

// modelOf reads the model of a tokenizer.json.
func modelOf(raw json.RawMessage) (tokenModel, error) {
	if absent(raw) {
		return nil, fmt.Errorf("%w: no model", ErrVocabulary)
	}
	var n struct {
		Vocab         json.RawMessage   `json:"vocab"`
		Merges        []json.RawMessage `json:"merges"`
		UnkToken      *string           `json:"unk_token"`
		UnkID         *int32            `json:"unk_id"`
		Prefix        *string           `json:"continuing_subword_prefix"`
		Suffix        *string           `json:"end_of_word_suffix"`
		Fuse          bool              `json:"fuse_unk"`
		Fallback      bool              `json:"byte_fallback"`
		Ignore        bool              `json:"ignore_merges"`
		Dropout       *float64          `json:"dropout"`
		MaxWordLength *int              `json:"max_input_chars_per_word"`
	}
	kind, err := kindOf(raw, "model", 0, &n)
	if err != nil {
		return nil, err
	}
	if kind == "" { // old files do not say
		switch {
		case n.UnkID != nil:
			kind = "Unigram"
		case n.Merges != nil:
			kind = "BPE"
		case n.MaxWordLength != nil:
			kind = "WordPiece"
		}
	}
	text := func(s *string) string {
		if s == nil {
			return ""
		}
		return *s
	}
	switch kind {
	case "BPE":
		c := pairsConfig{unk: text(n.UnkToken), prefix: text(n.Prefix), suffix: text(n.Suffix),
			fallback: n.Fallback, fuse: n.Fuse, ignore: n.Ignore}
		if err := json.Unmarshal(n.Vocab, &c.vocabulary); err != nil {
			return nil, fmt.Errorf("%w: vocab: %w", ErrVocabulary, err)
		}
		c.merges = make([][2]string, len(n.Merges))
		for i, m := range n.Merges {
			if c.merges[i], err = mergeOf(m); err != nil {
				return nil, fmt.Errorf("%w: merge %d: %w", ErrVocabulary, i, err)
			}
		}
		return newPairs(c)
	case "Unigram":
		var entries []unigramEntry
		if err := json.Unmarshal(n.Vocab, &entries); err != nil {
			return nil, fmt.Errorf("%w: vocab: %w", ErrVocabulary, err)
		}
		if n.UnkID == nil {
			return nil, fmt.Errorf("%w: Unigram without unk_id", ErrVocabulary)
		}
		pieces := make([]piece, len(entries))
		for i, e := range entries {
			pieces[i] = piece{text: e.text, score: e.score}
		}
		return newUnigram(pieces, *n.UnkID, n.Fallback)
	case "WordPiece":
		var vocab map[string]int32
		if err := json.Unmarshal(n.Vocab, &vocab); err != nil {
			return nil, fmt.Errorf("%w: vocab: %w", ErrVocabulary, err)
		}
		if p := text(n.Prefix); p != "##" || n.MaxWordLength != nil && *n.MaxWordLength != maxWordRunes {
			return nil, fmt.Errorf("%w: WordPiece with the prefix %q and words of other length", ErrVocabulary, p)
		}
		return newWordPieces(vocab, text(n.UnkToken))
	}
	return nil, fmt.Errorf("%w: the model %q is not known", ErrVocabulary, kind)
}

// unigramEntry is ["▁the", -3.5].
type unigramEntry struct {
	text  string
	score float64
}

func (e *unigramEntry) UnmarshalJSON(data []byte) error {
	return json.Unmarshal(data, &[]any{&e.text, &e.score})
}

// mergeOf reads "a b", or ["a", "b"].
func mergeOf(raw json.RawMessage) (m [2]string, err error) {
	if len(raw) > 0 && raw[0] == '"' {
		var line string
		if err := json.Unmarshal(raw, &line); err != nil {
			return m, err
		}
		return cutMerge(line)
	}
	var list []string
	if err := json.Unmarshal(raw, &list); err != nil {
		return m, err
	}
	if len(list) != 2 {
		return m, fmt.Errorf("%d parts", len(list))
	}
	return [2]string(list), nil
}

func cutMerge(line string) (m [2]string, err error) {
	left, right, ok := strings.Cut(line, " ")
	if !ok || left == "" || right == "" || strings.Contains(right, " ") {
		return m, fmt.Errorf("%q is not two tokens", line)
	}
	return [2]string{left, right}, nil
}

// specialsOf returns the ids that a post-processor puts around one text.
func specialsOf(raw json.RawMessage, depth int) (before, after []int32, err error) {
	if absent(raw) {
		return nil, nil, nil
	}
	type named struct {
		ID string `json:"id"`
	}
	var n struct {
		Processors []json.RawMessage `json:"processors"`
		Sep        []any             `json:"sep"`
		Cls        []any             `json:"cls"`
		Single     []struct {
			SpecialToken *named `json:"SpecialToken"`
			Sequence     *named `json:"Sequence"`
		} `json:"single"`
		SpecialTokens map[string]struct {
			IDs []int32 `json:"ids"`
		} `json:"special_tokens"`
	}
	kind, err := kindOf(raw, "post_processor", depth, &n)
	if err != nil {
		return nil, nil, err
	}
	switch kind {
	case "ByteLevel":
		return nil, nil, nil // mends offsets alone
	case "Sequence":
		for _, part := range n.Processors {
			b, a, err := specialsOf(part, depth+1)
			if err != nil {
				return nil, nil, err
			}
			before, after = append(b, before...), append(after, a...)
		}
	case "RobertaProcessing", "BertProcessing":
		for _, s := range []struct {
			pair []any
			into *[]int32
		}{{n.Cls, &before}, {n.Sep, &after}} {
			id, ok := float64(-1), len(s.pair) == 2
			if ok {
				id, ok = s.pair[1].(float64)
			}
			if !ok || id < 0 || id > maxVocabularyLines {
				return nil, nil, fmt.Errorf("%w: post_processor %s: %v", ErrVocabulary, kind, s.pair)
			}
			*s.into = []int32{int32(id)}
		}
	case "TemplateProcessing":
		into, texts := &before, 0
		for _, part := range n.Single {
			switch {
			case part.Sequence != nil:
				into = &after
				texts++
			case part.SpecialToken != nil:
				*into = append(*into, n.SpecialTokens[part.SpecialToken.ID].IDs...)
			}
		}
		if texts != 1 {
			return nil, nil, fmt.Errorf("%w: post_processor: a template with the text %d times", ErrVocabulary, texts)
		}
	default:
		return nil, nil, fmt.Errorf("%w: the post_processor %q is not known", ErrVocabulary, kind)
	}
	if len(before)+len(after) > maxSpecials {
		return nil, nil, fmt.Errorf("%w: %d special tokens around a text", ErrVocabulary, len(before)+len(after))
	}
	return before, after, nil
}

// maxSpecials bounds what a post-processor may add.
const maxSpecials = 16

// wordPieces is WordPiece as the model of a pipeline.
type wordPieces struct{ *WordPiece }

func newWordPieces(vocab map[string]int32, unk string) (*wordPieces, error) {
	w := &WordPiece{first: make(map[string]int32, len(vocab)), inner: make(map[string]int32)}
	for text, id := range vocab {
		if id < 0 || id > maxVocabularyLines {
			return nil, fmt.Errorf("%w: %q has the id %d", ErrVocabulary, text, id)
		}
		w.size = max(w.size, int(id)+1)
		into := w.first
		if rest, ok := strings.CutPrefix(text, "##"); ok && rest != "" {
			into, text = w.inner, rest
		}
		into[text] = id
		w.longest = max(w.longest, len(text))
	}
	var ok bool
	if w.unk, ok = vocab[unk]; !ok {
		return nil, fmt.Errorf("%w: the unknown token %q is not in the vocabulary", ErrVocabulary, unk)
	}
	return &wordPieces{w}, nil
}

func (w *wordPieces) append(ids []int32, word string, _ *scratch) []int32 { return w.pieces(ids, word) }
func (w *wordPieces) size() int                                           { return w.WordPiece.size }

// NewCLIP reads vocab.json and merges.txt, the older files of Hugging Face's
// CLIP: NFC, white space collapsed, small letters, CLIP's pattern, byte-level
// pairs with an end-of-word mark, between <|startoftext|> and <|endoftext|>.
// Unlike [BytePair], and like Hugging Face's tokenizer, it leaves HTML
// entities alone.
func NewCLIP(vocab, merges io.Reader) (*Pipeline, error) {
	data, err := readAll(vocab, maxVocabularyBytes)
	if err != nil {
		return nil, err
	}
	c := pairsConfig{unk: "<|endoftext|>", suffix: endOfWord}
	if err := json.Unmarshal(data, &c.vocabulary); err != nil {
		return nil, fmt.Errorf("%w: vocab.json: %w", ErrVocabulary, err)
	}
	lines, err := readLines(merges)
	if err != nil {
		return nil, err
	}
	for i, line := range lines {
		if line == "" || i == 0 && strings.HasPrefix(line, "#version") {
			continue
		}
		m, err := cutMerge(line)
		if err != nil {
			return nil, fmt.Errorf("%w: merges.txt, line %d: %w", ErrVocabulary, i+1, err)
		}
		c.merges = append(c.merges, m)
	}
	start, ok := c.vocabulary["<|startoftext|>"]
	end, ok2 := c.vocabulary["<|endoftext|>"]
	if !ok || !ok2 {
		return nil, fmt.Errorf("%w: vocab.json has no <|startoftext|> and <|endoftext|>", ErrVocabulary)
	}
	p := &Pipeline{before: []int32{start}, after: []int32{end}, pad: end}
	if p.model, err = newPairs(c); err != nil {
		return nil, err
	}
	p.largest = p.model.size()
	if p.steps, err = stepsOf([]byte(clipNormalizer), 0); err != nil {
		return nil, err
	}
	if p.splits, err = splitsOf([]byte(clipPreTokenizer), 0); err != nil {
		return nil, err
	}
	p.raw, err = newLiterals([]literal{{text: "<|startoftext|>", id: start}, {text: "<|endoftext|>", id: end}})
	return p, err
}

// What Hugging Face's CLIPTokenizerFast builds of vocab.json and merges.txt.
const (
	clipNormalizer = `{"type":"Sequence","normalizers":[{"type":"NFC"},
		{"type":"Replace","pattern":{"Regex":"\\s+"},"content":" "},{"type":"Lowercase"}]}`
	clipPreTokenizer = `{"type":"Sequence","pretokenizers":[{"type":"Split","pattern":{"Regex":
		"<\\|startoftext\\|>|<\\|endoftext\\|>|'s|'t|'re|'ve|'m|'ll|'d|[\\p{L}]+|[\\p{N}]|[^\\s\\p{L}\\p{N}]+"},
		"behavior":"Removed","invert":true},{"type":"ByteLevel","add_prefix_space":false,"use_regex":true}]}`
)
