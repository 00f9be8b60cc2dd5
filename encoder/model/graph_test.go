package model

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

func familyFile(t testing.TB, elem ...string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(append([]string{"..", "modeltest", "testdata"}, elem...)...))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestReadGraph(t *testing.T) {
	read := func(elem ...string) *Graph {
		data := familyFile(t, elem...)
		g, err := ReadGraph(bytes.NewReader(data), int64(len(data)))
		if err != nil {
			t.Fatalf("%v: %v", elem, err)
		}
		return g
	}
	g := read("openai-clip", "onnx", "text_model.onnx")
	if len(g.Inputs) != 2 || g.Inputs[0].Name != "input_ids" || g.Inputs[0].Type != Int64 || !slices.Equal(g.Inputs[0].Dims, []int64{-1, -1}) ||
		len(g.Outputs) != 1 || g.Outputs[0].Name != "text_embeds" || len(g.External) != 0 {
		t.Errorf("%+v %+v %v", g.Inputs, g.Outputs, g.External)
	}
	g = read("siglip2", "onnx", "vision_model_fp16.onnx")
	if len(g.Inputs) != 1 || g.Inputs[0].Type != Float16 || !slices.Equal(g.Inputs[0].Dims, []int64{-1, 3, 32, 32}) ||
		!slices.Equal(g.External, []string{"vision_model_fp16.onnx_data"}) {
		t.Errorf("%+v %v", g.Inputs, g.External)
	}
	g = read("open-clip", "textual.onnx") // one text at a time, ids of 32 bits
	if len(g.Inputs) != 1 || g.Inputs[0].Type != Int32 || !slices.Equal(g.Inputs[0].Dims, []int64{1, 77}) {
		t.Errorf("%+v", g.Inputs)
	}
}

func TestReadGraphRefuses(t *testing.T) {
	good := familyFile(t, "openai-clip", "onnx", "vision_model.onnx")
	for name, data := range map[string][]byte{
		"empty": {}, "text": []byte("not a model at all"), "zeros": make([]byte, 100), "half": good[:len(good)/2],
		"no graph": {0x08, 0x07}, "long length": {0x3a, 0xff, 0xff, 0xff, 0xff, 0x0f},
	} {
		if _, err := ReadGraph(bytes.NewReader(data), int64(len(data))); !errors.Is(err, ErrGraph) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzReadGraph(f *testing.F) {
	f.Add([]byte("\x08\x08\x3a\x2a\x5a\x14\x0a\x01x\x12\x0f\x0a\x0d\x08\x01\x12\x09\x0a\x02\x08\x01\x0a\x03\x12\x01n\x62\x12\x0a\x01y\x12\x0d\x0a\x0b\x08\x01\x12\x07\x0a\x02\x08\x01\x0a\x01\x08"))
	f.Add([]byte("\x3a\x10\x2a\x0e\x42\x01w\x6a\x09\x0a\x08location"))
	f.Fuzz(func(t *testing.T, data []byte) {
		if _, err := ReadGraph(bytes.NewReader(data), int64(len(data))); err != nil && !errors.Is(err, ErrGraph) {
			t.Errorf("%v", err)
		}
	})
}

// altered returns the folder of a family with some files replaced, "" meaning
// removed.
func altered(t testing.TB, family string, files map[string]string) fstest.MapFS {
	t.Helper()
	out := fstest.MapFS{}
	root := filepath.Join("..", "modeltest", "testdata", family)
	err := filepath.WalkDir(root, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		name, _ := filepath.Rel(root, path)
		out[filepath.ToSlash(name)] = &fstest.MapFile{Data: data}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range files {
		if content == "" {
			delete(out, name)
		} else {
			out[name] = &fstest.MapFile{Data: []byte(content)}
		}
	}
	return out
}

func TestFromFolder(t *testing.T) {
	ctx := context.Background()
	m, err := FromFolder(ctx, altered(t, "fashion-clip", nil), nil)
	if err != nil {
		t.Fatal(err)
	}
	// A joint model: one file, the inputs of each other as dummies.
	if m.Image.File != m.Text.File || len(m.Image.Dummies) != 2 || len(m.Text.Dummies) != 1 || m.Name != "clip" || m.Text.Merges != "merges.txt" {
		t.Errorf("%+v", m)
	}
	if n := len(m.Files()); n != 3 {
		t.Errorf("%d files", n)
	}
	m, err = FromFolder(ctx, altered(t, "open-clip", nil), &FolderOptions{Name: "mine", Licence: "MIT"})
	if err != nil {
		t.Fatal(err)
	}
	if m.Image.Batch != 1 || m.Text.Batch != 1 || m.Text.InputType != Int32 || !m.Text.PadFull || m.Name != "mine" || m.Licence != "MIT" {
		t.Errorf("%+v", m)
	}
	// A scale that the configuration tells is not assumed.
	m, err = FromFolder(ctx, altered(t, "openai-clip", map[string]string{
		"config.json": `{"model_type":"clip","projection_dim":24,"logit_scale":2.3026,"vision_config":{"image_size":32}}`}), nil)
	if err != nil || m.ScoreAssumed || m.LogitScale < 9.9 || m.LogitScale > 10.1 {
		t.Errorf("%v, %+v", err, m)
	}
}

// What the configuration asks for and clipdb cannot do is refused by name,
// never passed over.
func TestFromFolderRefuses(t *testing.T) {
	const clip = "preprocessor_config.json"
	for _, c := range []struct{ family, file, content, named string }{
		{"openai-clip", "config.json", `{"model_type":"blip"}`, "blip"},
		{"openai-clip", "config.json", `{"model_type":"siglip2"}`, "NaFlex"},
		{"openai-clip", "config.json", `{`, "config.json"},
		{"openai-clip", "config.json", `{"model_type":"clip","projection_dim":512}`, "24"},
		{"openai-clip", clip, `{"size":{"shortest_edge":40},"crop_size":32}`, "crop_size"},
		{"openai-clip", clip, `{"size":{"shortest_edge":64},"crop_size":64}`, "32"},
		{"openai-clip", clip, `{"size":32,"resample":1}`, "resample"},
		{"openai-clip", clip, `{"size":{"height":32,"width":16}}`, "square"},
		{"openai-clip", clip, `{"size":32,"rescale_factor":1}`, "rescale_factor"},
		{"openai-clip", "tokenizer.json", `{"model":{"type":"Odd"}}`, "Odd"},
		{"openai-clip", "onnx/vision_model.onnx", "not onnx", "vision_model.onnx"},
		{"siglip2", "onnx/vision_model_fp16.onnx_data", "", "vision_model_fp16.onnx_data"},
		{"open-clip", "open_clip_config.json", `{"model_cfg":{"embed_dim":24,"vision_cfg":{"image_size":32},"text_cfg":{}},"preprocess_cfg":{"resize_mode":"longest"}}`, "longest"},
		{"open-clip", "bpe_simple_vocab_16e6.txt.gz", "", "tokenizer"},
	} {
		_, err := FromFolder(context.Background(), altered(t, c.family, map[string]string{c.file: c.content}), nil)
		if err == nil || !strings.Contains(err.Error(), c.named) {
			t.Errorf("%s with %s = %.60s: %v", c.family, c.file, c.content, err)
		}
	}
}

func TestPlainName(t *testing.T) {
	for in, want := range map[string]string{
		"": "", "ViT-B-32": "vit-b-32", "My Model": "my-model", "../x": "x", "...": "", "Ünï": "n", "a/b": "a-b", strings.Repeat("x", 99): strings.Repeat("x", 64),
	} {
		got := PlainName(in)
		if got != want || got != "" && !nameRE.MatchString(got) {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}
