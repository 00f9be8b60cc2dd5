package model

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// ErrLayout is returned for a folder that is laid out in no known way, or
// whose files do not make a model. The message names what is missing.
var ErrLayout = errors.New("unusable model folder")

// FolderOptions configure FromFolder. The zero value, and nil, take the first
// of fp32, fp16 and 8 bit that is there.
type FolderOptions struct {
	Name    string // of the model; "" makes one of the family
	Variant string // "fp32", "fp16", "quantized", "int8", "uint8", ...: the ending of the ONNX files
	Licence string // SPDX; "" takes the one in README.md, or "unknown"
	Source  string // where the model comes from
}

// Load reads the model in a folder: its model.json, or else what FromFolder
// makes of its layout. Without a model.json every file is hashed, which takes
// seconds for large models; clipdb model import does it once.
func Load(ctx context.Context, dir string) (*Manifest, error) {
	files := os.DirFS(dir)
	if _, err := fs.Stat(files, FileName); err == nil || !errors.Is(err, fs.ErrNotExist) {
		return Open(files)
	}
	abs, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	return FromFolder(ctx, files, &FolderOptions{Name: PlainName(filepath.Base(abs))})
}

// PlainName makes a name that a manifest may carry out of any text; "" when
// nothing is left of it.
func PlainName(s string) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case 'a' <= r && r <= 'z', '0' <= r && r <= '9', r == '.', r == '-', r == '_':
			return r
		}
		return '-'
	}, strings.ToLower(s))
	s = strings.Trim(s, "-._")
	return strings.Trim(s[:min(len(s), 64)], "-._")
}

// FromFolder makes a manifest for a folder in one of the layouts that exports
// of CLIP models have:
//
//   - Hugging Face: config.json, preprocessor_config.json, the tokenizer's
//     files, and onnx/vision_model.onnx with onnx/text_model.onnx or one joint
//     onnx/model.onnx;
//   - open_clip: open_clip_config.json (or config.json of open_clip's kind,
//     with visual/preprocess_cfg.json), a tokenizer, and visual.onnx with
//     textual.onnx or visual/model.onnx with textual/model.onnx.
//
// Names, types and batch sizes of inputs and outputs are read from the ONNX
// files. Every file, external weights included, is hashed. Score and
// preprocessing come from the configuration; what it does not tell is the
// family's, and ScoreAssumed says so. It returns ErrLayout, ErrGraph or
// ErrManifest, naming the file.
func FromFolder(ctx context.Context, files fs.FS, opts *FolderOptions) (*Manifest, error) {
	b := &builder{files: files}
	if opts != nil {
		b.opts = *opts
	}
	m, err := b.build(ctx)
	if err != nil {
		return nil, err
	}
	if err := m.check(); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrLayout, err)
	}
	return m, nil
}

// builder puts a manifest together.
type builder struct {
	files fs.FS
	opts  FolderOptions
	m     Manifest
	done  map[string]File // hashed already
}

func (b *builder) build(ctx context.Context) (*Manifest, error) {
	b.done = map[string]File{}
	b.m = Manifest{Version: 1, Source: b.opts.Source, LogitScale: 100, ScoreAssumed: true}
	b.m.Image.Interpolation, b.m.Image.Crop, b.m.Image.Resize = "bicubic", "center", "shortest"
	var err error
	switch {
	case b.has("open_clip_config.json"):
		err = b.openCLIP("open_clip_config.json")
	case b.has("config.json"):
		var probe struct {
			ModelType string          `json:"model_type"`
			EmbedDim  int             `json:"embed_dim"`
			VisionCfg json.RawMessage `json:"vision_cfg"`
		}
		if err = b.json("config.json", &probe); err == nil {
			if probe.ModelType == "" && probe.VisionCfg != nil {
				err = b.openCLIP("config.json")
			} else {
				err = b.huggingFace()
			}
		}
	default:
		return nil, fmt.Errorf("%w: neither %s nor config.json nor open_clip_config.json: %w", ErrLayout, FileName, fs.ErrNotExist)
	}
	if err != nil {
		return nil, err
	}
	if err := b.towers(ctx); err != nil {
		return nil, err
	}
	if err := b.tokenizer(ctx); err != nil {
		return nil, err
	}
	b.card()
	if b.m.Name = b.opts.Name; b.m.Name == "" {
		b.m.Name = b.m.Family
	}
	return &b.m, nil
}

func (b *builder) has(name string) bool {
	info, err := fs.Stat(b.files, name)
	return err == nil && info.Mode().IsRegular()
}

// first returns the first of the names that is there, "" without one.
func (b *builder) first(names ...string) string {
	for _, n := range names {
		if b.has(n) {
			return n
		}
	}
	return ""
}

// maxConfig bounds the configuration files, in bytes.
const maxConfig = 4 << 20

func (b *builder) read(name string) ([]byte, error) {
	f, err := b.files.Open(name)
	if err != nil {
		return nil, fmt.Errorf("%w: %s: %w", ErrLayout, name, err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxConfig+1))
	if err != nil {
		return nil, fmt.Errorf("%w: %s: %w", ErrLayout, name, err)
	}
	if len(data) > maxConfig {
		return nil, fmt.Errorf("%w: %s: more than %d bytes", ErrLayout, name, maxConfig)
	}
	return data, nil
}

func (b *builder) json(name string, into any) error {
	data, err := b.read(name)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(data, into); err != nil {
		return fmt.Errorf("%w: %s: %w", ErrLayout, name, err)
	}
	return nil
}

// hash returns size and sha256 of a file, read once.
func (b *builder) hash(ctx context.Context, name string) (File, error) {
	if f, ok := b.done[name]; ok {
		return f, nil
	}
	if !validName(name) {
		return File{}, fmt.Errorf("%w: file name %q (want a plain path inside the folder)", ErrLayout, name)
	}
	r, err := b.files.Open(name)
	if err != nil {
		return File{}, fmt.Errorf("%w: %s: %w", ErrLayout, name, err)
	}
	defer r.Close()
	h := sha256.New()
	n, err := io.Copy(h, &contextReader{ctx, r})
	if err != nil {
		if ctx.Err() != nil {
			return File{}, ctx.Err()
		}
		return File{}, fmt.Errorf("%w: %s: %w", ErrLayout, name, err)
	}
	f := File{Name: name, SHA256: hex.EncodeToString(h.Sum(nil)), Size: n}
	b.done[name] = f
	return f, nil
}

// contextReader ends when its context does.
type contextReader struct {
	ctx context.Context
	r   io.Reader
}

func (c *contextReader) Read(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.r.Read(p)
}

// card takes licence and languages from the front matter of README.md.
func (b *builder) card() {
	b.m.Licence = b.opts.Licence
	if data, err := b.read("README.md"); err == nil && strings.HasPrefix(string(data), "---") {
		front, _, _ := strings.Cut(string(data[3:]), "\n---")
		list := false
		for line := range strings.Lines(front) {
			key, value, ok := strings.Cut(strings.TrimSpace(line), ":")
			value = strings.Trim(strings.TrimSpace(value), `"'`)
			item, isItem := strings.CutPrefix(strings.TrimSpace(line), "- ")
			switch {
			case ok && key == "license" && b.m.Licence == "" && value != "" && len(value) <= maxLine:
				b.m.Licence = spdx(value)
				list = false
			case ok && key == "language":
				list = value == ""
				if languageRE.MatchString(value) && value != "multilingual" {
					b.m.Languages = []string{value}
				}
			case isItem && list && languageRE.MatchString(item) && item != "multilingual" && len(b.m.Languages) < maxList:
				if !slices.Contains(b.m.Languages, item) {
					b.m.Languages = append(b.m.Languages, item)
				}
			case ok && !isItem:
				list = false
			}
		}
	}
	if b.m.Licence == "" {
		b.m.Licence = "unknown"
	}
	if len(b.m.Languages) == 0 {
		b.m.Languages = familyLanguages[b.m.Family]
	}
}

// spdx writes the licence tags of model cards as SPDX does.
func spdx(tag string) string {
	if name, ok := map[string]string{
		"mit": "MIT", "apache-2.0": "Apache-2.0", "cc-by-4.0": "CC-BY-4.0", "cc-by-nc-4.0": "CC-BY-NC-4.0",
		"cc-by-sa-4.0": "CC-BY-SA-4.0", "cc-by-nc-sa-4.0": "CC-BY-NC-SA-4.0", "cc0-1.0": "CC0-1.0", "bsd-3-clause": "BSD-3-Clause",
		// Apple's licences of MobileCLIP have no SPDX identifier.
		"apple-ascl": "LicenseRef-apple-ascl", "apple-amlr": "LicenseRef-apple-amlr",
	}[strings.ToLower(tag)]; ok {
		return name
	}
	return tag
}

// familyLanguages is what the text towers of the families know.
var familyLanguages = map[string][]string{
	"clip": {"en"}, "open-clip": {"en"}, "siglip": {"en"}, "eva-clip": {"en"}, "fashion-clip": {"en"},
	"biomedclip": {"en"}, "mobileclip": {"en"}, "chinese-clip": {"zh"},
}

// join puts a name below a folder of the model.
func join(dir, name string) string { return path.Join(dir, name) }
