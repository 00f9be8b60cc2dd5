package pull

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/clipdb/clipdb/encoder/model"
	"github.com/clipdb/clipdb/encoder/model/store"
)

const repo = "tester/siglip-onnx"

// hub is a server with one repository, laid out as Hugging Face's is.
type hub struct {
	*httptest.Server
	files map[string][]byte
	lfs   map[string]string // hash that the list publishes

	mu     sync.Mutex
	asked  []string
	before func(w http.ResponseWriter, r *http.Request, name string) bool // true: answered
}

func newHub(t *testing.T, family string) *hub {
	t.Helper()
	h := &hub{files: map[string][]byte{}, lfs: map[string]string{}}
	root := os.DirFS(filepath.Join("..", "..", "modeltest", "testdata", family))
	err := fs.WalkDir(root, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		h.files[path], err = fs.ReadFile(root, path)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	h.Server = httptest.NewServer(http.HandlerFunc(h.serve))
	t.Cleanup(h.Close)
	return h
}

func sum(b []byte) string {
	s := sha256.Sum256(b)
	return hex.EncodeToString(s[:])
}

func (h *hub) serve(w http.ResponseWriter, r *http.Request) {
	h.mu.Lock()
	h.asked = append(h.asked, r.URL.Path+" "+r.Header.Get("Range"))
	before := h.before
	h.mu.Unlock()
	name, isFile := strings.CutPrefix(r.URL.Path, "/"+repo+"/resolve/main/")
	if before != nil && before(w, r, name) {
		return
	}
	switch {
	case r.URL.Path == "/api/models/"+repo+"/tree/main":
		var list []map[string]any
		for name, data := range h.files {
			f := map[string]any{"type": "file", "path": name, "size": len(data), "oid": "0"}
			if strings.Contains(name, ".onnx") {
				hash := h.lfs[name]
				if hash == "" {
					hash = sum(data)
				}
				f["lfs"] = map[string]any{"oid": hash, "size": len(data)}
			}
			list = append(list, f)
		}
		json.NewEncoder(w).Encode(list)
	case isFile && h.files[name] != nil:
		w.Header().Set("X-Repo-Commit", "c0ffee")
		http.ServeContent(w, r, name, time.Time{}, strings.NewReader(string(h.files[name])))
	default:
		http.NotFound(w, r)
	}
}

// meddle sets what answers before the server does, and forgets what was asked.
func (h *hub) meddle(before func(w http.ResponseWriter, r *http.Request, name string) bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.before, h.asked = before, nil
}

func (h *hub) requests(part string) (n int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, a := range h.asked {
		if strings.Contains(a, part) {
			n++
		}
	}
	return n
}

func (h *hub) options() Options {
	return Options{Model: store.Known{Name: "test-siglip", Repo: repo, Licence: "Apache-2.0"}, Endpoint: h.URL,
		pause: time.Millisecond, retries: 3}
}

func newStore(t *testing.T) *store.Store {
	t.Helper()
	t.Setenv("HF_TOKEN", "")
	t.Setenv("HF_ENDPOINT", "")
	s, err := store.Open(filepath.Join(t.TempDir(), "models"))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestPull(t *testing.T) {
	ctx := context.Background()
	for _, family := range []string{"siglip", "siglip2", "fashion-clip", "open-clip", "chinese-clip"} {
		h, s := newHub(t, family), newStore(t)
		o := h.options()
		var done, total int64
		var mu sync.Mutex
		o.Progress = func(d, n int64) { mu.Lock(); done, total = d, n; mu.Unlock() }
		e, already, err := Pull(ctx, s, o)
		if err != nil || already {
			t.Errorf("%s: %v, %v", family, already, err)
			continue
		}
		whole, err := model.Load(ctx, filepath.Join("..", "..", "modeltest", "testdata", family))
		if err != nil {
			t.Fatal(err)
		}
		if e.Name != "test-siglip" || e.Manifest.Fingerprint() != whole.Fingerprint() || e.Manifest.Licence != "Apache-2.0" {
			t.Errorf("%s: %+v", family, e.Manifest)
		}
		if e.Origin == nil || e.Origin.Commit != "c0ffee" || e.Origin.Files[e.Manifest.Image.File] != store.Published ||
			e.Origin.Files[e.Manifest.Text.Vocab] != store.Recorded {
			t.Errorf("%s: origin %+v", family, e.Origin)
		}
		if done != total || done == 0 {
			t.Errorf("%s: progress ended at %d of %d", family, done, total)
		}
		before := h.requests("/")
		if _, already, err := Pull(ctx, s, o); err != nil || !already || h.requests("/") != before {
			t.Errorf("%s: a second time: %v, %v", family, already, err)
		}
		left, err := filepath.Glob(filepath.Join(s.Dir(), ".pull*"))
		for _, l := range left {
			if filepath.Base(l) != recalledFile {
				t.Errorf("left over: %v, %v", l, err)
			}
		}
	}
}

// Connections that break are gone on with: within one pull, and in the next.
func TestCutConnections(t *testing.T) {
	ctx := context.Background()
	h, s := newHub(t, "siglip"), newStore(t)
	const tower = "onnx/vision_model.onnx"
	size := len(h.files[tower])
	h.meddle(func(w http.ResponseWriter, r *http.Request, name string) bool {
		if name != tower {
			return false
		}
		from := 0
		fmt.Sscanf(r.Header.Get("Range"), "bytes=%d-", &from)
		if from > size*3/4 {
			return false
		}
		// A quarter, then the line is cut.
		w.Header().Set("Content-Length", strconv.Itoa(size-from))
		if from > 0 {
			w.Header().Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", from, size-1, size))
			w.WriteHeader(http.StatusPartialContent)
		}
		w.Write(h.files[tower][from : from+size/4+1])
		panic(http.ErrAbortHandler)
	})
	if _, _, err := Pull(ctx, s, h.options()); err != nil {
		t.Fatal(err)
	}
	if n := h.requests("vision_model.onnx bytes="); n < 3 {
		t.Errorf("%d requests went on from the middle", n)
	}

	// Now the line stays cut; the next pull begins where this one ended.
	h, s = newHub(t, "siglip"), newStore(t)
	h.meddle(func(w http.ResponseWriter, r *http.Request, name string) bool {
		if name != tower {
			return false
		}
		if r.Header.Get("Range") == "" {
			w.Header().Set("Content-Length", strconv.Itoa(size))
			w.Write(h.files[tower][:size/2])
		}
		panic(http.ErrAbortHandler)
	})
	if _, _, err := Pull(ctx, s, h.options()); err == nil {
		t.Fatal("a broken line gave a model")
	}
	if list, _ := s.List(); len(list) != 0 {
		t.Error("half a model is in the store")
	}
	h.meddle(nil)
	if _, _, err := Pull(ctx, s, h.options()); err != nil {
		t.Fatal(err)
	}
	if h.requests(fmt.Sprintf("vision_model.onnx bytes=%d-", size/2)) != 1 {
		t.Errorf("asked for %v", h.asked)
	}
}

// A server that knows no ranges sends the whole file again.
func TestNoRanges(t *testing.T) {
	h, s := newHub(t, "siglip"), newStore(t)
	var asked atomic.Int32
	h.meddle(func(w http.ResponseWriter, r *http.Request, name string) bool {
		if name != "spiece.model" {
			return false
		}
		data := h.files[name]
		w.Header().Set("Content-Length", strconv.Itoa(len(data)))
		if asked.Add(1) == 1 {
			w.Write(data[:len(data)/2])
			panic(http.ErrAbortHandler)
		}
		w.Write(data)
		return true
	})
	if _, _, err := Pull(context.Background(), s, h.options()); err != nil {
		t.Error(err)
	}
}

func TestWrongHash(t *testing.T) {
	ctx := context.Background()
	const tower = "onnx/vision_model.onnx"
	for name, spoil := range map[string]func(*hub, *Options){
		"published": func(h *hub, _ *Options) { h.lfs[tower] = strings.Repeat("ab", 32) },
		"pinned": func(h *hub, o *Options) {
			o.Model.Files = []store.KnownFile{{Name: "vision_model.onnx", Size: int64(len(h.files[tower])), SHA256: strings.Repeat("cd", 32)}}
		},
		"altered": func(h *hub, o *Options) {
			good := h.files[tower]
			bad := append([]byte(nil), good...)
			bad[len(bad)/2] ^= 1
			h.lfs[tower], h.files[tower] = sum(good), bad
		},
	} {
		h, s := newHub(t, "siglip"), newStore(t)
		o := h.options()
		spoil(h, &o)
		if _, _, err := Pull(ctx, s, o); !errors.Is(err, ErrHash) || !strings.Contains(err.Error(), "vision_model.onnx") {
			t.Errorf("%s: %v", name, err)
		}
		if list, _ := s.List(); len(list) != 0 {
			t.Errorf("%s: the model is in the store", name)
		}
	}

	// A right pin is told apart in the record.
	h, s := newHub(t, "siglip"), newStore(t)
	o := h.options()
	o.Model.Files = []store.KnownFile{{Name: "vision_model.onnx", Size: int64(len(h.files[tower])), SHA256: sum(h.files[tower])}}
	if e, _, err := Pull(ctx, s, o); err != nil || e.Origin.Files[tower] != store.Pinned {
		t.Errorf("%+v, %v", e.Origin, err)
	}

	// What came first is compared ever after, also when the model is gone.
	if err := s.Remove(o.Model.Name); err != nil {
		t.Fatal(err)
	}
	h.files["spiece.model"] = append(h.files["spiece.model"], 0x1a, 0x00)
	if _, _, err := Pull(ctx, s, o); !errors.Is(err, ErrHash) || !strings.Contains(err.Error(), "spiece.model") {
		t.Errorf("changed since the first pull: %v", err)
	}
	o.Forget = true
	if _, _, err := Pull(ctx, s, o); err != nil {
		t.Errorf("changed and accepted: %v", err)
	}
}

func TestRefusals(t *testing.T) {
	ctx := context.Background()
	answer := func(code int) func(http.ResponseWriter, *http.Request, string) bool {
		return func(w http.ResponseWriter, r *http.Request, name string) bool {
			if name == "" && code != http.StatusUnauthorized {
				return false
			}
			if r.Header.Get("Authorization") == "Bearer secret" {
				return false
			}
			w.WriteHeader(code)
			return true
		}
	}
	h, s := newHub(t, "siglip"), newStore(t)
	h.meddle(answer(http.StatusUnauthorized))
	if _, _, err := Pull(ctx, s, h.options()); !errors.Is(err, ErrDenied) || !strings.Contains(err.Error(), "HF_TOKEN") {
		t.Errorf("401: %v", err)
	}
	t.Setenv("HF_TOKEN", "secret")
	t.Setenv("HF_ENDPOINT", h.URL)
	o := h.options()
	o.Endpoint = ""
	if _, _, err := Pull(ctx, s, o); err != nil {
		t.Errorf("with a token: %v", err)
	}

	h, s = newHub(t, "siglip"), newStore(t)
	h.meddle(answer(http.StatusNotFound))
	if _, _, err := Pull(ctx, s, h.options()); !errors.Is(err, ErrMissing) || !strings.Contains(err.Error(), repo) {
		t.Errorf("404: %v", err)
	}
	delete(h.files, "onnx/text_model.onnx")
	h.meddle(nil)
	if _, _, err := Pull(ctx, s, h.options()); !errors.Is(err, ErrMissing) {
		t.Errorf("no text tower: %v", err)
	}
	o = h.options()
	o.Licences = []string{"MIT"}
	if _, _, err := Pull(ctx, s, o); !errors.Is(err, store.ErrLicence) {
		t.Errorf("licence: %v", err)
	}
	for _, bad := range []string{"", "one", "a/b/c", "../x", "a/../b", "a b/c"} {
		o := h.options()
		o.Model.Repo = bad
		if _, _, err := Pull(ctx, s, o); !errors.Is(err, ErrMissing) {
			t.Errorf("repository %q: %v", bad, err)
		}
	}
	h.Close()
	o = h.options()
	if _, _, err := Pull(ctx, s, o); !errors.Is(err, ErrOffline) || !strings.Contains(err.Error(), "clipdb model import") {
		t.Errorf("offline: %v", err)
	}
}

// 429 is waited for as long as the server asks.
func TestTooMany(t *testing.T) {
	h, s := newHub(t, "siglip"), newStore(t)
	var mu sync.Mutex
	var first, second time.Time
	h.meddle(func(w http.ResponseWriter, r *http.Request, name string) bool {
		mu.Lock()
		defer mu.Unlock()
		if name != "config.json" {
			return false
		}
		if first.IsZero() {
			first = time.Now()
			w.Header().Set("Retry-After", "1")
			w.WriteHeader(http.StatusTooManyRequests)
			return true
		}
		second = time.Now()
		return false
	})
	if _, _, err := Pull(context.Background(), s, h.options()); err != nil {
		t.Fatal(err)
	}
	if waited := second.Sub(first); waited < 950*time.Millisecond {
		t.Errorf("asked again after %v", waited)
	}
	h, s = newHub(t, "siglip"), newStore(t)
	h.meddle(func(w http.ResponseWriter, r *http.Request, name string) bool {
		w.WriteHeader(http.StatusTooManyRequests)
		return true
	})
	if _, _, err := Pull(context.Background(), s, h.options()); err == nil || !strings.Contains(err.Error(), "429") {
		t.Errorf("for ever: %v", err)
	}
}

// The token stays with the server that it is for.
// The token stays with the server, also where the other one differs by its port
// alone.
func TestRedirect(t *testing.T) {
	for _, host := range []string{"localhost", "127.0.0.1"} {
		t.Run(host, func(t *testing.T) { redirect(t, host) })
	}
}

func redirect(t *testing.T, host string) {
	h, s := newHub(t, "siglip"), newStore(t)
	var mu sync.Mutex
	var leaked []string
	cdn := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		if a := r.Header.Get("Authorization"); a != "" {
			leaked = append(leaked, a)
		}
		mu.Unlock()
		name := strings.TrimPrefix(r.URL.Path, "/blob/")
		http.ServeContent(w, r, name, time.Time{}, strings.NewReader(string(h.files[name])))
	}))
	defer cdn.Close()
	elsewhere := strings.Replace(cdn.URL, "127.0.0.1", host, 1)
	h.meddle(func(w http.ResponseWriter, r *http.Request, name string) bool {
		if !strings.Contains(name, ".onnx") {
			return false
		}
		http.Redirect(w, r, elsewhere+"/blob/"+name, http.StatusFound)
		return true
	})
	o := h.options()
	o.Token = "secret"
	if _, _, err := Pull(context.Background(), s, o); err != nil {
		t.Fatal(err)
	}
	if len(leaked) > 0 {
		t.Error("the token went to another host")
	}
}

// A full disk is said to be one, and nothing half is left in the store.
func TestDiskFull(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("needs /dev/full")
	}
	h, s := newHub(t, "siglip"), newStore(t)
	dir := filepath.Join(s.Dir(), ".pull-test-siglip", "onnx")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	// Writes to this part fail as on a full disk.
	if err := os.Symlink("/dev/full", filepath.Join(dir, "text_model.onnx.part")); err != nil {
		t.Skip(err)
	}
	if _, _, err := Pull(context.Background(), s, h.options()); err == nil || !strings.Contains(err.Error(), "full") || !strings.Contains(err.Error(), "text_model.onnx") {
		t.Errorf("got %v", err)
	}
	if list, _ := s.List(); len(list) != 0 {
		t.Error("half a model is in the store")
	}
	if err := os.Remove(filepath.Join(dir, "text_model.onnx.part")); err != nil {
		t.Fatal(err)
	}
	if _, _, err := Pull(context.Background(), s, h.options()); err != nil {
		t.Errorf("with room again: %v", err)
	}
}

func TestCancel(t *testing.T) {
	h, s := newHub(t, "siglip"), newStore(t)
	ctx, cancel := context.WithCancel(context.Background())
	h.meddle(func(w http.ResponseWriter, r *http.Request, name string) bool {
		if name == "onnx/text_model.onnx" {
			cancel()
			<-r.Context().Done()
			return true
		}
		return false
	})
	if _, _, err := Pull(ctx, s, h.options()); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}
