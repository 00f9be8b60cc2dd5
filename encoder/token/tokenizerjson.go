package token

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// maxTokenizerJSON bounds a tokenizer.json, in bytes. Gemma's, the largest in
// use, takes 34 MB.
const maxTokenizerJSON = 128 << 20

// tokenizerJSON is the file as Hugging Face's tokenizers write it.
type tokenizerJSON struct {
	AddedTokens []struct {
		ID         int32  `json:"id"`
		Content    string `json:"content"`
		SingleWord bool   `json:"single_word"`
		LStrip     bool   `json:"lstrip"`
		RStrip     bool   `json:"rstrip"`
		Normalized bool   `json:"normalized"`
	} `json:"added_tokens"`
	Padding *struct {
		PadID int32 `json:"pad_id"`
	} `json:"padding"`
	Normalizer    json.RawMessage `json:"normalizer"`
	PreTokenizer  json.RawMessage `json:"pre_tokenizer"`
	PostProcessor json.RawMessage `json:"post_processor"`
	Model         json.RawMessage `json:"model"`
}

// NewFromJSON reads a tokenizer.json: byte-pair encoding (byte-level or with
// byte fallback), Unigram or WordPiece, with the normalisers, pre-tokenizers
// and post-processors of the CLIP families. What it does not know is
// ErrVocabulary, never passed over.
func NewFromJSON(r io.Reader) (*Pipeline, error) {
	data, err := readAll(r, maxTokenizerJSON)
	if err != nil {
		return nil, err
	}
	var f tokenizerJSON
	if err := json.Unmarshal(data, &f); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrVocabulary, err)
	}
	p := &Pipeline{}
	if p.model, err = modelOf(f.Model); err != nil {
		return nil, err
	}
	p.largest = p.model.size()
	if p.steps, err = stepsOf(f.Normalizer, 0); err != nil {
		return nil, err
	}
	if p.splits, err = splitsOf(f.PreTokenizer, 0); err != nil {
		return nil, err
	}
	if p.before, p.after, err = specialsOf(f.PostProcessor, 0); err != nil {
		return nil, err
	}
	var raw, cooked []literal
	pads := map[string]int32{}
	for _, a := range f.AddedTokens {
		x := literal{text: a.Content, id: a.ID, word: a.SingleWord, left: a.LStrip, right: a.RStrip}
		if x.id < 0 || x.id > maxVocabularyLines {
			return nil, fmt.Errorf("%w: the added token %q has the id %d", ErrVocabulary, x.text, x.id)
		}
		p.largest = max(p.largest, int(a.ID)+1)
		switch a.Content {
		case "<pad>", "[PAD]", endOfText:
			pads[a.Content] = a.ID
		}
		if !a.Normalized {
			raw = append(raw, x)
			continue
		}
		for _, s := range p.steps {
			x.text = s(x.text)
		}
		cooked = append(cooked, x)
	}
	if p.raw, err = newLiterals(raw); err != nil {
		return nil, err
	}
	if p.cooked, err = newLiterals(cooked); err != nil {
		return nil, err
	}
	for _, id := range append(append([]int32(nil), p.before...), p.after...) {
		if id < 0 || int(id) >= p.largest {
			return nil, fmt.Errorf("%w: the special id %d is none of %d", ErrVocabulary, id, p.largest)
		}
	}
	for _, name := range [...]string{endOfText, "[PAD]", "<pad>"} { // CLIP's own pads with its end
		if id, ok := pads[name]; ok {
			p.pad = id
		}
	}
	if f.Padding != nil {
		p.pad = f.Padding.PadID
	}
	return p, nil
}

func readAll(r io.Reader, limit int64) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(r, limit+1))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrVocabulary, err)
	}
	if int64(len(data)) > limit {
		return nil, fmt.Errorf("%w: more than %d bytes", ErrVocabulary, limit)
	}
	return data, nil
}

// endOfText is CLIP's end token.
const endOfText = "<|endoftext|>"

// maxNesting bounds Sequences inside Sequences.
const maxNesting = 8

// absent reports a part that is missing or null.
func absent(raw json.RawMessage) bool { return len(raw) == 0 || string(raw) == "null" }

// kindOf returns the type of a part and decodes its fields.
func kindOf(raw json.RawMessage, what string, depth int, fields any) (string, error) {
	var k struct {
		Type string `json:"type"`
	}
	if depth > maxNesting {
		return "", fmt.Errorf("%w: %s: too deep", ErrVocabulary, what)
	}
	if err := json.Unmarshal(raw, &k); err != nil {
		return "", fmt.Errorf("%w: %s: %w", ErrVocabulary, what, err)
	}
	if err := json.Unmarshal(raw, fields); err != nil {
		return "", fmt.Errorf("%w: %s %s: %w", ErrVocabulary, what, k.Type, err)
	}
	return k.Type, nil
}

// patternJSON is {"String": " "} or {"Regex": "\\s+"}.
type patternJSON struct {
	String *string `json:"String"`
	Regex  *string `json:"Regex"`
}

func stepsOf(raw json.RawMessage, depth int) ([]step, error) {
	if absent(raw) {
		return nil, nil
	}
	var n struct {
		Normalizers  []json.RawMessage `json:"normalizers"`
		Pattern      patternJSON       `json:"pattern"`
		Content      string            `json:"content"`
		Prepend      string            `json:"prepend"`
		Left         bool              `json:"strip_left"`
		Right        bool              `json:"strip_right"`
		Charsmap     []byte            `json:"precompiled_charsmap"`
		CleanText    bool              `json:"clean_text"`
		Chinese      bool              `json:"handle_chinese_chars"`
		StripAccents *bool             `json:"strip_accents"`
		Lowercase    bool              `json:"lowercase"`
	}
	kind, err := kindOf(raw, "normalizer", depth, &n)
	if err != nil {
		return nil, err
	}
	switch kind {
	case "Sequence":
		var all []step
		for _, part := range n.Normalizers {
			steps, err := stepsOf(part, depth+1)
			if err != nil {
				return nil, err
			}
			all = append(all, steps...)
		}
		return all, nil
	case "NFC":
		return []step{norm.NFC.String}, nil
	case "NFD":
		return []step{norm.NFD.String}, nil
	case "NFKC":
		return []step{norm.NFKC.String}, nil
	case "NFKD":
		return []step{norm.NFKD.String}, nil
	case "Lowercase":
		return []step{lowerRunes}, nil
	case "StripAccents":
		return []step{stripAccents}, nil
	case "Nmt":
		return []step{nmt}, nil
	case "Strip":
		return []step{func(s string) string {
			if n.Left {
				s = strings.TrimLeftFunc(s, isSpace)
			}
			if n.Right {
				s = strings.TrimRightFunc(s, isSpace)
			}
			return s
		}}, nil
	case "Prepend":
		return []step{func(s string) string {
			if s == "" {
				return s
			}
			return n.Prepend + s
		}}, nil
	case "Replace":
		if n.Pattern.String != nil && *n.Pattern.String != "" {
			return []step{func(s string) string { return strings.ReplaceAll(s, *n.Pattern.String, n.Content) }}, nil
		}
		if n.Pattern.Regex != nil {
			re, err := compilePattern(*n.Pattern.Regex)
			if err != nil {
				return nil, err
			}
			return []step{func(s string) string { return re.ReplaceAllLiteralString(s, n.Content) }}, nil
		}
		return nil, fmt.Errorf("%w: normalizer Replace without a pattern", ErrVocabulary)
	case "Precompiled":
		c, err := newCharsmap(n.Charsmap)
		if c == nil || err != nil {
			return nil, err
		}
		return []step{c.clusters}, nil
	case "BertNormalizer":
		accents := n.Lowercase
		if n.StripAccents != nil {
			accents = *n.StripAccents
		}
		return []step{bertStep(n.CleanText, n.Chinese, accents, n.Lowercase)}, nil
	}
	return nil, fmt.Errorf("%w: the normalizer %q is not known", ErrVocabulary, kind)
}

func splitsOf(raw json.RawMessage, depth int) ([]splitter, error) {
	if absent(raw) {
		return nil, nil
	}
	var n struct {
		Pretokenizers []json.RawMessage `json:"pretokenizers"`
		Pattern       patternJSON       `json:"pattern"`
		Behavior      behaviour         `json:"behavior"`
		Invert        bool              `json:"invert"`
		PrefixSpace   *bool             `json:"add_prefix_space"`
		UseRegex      *bool             `json:"use_regex"`
		Replacement   string            `json:"replacement"`
		PrependScheme string            `json:"prepend_scheme"`
		Split         *bool             `json:"split"`
		Individual    bool              `json:"individual_digits"`
	}
	kind, err := kindOf(raw, "pre_tokenizer", depth, &n)
	if err != nil {
		return nil, err
	}
	yes := func(b *bool) bool { return b == nil || *b }
	switch kind {
	case "Sequence":
		var all []splitter
		for _, part := range n.Pretokenizers {
			splits, err := splitsOf(part, depth+1)
			if err != nil {
				return nil, err
			}
			all = append(all, splits...)
		}
		return all, nil
	case "ByteLevel":
		return []splitter{byteLevel(yes(n.PrefixSpace), yes(n.UseRegex))}, nil
	case "BertPreTokenizer":
		return []splitter{bertWords}, nil
	case "WhitespaceSplit":
		return []splitter{splitAt(findRunes(isSpace), removed)}, nil
	case "Whitespace":
		re, err := compilePattern(`[\p{L}\p{M}\p{Nd}\p{Nl}\p{Pc}]+|[^\s\p{L}\p{M}\p{Nd}\p{Nl}\p{Pc}]+`)
		if err != nil {
			return nil, err
		}
		return []splitter{splitAt(findPattern(re, true), removed)}, nil
	case "Punctuation":
		b := n.Behavior
		if b == "" {
			b = isolated
		}
		if b.known() {
			return []splitter{splitAt(findRunes(isPunctuation), b)}, nil
		}
	case "Digits":
		b := contiguous
		if n.Individual {
			b = isolated
		}
		return []splitter{splitAt(findRunes(unicode.IsNumber), b)}, nil
	case "Metaspace":
		scheme := n.PrependScheme
		if scheme == "" {
			if scheme = "always"; !yes(n.PrefixSpace) {
				scheme = "never"
			}
		}
		if n.Replacement != "" && (scheme == "always" || scheme == "first" || scheme == "never") {
			return []splitter{metaspace(n.Replacement, scheme, yes(n.Split))}, nil
		}
	case "Split":
		switch {
		case !n.Behavior.known():
		case n.Pattern.String != nil && *n.Pattern.String != "":
			return []splitter{splitAt(findString(*n.Pattern.String, n.Invert), n.Behavior)}, nil
		case n.Pattern.Regex != nil:
			re, err := compilePattern(*n.Pattern.Regex)
			if err != nil {
				return nil, err
			}
			return []splitter{splitAt(findPattern(re, n.Invert), n.Behavior)}, nil
		}
	}
	return nil, fmt.Errorf("%w: the pre_tokenizer %q with these fields is not known", ErrVocabulary, kind)
}
