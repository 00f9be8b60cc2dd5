package library

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// officialRelease is where ONNX Runtime publishes its archives.
const officialRelease = "https://github.com/microsoft/onnxruntime/releases/download"

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
	case in.opts.Download == nil:
		return staged{}, errors.New("official release: not tried, no downloader was given")
	case !ok && !in.opts.AllowUnpinned:
		return staged{}, fmt.Errorf("official release: %w: %s", ErrUnpinned, address)
	}
	archive := filepath.Join(in.work, name)
	in.progress(StageDownload, address, 0, 0)
	err := in.opts.Download(ctx, address, archive, archiveLimits.archive, func(done, total int64) {
		in.progress(StageDownload, address, done, total)
	})
	if err != nil {
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
