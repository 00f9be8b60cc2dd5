package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/clipdb/clipdb"
	"github.com/clipdb/clipdb/encoder/onnx/ortlib"
)

// The tests of this package run the real program, built once.

var program string

func TestMain(m *testing.M) {
	os.Exit(func() int {
		dir, err := os.MkdirTemp("", "clipdb-cmd-test-")
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer os.RemoveAll(dir)
		program = filepath.Join(dir, "clipdb")
		if runtime.GOOS == "windows" {
			program += ".exe"
		}
		args := []string{"build", "-o", program}
		if raceDetector {
			args = append(args, "-race")
		}
		if out, err := exec.Command("go", append(args, ".")...).CombinedOutput(); err != nil {
			fmt.Fprintf(os.Stderr, "go build: %v\n%s", err, out)
			return 1
		}
		return m.Run()
	}())
}

// home is a machine of its own: no cache, no settings of the user's.
type home struct {
	dir     string
	runtime string // ONNX Runtime library; "" when there is none
}

// newHome gives a fresh home without ONNX Runtime.
func newHome(t *testing.T) *home {
	t.Helper()
	return &home{dir: t.TempDir()}
}

// newHomeWithRuntime gives one that knows the library of this machine, and
// skips the test where there is none.
func newHomeWithRuntime(t *testing.T) *home {
	t.Helper()
	lib, err := ortlib.Find(ortlib.Options{})
	if err != nil {
		t.Skip("needs ONNX Runtime; run: clipdb runtime install")
	}
	if os.Getenv("CGO_ENABLED") == "0" {
		t.Skip("needs cgo")
	}
	return &home{dir: t.TempDir(), runtime: lib.Path}
}

func (h *home) command(args ...string) *exec.Cmd {
	cmd := exec.Command(program, args...)
	cmd.Dir = h.dir
	runtimeAt := h.runtime
	if runtimeAt == "" {
		runtimeAt = filepath.Join(h.dir, "no-such-runtime")
	}
	for _, kv := range os.Environ() {
		switch name, _, _ := strings.Cut(kv, "="); name {
		case "HOME", "XDG_CACHE_HOME", "LOCALAPPDATA", "CLIPDB_ONNXRUNTIME", "NO_COLOR", "GORACE":
		default:
			cmd.Env = append(cmd.Env, kv)
		}
	}
	cmd.Env = append(cmd.Env, "HOME="+h.dir, "XDG_CACHE_HOME="+filepath.Join(h.dir, "cache"), "LOCALAPPDATA="+h.dir,
		"CLIPDB_ONNXRUNTIME="+runtimeAt, "GORACE=halt_on_error=1 exitcode=66")
	return cmd
}

// result is what a run of the program left.
type result struct {
	t        *testing.T
	args     []string
	code     int
	out, err string
}

func (h *home) run(t *testing.T, args ...string) *result {
	t.Helper()
	return h.runWith(t, "", args...)
}

func (h *home) runWith(t *testing.T, stdin string, args ...string) *result {
	t.Helper()
	cmd := h.command(args...)
	cmd.Stdin = strings.NewReader(stdin)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	timer := time.AfterFunc(2*time.Minute, func() { cmd.Process.Kill() })
	defer timer.Stop()
	err := cmd.Run()
	if cmd.ProcessState == nil {
		t.Fatalf("clipdb %v: %v", args, err)
	}
	return &result{t, args, cmd.ProcessState.ExitCode(), out.String(), errs.String()}
}

func (r *result) String() string {
	return fmt.Sprintf("clipdb %s\nexit status %d\nstandard output:\n%s\nstandard error:\n%s", strings.Join(r.args, " "), r.code, clipped(r.out), clipped(r.err))
}

func clipped(s string) string {
	if len(s) > 4000 {
		return s[:4000] + "..."
	}
	return s
}

// ok fails the test unless the run was a success without a word on standard
// error.
func (r *result) ok() *result {
	r.t.Helper()
	if r.code != exitOK || r.err != "" {
		r.t.Fatalf("want success:\n%s", r)
	}
	return r
}

// fails checks the exit status and that standard error is one plain sentence
// that holds the words.
func (r *result) fails(code int, words ...string) *result {
	r.t.Helper()
	line := strings.TrimSuffix(r.err, "\n")
	if code == exitUsage { // the place in a filter may follow
		line, _, _ = strings.Cut(line, "\n")
	}
	if r.code != code || !strings.HasPrefix(line, "clipdb: ") || strings.Contains(line, "\n") {
		r.t.Fatalf("want exit status %d and one sentence:\n%s", code, r)
	}
	for _, w := range words {
		if !strings.Contains(r.err, w) {
			r.t.Errorf("the sentence lacks %q: %s", w, r.err)
		}
	}
	for _, raw := range []string{"goroutine ", "panic", "internal fault", "%!"} {
		if strings.Contains(r.err, raw) {
			r.t.Errorf("the sentence is not plain: %s", r.err)
		}
	}
	return r
}

// lines reads standard output as JSON lines without unknown fields.
func lines[T any](r *result) []T {
	r.t.Helper()
	var list []T
	dec := json.NewDecoder(strings.NewReader(r.out))
	dec.DisallowUnknownFields()
	for dec.More() {
		var v T
		if err := dec.Decode(&v); err != nil {
			r.t.Fatalf("standard output is not JSON lines: %v\n%s", err, r)
		}
		list = append(list, v)
	}
	if n := strings.Count(r.out, "\n"); n != len(list) {
		r.t.Fatalf("%d objects on %d lines:\n%s", len(list), n, r)
	}
	return list
}

func line[T any](r *result) T {
	r.t.Helper()
	list := lines[T](r)
	if len(list) != 1 {
		r.t.Fatalf("%d JSON objects, want 1:\n%s", len(list), r)
	}
	return list[0]
}

// names lists the names in a JSON object, sorted.
func names(t *testing.T, object string) string {
	t.Helper()
	var m map[string]json.RawMessage
	if err := json.Unmarshal([]byte(object), &m); err != nil {
		t.Fatalf("%s: %v", object, err)
	}
	return strings.Join(slices.Sorted(maps.Keys(m)), " ")
}

// photos is the folder of openly licensed pictures in the repository.
func photos(t *testing.T) string {
	t.Helper()
	dir, err := filepath.Abs("../../examples/data/photos")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(dir); err != nil {
		t.Fatal(err)
	}
	return dir
}

// folder copies some of the photos to a new folder, under the names given as
// new=old.
func folder(t *testing.T, files ...string) string {
	t.Helper()
	dir := t.TempDir()
	for _, f := range files {
		name, from, ok := strings.Cut(f, "=")
		if !ok {
			from = name
		}
		data, err := os.ReadFile(filepath.Join(photos(t), filepath.FromSlash(from)))
		if err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(dir, filepath.FromSlash(name)), data)
	}
	return dir
}

func write(t *testing.T, path string, data []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, data, 0o644); err != nil {
		t.Fatal(err)
	}
}

// ownVectors makes a database of the caller's own vectors: a ring of n items
// v000, v001, ... with attributes, so that neighbours are known.
func ownVectors(t *testing.T, n int) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "own.clipdb")
	d, err := clipdb.Open(path, &clipdb.Options{NoModel: true})
	if err != nil {
		t.Fatal(err)
	}
	report, err := d.InsertAll(context.Background(), func(yield func(clipdb.Item) bool) {
		for i := range n {
			v := make([]float32, 8)
			v[i%8], v[(i+1)%8] = 1, float32(i)/float32(n)
			item := clipdb.Item{ID: fmt.Sprintf("v%03d", i), Caption: fmt.Sprintf("number %d", i), Vector: v, Attrs: clipdb.Attrs{
				"n": clipdb.Int(int64(i)), "even": clipdb.Bool(i%2 == 0), "tags": clipdb.Strings("all", fmt.Sprintf("mod%d", i%3)),
				"half": clipdb.Float(float64(i) / 2), "day": clipdb.Time(time.Date(2024, 1, 1+i, 12, 0, 0, 0, time.UTC)),
			}}
			if !yield(item) {
				return
			}
		}
	}, nil)
	if err != nil || report.Added != n {
		t.Fatalf("%v, %v", report, err)
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}

// goodPhotos are the names in the folder of photos.
var goodPhotos = sync.OnceValue(func() []string {
	entries, err := os.ReadDir("../../examples/data/photos")
	if err != nil {
		return nil
	}
	var names []string
	for _, e := range entries {
		if strings.HasSuffix(e.Name(), ".jpg") {
			names = append(names, e.Name())
		}
	}
	return names
})
