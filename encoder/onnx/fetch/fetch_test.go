package fetch

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

const limit = 1 << 20

// serve returns the address of a file that handle serves.
func serve(t *testing.T, handle http.HandlerFunc) string {
	t.Helper()
	s := httptest.NewServer(handle)
	t.Cleanup(s.Close)
	return s.URL + "/file"
}

func TestFile(t *testing.T) {
	want := bytes.Repeat([]byte("content "), 50_000)
	for name, handle := range map[string]http.HandlerFunc{
		"with length": func(w http.ResponseWriter, r *http.Request) {
			http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(want))
		},
		"without length": func(w http.ResponseWriter, r *http.Request) { w.(http.Flusher).Flush(); w.Write(want) },
		"redirected": func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/file" {
				http.Redirect(w, r, "/elsewhere", http.StatusFound)
				return
			}
			w.Write(want)
		},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "out")
			var done, total int64
			err := File(context.Background(), serve(t, handle), path, limit, func(d, n int64) {
				if d < done {
					t.Errorf("progress went back from %d to %d", done, d)
				}
				done, total = d, n
			})
			if err != nil {
				t.Fatal(err)
			}
			if got, err := os.ReadFile(path); err != nil || !bytes.Equal(got, want) {
				t.Errorf("%d bytes, %v", len(got), err)
			}
			if done != int64(len(want)) || total != done && total != 0 {
				t.Errorf("told of %d of %d bytes, fetched %d", done, total, len(want))
			}
		})
	}
}

func TestFileThatCannotBeFetched(t *testing.T) {
	for name, c := range map[string]struct {
		handle http.HandlerFunc
		want   error
		text   string
	}{
		"missing":   {http.NotFound, nil, "404"},
		"forbidden": {func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(http.StatusForbidden) }, nil, "403"},
		"cut": {func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Length", "100000")
			io.WriteString(w, "a little")
		}, io.ErrUnexpectedEOF, ""},
		"large by its header": {func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Length", "99999999999")
		}, ErrTooLarge, "the limit is"},
		"large without a word": {func(w http.ResponseWriter, r *http.Request) {
			w.(http.Flusher).Flush()
			w.Write(make([]byte, limit+2))
		}, ErrTooLarge, "more than"},
		"round in circles": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, r.URL.Path, http.StatusFound)
		}, nil, "redirects"},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "out")
			err := File(context.Background(), serve(t, c.handle), path, limit, nil)
			if err == nil || c.want != nil && !errors.Is(err, c.want) || !strings.Contains(err.Error(), c.text) {
				t.Errorf("got %v", err)
			}
			if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("left a file: %v", err)
			}
		})
	}
	s := httptest.NewServer(http.NotFoundHandler())
	s.Close() // nobody listens there any more
	if err := File(context.Background(), s.URL, filepath.Join(t.TempDir(), "out"), limit, nil); err == nil {
		t.Error("fetched from nobody")
	}
}

// A server that accepts the request and then says nothing more.
func TestStall(t *testing.T) {
	old := stallTimeout
	stallTimeout = 100 * time.Millisecond
	t.Cleanup(func() { stallTimeout = old })
	stop := make(chan struct{})
	address := serve(t, func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, "a little")
		w.(http.Flusher).Flush()
		<-stop
	})
	t.Cleanup(func() { close(stop) })
	if err := File(context.Background(), address, filepath.Join(t.TempDir(), "out"), limit, nil); err == nil || !strings.Contains(err.Error(), "no data for") {
		t.Errorf("got %v", err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
	defer cancel()
	if err := File(ctx, address, filepath.Join(t.TempDir(), "out"), limit, nil); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("with a deadline: %v", err)
	}
}

// An encrypted download must not be led to an open one.
func TestRedirectStaysEncrypted(t *testing.T) {
	from, err := http.NewRequest(http.MethodGet, "https://example.org/a", nil)
	if err != nil {
		t.Fatal(err)
	}
	to, err := http.NewRequest(http.MethodGet, "http://example.org/a", nil)
	if err != nil {
		t.Fatal(err)
	}
	check := httpClient().CheckRedirect
	if err := check(to, []*http.Request{from}); err == nil || !strings.Contains(err.Error(), "not encrypted") {
		t.Errorf("https to http: %v", err)
	}
	if err := check(from, []*http.Request{to}); err != nil {
		t.Errorf("http to https: %v", err)
	}
}
