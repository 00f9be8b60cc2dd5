package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// familyFolder is the folder of a small model of a family.
func familyFolder(name string) string {
	dir, err := filepath.Abs(filepath.Join("..", "..", "encoder", "modeltest", "testdata", name))
	if err != nil {
		panic(err)
	}
	return dir
}

// Each family's folder is imported, named, and used: pictures come in with it
// and are found without naming it again.
func TestModelImport(t *testing.T) {
	h := newHomeWithRuntime(t)
	pictures := folder(t, "cat.jpg", "dogs.jpg")
	for _, family := range []string{"openai-clip", "fashion-clip", "siglip", "siglip2", "chinese-clip", "open-clip", "eva-clip", "biomedclip", "mobileclip"} {
		got := line[installedLine](h.run(t, "model", "import", familyFolder(family), "--json").ok())
		if got.Name != family || got.Dim < 8 || got.Fingerprint == "" {
			t.Errorf("%s: %+v", family, got)
		}
		db := filepath.Join(h.dir, family+".clipdb")
		h.adds(t, 2, 0, 0, db, pictures, "--model", family)
		text := "a cat"
		if family == "chinese-clip" {
			text = "一只猫" // which it reads without a warning
		}
		if n := len(lines[matchLine](h.run(t, "search", db, text, "--json").ok())); n != 2 {
			t.Errorf("%s: %d matches", family, n)
		}
		// The flag stands before the command as well.
		h.run(t, "--model", family, "add", filepath.Join(h.dir, family+"-2.clipdb"), pictures, "--json").ok()
		if got := line[infoLine](h.run(t, "info", filepath.Join(h.dir, family+"-2.clipdb"), "--json").ok()); got.Items != 2 || got.Model.Name != family ||
			got.Model.Card == nil || !got.Model.Card.OfFamily || len(got.Model.Card.Biases) == 0 {
			t.Errorf("%s: %+v", family, got)
		}
		refusesSpoilt(t, h, family)
	}
	h.run(t, "model", "import", familyFolder("siglip")).fails(exitFailure, "siglip", "--replace")
	h.run(t, "model", "verify").ok()
	h.run(t, "model", "import", familyFolder("siglip"), "--name", "mine", "--allow-licence", "MIT").fails(exitFailure, "unknown", "MIT")

	shown := line[modelShown](h.run(t, "model", "show", "siglip", "--json").ok())
	if shown.Score != "sigmoid" || !shown.ScoreAssumed || len(shown.Files) != 3 {
		t.Errorf("got %+v", shown)
	}
	r := h.run(t, "model", "list", "--json").ok()
	if n := strings.Count(r.out, "\n"); n < 15 || !strings.Contains(r.out, "siglip2-base-patch16-224") {
		t.Errorf("%d models listed\n%s", n, r.out)
	}

	// An altered or missing file is refused by name, wherever it is used.
	path := filepath.Join(shown.Where, "spiece.model")
	good := must(os.ReadFile(path))
	bad := append([]byte(nil), good...)
	bad[len(bad)/2] ^= 1
	write(t, path, bad)
	h.run(t, "model", "verify", "siglip").fails(exitFailure, "spiece.model")
	h.run(t, "embed", "--text", "a cat", "--model", "siglip").fails(exitFailure, "spiece.model")
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	h.run(t, "model", "verify", "siglip").fails(exitFailure, "spiece.model")
	h.run(t, "model", "remove", "siglip").ok()
	h.run(t, "model", "show", "siglip").fails(exitFailure, "siglip")
	h.run(t, "model", "remove", "siglip").fails(exitFailure, "siglip")
	h.run(t, "embed", "--text", "x", "--model", "siglip-base-patch16-224").fails(exitFailure, "not installed")
}

// refusesSpoilt moves an installed model to a folder as somebody would carry it
// over, and proves for each of its files that a folder without it, or with
// another in its place, is refused by the file's name.
func refusesSpoilt(t *testing.T, h *home, family string) {
	t.Helper()
	shown := line[modelShown](h.run(t, "model", "show", family, "--json").ok())
	dir := filepath.Join(t.TempDir(), "carried")
	if err := os.CopyFS(dir, os.DirFS(shown.Where)); err != nil {
		t.Fatal(err)
	}
	refuses := func(name string) {
		t.Helper()
		h.run(t, "model", "import", dir, "--name", family+"-carried").fails(exitFailure, name)
	}
	for _, f := range shown.Files {
		path := filepath.Join(dir, filepath.FromSlash(f.Name))
		good := must(os.ReadFile(path))
		bad := append([]byte(nil), good...)
		bad[len(bad)/2] ^= 1
		write(t, path, bad)
		refuses(f.Name)
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		refuses(f.Name)
		write(t, path, good)
	}
	// Without a model.json the layout names the tower that is missing.
	if err := os.Remove(filepath.Join(dir, "model.json")); err != nil {
		t.Fatal(err)
	}
	h.run(t, "model", "import", dir, "--name", family+"-bare").fails(exitFailure, "config.json")
	bare := filepath.Join(t.TempDir(), "bare")
	if err := os.CopyFS(bare, os.DirFS(familyFolder(family))); err != nil {
		t.Fatal(err)
	}
	tower := filepath.Join(bare, filepath.FromSlash(shown.Text.File))
	if err := os.Remove(tower); err != nil {
		t.Fatal(err)
	}
	h.run(t, "model", "import", bare, "--name", family+"-bare").fails(exitFailure, filepath.Base(shown.Text.File))
}

// pull takes a model from a server of its own; whatever fails is one plain
// sentence.
func TestModelPull(t *testing.T) {
	h := newHome(t)
	h.run(t, "model", "pull", "no-such-model").fails(exitFailure, "no-such-model", "model list")
	t.Setenv("HF_ENDPOINT", "http://127.0.0.1:1") // nobody listens there
	h.run(t, "model", "pull", "fashion-clip").fails(exitFailure, "cannot be reached", "model import")
	h.run(t, "model", "pull", "fashion-clip", "--allow-licence", "Apache-2.0").fails(exitFailure, "MIT", "Apache-2.0")
	h.run(t, "model", "pull", "fashion-clip", "--name", "Bad Name").fails(exitUsage, "--name")

	dir := familyFolder("siglip")
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/api/models/some/siglip-tiny/tree/main" {
			var list []string
			for _, name := range []string{"config.json", "preprocessor_config.json", "spiece.model", "tokenizer_config.json", "onnx/vision_model.onnx", "onnx/text_model.onnx"} {
				info := must(os.Stat(filepath.Join(dir, name)))
				list = append(list, fmt.Sprintf(`{"type":"file","path":%q,"size":%d}`, name, info.Size()))
			}
			fmt.Fprintf(w, "[%s]", strings.Join(list, ","))
			return
		}
		name, ok := strings.CutPrefix(r.URL.Path, "/some/siglip-tiny/resolve/main/")
		if !ok {
			http.NotFound(w, r)
			return
		}
		http.ServeFile(w, r, filepath.Join(dir, filepath.FromSlash(name)))
	}))
	defer server.Close()
	t.Setenv("HF_ENDPOINT", server.URL)
	got := line[installedLine](h.run(t, "model", "pull", "some/siglip-tiny", "--json").ok())
	if got.Name != "siglip-tiny" || got.Already {
		t.Errorf("got %+v", got)
	}
	if again := line[installedLine](h.run(t, "model", "pull", "some/siglip-tiny", "--json").ok()); !again.Already || again.Fingerprint != got.Fingerprint {
		t.Errorf("a second time: %+v", again)
	}
	shown := line[modelShown](h.run(t, "model", "show", "siglip-tiny", "--json").ok())
	for _, f := range shown.Files {
		if f.Hash != "recorded" {
			t.Errorf("file %+v", f)
		}
	}
	h.run(t, "model", "pull", "some/other").fails(exitFailure, "some/other")
}
