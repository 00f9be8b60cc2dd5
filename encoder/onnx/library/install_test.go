package library

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
)

// fromOnly are options that install a crafted library without any network.
func fromOnly(cache, from string) InstallOptions {
	return InstallOptions{From: from, Cache: cache, AllowUnpinned: true, platform: linux}
}

// wantInstalled checks that want is in the cache, whole and findable.
func wantInstalled(t *testing.T, got Installed, cache string, p Platform, want []byte) {
	t.Helper()
	data, err := os.ReadFile(got.Path)
	if err != nil || !bytes.Equal(data, want) {
		t.Errorf("%s holds %d bytes, %v, want %d", got.Path, len(data), err, len(want))
	}
	if got.SHA256 != sum(want) || got.Bytes != int64(len(want)) || !filepath.IsAbs(got.Path) {
		t.Errorf("installed %+v", got)
	}
	t.Setenv(Env, "")
	lib, err := Find(Options{Cache: cache, platform: p, executable: filepath.Join(t.TempDir(), "x"), system: &[]string{}})
	if err != nil || lib.Path != got.Path || lib.SHA256 != got.SHA256 || lib.Pinned != got.Pinned {
		t.Errorf("found %+v, %v", lib, err)
	}
	if err := lib.Verify(); err != nil {
		t.Error(err)
	}
	left, err := filepath.Glob(filepath.Join(filepath.Dir(got.Path), tempPrefix+"*"))
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

// leftIn returns the files in a cache, but for the lock.
func leftIn(t *testing.T, cache string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(cache, Version, "*", "*"))
	if err != nil {
		t.Fatal(err)
	}
	return slices.DeleteFunc(files, func(f string) bool { return filepath.Base(f) == ".lock" })
}

func TestInstallFrom(t *testing.T) {
	for _, p := range platforms {
		lib := craft(p, "from")
		name := p.libraryName()
		for what, from := range map[string]string{
			"library":                     write(t, filepath.Join(t.TempDir(), "some.bin"), lib),
			"release archive":             write(t, filepath.Join(t.TempDir(), "x"), release(t, p, "from")),
			"npm tarball":                 write(t, filepath.Join(t.TempDir(), "y"), npmTarball(t, "from")),
			"folder":                      filepath.Dir(write(t, filepath.Join(t.TempDir(), name), lib)),
			"folder with lib":             filepath.Dir(filepath.Dir(write(t, filepath.Join(t.TempDir(), "lib", name), lib))),
			"folder with release archive": filepath.Dir(write(t, filepath.Join(t.TempDir(), p.releaseArchive()), release(t, p, "from"))),
			"folder with npm tarball":     filepath.Dir(write(t, filepath.Join(t.TempDir(), npmArchive), npmTarball(t, "from"))),
		} {
			t.Run(p.String()+" "+what, func(t *testing.T) {
				cache := t.TempDir()
				got, err := Install(context.Background(), InstallOptions{From: from, Cache: cache, AllowUnpinned: true, platform: p})
				if err != nil {
					t.Fatal(err)
				}
				if got.Already || got.Pinned {
					t.Errorf("installed %+v", got)
				}
				wantInstalled(t, got, cache, p, lib)
			})
		}
	}
}

func TestInstallRefuses(t *testing.T) {
	dir := t.TempDir()
	for name, c := range map[string]struct {
		data  []byte
		allow bool
		want  error
		text  string
	}{
		"unpinned library": {craft(linux, ""), false, ErrUnpinned, sum(craft(linux, ""))},
		"unpinned archive": {npmTarball(t, ""), false, ErrUnpinned, sum(craft(linux, ""))},
		"other platform":   {craft(Platform{"linux", "arm64"}, ""), true, nil, "for linux/arm64, this is linux/amd64"},
		"too old":          {craftELF("amd64", "1.20.0", ""), true, nil, "too old"},
		"text":             {[]byte("not a library"), true, ErrArchive, "neither a library"},
		"traversal":        {craftTar(t, member{name: "../libonnxruntime.so.1", data: craft(linux, "")}), true, ErrArchive, "points outside"},
		"empty":            {nil, true, ErrArchive, ""},
	} {
		t.Run(name, func(t *testing.T) {
			cache := t.TempDir()
			opts := fromOnly(cache, write(t, filepath.Join(dir, name), c.data))
			opts.AllowUnpinned = c.allow
			_, err := Install(context.Background(), opts)
			if err == nil || c.want != nil && !errors.Is(err, c.want) || !strings.Contains(err.Error(), c.text) {
				t.Errorf("got %v", err)
			}
			if files := leftIn(t, cache); len(files) > 0 {
				t.Errorf("left %v", files)
			}
		})
	}
	if _, err := Install(context.Background(), fromOnly(t.TempDir(), filepath.Join(dir, "nowhere"))); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("missing file: %v", err)
	}
	if _, err := Install(context.Background(), fromOnly(t.TempDir(), t.TempDir())); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("empty folder: %v", err)
	}
	_, err := Install(context.Background(), InstallOptions{Cache: t.TempDir(), platform: Platform{"darwin", "amd64"}})
	if !errors.Is(err, ErrUnsupported) {
		t.Errorf("platform without a library: %v", err)
	}
}

func TestInstallMendsAnAlteredLibrary(t *testing.T) {
	cache := t.TempDir()
	good := craft(linux, "good")
	opts := fromOnly(cache, write(t, filepath.Join(t.TempDir(), "lib"), good))
	first, err := Install(context.Background(), opts)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := Install(context.Background(), opts); err != nil || !again.Already {
		t.Errorf("second run: %+v, %v", again, err)
	}
	write(t, first.Path, craft(linux, "evil"))
	if err := first.Verify(); !errors.Is(err, ErrAltered) {
		t.Errorf("altered library passes: %v", err)
	}
	mended, err := Install(context.Background(), opts)
	if err != nil || mended.Already {
		t.Errorf("mending: %+v, %v", mended, err)
	}
	wantInstalled(t, mended, cache, linux, good)

	// Another library replaces it, and its record with it.
	other := craft(linux, "another one")
	got, err := Install(context.Background(), fromOnly(cache, write(t, filepath.Join(t.TempDir(), "lib"), other)))
	if err != nil || got.Already {
		t.Errorf("replacing: %+v, %v", got, err)
	}
	wantInstalled(t, got, cache, linux, other)
}

func TestInstallClearsWhatACrashLeft(t *testing.T) {
	cache := t.TempDir()
	dir, err := cacheFolder(cache, linux)
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, tempPrefix+"123", "library"), []byte("half"))
	write(t, filepath.Join(dir, tempPrefix+"456"), []byte("half"))
	lib := craft(linux, "")
	got, err := Install(context.Background(), fromOnly(cache, write(t, filepath.Join(t.TempDir(), "lib"), lib)))
	if err != nil {
		t.Fatal(err)
	}
	wantInstalled(t, got, cache, linux, lib)
}

func TestInstallContext(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	from := write(t, filepath.Join(t.TempDir(), "lib"), craft(linux, ""))
	if _, err := Install(ctx, fromOnly(t.TempDir(), from)); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

// Installations at the same moment do the work once, and nobody ever sees
// half a library.
func TestInstallAtOnce(t *testing.T) {
	cache, lib := t.TempDir(), craft(linux, strings.Repeat("long ", 1<<20))
	from := write(t, filepath.Join(t.TempDir(), "lib"), lib)
	var wg sync.WaitGroup
	results := make([]Installed, 8)
	for i := range results {
		wg.Go(func() {
			var err error
			if results[i], err = Install(context.Background(), fromOnly(cache, from)); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	did := 0
	for _, r := range results {
		if !r.Already {
			did++
		}
	}
	if did != 1 {
		t.Errorf("%d installations wrote, want 1", did)
	}
	wantInstalled(t, results[0], cache, linux, lib)
}

// The same with processes, which is what the lock is for.
func TestInstallInProcesses(t *testing.T) {
	if from := os.Getenv("ORTLIB_TEST_FROM"); from != "" {
		got, err := Install(context.Background(), fromOnly(os.Getenv("ORTLIB_TEST_CACHE"), from))
		fmt.Printf("already=%v err=%v\n", got.Already, err)
		return
	}
	cache, lib := t.TempDir(), craft(linux, strings.Repeat("long ", 1<<20))
	from := write(t, filepath.Join(t.TempDir(), "lib"), lib)
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	outs := make([]string, 4)
	for i := range outs {
		wg.Go(func() {
			cmd := exec.Command(exe, "-test.run=^TestInstallInProcesses$")
			cmd.Env = append(os.Environ(), "ORTLIB_TEST_FROM="+from, "ORTLIB_TEST_CACHE="+cache)
			out, err := cmd.CombinedOutput()
			if err != nil {
				t.Errorf("%v: %s", err, out)
			}
			outs[i] = string(out)
		})
	}
	wg.Wait()
	all := strings.Join(outs, "")
	if strings.Count(all, "already=false err=<nil>") != 1 || strings.Count(all, "already=true err=<nil>") != 3 {
		t.Errorf("processes said:\n%s", all)
	}
	got, err := Install(context.Background(), fromOnly(cache, from))
	if err != nil || !got.Already {
		t.Errorf("afterwards: %+v, %v", got, err)
	}
	wantInstalled(t, got, cache, linux, lib)
}
