package model

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"
)

// Means and deviations of the families' pixels.
var (
	clipMean = [3]float32{0.48145466, 0.4578275, 0.40821073}
	clipStd  = [3]float32{0.26862954, 0.26130258, 0.27577711}
)

func exp32(v float32) float32 { return float32(math.Exp(float64(v))) }

// Scale and bias that the trained models have (their exports as two towers do
// not carry them): OpenAI's and most of OpenCLIP's reach the limit of 100;
// SigLIP's are those of the base model.
const (
	siglipScale, siglipBias   = 117.33, -12.93
	siglip2Scale, siglip2Bias = 112.67, -16.77
)

// huggingFace reads the configuration files of transformers.
func (b *builder) huggingFace() error {
	var c struct {
		ModelType     string   `json:"model_type"`
		ProjectionDim int      `json:"projection_dim"`
		LogitScale    *float64 `json:"logit_scale"`
		LogitBias     *float64 `json:"logit_bias"`
		TextConfig    struct {
			MaxPositions int `json:"max_position_embeddings"`
			Hidden       int `json:"hidden_size"`
			Vocabulary   int `json:"vocab_size"`
		} `json:"text_config"`
		VisionConfig struct {
			ImageSize int `json:"image_size"`
		} `json:"vision_config"`
	}
	if err := b.json("config.json", &c); err != nil {
		return err
	}
	t := b.tokenizerConfig()
	tx := &b.m.Text
	switch c.ModelType {
	case "clip":
		b.m.Family, tx.ContextLength = "clip", 77
		b.m.Dim = c.ProjectionDim
	case "siglip":
		b.m.Family, tx.ContextLength, tx.PadFull = "siglip", 64, true
		b.m.Score, b.m.LogitScale, b.m.LogitBias = Sigmoid, siglipScale, siglipBias
		if strings.Contains(t.Class, "Gemma") || strings.HasPrefix(t.Class, "Siglip2") || c.TextConfig.Vocabulary >= 250000 {
			b.m.Family, b.m.LogitScale, b.m.LogitBias = "siglip2", siglip2Scale, siglip2Bias
		}
	case "chinese_clip":
		b.m.Family, tx.ContextLength = "chinese-clip", 52
		b.m.Dim = c.ProjectionDim
	case "siglip2":
		return fmt.Errorf("%w: config.json: model_type siglip2 takes pictures in patches (NaFlex); use an export of fixed size, of model_type siglip", ErrLayout)
	default:
		return fmt.Errorf("%w: config.json: model_type %q is not known (want clip, siglip or chinese_clip)", ErrLayout, c.ModelType)
	}
	if n := c.TextConfig.MaxPositions; n > 0 && n < tx.ContextLength {
		tx.ContextLength = n
	}
	if c.LogitScale != nil && *c.LogitScale > 0 && *c.LogitScale < 10 {
		b.m.LogitScale, b.m.ScoreAssumed = exp32(float32(*c.LogitScale)), b.m.Score == Sigmoid && c.LogitBias == nil
	}
	if c.LogitBias != nil && b.m.Score == Sigmoid {
		b.m.LogitBias = float32(*c.LogitBias)
	}
	b.m.Image.ImageSize = c.VisionConfig.ImageSize
	return b.preprocessor()
}

// sizeJSON is 224, {"shortest_edge": 224} or {"height": 224, "width": 224}.
type sizeJSON struct {
	side     int
	shortest bool
	given    bool
}

func (s *sizeJSON) UnmarshalJSON(data []byte) error {
	if string(data) == "null" {
		return nil
	}
	s.given = true
	if data[0] != '{' {
		s.shortest = true
		return json.Unmarshal(data, &s.side)
	}
	var f struct {
		Shortest int `json:"shortest_edge"`
		Height   int `json:"height"`
		Width    int `json:"width"`
	}
	if err := json.Unmarshal(data, &f); err != nil {
		return err
	}
	if f.Shortest > 0 {
		s.side, s.shortest = f.Shortest, true
		return nil
	}
	if f.Height != f.Width {
		return fmt.Errorf("size %dx%d is no square", f.Width, f.Height)
	}
	s.side = f.Height
	return nil
}

// preprocessor reads preprocessor_config.json of transformers.
func (b *builder) preprocessor() error {
	const name = "preprocessor_config.json"
	var p struct {
		Type       string     `json:"image_processor_type"`
		Extractor  string     `json:"feature_extractor_type"`
		DoResize   *bool      `json:"do_resize"`
		Size       sizeJSON   `json:"size"`
		Crop       sizeJSON   `json:"crop_size"`
		DoCrop     *bool      `json:"do_center_crop"`
		Resample   *int       `json:"resample"`
		DoRescale  *bool      `json:"do_rescale"`
		Factor     float64    `json:"rescale_factor"`
		Normalize  *bool      `json:"do_normalize"`
		Mean       [3]float32 `json:"image_mean"`
		Std        [3]float32 `json:"image_std"`
		DoPad      bool       `json:"do_pad"`
		Deprecated *bool      `json:"do_flip_channel_order"`
	}
	if err := b.json(name, &p); err != nil {
		return err
	}
	im := &b.m.Image
	is := func(v *bool, usual bool) bool { return v == nil && usual || v != nil && *v }
	bad := func(what string, v any) error {
		return fmt.Errorf("%w: %s: %s %v is not known", ErrLayout, name, what, v)
	}
	switch {
	case !is(p.DoResize, true):
		return bad("do_resize", false)
	case !is(p.DoRescale, true) || p.Factor != 0 && math.Abs(p.Factor-1.0/255) > 1e-6:
		return bad("rescale_factor", p.Factor)
	case p.DoPad:
		return bad("do_pad", true)
	case is(p.Deprecated, false):
		return bad("do_flip_channel_order", true)
	}
	switch interpolation := p.Resample; {
	case interpolation == nil || *interpolation == 3:
		im.Interpolation = "bicubic"
	case *interpolation == 2:
		im.Interpolation = "bilinear"
	default:
		return bad("resample", *interpolation)
	}
	if p.Size.given {
		im.ImageSize = p.Size.side
	}
	crop := is(p.DoCrop, b.m.Family == "clip")
	switch {
	case !crop:
		// Without a crop only a square of fixed size suits a tower; a plain
		// number then means both sides (Chinese-CLIP).
		im.Resize, im.Crop = "squash", "none"
	case p.Crop.given && p.Crop.side != im.ImageSize:
		return bad(fmt.Sprintf("crop_size %d with the size", p.Crop.side), im.ImageSize)
	case p.Size.given && !p.Size.shortest:
		im.Resize, im.Crop = "squash", "none" // the crop then changes nothing
	default:
		im.Resize, im.Crop = "shortest", "center-floor"
	}
	im.Mean, im.Std = p.Mean, p.Std
	if !is(p.Normalize, true) {
		im.Mean, im.Std = [3]float32{}, [3]float32{1, 1, 1}
	} else if im.Std == ([3]float32{}) {
		im.Mean, im.Std = clipMean, clipStd
	}
	return nil
}

// openCLIP reads open_clip's configuration: open_clip_config.json, or its
// model_cfg alone as config.json.
func (b *builder) openCLIP(name string) error {
	var outer struct {
		ModelCfg   json.RawMessage `json:"model_cfg"`
		Preprocess json.RawMessage `json:"preprocess_cfg"`
	}
	if err := b.json(name, &outer); err != nil {
		return err
	}
	raw := outer.ModelCfg
	if raw == nil {
		var err error
		if raw, err = b.read(name); err != nil {
			return err
		}
	}
	var c struct {
		EmbedDim   int      `json:"embed_dim"`
		InitBias   *float64 `json:"init_logit_bias"`
		LogitScale *float64 `json:"logit_scale"`
		LogitBias  *float64 `json:"logit_bias"`
		Vision     struct {
			ImageSize sideJSON `json:"image_size"`
			Timm      string   `json:"timm_model_name"`
		} `json:"vision_cfg"`
		Text struct {
			Context   int    `json:"context_length"`
			HFModel   string `json:"hf_model_name"`
			Tokenizer string `json:"hf_tokenizer_name"`
			Options   struct {
				Clean string `json:"clean"`
			} `json:"tokenizer_kwargs"`
		} `json:"text_cfg"`
	}
	if err := json.Unmarshal(raw, &c); err != nil {
		return fmt.Errorf("%w: %s: %w", ErrLayout, name, err)
	}
	tx, im := &b.m.Text, &b.m.Image
	b.m.Dim, im.ImageSize = c.EmbedDim, int(c.Vision.ImageSize)
	if tx.ContextLength = c.Text.Context; tx.ContextLength == 0 {
		tx.ContextLength = 77
	}
	gemma := strings.Contains(c.Text.Tokenizer, "SigLIP2")
	bert := strings.ToLower(c.Text.HFModel)
	switch {
	case c.InitBias != nil && gemma:
		b.m.Family, b.m.Score, b.m.LogitScale, b.m.LogitBias = "siglip2", Sigmoid, siglip2Scale, siglip2Bias
	case c.InitBias != nil:
		b.m.Family, b.m.Score, b.m.LogitScale, b.m.LogitBias = "siglip", Sigmoid, siglipScale, siglipBias
	case strings.Contains(bert, "biomed"):
		b.m.Family, b.m.LogitScale = "biomedclip", 85.2
	case strings.HasPrefix(c.Vision.Timm, "eva"):
		b.m.Family = "eva-clip"
	case strings.Contains(c.Vision.Timm, "_mci"):
		b.m.Family = "mobileclip"
	default:
		b.m.Family = "open-clip"
	}
	// What open_clip's get_tokenizer does before the vocabulary is asked.
	switch {
	case c.Text.Options.Clean != "":
		tx.Clean = c.Text.Options.Clean
	case c.Text.Tokenizer != "" || c.Text.HFModel != "":
		tx.Clean = "whitespace"
	default:
		tx.Clean = "lower"
	}
	if b.m.Score == Sigmoid {
		tx.PadFull = true
	}
	if c.LogitScale != nil && *c.LogitScale > 0 && *c.LogitScale < 10 {
		b.m.LogitScale, b.m.ScoreAssumed = exp32(float32(*c.LogitScale)), b.m.Score == Sigmoid && c.LogitBias == nil
	}
	if c.LogitBias != nil && b.m.Score == Sigmoid {
		b.m.LogitBias = float32(*c.LogitBias)
	}
	pre := outer.Preprocess
	if pre == nil {
		if file := b.first("visual/preprocess_cfg.json", "preprocess_cfg.json"); file != "" {
			var err error
			if pre, err = b.read(file); err != nil {
				return err
			}
		}
	}
	return b.openCLIPPreprocess(name, pre)
}

// sideJSON is 224 or [224, 224].
type sideJSON int

func (s *sideJSON) UnmarshalJSON(data []byte) error {
	var one int
	if err := json.Unmarshal(data, &one); err == nil {
		*s = sideJSON(one)
		return nil
	}
	var two []int
	if err := json.Unmarshal(data, &two); err != nil {
		return err
	}
	if len(two) != 2 || two[0] != two[1] {
		return fmt.Errorf("size %v is no square", two)
	}
	*s = sideJSON(two[0])
	return nil
}

func (b *builder) openCLIPPreprocess(name string, raw json.RawMessage) error {
	var p struct {
		Size          sideJSON    `json:"size"`
		Mode          string      `json:"mode"`
		Mean          *[3]float32 `json:"mean"`
		Std           *[3]float32 `json:"std"`
		Interpolation string      `json:"interpolation"`
		ResizeMode    string      `json:"resize_mode"`
	}
	if raw != nil {
		if err := json.Unmarshal(raw, &p); err != nil {
			return fmt.Errorf("%w: %s: preprocess_cfg: %w", ErrLayout, name, err)
		}
	}
	im := &b.m.Image
	if p.Size > 0 {
		im.ImageSize = int(p.Size)
	}
	im.Mean, im.Std = clipMean, clipStd
	if p.Mean != nil {
		im.Mean = *p.Mean
	}
	if p.Std != nil {
		im.Std = *p.Std
	}
	if p.Interpolation != "" {
		im.Interpolation = p.Interpolation
	}
	switch {
	case !slices.Contains([]string{"", "RGB"}, p.Mode):
		return fmt.Errorf("%w: %s: preprocess_cfg: mode %q is not known", ErrLayout, name, p.Mode)
	case p.ResizeMode == "squash":
		im.Resize, im.Crop = "squash", "none"
	case p.ResizeMode == "shortest" || p.ResizeMode == "":
		im.Resize, im.Crop = "shortest", "center"
	default:
		return fmt.Errorf("%w: %s: preprocess_cfg: resize_mode %q is not known", ErrLayout, name, p.ResizeMode)
	}
	return nil
}
