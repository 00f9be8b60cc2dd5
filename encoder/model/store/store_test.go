package store_test

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/clipdb/clipdb/encoder/model"
	"github.com/clipdb/clipdb/encoder/model/store"
)

// family is the folder of a small model.
func family(name string) string { return filepath.Join("..", "..", "modeltest", "testdata", name) }

func open(t testing.TB) *store.Store {
	t.Helper()
	s, err := store.Open(filepath.Join(t.TempDir(), "models"))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// copyOf returns a copy of a family's folder that may be spoilt.
func copyOf(t testing.TB, name string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), name)
	if err := os.CopyFS(dir, os.DirFS(family(name))); err != nil {
		t.Fatal(err)
	}
	return dir
}

// leftovers are files of work in progress.
func leftovers(t testing.TB, s *store.Store) []string {
	t.Helper()
	entries, _ := os.ReadDir(s.Dir())
	var names []string
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), ".") {
			names = append(names, e.Name())
		}
	}
	return names
}

func TestImportFolder(t *testing.T) {
	ctx := context.Background()
	s := open(t)
	for _, name := range []string{"openai-clip", "fashion-clip", "siglip", "siglip2", "chinese-clip", "open-clip", "eva-clip", "biomedclip", "mobileclip"} {
		e, err := s.Import(ctx, family(name), store.Options{})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		whole, err := model.Load(ctx, family(name))
		if err != nil {
			t.Fatal(err)
		}
		if e.Name != name || e.Manifest.Fingerprint() != whole.Fingerprint() {
			t.Errorf("%s: installed %s with another fingerprint", name, e.Name)
		}
		if _, err := s.Verify(ctx, name); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	list, err := s.List()
	if err != nil || len(list) != 9 {
		t.Errorf("%d models, %v", len(list), err)
	}
	if l := leftovers(t, s); len(l) > 0 {
		t.Errorf("left over: %v", l)
	}
	if _, err := s.Import(ctx, family("siglip"), store.Options{}); !errors.Is(err, store.ErrExists) {
		t.Errorf("a second time: %v", err)
	}
	if _, err := s.Import(ctx, family("siglip"), store.Options{Replace: true}); err != nil {
		t.Errorf("replaced: %v", err)
	}
	if err := s.Remove("siglip"); err != nil {
		t.Error(err)
	}
	if _, err := s.Find("siglip"); !errors.Is(err, store.ErrUnknown) {
		t.Errorf("removed: %v", err)
	}
	if err := s.Remove("siglip"); !errors.Is(err, store.ErrUnknown) {
		t.Errorf("removed twice: %v", err)
	}
	for _, name := range []string{"", "..", "../x", "A", ".import-1", "a/b"} {
		if _, err := s.Find(name); !errors.Is(err, store.ErrUnknown) {
			t.Errorf("%q: %v", name, err)
		}
	}
}

// Every file of an installed model is watched: altered or missing, it is
// refused by name. What is imported again has to be whole as well.
func TestAlteredFiles(t *testing.T) {
	ctx := context.Background()
	s := open(t)
	e, err := s.Import(ctx, family("siglip2"), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	external := false
	for _, f := range e.Manifest.Files() {
		external = external || strings.HasSuffix(f.Name, ".onnx_data")
		path := filepath.Join(e.Dir, filepath.FromSlash(f.Name))
		good, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for how, spoil := range map[string]func() error{
			"altered": func() error {
				bad := bytes.Clone(good)
				bad[len(bad)/2] ^= 1
				return os.WriteFile(path, bad, 0o644)
			},
			"cut":     func() error { return os.WriteFile(path, good[:len(good)-1], 0o644) },
			"missing": func() error { return os.Remove(path) },
		} {
			if err := spoil(); err != nil {
				t.Fatal(err)
			}
			if _, err := s.Verify(ctx, e.Name); !errors.Is(err, model.ErrFile) || !strings.Contains(err.Error(), f.Name) {
				t.Errorf("%s %s: %v", f.Name, how, err)
			}
			if _, err := open(t).Import(ctx, e.Dir, store.Options{}); !errors.Is(err, model.ErrFile) || !strings.Contains(err.Error(), f.Name) {
				t.Errorf("import with %s %s: %v", f.Name, how, err)
			}
			if err := os.WriteFile(path, good, 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	if !external {
		t.Error("no weights outside the ONNX files among the files")
	}
	if _, err := s.Verify(ctx, e.Name); err != nil {
		t.Errorf("mended: %v", err)
	}
}

// A folder without a model.json that lacks a file is refused naming it.
func TestIncompleteFolders(t *testing.T) {
	ctx := context.Background()
	for _, c := range []struct{ family, file, named string }{
		{"openai-clip", "config.json", "config.json"},
		{"openai-clip", "preprocessor_config.json", "preprocessor_config.json"},
		{"openai-clip", "tokenizer.json", "tokenizer"},
		{"openai-clip", "onnx/text_model.onnx", "text_model.onnx"},
		{"openai-clip", "onnx/vision_model.onnx", "vision_model.onnx"},
		{"siglip2", "onnx/vision_model_fp16.onnx_data", "vision_model_fp16.onnx_data"},
		{"fashion-clip", "merges.txt", "merges.txt"},
		{"fashion-clip", "onnx/model.onnx", "model.onnx"},
		{"chinese-clip", "vocab.txt", "vocab.txt"},
		{"open-clip", "textual.onnx", "textual.onnx"},
	} {
		dir := copyOf(t, c.family)
		if err := os.Remove(filepath.Join(dir, filepath.FromSlash(c.file))); err != nil {
			t.Fatal(err)
		}
		s := open(t)
		if _, err := s.Import(ctx, dir, store.Options{}); err == nil || !strings.Contains(err.Error(), c.named) {
			t.Errorf("%s without %s: %v", c.family, c.file, err)
		}
		if list, _ := s.List(); len(list) != 0 || len(leftovers(t, s)) != 0 {
			t.Errorf("%s without %s: something stayed behind", c.family, c.file)
		}
	}
}

func TestLicences(t *testing.T) {
	ctx := context.Background()
	s := open(t)
	dir := copyOf(t, "chinese-clip")
	if err := os.WriteFile(filepath.Join(dir, "README.md"), []byte("---\nlicense: apache-2.0\nlanguage:\n- zh\n- en\n---\n# card\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Import(ctx, dir, store.Options{Licences: []string{"MIT"}}); !errors.Is(err, store.ErrLicence) || !strings.Contains(err.Error(), "Apache-2.0") {
		t.Errorf("got %v", err)
	}
	e, err := s.Import(ctx, dir, store.Options{Licences: []string{"MIT", "apache-2.0"}})
	if err != nil || e.Manifest.Licence != "Apache-2.0" || strings.Join(e.Manifest.Languages, " ") != "zh en" {
		t.Errorf("%+v, %v", e.Manifest, err)
	}
	if _, err := s.Import(ctx, family("siglip"), store.Options{Licences: []string{"MIT"}}); !errors.Is(err, store.ErrLicence) {
		t.Errorf("unknown licence: %v", err)
	}
}

// entry is a file of an archive.
type entry struct {
	name, content string
	link          bool
}

func entries(t testing.TB, name, below string) []entry {
	t.Helper()
	var list []entry
	err := fs.WalkDir(os.DirFS(family(name)), ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(filepath.Join(family(name), path))
		list = append(list, entry{name: below + path, content: string(data)})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func tarball(t testing.TB, list []entry, zipped bool) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, e := range list {
		h := &tar.Header{Name: e.name, Size: int64(len(e.content)), Mode: 0o644, Typeflag: tar.TypeReg}
		if e.link {
			h.Typeflag, h.Linkname, h.Size = tar.TypeSymlink, e.content, 0
		}
		if err := w.WriteHeader(h); err != nil {
			t.Fatal(err)
		}
		if !e.link {
			if _, err := w.Write([]byte(e.content)); err != nil {
				t.Fatal(err)
			}
		}
	}
	w.Close()
	if !zipped {
		return b.Bytes()
	}
	var z bytes.Buffer
	g := gzip.NewWriter(&z)
	g.Write(b.Bytes())
	g.Close()
	return z.Bytes()
}

func zipped(t testing.TB, list []entry) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, e := range list {
		f, err := w.Create(e.name)
		if err != nil {
			t.Fatal(err)
		}
		f.Write([]byte(e.content))
	}
	w.Close()
	return b.Bytes()
}

func TestImportArchive(t *testing.T) {
	ctx := context.Background()
	for file, data := range map[string][]byte{
		"my-model.tar":    tarball(t, entries(t, "siglip", ""), false),
		"my-model.tar.gz": tarball(t, entries(t, "siglip", "./my-model/"), true),
		"my-model.zip":    zipped(t, entries(t, "siglip", "my-model/")),
	} {
		path := filepath.Join(t.TempDir(), file)
		if err := os.WriteFile(path, data, 0o644); err != nil {
			t.Fatal(err)
		}
		s := open(t)
		e, err := s.Import(ctx, path, store.Options{})
		if err != nil || e.Name != "my-model" || e.Manifest.Family != "siglip" {
			t.Errorf("%s: %+v, %v", file, e, err)
		}
		if l := leftovers(t, s); len(l) > 0 {
			t.Errorf("%s: left over: %v", file, l)
		}
	}
}

func TestHostileArchives(t *testing.T) {
	ctx := context.Background()
	good := tarball(t, entries(t, "chinese-clip", ""), true)
	for name, data := range map[string][]byte{
		"empty": {}, "text": []byte("hello"), "half": good[:len(good)/2], "no files": tarball(t, nil, false),
		"leaves":   tarball(t, []entry{{name: "../../escaped", content: "x"}}, false),
		"absolute": tarball(t, []entry{{name: "/tmp/escaped", content: "x"}}, false),
		"backward": tarball(t, []entry{{name: `a\..\..\escaped`, content: "x"}}, false),
		"link":     tarball(t, []entry{{name: "a", content: "/etc/passwd", link: true}}, false),
		"twice":    tarball(t, []entry{{name: "a", content: "x"}, {name: "a", content: "y"}}, false),
		"zip":      zipped(t, []entry{{name: "../escaped", content: "x"}}),
	} {
		dir := t.TempDir()
		path := filepath.Join(dir, "archive")
		if err := os.WriteFile(path, data, 0o644); err != nil {
			t.Fatal(err)
		}
		s, err := store.Open(filepath.Join(dir, "models"))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Import(ctx, path, store.Options{}); err == nil {
			t.Errorf("%s: imported", name)
		}
		if l := leftovers(t, s); len(l) > 0 {
			t.Errorf("%s: left over: %v", name, l)
		}
		if _, err := os.Stat(filepath.Join(dir, "escaped")); err == nil {
			t.Errorf("%s: a file left its folder", name)
		}
	}
}

func TestRegistry(t *testing.T) {
	list := store.Registry()
	if len(list) < 9 {
		t.Fatalf("%d models", len(list))
	}
	seen := map[string]bool{}
	for _, k := range list {
		if model.PlainName(k.Name) != k.Name || seen[k.Name] || strings.Count(k.Repo, "/") != 1 || k.Dim < 1 || k.Licence == "" ||
			len(k.Languages) == 0 || k.GoodAt == "" || k.Training == "" {
			t.Errorf("entry %+v", k)
		}
		seen[k.Name] = true
		if c := k.Card(); c.OfFamily || len(c.Biases) == 0 || len(c.Limits) == 0 || len(c.ReadMore) == 0 {
			t.Errorf("%s: card %+v", k.Name, c)
		}
		for _, f := range k.Files {
			if len(f.SHA256) != 64 || f.Size < 1 || strings.Contains(f.Name, "/") {
				t.Errorf("%s: pin %+v", k.Name, f)
			}
		}
		if got, ok := store.Lookup(k.Name); !ok || got.Repo != k.Repo {
			t.Errorf("%s is not found", k.Name)
		}
	}
	for name, hash := range map[string]string{
		"vision_model_fp16.onnx":       "a1959f7bd3993a607e48839f6d01e25b876fe76afda301b028b78eef68aabd95",
		"text_model_fp16.onnx":         "711da56ada0a4aa11c7dd3320df741081a3cae4f0ae1b5e5c6d5b294738d0eb0",
		"clip-image-vit-32-uint8.onnx": "a5a97f5877ab503a6a0878e048de2d23ec7f0b881b70ee8f99b11f431f76da6d",
	} {
		if !slices.ContainsFunc(list, func(k store.Known) bool {
			return slices.ContainsFunc(k.Files, func(f store.KnownFile) bool { return f.Name == name && f.SHA256 == hash })
		}) {
			t.Errorf("%s is not pinned", name)
		}
	}
	if _, ok := store.Lookup("nothing"); ok {
		t.Error("found nothing")
	}
}
