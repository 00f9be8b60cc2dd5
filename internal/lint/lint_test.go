// Package lint holds the rules of the house as tests: which room may import
// which, what the root package may pull in, and how long a file may grow.
package lint

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

const module = "github.com/clipdb/clipdb"

// pkg is what `go list -json` says of one package.
type pkg struct {
	ImportPath, Dir, Doc, Name string
	Imports, GoFiles, CgoFiles []string
	Deps                       []string
}

// rule forbids imports. A room is matched by its path below the module and
// everything beneath it; the more exact rule of a sub-room comes on top.
type rule struct {
	room    string
	allowed []string // rooms of ours that may be imported; a trailing /... takes what lies beneath
	reason  string
}

var rules = []rule{
	{"index", []string{"index/...", "internal/simd"}, "the index knows vectors and slots only; db/local joins it with storage"},
	{"storage", []string{"storage/...", "internal/..."}, "storage knows rows, blobs and pages only; what they mean is db/local's business"},
	{"encoder", []string{"encoder/...", "internal/..."}, "pictures and words become vectors without knowing who keeps them"},
	{"db/engine", []string{"db/engine/..."}, "the seam stays free of this machine's files, so that another engine can stand behind it"},
	{"db/local", []string{"db/engine/...", "db/local/...", "storage/...", "index/...", "internal/..."}, "the local engine is storage plus index and sees no pictures"},
	{"db/local/keyword", nil, "keywords are texts and slots: neither files nor vectors"},
	{"db", []string{"encoder", "encoder/pixel", "db/engine", "internal/..."}, "db is wired to an engine and an encoder from outside: who brings a model links no weights"},
	{"", []string{"db", "db/engine", "db/local", "encoder", "encoder/builtin", "encoder/onnx"}, "the face holds the default wiring and no logic"},
	{"bench", []string{"", "bench/...", "encoder/...", "index/...", "internal/..."}, "benchmarks use what users use, and the index itself"},
	{"internal/simd", nil, "kernels depend on nothing"},
}

// foreign modules that belong to one room.
var owners = map[string][]string{
	"go.etcd.io/bbolt":                    {"storage"},
	"github.com/coder/hnsw":               {"index/coder"},
	"github.com/yalue/onnxruntime_go":     {"encoder/onnx"},
	"github.com/bep/imagemeta":            {"encoder/pixel"},
	"github.com/alecthomas/kong":          {"cmd"},
	"github.com/schollz/progressbar/v3":   {"cmd"},
	"github.com/klauspost/compress/zstd":  {"storage"},
	"github.com/clipperhouse/uax29/v2":    {"db/local/keyword"},
	"github.com/blevesearch/snowballstem": {"db/local/keyword"},
}

func list(t *testing.T, args ...string) []pkg {
	t.Helper()
	cmd := exec.Command("go", append([]string{"list", "-json=ImportPath,Dir,Doc,Name,Imports,GoFiles,CgoFiles,Deps"}, args...)...)
	cmd.Dir = root(t)
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, &errs)
	}
	var pkgs []pkg
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var p pkg
		if err := dec.Decode(&p); err == io.EOF {
			return pkgs
		} else if err != nil {
			t.Fatal(err)
		}
		pkgs = append(pkgs, p)
	}
}

func root(t *testing.T) string {
	t.Helper()
	dir, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// room is the path of an import below the module, and whether it is ours.
func room(path string) (string, bool) {
	if path == module {
		return "", true
	}
	return strings.CutPrefix(path, module+"/")
}

func within(room, of string) bool {
	return room == of || of != "" && strings.HasPrefix(room, of+"/")
}

// ruleOf finds the most exact rule for a room.
func ruleOf(r string) (best rule, found bool) {
	for _, c := range rules {
		if within(r, c.room) && (!found || len(c.room) > len(best.room)) {
			best, found = c, true
		}
	}
	return best, found
}

func TestImportDirections(t *testing.T) {
	for _, p := range list(t, "./...") {
		from, _ := room(p.ImportPath)
		r, ruled := ruleOf(from)
		for _, imp := range p.Imports {
			to, ours := room(imp)
			if !ours {
				for mod, rooms := range owners {
					if imp != mod && !strings.HasPrefix(imp, mod+"/") {
						continue
					}
					var at bool
					for _, o := range rooms {
						at = at || within(from, o)
					}
					if !at {
						t.Errorf("%s imports %s, which belongs to %v alone", p.ImportPath, imp, rooms)
					}
				}
				continue
			}
			for _, top := range []string{"cmd", "bench", "examples"} {
				if within(to, top) && !within(from, "cmd") && !within(from, top) {
					t.Errorf("%s imports %s: nothing imports cmd, bench or examples", p.ImportPath, imp)
				}
			}
			if !ruled {
				continue
			}
			var ok bool
			for _, a := range r.allowed {
				if base, tree := strings.CutSuffix(a, "/..."); tree {
					ok = ok || within(to, base)
				} else {
					ok = ok || to == a
				}
			}
			if !ok {
				t.Errorf("%s imports %s: %s", p.ImportPath, imp, r.reason)
			}
		}
	}
}

// The root package must be cheap to depend on: no command line, no server.
func TestRootDependencies(t *testing.T) {
	banned := []string{"github.com/alecthomas/kong", "github.com/schollz/progressbar", "net/http", "net/rpc", "html/template", "testing", "flag"}
	for _, p := range list(t, ".") {
		for _, d := range p.Deps {
			for _, b := range banned {
				if d == b || strings.HasPrefix(d, b+"/") {
					t.Errorf("%s depends on %s", p.ImportPath, d)
				}
			}
		}
	}
}

// Who brings a model of their own imports db and links no weights.
func TestDBLinksNoWeights(t *testing.T) {
	for _, p := range list(t, "./db", "./db/local") {
		for _, d := range p.Deps {
			if r, ours := room(d); ours && within(r, "encoder/builtin") {
				t.Errorf("%s depends on %s", p.ImportPath, d)
			}
		}
	}
}

// cgo stays in the room that calls ONNX Runtime (through its wrapper).
func TestNoCgoOfOurs(t *testing.T) {
	for _, p := range list(t, "./...") {
		if len(p.CgoFiles) > 0 {
			t.Errorf("%s holds cgo files %v", p.ImportPath, p.CgoFiles)
		}
	}
}

func TestPackagesAreDocumented(t *testing.T) {
	for _, p := range list(t, "./...") {
		if p.Doc == "" && len(p.GoFiles) > 0 {
			t.Errorf("%s has no package comment", p.ImportPath)
		}
	}
}

// A file holds one noun. Past 450 lines it holds two.
func TestFileLength(t *testing.T) {
	const most = 450
	for _, p := range list(t, "./...") {
		for _, name := range p.GoFiles {
			f, err := os.Open(filepath.Join(p.Dir, name))
			if err != nil {
				t.Fatal(err)
			}
			lines := 0
			for s := bufio.NewScanner(f); s.Scan(); {
				lines++
			}
			f.Close()
			if lines > most {
				t.Errorf("%s/%s has %d lines, more than %d", p.ImportPath, name, lines, most)
			}
			for _, vague := range []string{"utils", "util", "common", "helpers", "helper", "manager", "misc"} {
				if strings.TrimSuffix(name, ".go") == vague || p.Name == vague {
					t.Errorf("%s/%s: %q names no noun", p.ImportPath, name, vague)
				}
			}
		}
	}
}
