package model

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"

	"github.com/clipdb/clipdb/encoder/token"
)

// tokenizerConfig is what matters of tokenizer_config.json.
type tokenizerConfig struct {
	Class     string  `json:"tokenizer_class"`
	Lowercase *bool   `json:"do_lower_case"`
	MaxLength float64 `json:"model_max_length"`
}

func (b *builder) tokenizerConfig() (c tokenizerConfig) {
	if name := b.first("tokenizer_config.json", "textual/tokenizer_config.json"); name != "" {
		_ = b.json(name, &c) // the file is a help, not a need
	}
	return c
}

// tokenizer picks the tokenizer's files and what is done before and after it.
func (b *builder) tokenizer(ctx context.Context) error {
	tx := &b.m.Text
	config := b.tokenizerConfig()
	lower := config.Lowercase == nil || *config.Lowercase
	var vocab, merges string
	for _, dir := range []string{"", "textual", "text", "tokenizer"} {
		if vocab = b.first(join(dir, "tokenizer.json")); vocab != "" {
			tx.Tokenizer = TokenizerJSON
			break
		}
		if vocab = b.first(join(dir, "spiece.model"), join(dir, "sentencepiece.model"), join(dir, "tokenizer.model")); vocab != "" {
			tx.Tokenizer = SentencePiece
			if tx.Clean == "" && b.m.Family == "siglip" && lower {
				tx.Clean = string(token.CleanSiglip)
			}
			break
		}
		if v, m := b.first(join(dir, "vocab.json")), b.first(join(dir, "merges.txt")); v != "" && m != "" {
			vocab, merges, tx.Tokenizer = v, m, VocabMerges
			break
		}
		if vocab = b.first(join(dir, "bpe_simple_vocab_16e6.txt.gz"), join(dir, "bpe_simple_vocab_16e6.txt")); vocab != "" {
			tx.Tokenizer = BytePair
			break
		}
		if vocab = b.first(join(dir, "vocab.txt")); vocab != "" {
			tx.Tokenizer, tx.Lowercase = WordPiece, lower
			break
		}
	}
	if vocab == "" {
		return fmt.Errorf("%w: no tokenizer (looked for tokenizer.json, spiece.model, vocab.json with merges.txt, bpe_simple_vocab_16e6.txt.gz, vocab.txt)", ErrLayout)
	}
	if tx.Clean == "" && b.m.Family == "siglip2" {
		tx.Clean = string(token.CleanCase) // it was trained on small letters; not every tokenizer.json says so
	}
	if tx.Tokenizer == BytePair && tx.Clean == string(token.CleanLower) {
		tx.Clean = string(token.CleanMend) // it does the rest by itself
	}
	f, err := b.hash(ctx, vocab)
	if err != nil {
		return err
	}
	tx.Vocab, tx.VocabSHA256 = f.Name, f.SHA256
	if merges != "" {
		if f, err = b.hash(ctx, merges); err != nil {
			return err
		}
		tx.Merges = f.Name
		b.m.Extra = append(b.m.Extra, Extra{File: f.Name, SHA256: f.SHA256, Size: f.Size, For: "tokenizer"})
	}
	// The file is read once here, so that a folder whose vocabulary cannot be
	// used is refused at once, and to learn the padding.
	tok, err := b.openTokenizer()
	if err != nil {
		return fmt.Errorf("%w: %s: %w", ErrLayout, vocab, err)
	}
	tx.PadID = tok.Pad()
	switch {
	case b.m.Family == "siglip":
		tx.PadID = 1 // SigLIP pads with its end token
	case tx.Tokenizer == BytePair || tx.Clean == string(token.CleanLower):
		tx.PadID = 0 // as open_clip does
	}
	return nil
}

// maxVocab bounds vocabulary files, in bytes.
const maxVocab = 128 << 20

func (b *builder) openTokenizer() (token.Tokenizer, error) {
	return b.m.Text.OpenTokenizer(func(name string) ([]byte, error) {
		if f := b.done[name]; f.Size > maxVocab {
			return nil, fmt.Errorf("%s: %d bytes, the limit is %d", name, f.Size, maxVocab)
		}
		return fs.ReadFile(b.files, name)
	})
}

// OpenTokenizer makes the tokenizer of a text tower from its files, which read
// returns by the names in the manifest.
func (t *Text) OpenTokenizer(read func(name string) ([]byte, error)) (token.Tokenizer, error) {
	vocab, err := read(t.Vocab)
	if err != nil {
		return nil, err
	}
	clean := token.Cleaning(t.Clean)
	switch t.Tokenizer {
	case WordPiece:
		w, err := token.NewWordPiece(bytes.NewReader(vocab), token.WordPieceOptions{Lowercase: t.Lowercase})
		if err != nil || clean == token.CleanNone {
			return w, err
		}
		return token.Cleaned(w, clean), nil
	case BytePair:
		p, err := token.NewBytePair(bytes.NewReader(vocab))
		if err != nil || clean == token.CleanNone {
			return p, err
		}
		return token.Cleaned(p, clean), nil
	case TokenizerJSON:
		p, err := token.NewFromJSON(bytes.NewReader(vocab))
		if err != nil {
			return nil, err
		}
		return p.Clean(clean), nil
	case SentencePiece:
		return token.NewSentencePiece(bytes.NewReader(vocab), token.SentencePieceOptions{End: true, Clean: clean})
	case VocabMerges:
		merges, err := read(t.Merges)
		if err != nil {
			return nil, err
		}
		p, err := token.NewCLIP(bytes.NewReader(vocab), bytes.NewReader(merges))
		if err != nil {
			return nil, err
		}
		return p.Clean(clean), nil
	}
	return nil, fmt.Errorf("%w: text.tokenizer %q", ErrManifest, t.Tokenizer)
}
