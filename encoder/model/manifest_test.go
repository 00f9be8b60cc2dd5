package model

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/clipdb/clipdb/encoder/pixel"
)

// content of the files of the model that the tests use.
var content = map[string]string{"image.onnx": "an image tower", "text.onnx": "a text tower", "vocab.txt": "[PAD]\n"}

func hash(s string) string {
	h := sha256.Sum256([]byte(s))
	return hex.EncodeToString(h[:])
}

// valid returns a manifest that passes, as generic JSON to be spoilt.
func valid() map[string]any {
	return map[string]any{
		"name": "test-1", "family": "test", "version": 1, "dim": 8, "licence": "Apache-2.0",
		"languages": []any{"en", "pt-BR"}, "logit_scale": 30.5, "source": "https://example.org",
		"training_data": []any{map[string]any{"name": "photos", "licence": "CC0-1.0"}},
		"image": map[string]any{
			"file": "image.onnx", "sha256": hash(content["image.onnx"]), "size": len(content["image.onnx"]),
			"input": "pixel_values", "output": "image_embeds", "image_size": 224, "resize": "shortest", "crop": "center",
			"interpolation": "bicubic", "mean": []any{0.48, 0.46, 0.41}, "std": []any{0.27, 0.26, 0.28},
		},
		"text": map[string]any{
			"file": "text.onnx", "sha256": hash(content["text.onnx"]), "size": len(content["text.onnx"]),
			"inputs": []any{"input_ids", "attention_mask"}, "output": "text_embeds", "tokenizer": "wordpiece",
			"vocab": "vocab.txt", "vocab_sha256": hash(content["vocab.txt"]), "lowercase": true, "context_length": 64, "pad_id": 0,
		},
	}
}

// with returns the valid manifest with one field replaced; path is "text.vocab".
func with(t testing.TB, path string, value any) []byte {
	t.Helper()
	m := valid()
	if path != "" {
		at, field := m, path
		if group, rest, ok := strings.Cut(path, "."); ok {
			at, field = m[group].(map[string]any), rest
		}
		at[field] = value
	}
	data, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func parse(t testing.TB, path string, value any) *Manifest {
	t.Helper()
	m, err := Parse(with(t, path, value))
	if err != nil {
		t.Fatalf("%s = %v: %v", path, value, err)
	}
	return m
}

func TestParse(t *testing.T) {
	m := parse(t, "", nil)
	if m.Name != "test-1" || m.Dim != 8 || m.Text.ContextLength != 64 || m.Image.Std[2] != 0.28 || m.TrainingData[0].Licence != "CC0-1.0" {
		t.Errorf("read %+v", m)
	}
	want := pixel.Spec{Size: 224, Resize: pixel.Shortest, CenterCrop: true,
		Mean: [3]float32{0.48, 0.46, 0.41}, Std: [3]float32{0.27, 0.26, 0.28}}
	if got := m.Spec(); got != want {
		t.Errorf("spec %+v, want %+v", got, want)
	}
	em := m.Model()
	if em.Name != "test-1" || em.Family != "test" || em.Dim != 8 || em.ImageSize != 224 || em.LogitScale != 30.5 ||
		em.Licence != "Apache-2.0" || !slices.Equal(em.Languages, []string{"en", "pt-BR"}) || em.Fingerprint != m.Fingerprint() {
		t.Errorf("model %+v", em)
	}
	em.Languages[0] = "xx"
	if m.Languages[0] != "en" {
		t.Error("Model shares its list with the manifest")
	}
	parse(t, "a field of the future", 1) // is ignored
	squash := valid()
	squash["image"].(map[string]any)["resize"], squash["image"].(map[string]any)["crop"] = "squash", "none"
	data, _ := json.Marshal(squash)
	if m, err := Parse(data); err != nil || m.Spec().Resize != pixel.Squash || m.Spec().CenterCrop {
		t.Errorf("squash: %v, %+v", err, m)
	}
}

func TestParseRefuses(t *testing.T) {
	long := strings.Repeat("x", 2000)
	for _, c := range []struct {
		path   string
		values []any
	}{
		{"name", []any{"", " test", "Test", "a/b", "../x", long, 3}},
		{"family", []any{"", "two words"}},
		{"version", []any{0, -1, "1"}},
		{"dim", []any{0, -8, 1 << 20, 8.5}},
		{"licence", []any{"", long}},
		{"languages", []any{[]any{"english language"}, []any{""}, slices.Repeat([]any{"en"}, 300)}},
		{"logit_scale", []any{0, -1, 1e9}},
		{"source", []any{long}},
		{"templates", []any{[]any{"no place"}, []any{"{}", ""}, []any{"{}" + long}, slices.Repeat([]any{"{}"}, 101), "{}"}},
		{"temperature", []any{-1, 1e9, "warm"}},
		{"image.file", []any{"", ".", "..", "../image.onnx", "/etc/passwd", `..\x`, `C:\x`, "C:x", "a//b", "a/./b", "nul", "com1.onnx", "x\x00y", long, "-rf", "end."}},
		{"text.file", []any{"", "../../x"}},
		{"text.vocab", []any{"", "/vocab.txt", "a/../b"}},
		{"image.sha256", []any{"", "abc", strings.Repeat("g", 64), strings.Repeat("A", 64), strings.Repeat("a", 66)}},
		{"text.sha256", []any{""}},
		{"text.vocab_sha256", []any{"", "xyz"}},
		{"image.size", []any{0, -1, 1 << 50}},
		{"text.size", []any{0}},
		{"image.input", []any{"", "two words", "new\nline", long}},
		{"image.output", []any{""}},
		{"text.output", []any{""}},
		{"text.inputs", []any{[]any{}, []any{""}, []any{"a", "b", "c"}}},
		{"image.image_size", []any{0, -224, 1 << 20}},
		{"image.resize", []any{"", "stretch"}},
		{"image.crop", []any{"", "none", "left"}}, // shortest needs the crop
		{"image.interpolation", []any{"", "nearest"}},
		{"image.mean", []any{[]any{0, 0, 1e9}}},
		{"image.std", []any{[]any{0, 1, 1}, []any{-1, 1, 1}, []any{}}},
		{"text.tokenizer", []any{"", "syllables", "vocab+merges"}},
		{"text.context_length", []any{0, 1, -1, 1 << 20}},
		{"text.pad_id", []any{-1}},
	} {
		for _, v := range c.values {
			if _, err := Parse(with(t, c.path, v)); !errors.Is(err, ErrManifest) {
				t.Errorf("%s = %.40q: %v", c.path, v, err)
			}
		}
	}
	for name, data := range map[string]string{
		"empty": "", "text": "hello", "list": "[]", "null": "null", "half": string(with(t, "", nil)[:200]),
		"huge": `{"name":"` + strings.Repeat("x", maxManifest) + `"}`,
	} {
		if _, err := Parse([]byte(data)); !errors.Is(err, ErrManifest) {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := Read(strings.NewReader(data)); !errors.Is(err, ErrManifest) {
			t.Errorf("%s, read: %v", name, err)
		}
	}
}

// The message must name the field, or nobody can mend the file.
func TestParseNamesTheField(t *testing.T) {
	for _, path := range []string{"dim", "image.image_size", "text.context_length", "text.vocab"} {
		if _, err := Parse(with(t, path, nil)); err == nil || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: %v", path, err)
		}
	}
}

func folder() fstest.MapFS {
	files := fstest.MapFS{}
	for name, data := range content {
		files[name] = &fstest.MapFile{Data: []byte(data)}
	}
	return files
}

func TestVerify(t *testing.T) {
	ctx := context.Background()
	m := parse(t, "", nil)
	if err := m.Verify(ctx, folder()); err != nil {
		t.Errorf("whole model: %v", err)
	}
	for name := range content {
		spoil := func(how string, change func(fstest.MapFS)) {
			files := folder()
			change(files)
			err := m.Verify(ctx, files)
			if !errors.Is(err, ErrFile) || !strings.Contains(err.Error(), name) {
				t.Errorf("%s %s: %v", name, how, err)
			}
		}
		spoil("missing", func(f fstest.MapFS) { delete(f, name) })
		spoil("longer", func(f fstest.MapFS) { f[name].Data = append(f[name].Data, 0) })
		spoil("altered", func(f fstest.MapFS) { f[name].Data[2] ^= 1 })
		spoil("a folder", func(f fstest.MapFS) { f[name] = &fstest.MapFile{Mode: fs.ModeDir} })
	}
	files := folder()
	delete(files, "vocab.txt")
	if err := m.Verify(ctx, files); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("missing file: %v", err)
	}
	done, cancel := context.WithCancel(ctx)
	cancel()
	if err := m.Verify(done, folder()); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	f := m.Files()[0]
	if err := f.Check([]byte(content["image.onnx"])); err != nil {
		t.Error(err)
	}
	if err := f.Check([]byte("an image tower!")); !errors.Is(err, ErrFile) {
		t.Error(err)
	}
}

func TestOpen(t *testing.T) {
	files := folder()
	if _, err := Open(files); !errors.Is(err, ErrManifest) || !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("without a manifest: %v", err)
	}
	files[FileName] = &fstest.MapFile{Data: with(t, "", nil)}
	if m, err := Open(files); err != nil || m.Name != "test-1" {
		t.Errorf("%v, %v", m, err)
	}
}

// Every field that decides vectors changes the fingerprint; names do not.
func TestFingerprint(t *testing.T) {
	base := parse(t, "", nil).Fingerprint()
	const golden = "8489dd970dd6c56448aa06389c12f700974ab00f3c4cd4b4ae909d725aa43dc1"
	if base != golden {
		t.Errorf("fingerprint %s, want %s: databases would refuse their model", base, golden)
	}
	for path, v := range map[string]any{
		"name": "other", "family": "other", "version": 2, "licence": "MIT", "languages": []any{"de"}, "logit_scale": 10,
		"source": "", "training_data": []any{}, "image.file": "a.onnx", "text.file": "dir/b.onnx", "text.vocab": "v",
		"image.input": "x", "text.inputs": []any{"y", "z"}, "image.size": 99, "text.size": 99,
	} {
		if parse(t, path, v).Fingerprint() != base {
			t.Errorf("%s changes the fingerprint", path)
		}
	}
	seen := map[string]string{base: "the base"}
	changes := map[string]any{
		"dim": 9, "image.sha256": hash("x"), "text.sha256": hash("x"), "text.vocab_sha256": hash("x"), "image.output": "x",
		"text.output": "x", "image.image_size": 225, "image.mean": []any{0.48, 0.46, 0.42}, "image.std": []any{0.27, 0.26, 0.29},
		"text.tokenizer": "bytepair", "text.lowercase": false, "text.context_length": 65, "text.pad_id": 1,
		"text.inputs": []any{"input_ids"},
	}
	for _, path := range slices.Sorted(maps.Keys(changes)) {
		got := parse(t, path, changes[path]).Fingerprint()
		if other, ok := seen[got]; ok {
			t.Errorf("%s gives the fingerprint of %s", path, other)
		}
		seen[got] = path
	}
}

func FuzzParse(f *testing.F) {
	f.Add(with(f, "", nil))
	f.Add(with(f, "text.vocab", "../x"))
	f.Add([]byte(`{"image":{"mean":[1,2,3,4]}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := Parse(data)
		if err != nil {
			if !errors.Is(err, ErrManifest) {
				t.Errorf("%v", err)
			}
			return
		}
		for _, file := range m.Files() {
			if !fs.ValidPath(file.Name) || strings.ContainsAny(file.Name, `\:`) {
				t.Errorf("file name %q", file.Name)
			}
		}
		if err := m.Spec().Check(); err != nil {
			t.Error(err)
		}
		again, err := json.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		if n, err := Parse(again); err != nil || n.Fingerprint() != m.Fingerprint() {
			t.Errorf("written and read again: %v", err)
		}
	})
}
