package model

import (
	"encoding/hex"
	"fmt"
	"io/fs"
	"math"
	"regexp"
	"slices"
	"strings"

	"github.com/clipdb/clipdb/encoder/pixel"
	"github.com/clipdb/clipdb/encoder/token"
)

// Limits on what a manifest may ask for. They lie far beyond every model of
// the kind and keep a crafted one from exhausting memory.
const (
	maxDim       = 16384
	maxImageSide = 2048     // pixels
	maxContext   = 8192     // tokens
	maxFile      = 64 << 30 // bytes
	maxScale     = 1000     // CLIP itself clips its logit scale at 100
	maxList      = 256      // entries of a list
	maxLine      = 1024     // bytes of a free text
	maxTemplates = 100      // what can be classified with
	maxNote      = 8192     // bytes of a free text of several sentences
	maxBatch     = 1024     // of a file that takes one size alone
	maxDummies   = 8        // inputs of a tower that do not matter
	maxElements  = 1 << 24  // of such an input
)

var (
	nameRE     = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{0,63}$`)
	languageRE = regexp.MustCompile(`^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8}){0,4}$`)
	tensorRE   = regexp.MustCompile(`^[!-~]{1,256}$`) // names of inputs and outputs: printable ASCII
	partRE     = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$`)
)

// check validates every field.
func (m *Manifest) check() error {
	for _, c := range []struct {
		field string
		ok    bool
		want  string
	}{
		{"name", nameRE.MatchString(m.Name), "lower-case letters, digits, dots and dashes"},
		{"family", nameRE.MatchString(m.Family), "lower-case letters, digits, dots and dashes"},
		{"version", m.Version >= 1, "1 or more"},
		{"dim", m.Dim >= 1 && m.Dim <= maxDim, fmt.Sprintf("1 to %d", maxDim)},
		{"licence", m.Licence != "" && len(m.Licence) <= maxLine, "an SPDX identifier"},
		{"languages", len(m.Languages) <= maxList && all(m.Languages, languageRE.MatchString), "BCP 47 tags"},
		{"logit_scale", m.LogitScale > 0 && m.LogitScale <= maxScale, fmt.Sprintf("above 0, at most %d", maxScale)},
		{"source", len(m.Source) <= maxLine, "a short text"},
		{"training_data", len(m.TrainingData) <= maxList, "a short list"},
	} {
		if !c.ok {
			return fmt.Errorf("%w: %s (want %s)", ErrManifest, c.field, c.want)
		}
	}
	if err := m.Image.check(); err != nil {
		return err
	}
	if err := m.Text.check(); err != nil {
		return err
	}
	return m.checkExtra()
}

// checkExtra validates what is about scores and further files.
func (m *Manifest) checkExtra() error {
	switch {
	case m.Score != "" && m.Score != Softmax && m.Score != Sigmoid:
		return fmt.Errorf("%w: score %q (want %s or %s)", ErrManifest, m.Score, Softmax, Sigmoid)
	case math.Abs(float64(m.LogitBias)) > maxScale:
		return fmt.Errorf("%w: logit_bias %v", ErrManifest, m.LogitBias)
	case len(m.Templates) > maxTemplates || !all(m.Templates, isTemplate):
		return fmt.Errorf("%w: templates (want at most %d captions with a place {} for the label)", ErrManifest, maxTemplates)
	case !(m.Temperature >= 0 && m.Temperature <= maxScale):
		return fmt.Errorf("%w: temperature %v (want 0 to %d)", ErrManifest, m.Temperature, maxScale)
	case len(m.TrainingNote) > maxNote || len(m.GoodAt) > maxNote:
		return fmt.Errorf("%w: training_note or good_at (want at most %d bytes)", ErrManifest, maxNote)
	case len(m.Extra) > maxList:
		return fmt.Errorf("%w: files: %d of them", ErrManifest, len(m.Extra))
	}
	merges := m.Text.Merges == ""
	for i, x := range m.Extra {
		field := fmt.Sprintf("files[%d]", i)
		if err := checkFile(field, x.File, x.SHA256, x.Size); err != nil {
			return err
		}
		if x.For != "image" && x.For != "text" && x.For != "tokenizer" {
			return fmt.Errorf("%w: %s.for %q (want image, text or tokenizer)", ErrManifest, field, x.For)
		}
		merges = merges || x.File == m.Text.Merges && x.For == "tokenizer"
	}
	if !merges || (m.Text.Tokenizer == VocabMerges) != (m.Text.Merges != "") {
		return fmt.Errorf("%w: text.merges %q (want one of files, with the tokenizer %s)", ErrManifest, m.Text.Merges, VocabMerges)
	}
	return nil
}

// checkTypes validates the types and the batch size of a tower, and its
// dummies.
func checkTypes(field string, in, out string, inputs []string, batch int, dummies []Dummy) error {
	if in != "" && !slices.Contains(inputs, in) {
		return fmt.Errorf("%w: %s.input_type %q (want %s)", ErrManifest, field, in, strings.Join(inputs, " or "))
	}
	if out != "" && out != Float32 && out != Float16 {
		return fmt.Errorf("%w: %s.output_type %q (want %s or %s)", ErrManifest, field, out, Float32, Float16)
	}
	if batch < 0 || batch > maxBatch {
		return fmt.Errorf("%w: %s.batch %d (want 0 to %d)", ErrManifest, field, batch, maxBatch)
	}
	if len(dummies) > maxDummies {
		return fmt.Errorf("%w: %s.dummies: %d of them", ErrManifest, field, len(dummies))
	}
	for _, d := range dummies {
		elements := int64(1)
		for _, n := range d.Shape {
			if n < 1 || n > maxElements/elements {
				return fmt.Errorf("%w: %s.dummies: shape %v", ErrManifest, field, d.Shape)
			}
			elements *= n
		}
		if !tensorRE.MatchString(d.Input) || d.Type != Float32 && d.Type != Float16 && d.Type != Int32 && d.Type != Int64 {
			return fmt.Errorf("%w: %s.dummies: %q of type %q", ErrManifest, field, d.Input, d.Type)
		}
	}
	return nil
}

func (t *Image) check() error {
	if err := checkFile("image", t.File, t.SHA256, t.Size); err != nil {
		return err
	}
	switch {
	case !tensorRE.MatchString(t.Input):
		return fmt.Errorf("%w: image.input (want the name of a tensor)", ErrManifest)
	case !tensorRE.MatchString(t.Output):
		return fmt.Errorf("%w: image.output (want the name of a tensor)", ErrManifest)
	case t.ImageSize < 1 || t.ImageSize > maxImageSide:
		return fmt.Errorf("%w: image.image_size %d (want 1 to %d)", ErrManifest, t.ImageSize, maxImageSide)
	case t.Crop != "center" && t.Crop != "center-floor" && t.Crop != "none":
		return fmt.Errorf("%w: image.crop %q (want center, center-floor or none)", ErrManifest, t.Crop)
	case t.Interpolation != "bicubic" && t.Interpolation != "bilinear":
		return fmt.Errorf("%w: image.interpolation %q (want bicubic or bilinear)", ErrManifest, t.Interpolation)
	}
	if err := checkTypes("image", t.InputType, t.OutputType, []string{Float32, Float16}, t.Batch, t.Dummies); err != nil {
		return err
	}
	for c := range 3 {
		if mean := float64(t.Mean[c]); math.Abs(mean) > 10 {
			return fmt.Errorf("%w: image.mean %v", ErrManifest, t.Mean)
		}
		if std := float64(t.Std[c]); std < 1e-3 || std > 1e3 {
			return fmt.Errorf("%w: image.std %v", ErrManifest, t.Std)
		}
	}
	if _, err := pixel.ParseResize(t.Resize); err != nil {
		return fmt.Errorf("%w: image.resize: %w", ErrManifest, err)
	}
	m := Manifest{Image: *t}
	if err := m.Spec().Check(); err != nil {
		return fmt.Errorf("%w: image: %w", ErrManifest, err)
	}
	return nil
}

func (t *Text) check() error {
	if err := checkFile("text", t.File, t.SHA256, t.Size); err != nil {
		return err
	}
	if err := checkFile("text.vocab", t.Vocab, t.VocabSHA256, 1); err != nil {
		return err
	}
	switch {
	case len(t.Inputs) < 1 || len(t.Inputs) > 2 || !all(t.Inputs, tensorRE.MatchString):
		return fmt.Errorf("%w: text.inputs (want the ids and perhaps the attention mask)", ErrManifest)
	case !tensorRE.MatchString(t.Output):
		return fmt.Errorf("%w: text.output (want the name of a tensor)", ErrManifest)
	case !slices.Contains(tokenizers, t.Tokenizer):
		return fmt.Errorf("%w: text.tokenizer %q (want %s)", ErrManifest, t.Tokenizer, strings.Join(tokenizers, ", "))
	case !token.Cleaning(t.Clean).Known():
		return fmt.Errorf("%w: text.clean %q", ErrManifest, t.Clean)
	case t.TypeIDs != "" && !tensorRE.MatchString(t.TypeIDs):
		return fmt.Errorf("%w: text.type_ids (want the name of a tensor)", ErrManifest)
	case t.ContextLength < 2 || t.ContextLength > maxContext:
		return fmt.Errorf("%w: text.context_length %d (want 2 to %d)", ErrManifest, t.ContextLength, maxContext)
	case t.PadID < 0:
		return fmt.Errorf("%w: text.pad_id %d", ErrManifest, t.PadID)
	}
	return checkTypes("text", t.InputType, t.OutputType, []string{Int64, Int32}, t.Batch, t.Dummies)
}

var tokenizers = []string{WordPiece, BytePair, TokenizerJSON, SentencePiece, VocabMerges}

func checkFile(field, name, hash string, size int64) error {
	if !validName(name) {
		return fmt.Errorf("%w: %s: file name %q (want a plain path inside the folder)", ErrManifest, field, name)
	}
	if raw, err := hex.DecodeString(hash); err != nil || len(raw) != 32 || strings.ToLower(hash) != hash {
		return fmt.Errorf("%w: %s: sha256 %q (want 64 lower-case hex digits)", ErrManifest, field, hash)
	}
	if size < 1 || size > maxFile {
		return fmt.Errorf("%w: %s: size %d", ErrManifest, field, size)
	}
	return nil
}

// ValidName reports whether a manifest may name a file so.
func ValidName(name string) bool { return validName(name) }

// validName admits relative slash-separated paths of plain names, so that no
// system reads anything else into them: no "..", no drive, no device.
func validName(name string) bool {
	if !fs.ValidPath(name) || len(name) > 512 {
		return false
	}
	return all(strings.Split(name, "/"), func(part string) bool {
		return partRE.MatchString(part) && !reservedRE.MatchString(part) && !strings.HasSuffix(part, ".")
	})
}

// reservedRE matches the device names of Windows, with any extension.
var reservedRE = regexp.MustCompile(`(?i)^(con|prn|aux|nul|com[0-9]|lpt[0-9])(\..*)?$`)

func all(list []string, ok func(string) bool) bool {
	for _, s := range list {
		if !ok(s) {
			return false
		}
	}
	return true
}

func isTemplate(t string) bool { return strings.Contains(t, "{}") && len(t) <= maxLine }
