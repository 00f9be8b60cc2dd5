package ortlib

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// officialRelease is where ONNX Runtime publishes its archives.
const officialRelease = "https://github.com/microsoft/onnxruntime/releases/download"

var (
	reachTimeout = 5 * time.Second  // to connect, and again to shake hands
	replyTimeout = 10 * time.Second // until the headers of the reply
	stallTimeout = 30 * time.Second // without a byte in the middle of a download
)

// local finds the file to install from: path itself, or the best file in the
// folder path.
func (in *installer) local(path string) (string, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return "", err
	}
	st, err := os.Stat(abs)
	if err != nil {
		return "", err
	}
	if !st.IsDir() {
		return abs, nil
	}
	tried := []string{}
	for _, dir := range []string{".", "lib", "bin/napi-v6/" + in.platform.npmDir(), "package/bin/napi-v6/" + in.platform.npmDir()} {
		pattern := filepath.Join(abs, filepath.FromSlash(dir), in.platform.libraryPattern())
		tried = append(tried, pattern)
		found, _ := filepath.Glob(pattern)
		for _, f := range found {
			if in.platform.isLibraryName(filepath.Base(f)) && in.check(f) == nil {
				return f, nil
			}
		}
	}
	names := []string{npmArchive}
	if a := in.platform.releaseArchive(); a != "" {
		names = append(names, a)
	}
	for _, name := range names {
		f := filepath.Join(abs, name)
		tried = append(tried, f)
		if st, err := os.Stat(f); err == nil && st.Mode().IsRegular() {
			return f, nil
		}
	}
	return "", fmt.Errorf("the folder holds no library or archive that fits: %w; tried\n  %s", fs.ErrNotExist, strings.Join(tried, "\n  "))
}

// npmArchive is the name under which the npm client stores the package.
const npmArchive = "onnxruntime-node-" + Version + ".tgz"

// fromNPM asks the npm client for the package. Packing a package of the
// registry runs no script, and none may be run.
func (in *installer) fromNPM(ctx context.Context) (staged, error) {
	npm := in.opts.NPM
	if npm == "" {
		npm = "npm"
	}
	npm, err := exec.LookPath(npm)
	if err != nil {
		return staged{}, fmt.Errorf("npm package %s: no npm client: %w", npmPackage, err)
	}
	in.progress(StageNPM, npmPackage, 0, npmPin.size)
	cmd := exec.CommandContext(ctx, npm, "pack", npmPackage, "--ignore-scripts", "--no-update-notifier",
		"--loglevel=error", "--pack-destination", in.work)
	cmd.Dir = in.work
	cmd.WaitDelay = 5 * time.Second
	var said tail
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Run(); err != nil {
		return staged{}, fmt.Errorf("npm package %s: npm pack: %w: %s", npmPackage, err, said.String())
	}
	archive := filepath.Join(in.work, npmArchive)
	st, err := in.stage(ctx, archive, "npm:"+npmPackage, &npmPin)
	if err != nil {
		return staged{}, fmt.Errorf("npm package %s: %w", npmPackage, err)
	}
	return st, nil
}

// fromRelease downloads the archive of the official release.
func (in *installer) fromRelease(ctx context.Context) (staged, error) {
	name := in.platform.releaseArchive()
	known, ok := releasePins[name]
	base := in.opts.ReleaseURL
	if base == "" {
		base = officialRelease
	}
	address := strings.TrimSuffix(base, "/") + "/v" + Version + "/" + name
	switch {
	case name == "":
		return staged{}, fmt.Errorf("official release: %w: %s", ErrUnsupported, in.platform)
	case !ok && !in.opts.AllowUnpinned:
		return staged{}, fmt.Errorf("official release: %w: %s", ErrUnpinned, address)
	}
	archive := filepath.Join(in.work, name)
	if err := in.download(ctx, address, archive); err != nil {
		return staged{}, fmt.Errorf("official release: %w", err)
	}
	var want *pin
	if ok {
		want = &known
	}
	st, err := in.stage(ctx, archive, address, want)
	if err != nil {
		return staged{}, fmt.Errorf("official release: %w", err)
	}
	return st, nil
}

// download fetches address into file.
func (in *installer) download(ctx context.Context, address, file string) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	in.progress(StageDownload, address, 0, 0)
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
	if resp.ContentLength > archiveLimits.archive {
		return fmt.Errorf("%s: %w: %d bytes announced, the limit is %d", address, ErrArchive, resp.ContentLength, archiveLimits.archive)
	}
	stalled := fmt.Errorf("%s: no data for %v", address, stallTimeout)
	watch := time.AfterFunc(stallTimeout, func() { cancel(stalled) })
	defer watch.Stop()
	body := &meter{r: resp.Body, moved: func(done int64) {
		watch.Reset(stallTimeout)
		in.progress(StageDownload, address, done, max(resp.ContentLength, 0))
	}}
	err = writeFile(file, func(w io.Writer) error {
		n, err := io.Copy(w, io.LimitReader(body, archiveLimits.archive+1))
		if err == nil && n > archiveLimits.archive {
			err = fmt.Errorf("%w: more than %d bytes", ErrArchive, archiveLimits.archive)
		}
		return err
	})
	if err != nil && errors.Is(context.Cause(ctx), stalled) {
		return stalled
	}
	if err != nil {
		return fmt.Errorf("%s: %w", address, err)
	}
	return nil
}

// httpClient gives up soon where there is no network, and never leaves TLS.
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
				return fmt.Errorf("redirect from %s to %s, which is not encrypted", host(via[0].URL), host(req.URL))
			}
			return nil
		},
	}
}

func host(u *url.URL) string { return u.Scheme + "://" + u.Host }

// meter reports how much was read, at most every 100 ms.
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

// tail keeps the last words of a command for the error message.
type tail struct{ b []byte }

func (t *tail) Write(p []byte) (int, error) {
	const most = 2 << 10 // bytes
	t.b = append(t.b, p...)
	if len(t.b) > most {
		t.b = append(t.b[:0], t.b[len(t.b)-most:]...)
	}
	return len(p), nil
}

func (t *tail) String() string { return strings.TrimSpace(string(t.b)) }
