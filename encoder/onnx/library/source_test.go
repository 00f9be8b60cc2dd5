package library

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/clipdb/clipdb/encoder/onnx/fetch"
)

// noNPM keeps the npm client out of a test of the release.
func noNPM(t *testing.T) string { return filepath.Join(t.TempDir(), "no-npm-here") }

// pinRelease makes archive the pinned one of p for the time of the test.
func pinRelease(t *testing.T, p Platform, archive []byte) {
	t.Helper()
	name := p.releaseArchive()
	old := releasePins[name]
	releasePins[name] = pin{sha256: sum(archive), size: int64(len(archive))}
	t.Cleanup(func() { releasePins[name] = old })
}

// serve answers each request by handle and records the paths asked for.
func serve(t *testing.T, handle http.HandlerFunc) (base string, asked *[]string) {
	t.Helper()
	asked = new([]string)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		*asked = append(*asked, r.URL.Path)
		handle(w, r)
	}))
	t.Cleanup(s.Close)
	return s.URL, asked
}

func TestInstallFromRelease(t *testing.T) {
	for _, p := range platforms {
		t.Run(p.String(), func(t *testing.T) {
			archive := release(t, p, "net")
			pinRelease(t, p, archive)
			base, asked := serve(t, func(w http.ResponseWriter, r *http.Request) { w.Write(archive) })
			cache := t.TempDir()
			var told []Progress
			got, err := Install(context.Background(), InstallOptions{Cache: cache, Download: fetch.File, ReleaseURL: base + "/", NPM: noNPM(t), platform: p,
				Progress: func(p Progress) { told = append(told, p) }})
			if err != nil {
				t.Fatal(err)
			}
			path := "/v" + Version + "/" + p.releaseArchive()
			if !slices.Equal(*asked, []string{path}) {
				t.Errorf("asked for %v", *asked)
			}
			if !got.Pinned || got.Source != base+path {
				t.Errorf("installed %+v", got)
			}
			wantInstalled(t, got, cache, p, craft(p, "net"))
			size := int64(len(archive))
			if !slices.ContainsFunc(told, func(p Progress) bool { return p.Stage == StageDownload && p.Done == size && p.Total == size }) {
				t.Errorf("progress never told of %d bytes: %v", size, told)
			}
			again, err := Install(context.Background(), InstallOptions{Cache: cache, Download: fetch.File, ReleaseURL: base, NPM: noNPM(t), platform: p})
			if err != nil || !again.Already || len(*asked) != 1 {
				t.Errorf("second run: %+v, %v, asked %v", again, err, *asked)
			}
		})
	}
}

func TestReleaseThatCannotBeUsed(t *testing.T) {
	archive := release(t, linux, "net")
	for name, c := range map[string]struct {
		handle http.HandlerFunc
		want   error
		text   string
	}{
		"tampered":   {func(w http.ResponseWriter, r *http.Request) { w.Write(release(t, linux, "evil")) }, ErrAltered, "pinned is " + sum(archive)},
		"missing":    {http.NotFound, nil, "404"},
		"a web page": {func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "<html>sign in</html>") }, ErrArchive, "neither"},
	} {
		t.Run(name, func(t *testing.T) {
			pinRelease(t, linux, archive)
			base, _ := serve(t, c.handle)
			cache := t.TempDir()
			// Even who allows files without a pin gets no file with a wrong one.
			_, err := Install(context.Background(), InstallOptions{Cache: cache, Download: fetch.File, ReleaseURL: base, NPM: noNPM(t), AllowUnpinned: true, platform: linux})
			if err == nil || c.want != nil && !errors.Is(err, c.want) || !strings.Contains(err.Error(), c.text) {
				t.Errorf("got %v", err)
			}
			for _, part := range []string{"official release", "no npm client", "--from FILE"} {
				if err != nil && !strings.Contains(err.Error(), part) {
					t.Errorf("message lacks %q: %v", part, err)
				}
			}
			if files := leftIn(t, cache); len(files) > 0 {
				t.Errorf("left %v", files)
			}
		})
	}
}

// Without a downloader the release is left out, and the message says so.
func TestReleaseWithoutDownloader(t *testing.T) {
	_, err := Install(context.Background(), InstallOptions{Cache: t.TempDir(), NPM: noNPM(t), platform: linux})
	if err == nil || !strings.Contains(err.Error(), "no downloader") || !strings.Contains(err.Error(), "no npm client") {
		t.Errorf("got %v", err)
	}
}

// TestInstallFromNPM fetches the real package and compares every library in
// it with its pin.
func TestInstallFromNPM(t *testing.T) {
	if testing.Short() {
		t.Skip("fetches 100 MB")
	}
	npm, err := exec.LookPath("npm")
	if err != nil {
		t.Skip("needs the npm client")
	}
	if out, err := exec.Command(npm, "view", npmPackage, "version").CombinedOutput(); err != nil {
		t.Skipf("needs an npm registry that answers: %v: %s", err, out)
	}
	base, _ := serve(t, http.NotFound) // the release cannot be had
	if err := Host().supported(); err != nil {
		t.Skip(err)
	}
	cache := t.TempDir()
	dir := t.TempDir() // keeps the tarball, which is fetched once only
	keep := func(p Progress) {
		if p.Stage == StageUnpack {
			if err := os.Link(p.What, filepath.Join(dir, npmArchive)); err != nil {
				t.Error(err)
			}
		}
	}
	got, err := Install(context.Background(), InstallOptions{Cache: cache, Download: fetch.File, ReleaseURL: base, Progress: keep})
	if err != nil {
		t.Fatal(err)
	}
	if !got.Pinned || got.Source != "npm:"+npmPackage || got.Version != Version || !pinnedLibrary(Host(), got.SHA256) {
		t.Errorf("installed %+v", got)
	}
	data, err := os.ReadFile(got.Path)
	if err != nil {
		t.Fatal(err)
	}
	wantInstalled(t, got, cache, Host(), data)

	if raced {
		return
	}
	// The tarball serves machines without network.
	again, err := Install(context.Background(), InstallOptions{From: dir, Cache: t.TempDir()})
	if err != nil || again.SHA256 != got.SHA256 || !again.Pinned {
		t.Errorf("from the tarball: %+v, %v", again, err)
	}
	comparePins(t, filepath.Join(dir, npmArchive))

	// One byte changed is another file.
	altered := bytes.Clone(data)
	altered[len(altered)/2] ^= 1
	from := write(t, filepath.Join(t.TempDir(), "library"), altered)
	if _, err := Install(context.Background(), InstallOptions{From: from, Cache: t.TempDir()}); !errors.Is(err, ErrUnpinned) {
		t.Errorf("tampered library: %v", err)
	}
}

// comparePins compares the npm tarball, and every library in it, with its pin.
func comparePins(t *testing.T, archive string) {
	t.Helper()
	hash, size, err := hashFile(context.Background(), archive)
	if err != nil || hash != npmPin.sha256 || size != npmPin.size {
		t.Errorf("tarball of %d bytes, sha256 %s, %v", size, hash, err)
	}
	f, err := os.Open(archive)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	gz, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	tr, seen := tar.NewReader(gz), 0
	for {
		h, err := tr.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		name := strings.TrimPrefix(h.Name, "package/bin/napi-v6/")
		known, ok := libraryPins[name]
		if !ok {
			continue
		}
		seen++
		sum := sha256.New()
		if n, err := io.Copy(sum, tr); err != nil || n != known.size || hex.EncodeToString(sum.Sum(nil)) != known.sha256 {
			t.Errorf("%s: %d bytes, sha256 %x, %v; pinned %+v", name, n, sum.Sum(nil), err, known)
		}
	}
	if seen != len(libraryPins) {
		t.Errorf("%d of %d pinned files are in the tarball", seen, len(libraryPins))
	}
}

func TestPins(t *testing.T) {
	for _, p := range platforms {
		if k := libraryPins[p.npmDir()+"/"+p.libraryName()]; k.size == 0 || len(k.sha256) != 64 {
			t.Errorf("%s: library without a pin", p)
		}
		if k := releasePins[p.releaseArchive()]; k.size == 0 || len(k.sha256) != 64 {
			t.Errorf("%s: archive without a pin", p)
		}
	}
	seen := map[string]string{}
	for path, k := range libraryPins {
		base := filepath.Base(path)
		if other, ok := seen[k.sha256]; ok && !strings.Contains(base, ".dylib") {
			t.Errorf("%s and %s have one hash", path, other)
		}
		seen[k.sha256] = path
	}
	if pinnedLibrary(linux, libraryPins["linux/arm64/libonnxruntime.so.1"].sha256) {
		t.Error("the library of another platform counts as pinned")
	}
	if pinnedLibrary(Platform{"windows", "amd64"}, libraryPins["win32/x64/DirectML.dll"].sha256) {
		t.Error("a companion counts as the library")
	}
}
