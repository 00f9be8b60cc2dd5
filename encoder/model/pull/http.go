package pull

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Time-outs of a connection, variables for the tests alone.
var (
	reachTimeout = 10 * time.Second
	replyTimeout = 30 * time.Second
	stallTimeout = 60 * time.Second
)

// maxList bounds the list of files, in bytes.
const maxList = 16 << 20

var client = sync.OnceValue(func() *http.Client {
	return &http.Client{
		Transport: &http.Transport{
			Proxy:                 http.ProxyFromEnvironment,
			DialContext:           (&net.Dialer{Timeout: reachTimeout}).DialContext,
			TLSHandshakeTimeout:   reachTimeout,
			ResponseHeaderTimeout: replyTimeout,
			ForceAttemptHTTP2:     true,
			IdleConnTimeout:       30 * time.Second,
		},
		CheckRedirect: func(req *http.Request, via []*http.Request) error {
			if len(via) >= 10 {
				return errors.New("too many redirects")
			}
			if via[0].URL.Scheme == "https" && req.URL.Scheme != "https" {
				return fmt.Errorf("redirect to %s, which is not encrypted", req.URL.Scheme)
			}
			// net/http takes the token off where the domain changes, but not
			// for a subdomain or another port.
			if req.URL.Scheme != via[0].URL.Scheme || req.URL.Host != via[0].URL.Host {
				req.Header.Del("Authorization")
			}
			return nil
		},
	}
})

// again is an error after which another try may succeed.
type again struct {
	err  error
	wait time.Duration // that the server asked for
}

func (a *again) Error() string { return a.err.Error() }
func (a *again) Unwrap() error { return a.err }

// get asks for an address, from an offset on. The caller closes the body.
func (p *puller) get(ctx context.Context, address string, from int64) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("User-Agent", "clipdb")
	req.Header.Set("Accept-Encoding", "identity")
	if p.token != "" {
		req.Header.Set("Authorization", "Bearer "+p.token)
	}
	if from > 0 {
		req.Header.Set("Range", fmt.Sprintf("bytes=%d-", from))
	}
	resp, err := client().Do(req)
	if err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		err = fmt.Errorf("%w: %w; without network, copy the model over and run: clipdb model import FOLDER", ErrOffline, err)
		var dial *net.OpError
		if errors.As(err, &dial) && dial.Op == "dial" && !p.reached.Load() {
			return nil, err // there is no network: nobody should wait for that
		}
		return nil, &again{err: err}
	}
	p.reached.Store(true)
	switch code := resp.StatusCode; {
	case code == http.StatusOK, code == http.StatusPartialContent, code == http.StatusRequestedRangeNotSatisfiable && from > 0:
		return resp, nil
	case code == http.StatusUnauthorized, code == http.StatusForbidden:
		err = fmt.Errorf("%w: %s: %s; set HF_TOKEN to a token that may read %s", ErrDenied, address, resp.Status, p.known.Repo)
	case code == http.StatusNotFound:
		err = fmt.Errorf("%w: %s", ErrMissing, address)
	case code == http.StatusTooManyRequests, code >= 500:
		err = &again{err: fmt.Errorf("%s: %s", address, resp.Status), wait: retryAfter(resp.Header.Get("Retry-After"))}
	default:
		err = fmt.Errorf("%s: %s", address, resp.Status)
	}
	resp.Body.Close()
	return nil, err
}

// retryAfter reads seconds or a date.
func retryAfter(v string) time.Duration {
	if n, err := strconv.Atoi(v); err == nil && n >= 0 {
		return min(time.Duration(n)*time.Second, longestWait)
	}
	if t, err := http.ParseTime(v); err == nil {
		return min(max(time.Until(t), 0), longestWait)
	}
	return 0
}

// tries calls do until it succeeds, fails for good, or has had its chances. A
// call that made progress does not count.
func (p *puller) tries(ctx context.Context, do func() (progress bool, err error)) error {
	pause := p.opts.pause
	for left := p.opts.retries; ; {
		progress, err := do()
		var more *again
		if err == nil || !errors.As(err, &more) {
			return err
		}
		if progress {
			left, pause = p.opts.retries, p.opts.pause
		}
		if left--; left < 0 {
			return err
		}
		select {
		case <-time.After(max(pause, more.wait)):
		case <-ctx.Done():
			return ctx.Err()
		}
		pause = min(2*pause, 30*time.Second)
	}
}

// list asks the server for the files of the repository.
func (p *puller) list(ctx context.Context) (files []file, err error) {
	address := fmt.Sprintf("%s/api/models/%s/tree/%s?recursive=true", p.endpoint, p.known.Repo, url.PathEscape(p.known.Revision))
	err = p.tries(ctx, func() (bool, error) {
		resp, err := p.get(ctx, address, 0)
		if err != nil {
			return false, err
		}
		defer resp.Body.Close()
		data, err := io.ReadAll(io.LimitReader(resp.Body, maxList+1))
		if err != nil {
			return false, &again{err: fmt.Errorf("%s: %w", address, err)}
		}
		if len(data) > maxList {
			return false, fmt.Errorf("%s: more than %d bytes", address, maxList)
		}
		if err := json.Unmarshal(data, &files); err != nil {
			return false, fmt.Errorf("%s: no list of files: %w", address, err)
		}
		return true, nil
	})
	return files, err
}

// fetchAll fetches the files, several at a time. The first error ends all.
func (p *puller) fetchAll(ctx context.Context, files []file) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	next := make(chan *file)
	var workers sync.WaitGroup
	for range min(p.opts.Parallel, len(files)) {
		workers.Go(func() {
			for f := range next {
				if err := p.fetch(ctx, f); err != nil {
					cancel(err)
					return
				}
			}
		})
	}
	for i := range files {
		select {
		case next <- &files[i]:
		case <-ctx.Done():
		}
	}
	close(next)
	workers.Wait()
	return context.Cause(ctx)
}

// fetch brings one file, going on where an earlier try ended.
func (p *puller) fetch(ctx context.Context, f *file) error {
	final := filepath.Join(p.work, filepath.FromSlash(f.Path))
	part := final + ".part"
	if err := os.MkdirAll(filepath.Dir(final), 0o755); err != nil {
		return err
	}
	if info, err := os.Stat(final); err == nil { // whole since an earlier pull?
		if hash, err := hashFile(ctx, final); err == nil && f.sha256 != "" && hash == f.sha256 {
			p.moved(info.Size())
			return nil
		}
		if err := os.Remove(final); err != nil {
			return err
		}
	}
	counted := int64(0) // of this file, in p.done
	err := p.tries(ctx, func() (bool, error) {
		before := sizeOf(part)
		if delta := before - counted; delta != 0 {
			p.moved(delta)
			counted = before
		}
		err := p.more(ctx, f, part, before, func(n int64) { counted += n; p.moved(n) })
		return sizeOf(part) > before, err
	})
	if err != nil {
		return err
	}
	hash, err := hashFile(ctx, part)
	if err != nil {
		return err
	}
	if f.sha256 != "" && hash != f.sha256 {
		// A part of another version may lie below; the next pull begins anew.
		return errors.Join(fmt.Errorf("%w: %s: sha256 %s, %s is %s", ErrHash, f.Path, hash, f.how, f.sha256), os.Remove(part))
	}
	f.sha256 = hash
	return os.Rename(part, final)
}

func sizeOf(path string) int64 {
	if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() {
		return info.Size()
	}
	return 0
}

// more asks for the rest of a file and appends it.
func (p *puller) more(ctx context.Context, f *file, part string, from int64, moved func(int64)) (err error) {
	if f.Size > 0 && from == f.Size {
		return nil
	}
	if from > f.Size && f.Size > 0 {
		if err := os.Remove(part); err != nil {
			return err
		}
		moved(-from)
		from = 0
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	address := fmt.Sprintf("%s/%s/resolve/%s/%s", p.endpoint, p.known.Repo, url.PathEscape(p.known.Revision), escapePath(f.Path))
	resp, err := p.get(ctx, address, from)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	p.mu.Lock()
	if c := resp.Header.Get("X-Repo-Commit"); c != "" && len(c) <= 64 {
		p.commit = c
	}
	p.mu.Unlock()
	flags := os.O_WRONLY | os.O_CREATE | os.O_APPEND
	switch {
	case resp.StatusCode == http.StatusRequestedRangeNotSatisfiable:
		return errors.Join(&again{err: fmt.Errorf("%s: %s", address, resp.Status)}, os.Remove(part))
	case from > 0 && (resp.StatusCode != http.StatusPartialContent || !strings.HasPrefix(resp.Header.Get("Content-Range"), fmt.Sprintf("bytes %d-", from))):
		flags |= os.O_TRUNC // the server sends it all again
		moved(-from)
		from = 0
	}
	w, err := os.OpenFile(part, flags, 0o644)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, w.Close()) }()
	stalled := fmt.Errorf("%s: no data for %v", address, stallTimeout)
	watch := time.AfterFunc(stallTimeout, func() { cancel(stalled) })
	defer watch.Stop()
	limit := f.Size
	if limit <= 0 {
		limit = 1 << 40
	}
	buf := make([]byte, 256<<10)
	for {
		n, readErr := resp.Body.Read(buf)
		watch.Reset(stallTimeout)
		if from+int64(n) > limit {
			return fmt.Errorf("%w: %s: more than the %d bytes that the server announced", ErrHash, f.Path, limit)
		}
		if _, err := w.Write(buf[:n]); err != nil {
			if errors.Is(err, syscall.ENOSPC) {
				return fmt.Errorf("%s: the disk of %s is full; make room and pull again, it goes on from here: %w", f.Path, p.dir, err)
			}
			return err
		}
		from += int64(n)
		moved(int64(n))
		switch {
		case errors.Is(readErr, io.EOF):
			if f.Size > 0 && from < f.Size {
				return &again{err: fmt.Errorf("%s: cut after %d of %d bytes", address, from, f.Size)}
			}
			return w.Sync()
		case readErr != nil && errors.Is(context.Cause(ctx), stalled):
			return &again{err: stalled}
		case readErr != nil && ctx.Err() != nil:
			return ctx.Err()
		case readErr != nil:
			return &again{err: fmt.Errorf("%s: cut after %d bytes: %w", address, from, readErr)}
		}
	}
}

func escapePath(name string) string {
	parts := strings.Split(name, "/")
	for i, part := range parts {
		parts[i] = url.PathEscape(part)
	}
	return strings.Join(parts, "/")
}

func hashFile(ctx context.Context, path string) (string, error) {
	r, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer r.Close()
	h := sha256.New()
	buf := make([]byte, 1<<20)
	for {
		if err := ctx.Err(); err != nil {
			return "", err
		}
		n, err := r.Read(buf)
		h.Write(buf[:n])
		if errors.Is(err, io.EOF) {
			return hex.EncodeToString(h.Sum(nil)), nil
		}
		if err != nil {
			return "", err
		}
	}
}
