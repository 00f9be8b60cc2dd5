package model

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
)

// variants are the endings of ONNX exports, the most exact first.
var variants = []string{"", "_fp16", "_quantized", "_int8", "_uint8", "_bnb4", "_q4", "_q4f16"}

// Where exports put the towers, without variant and extension.
var (
	imageNames = []string{"onnx/vision_model", "vision_model", "onnx/visual", "visual", "visual/model", "vision/model", "onnx/image", "image", "image_model"}
	textNames  = []string{"onnx/text_model", "text_model", "onnx/textual", "textual", "textual/model", "text/model", "onnx/text", "text"}
	jointNames = []string{"onnx/model", "model"}
)

// find returns the first file of that variant.
func (b *builder) find(names []string, variant string) string {
	for _, n := range names {
		if file := n + variant + ".onnx"; b.has(file) {
			return file
		}
	}
	return ""
}

// choose picks the towers: both of one variant, or a joint model, the most
// exact variant first.
func (b *builder) choose() (image, text string, err error) {
	wanted := variants
	if v := b.opts.Variant; v == "fp32" {
		wanted = []string{""}
	} else if v != "" {
		wanted = []string{"_" + v}
	}
	var lone string
	for _, v := range wanted {
		image, text := b.find(imageNames, v), b.find(textNames, v)
		if image != "" && text != "" {
			return image, text, nil
		}
		if joint := b.find(jointNames, v); joint != "" {
			return joint, joint, nil
		}
		if lone == "" {
			lone = image + text
		}
	}
	for _, v := range wanted { // of two variants
		if f := b.find(imageNames, v); f != "" && image == "" {
			image = f
		}
		if f := b.find(textNames, v); f != "" && text == "" {
			text = f
		}
	}
	switch {
	case image != "" && text != "":
		return image, text, nil
	case image != "":
		return "", "", fmt.Errorf("%w: %s has no text tower beside it (looked for %s)", ErrLayout, image, partners(textNames, wanted, image))
	case text != "":
		return "", "", fmt.Errorf("%w: %s has no image tower beside it (looked for %s)", ErrLayout, text, partners(imageNames, wanted, text))
	}
	suffix := ""
	if b.opts.Variant != "" {
		suffix = " of the variant " + b.opts.Variant
	}
	return "", "", fmt.Errorf("%w: no ONNX files%s (looked for onnx/vision_model.onnx and onnx/text_model.onnx, visual.onnx and textual.onnx, or onnx/model.onnx)", ErrLayout, suffix)
}

// towers fills in both towers from their ONNX files.
func (b *builder) towers(ctx context.Context) error {
	image, text, err := b.choose()
	if err != nil {
		return err
	}
	ig, err := b.graph(image)
	if err != nil {
		return err
	}
	tg := ig
	if text != image {
		if tg, err = b.graph(text); err != nil {
			return err
		}
	}
	if err := b.imageTower(ig, image); err != nil {
		return err
	}
	if err := b.textTower(tg, text); err != nil {
		return err
	}
	if err := b.score(ig, tg); err != nil {
		return err
	}
	for _, t := range []struct {
		file, part string
		graph      *Graph
	}{{image, "image", ig}, {text, "text", tg}} {
		f, err := b.hash(ctx, t.file)
		if err != nil {
			return err
		}
		if t.part == "image" {
			b.m.Image.File, b.m.Image.SHA256, b.m.Image.Size = f.Name, f.SHA256, f.Size
		} else {
			b.m.Text.File, b.m.Text.SHA256, b.m.Text.Size = f.Name, f.SHA256, f.Size
			if text == image {
				break
			}
		}
		for _, name := range t.graph.External {
			x, err := b.hash(ctx, join(path.Dir(t.file), name))
			if err != nil {
				return err
			}
			b.m.Extra = append(b.m.Extra, Extra{File: x.Name, SHA256: x.SHA256, Size: x.Size, For: t.part})
		}
	}
	return nil
}

func (b *builder) graph(name string) (*Graph, error) {
	f, err := b.files.Open(name)
	if err != nil {
		return nil, fmt.Errorf("%w: %s: %w", ErrLayout, name, err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, fmt.Errorf("%w: %s: %w", ErrLayout, name, err)
	}
	r, ok := f.(io.ReaderAt)
	if !ok {
		return nil, fmt.Errorf("%w: %s: %w", ErrLayout, name, errors.ErrUnsupported)
	}
	g, err := ReadGraph(r, info.Size())
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	for _, x := range g.External {
		if !fs.ValidPath(x) {
			return nil, fmt.Errorf("%w: %s keeps weights in %q, outside its folder", ErrLayout, name, x)
		}
	}
	return g, nil
}

// isPicture reports an input of [batch, channels, height, width].
func (t Tensor) isPicture() bool {
	return len(t.Dims) == 4 && (t.Type == Float32 || t.Type == Float16)
}

func (t Tensor) isInteger() bool { return t.Type == Int32 || t.Type == Int64 }

func (b *builder) imageTower(g *Graph, file string) error {
	im := &b.m.Image
	at := slices.IndexFunc(g.Inputs, Tensor.isPicture)
	if at < 0 {
		return fmt.Errorf("%w: %s: no input takes pictures: float [batch, 3, height, width]", ErrGraph, file)
	}
	in := g.Inputs[at]
	im.Input, im.InputType = in.Name, plainType(in.Type, Float32)
	if in.Dims[1] > 0 && in.Dims[1] != 3 {
		return fmt.Errorf("%w: %s: %d channels (want 3)", ErrGraph, file, in.Dims[1])
	}
	for _, side := range in.Dims[2:] {
		if side > 0 && im.ImageSize == 0 {
			im.ImageSize = int(min(side, maxImageSide+1))
		}
		if side > 0 && side != int64(im.ImageSize) {
			return fmt.Errorf("%w: %s takes pictures of %d pixels, the preprocessing makes %d", ErrLayout, file, side, im.ImageSize)
		}
	}
	im.Batch = fixedBatch(in)
	for i, other := range g.Inputs {
		if i != at {
			d, err := b.dummy(other, file)
			if err != nil {
				return err
			}
			im.Dummies = append(im.Dummies, d)
		}
	}
	out, err := b.output(g, file, "image_embeds", "image_features", "image_embedding", "image_embeddings")
	im.Output, im.OutputType = out.Name, plainType(out.Type, Float32)
	return err
}

func (b *builder) textTower(g *Graph, file string) error {
	tx := &b.m.Text
	for _, in := range g.Inputs {
		name := strings.ToLower(in.Name)
		switch {
		case in.isInteger() && len(in.Dims) == 2 && strings.Contains(name, "mask"):
			tx.Inputs = append(tx.Inputs, in.Name) // behind the ids, see below
		case in.isInteger() && len(in.Dims) == 2 && strings.Contains(name, "token_type"):
			tx.TypeIDs = in.Name
		case in.isInteger() && len(in.Dims) == 2 && !strings.Contains(name, "position"):
			if t := plainType(in.Type, Int64); len(tx.Inputs) == 0 || tx.InputType == t {
				tx.InputType = t
			}
			tx.Inputs = append([]string{in.Name}, tx.Inputs...)
			tx.Batch = fixedBatch(in)
			if n := in.Dims[1]; n > 0 {
				tx.ContextLength, tx.PadFull = int(min(n, maxContext+1)), true
			}
		default:
			d, err := b.dummy(in, file)
			if err != nil {
				return err
			}
			tx.Dummies = append(tx.Dummies, d)
		}
	}
	if len(tx.Inputs) < 1 || len(tx.Inputs) > 2 || len(tx.Inputs) == 1 && strings.Contains(strings.ToLower(tx.Inputs[0]), "mask") {
		return fmt.Errorf("%w: %s: inputs %v are no ids with perhaps an attention mask", ErrGraph, file, inputNames(g))
	}
	for _, in := range g.Inputs {
		if (slices.Contains(tx.Inputs, in.Name) || in.Name == tx.TypeIDs) && plainType(in.Type, Int64) != tx.InputType {
			return fmt.Errorf("%w: %s: the input %s has another type than the ids", ErrGraph, file, in.Name)
		}
	}
	out, err := b.output(g, file, "text_embeds", "text_features", "text_embedding", "text_embeddings")
	tx.Output, tx.OutputType = out.Name, plainType(out.Type, Float32)
	return err
}

// output picks the tensor with the vectors and settles the dimension.
func (b *builder) output(g *Graph, file string, names ...string) (Tensor, error) {
	var flat []Tensor
	for _, t := range g.Outputs {
		if (len(t.Dims) == 2 || len(t.Dims) == 0) && (t.Type == Float32 || t.Type == Float16) {
			flat = append(flat, t)
		}
	}
	if strings.HasPrefix(b.m.Family, "siglip") {
		names = append(names, "pooler_output") // these have no projection behind the pooling
	}
	names = append(names, "embedding", "embeddings", "sentence_embedding", "features")
	at := -1
	for _, n := range names {
		if at = slices.IndexFunc(flat, func(t Tensor) bool { return t.Name == n }); at >= 0 {
			break
		}
	}
	if at < 0 && len(flat) == 1 && flat[0].Name != "pooler_output" {
		at = 0
	}
	if at < 0 {
		return Tensor{}, fmt.Errorf("%w: %s: none of the outputs is known to hold the vectors (want %s)", ErrGraph, file, strings.Join(names, " or "))
	}
	if t := flat[at]; len(t.Dims) == 2 && t.Dims[1] > 0 {
		dim := int(min(t.Dims[1], maxDim+1))
		if b.m.Dim != 0 && b.m.Dim != dim {
			return Tensor{}, fmt.Errorf("%w: %s gives vectors of %d components, the rest of the model says %d", ErrLayout, file, dim, b.m.Dim)
		}
		b.m.Dim = dim
	}
	return flat[at], nil
}

// dummy describes an input that has no say in the vectors: in a joint model
// that of the other tower.
func (b *builder) dummy(t Tensor, file string) (Dummy, error) {
	d := Dummy{Input: t.Name, Type: t.Type}
	joint := t.isPicture() || t.isInteger() && len(t.Dims) == 2 && !strings.Contains(t.Name, "position")
	if !joint {
		return d, fmt.Errorf("%w: %s wants the input %s, which is none of pictures, ids and masks", ErrGraph, file, t.Name)
	}
	fill := []int64{1, int64(max(b.m.Text.ContextLength, 1))}
	if t.isPicture() {
		fill = []int64{1, 3, int64(b.m.Image.ImageSize), int64(b.m.Image.ImageSize)}
	}
	for i, n := range t.Dims {
		if n < 1 {
			n = fill[i]
		}
		d.Shape = append(d.Shape, n)
	}
	return d, nil
}

// score takes scale and bias from the weights, where they stand there by name.
func (b *builder) score(graphs ...*Graph) error {
	for _, g := range graphs {
		for name, v := range g.Scalars {
			switch {
			case strings.HasSuffix(name, "logit_scale") && v > 0 && v < 10:
				b.m.LogitScale, b.m.ScoreAssumed = exp32(v), b.m.Score == Sigmoid && b.m.ScoreAssumed
			case strings.HasSuffix(name, "logit_bias") && b.m.Score == Sigmoid && v > -maxScale && v < maxScale:
				b.m.LogitBias, b.m.ScoreAssumed = v, false
			}
		}
	}
	return nil
}

// fixedBatch returns the batch size that a file insists on, 0 for any.
func fixedBatch(t Tensor) int {
	if n := t.Dims[0]; n > 0 {
		return int(min(n, maxBatch+1))
	}
	return 0
}

// plainType leaves the usual type out of manifests.
func plainType(t, usual string) string {
	if t == usual {
		return ""
	}
	return t
}

func inputNames(g *Graph) []string {
	var names []string
	for _, t := range g.Inputs {
		names = append(names, t.Name)
	}
	return names
}

// partners lists the names that the other tower may have beside this one: of
// the same variant.
func partners(names, variants []string, tower string) string {
	variant := ""
	for _, v := range variants {
		if len(v) > len(variant) && strings.HasSuffix(tower, v+".onnx") {
			variant = v
		}
	}
	return strings.Join(names, variant+".onnx, ") + variant + ".onnx"
}
