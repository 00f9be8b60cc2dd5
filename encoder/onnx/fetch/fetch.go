// Package fetch downloads one file over HTTPS: with short time-outs where
// there is no network, a limit on size, and an end to downloads that stall.
//
// # Caveats
//
// It checks no hash: the caller does, before the file is used for anything.
// A file that was not fetched whole is removed again.
package fetch

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"time"
)

// ErrTooLarge is returned for a file beyond the limit.
var ErrTooLarge = errors.New("file is too large")

// Time-outs of File.
var (
	reachTimeout = 5 * time.Second  // to connect, and again to shake hands
	replyTimeout = 10 * time.Second // until the headers of the reply
	stallTimeout = 30 * time.Second // without a byte in the middle of a download
)

// File fetches address into a new file of at most limit bytes. moved, when
// not nil, is told about every tenth of a second how many bytes came of how
// many, 0 when unknown. Proxies are taken from the environment, and a redirect
// never leaves TLS.
func File(ctx context.Context, address, file string, limit int64, moved func(done, total int64)) (err error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return err
	}
	req.Header.Set("User-Agent", "clipdb")
	client := httpClient()
	defer client.CloseIdleConnections()
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s", address, resp.Status)
	}
	if resp.ContentLength > limit {
		return fmt.Errorf("%s: %w: %d bytes, the limit is %d", address, ErrTooLarge, resp.ContentLength, limit)
	}
	stalled := fmt.Errorf("%s: no data for %v", address, stallTimeout)
	watch := time.AfterFunc(stallTimeout, func() { cancel(stalled) })
	defer watch.Stop()
	body := &meter{r: resp.Body, moved: func(done int64) {
		watch.Reset(stallTimeout)
		if moved != nil {
			moved(done, max(resp.ContentLength, 0))
		}
	}}
	err = save(file, body, limit)
	if err != nil && errors.Is(context.Cause(ctx), stalled) {
		return stalled
	}
	if err != nil {
		return fmt.Errorf("%s: %w", address, err)
	}
	return nil
}

// save writes what r gives to a new file, or leaves none.
func save(file string, r io.Reader, limit int64) (err error) {
	f, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o644)
	if err != nil {
		return err
	}
	defer func() {
		err = errors.Join(err, f.Close())
		if err != nil {
			os.Remove(file)
		}
	}()
	n, err := io.Copy(f, io.LimitReader(r, limit+1))
	if err == nil && n > limit {
		err = fmt.Errorf("%w: more than %d bytes", ErrTooLarge, limit)
	}
	return err
}

// httpClient gives up soon where there is no network.
func httpClient() *http.Client {
	return &http.Client{
		Transport: &http.Transport{
			Proxy:                 http.ProxyFromEnvironment,
			DialContext:           (&net.Dialer{Timeout: reachTimeout}).DialContext,
			TLSHandshakeTimeout:   reachTimeout,
			ResponseHeaderTimeout: replyTimeout,
			ForceAttemptHTTP2:     true,
		},
		CheckRedirect: func(req *http.Request, via []*http.Request) error {
			if len(via) >= 10 {
				return errors.New("too many redirects")
			}
			if via[0].URL.Scheme == "https" && req.URL.Scheme != "https" {
				return fmt.Errorf("redirect from https://%s to %s, which is not encrypted", via[0].URL.Host, req.URL.Scheme)
			}
			return nil
		},
	}
}

// meter reports how much was read, at most every 100 ms and at the end.
type meter struct {
	r     io.Reader
	moved func(int64)
	done  int64
	last  time.Time
}

func (m *meter) Read(p []byte) (int, error) {
	n, err := m.r.Read(p)
	m.done += int64(n)
	if now := time.Now(); err != nil || now.Sub(m.last) > 100*time.Millisecond {
		m.last = now
		m.moved(m.done)
	}
	return n, err
}
