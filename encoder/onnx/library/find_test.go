package library

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/clipdb/clipdb/encoder"
)

// places is a machine with a folder for each place where Find looks.
type places struct {
	exe, cache, system string
	opts               Options
}

func newPlaces(t *testing.T, p Platform) places {
	t.Helper()
	t.Setenv(Env, "")
	dir := t.TempDir()
	pl := places{
		exe:    filepath.Join(dir, "app", "bin"),
		cache:  filepath.Join(dir, "cache"),
		system: filepath.Join(dir, "system"),
	}
	pl.opts = Options{Cache: pl.cache, platform: p, executable: filepath.Join(pl.exe, "clipdb"), system: &[]string{pl.system}}
	return pl
}

// install puts a crafted library with its record into the cache.
func (pl places) install(t *testing.T, data []byte) string {
	t.Helper()
	dir, err := cacheFolder(pl.cache, pl.opts.platform)
	if err != nil {
		t.Fatal(err)
	}
	path := write(t, filepath.Join(dir, pl.opts.platform.libraryName()), data)
	rec, err := json.Marshal(record{Version: Version, SHA256: sum(data), Size: int64(len(data)), Source: "test"})
	if err != nil {
		t.Fatal(err)
	}
	write(t, recordPath(path), rec)
	return path
}

var linux = Platform{"linux", "amd64"}

func TestFindOrder(t *testing.T) {
	for _, p := range platforms {
		t.Run(p.String(), func(t *testing.T) {
			pl := newPlaces(t, p)
			wantFound := func(path string, origin Origin) {
				t.Helper()
				lib, err := Find(pl.opts)
				if err != nil {
					t.Fatal(err)
				}
				if lib.Path != path || lib.Origin != origin || !strings.HasPrefix(Version, lib.Version) || lib.Version == "" {
					t.Errorf("found %+v, want %s from %s", lib, path, origin)
				}
			}
			name := p.libraryName()
			if _, err := Find(pl.opts); !errors.Is(err, encoder.ErrNoRuntime) {
				t.Fatalf("empty machine: %v", err)
			}
			system := write(t, filepath.Join(pl.system, name), craft(p, "system"))
			wantFound(system, FromSystem)
			cached := pl.install(t, craft(p, "cache"))
			wantFound(cached, FromCache)
			beside := write(t, filepath.Join(filepath.Dir(pl.exe), "lib", name), craft(p, "lib"))
			wantFound(beside, FromExecutable)
			beside = write(t, filepath.Join(pl.exe, name), craft(p, "exe"))
			wantFound(beside, FromExecutable)
			env := write(t, filepath.Join(t.TempDir(), "lib", name), craft(p, "env"))
			t.Setenv(Env, env)
			wantFound(env, FromEnv)
			t.Setenv(Env, filepath.Dir(filepath.Dir(env))) // a folder with lib/ in it
			wantFound(env, FromEnv)
			option := write(t, filepath.Join(t.TempDir(), "any-name.bin"), craft(p, "option"))
			pl.opts.Path = option
			wantFound(option, FromOption)
		})
	}
}

func TestFindIsAbsolute(t *testing.T) {
	pl := newPlaces(t, linux)
	t.Chdir(t.TempDir())
	wd, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(wd, "libonnxruntime.so.1"), craft(linux, ""))
	for _, path := range []string{".", "libonnxruntime.so.1"} {
		pl.opts.Path = path
		lib, err := Find(pl.opts)
		if err != nil {
			t.Fatal(err)
		}
		if want := filepath.Join(wd, "libonnxruntime.so.1"); lib.Path != want {
			t.Errorf("%s: found %s, want %s", path, lib.Path, want)
		}
	}
}

// What the user names is used or refused, even when another library is there.
func TestFindDoesNotPassOverNamedPaths(t *testing.T) {
	pl := newPlaces(t, linux)
	pl.install(t, craft(linux, ""))
	missing := filepath.Join(t.TempDir(), "gone.so")
	t.Setenv(Env, missing)
	_, err := Find(pl.opts)
	wantMessage(t, err, missing, "no such file", "unset "+Env, mend)
	t.Setenv(Env, "")
	pl.opts.Path = t.TempDir()
	_, err = Find(pl.opts)
	wantMessage(t, err, pl.opts.Path, "no such file", mend)
}

func wantMessage(t *testing.T, err error, parts ...string) {
	t.Helper()
	if !errors.Is(err, encoder.ErrNoRuntime) {
		t.Errorf("not ErrNoRuntime: %v", err)
		return
	}
	for _, part := range parts {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("message lacks %q:\n%v", part, err)
		}
	}
}

func TestFindTellsWhatItTried(t *testing.T) {
	pl := newPlaces(t, linux)
	old := write(t, filepath.Join(pl.exe, "libonnxruntime.so.1.21.0"), craftELF("amd64", "1.21.0", ""))
	arm := write(t, filepath.Join(pl.system, "libonnxruntime.so.1"), craftELF("arm64", Version, ""))
	text := write(t, filepath.Join(pl.system, "libonnxruntime.so"), []byte("INPUT(libonnxruntime.so.1)\n"))
	write(t, filepath.Join(pl.system, "libonnxruntime_providers_shared.so"), craft(linux, ""))
	_, err := Find(pl.opts)
	wantMessage(t, err, "wanted the ONNX Runtime library "+Version,
		old+" (beside the executable): version 1.21.0 is too old, wanted "+MinVersion,
		filepath.Join(pl.exe, "lib"), pl.cache, "(cache): no such file",
		arm+" (system): a library for linux/arm64, wanted linux/amd64",
		text+" (system): not a shared library",
		"run: clipdb runtime install")
	var nf *NotFoundError
	if !errors.As(err, &nf) {
		t.Fatalf("%T", err)
	}
	versions := map[string]string{}
	for _, a := range nf.Tried {
		if !filepath.IsAbs(a.Path) {
			t.Errorf("%s is not absolute", a.Path)
		}
		versions[a.Path] = a.Version
	}
	if versions[old] != "1.21.0" || versions[arm] != Version {
		t.Errorf("versions found: %v", versions)
	}
}

func TestFindNeedsTheRecord(t *testing.T) {
	pl := newPlaces(t, linux)
	path := pl.install(t, craft(linux, ""))
	for name, rec := range map[string]string{"none": "", "no json": "x", "no hash": `{"version":"1.27.0"}`, "short hash": `{"sha256":"abcd"}`} {
		if name == "none" {
			if err := os.Remove(recordPath(path)); err != nil {
				t.Fatal(err)
			}
		} else {
			write(t, recordPath(path), []byte(rec))
		}
		_, err := Find(pl.opts)
		wantMessage(t, err, path, "install it again")
	}
}

func TestVerify(t *testing.T) {
	pl := newPlaces(t, linux)
	path := pl.install(t, craft(linux, "good"))
	lib, err := Find(pl.opts)
	if err != nil {
		t.Fatal(err)
	}
	if err := lib.Verify(); err != nil {
		t.Errorf("whole library: %v", err)
	}
	if r := Status(pl.opts); r.Problem != "" || r.Library == nil || r.Library.Path != path || r.Wanted != Version {
		t.Errorf("status: %+v", r)
	}
	write(t, path, craft(linux, "evil")) // of the same size
	if err := lib.Verify(); !errors.Is(err, ErrAltered) || !errors.Is(err, encoder.ErrNoRuntime) {
		t.Errorf("altered library: %v", err)
	}
	if r := Status(pl.opts); !errors.Is(r.Err, ErrAltered) || !strings.Contains(r.Problem, path) {
		t.Errorf("status of an altered library: %+v", r)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if r := Status(pl.opts); !errors.Is(r.Err, encoder.ErrNoRuntime) || r.Library != nil || len(r.Tried) == 0 {
		t.Errorf("status without a library: %+v", r)
	}
}

// Windows' own copy of the library must never be taken.
func TestWindowsOwnCopyIsNoPlace(t *testing.T) {
	s := search{platform: Platform{"windows", "amd64"}}
	t.Setenv("ProgramFiles", filepath.Join(t.TempDir(), "Program Files"))
	dirs := s.systemDirs()
	if len(dirs) == 0 {
		t.Error("no folder at all")
	}
	for _, dir := range dirs {
		if !filepath.IsAbs(dir) || strings.Contains(strings.ToLower(dir), "system32") {
			t.Errorf("looks in %s", dir)
		}
	}
}
