package library

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
)

// Origin tells which rule led to a place.
type Origin string

// The places in the order in which Find looks at them.
const (
	FromOption     Origin = "option"
	FromEnv        Origin = "environment"
	FromExecutable Origin = "beside the executable"
	FromCache      Origin = "cache"
	FromSystem     Origin = "system"
)

// Options say where to look. The zero value is right for most programs.
type Options struct {
	// Path names the library or a folder that holds it. When it is set, no
	// other place is used.
	Path string

	// Cache is the folder that holds installed libraries; "" means
	// clipdb/onnxruntime in the user's cache folder.
	Cache string

	platform   Platform  // zero means the host
	executable string    // "" means os.Executable
	system     *[]string // nil means the platform's folders
}

// Library is a library that fits, not yet loaded.
type Library struct {
	Path     string `json:"path"`             // absolute
	Version  string `json:"version"`          // as Info.Version has it
	Origin   Origin `json:"origin"`           // which rule found it
	SHA256   string `json:"sha256,omitempty"` // hex; "" for libraries outside the cache
	Pinned   bool   `json:"pinned"`           // the hash, or that of its archive, is pinned in this package
	Source   string `json:"source,omitempty"` // where Install got it
	platform Platform
}

// Find returns the first library that fits, in the order told in the package
// comment, or a *NotFoundError. It reads headers and the record beside an
// installed library, but hashes nothing: see Library.Verify.
func Find(opts Options) (Library, error) {
	s := search{opts: opts, platform: opts.platform}
	if s.platform == (Platform{}) {
		s.platform = Host()
	}
	lib, ok := s.run()
	if !ok {
		return Library{}, &NotFoundError{Tried: s.tried}
	}
	return lib, nil
}

// search is one walk through the places.
type search struct {
	opts     Options
	platform Platform
	tried    []Attempt
}

func (s *search) run() (Library, bool) {
	if s.opts.Path != "" {
		return s.named(s.opts.Path, FromOption)
	}
	if path := os.Getenv(Env); path != "" {
		return s.named(path, FromEnv)
	}
	for _, dir := range s.executableDirs() {
		if lib, ok := s.folder(dir, FromExecutable); ok {
			return lib, true
		}
	}
	if lib, ok := s.cached(); ok {
		return lib, true
	}
	for _, dir := range s.systemDirs() {
		if lib, ok := s.folder(dir, FromSystem); ok {
			return lib, true
		}
	}
	return Library{}, false
}

// miss records why a place was passed over.
func (s *search) miss(path string, origin Origin, version, reason string) {
	s.tried = append(s.tried, Attempt{Path: path, Origin: origin, Version: version, Reason: reason})
}

// named looks at a file or folder that the user named.
func (s *search) named(path string, origin Origin) (Library, bool) {
	abs, err := filepath.Abs(path)
	if err != nil {
		s.miss(path, origin, "", err.Error())
		return Library{}, false
	}
	st, err := os.Stat(abs)
	if err != nil {
		s.miss(abs, origin, "", reason(err))
		return Library{}, false
	}
	if !st.IsDir() {
		return s.file(abs, origin)
	}
	for _, dir := range []string{abs, filepath.Join(abs, "lib")} {
		if lib, ok := s.folder(dir, origin); ok {
			return lib, true
		}
	}
	return Library{}, false
}

// folder looks at the libraries in dir, the newest name first.
func (s *search) folder(dir string, origin Origin) (Library, bool) {
	pattern := filepath.Join(dir, s.platform.libraryPattern())
	entries, err := os.ReadDir(dir)
	if err != nil {
		s.miss(pattern, origin, "", reason(err))
		return Library{}, false
	}
	var names []string
	for _, e := range entries {
		if s.platform.isLibraryName(e.Name()) {
			names = append(names, e.Name())
		}
	}
	if len(names) == 0 {
		s.miss(pattern, origin, "", "no such file")
		return Library{}, false
	}
	slices.Sort(names)
	slices.Reverse(names)
	for _, name := range names {
		if lib, ok := s.file(filepath.Join(dir, name), origin); ok {
			return lib, true
		}
	}
	return Library{}, false
}

// file looks at one library.
func (s *search) file(path string, origin Origin) (Library, bool) {
	info, err := Inspect(path)
	if err != nil {
		s.miss(path, origin, "", reason(err))
		return Library{}, false
	}
	if info.Platform != s.platform {
		s.miss(path, origin, info.Version, fmt.Sprintf("a library for %s, wanted %s", info.Platform, s.platform))
		return Library{}, false
	}
	if err := CheckVersion(info.Version); err != nil {
		s.miss(path, origin, info.Version, err.Error())
		return Library{}, false
	}
	return Library{Path: path, Version: info.Version, Origin: origin, platform: s.platform}, true
}

// cached looks at the library that Install put into the cache.
func (s *search) cached() (Library, bool) {
	dir, err := cacheFolder(s.opts.Cache, s.platform)
	if err != nil {
		s.miss("clipdb/onnxruntime/"+Version, FromCache, "", err.Error())
		return Library{}, false
	}
	path := filepath.Join(dir, s.platform.libraryName())
	if _, err := os.Stat(path); err != nil {
		s.miss(path, FromCache, "", reason(err))
		return Library{}, false
	}
	rec, err := readRecord(path)
	if err != nil {
		s.miss(path, FromCache, "", "its record cannot be read, install it again: "+err.Error())
		return Library{}, false
	}
	lib, ok := s.file(path, FromCache)
	if ok {
		lib.SHA256, lib.Pinned, lib.Source = rec.SHA256, rec.Pinned, rec.Source
		if rec.Version != "" {
			lib.Version = rec.Version
		}
	}
	return lib, ok
}

// executableDirs are the folders beside the running program.
func (s *search) executableDirs() []string {
	exe := s.opts.executable
	if exe == "" {
		var err error
		if exe, err = os.Executable(); err != nil {
			return nil
		}
	}
	if real, err := filepath.EvalSymlinks(exe); err == nil {
		exe = real
	}
	exe, err := filepath.Abs(exe)
	if err != nil {
		return nil
	}
	dir := filepath.Dir(exe)
	dirs := []string{dir, filepath.Join(dir, "lib"), filepath.Join(filepath.Dir(dir), "lib")}
	if s.platform.OS == "darwin" {
		dirs = append(dirs, filepath.Join(filepath.Dir(dir), "Frameworks"))
	}
	return dirs
}

// systemDirs are the folders where the system's packages put libraries.
// System32 is not among them: the library in it is part of Windows, old, and
// not meant for others.
func (s *search) systemDirs() []string {
	if s.opts.system != nil {
		return *s.opts.system
	}
	switch s.platform.OS {
	case "windows":
		if dir := os.Getenv("ProgramFiles"); filepath.IsAbs(dir) {
			return []string{filepath.Join(dir, "onnxruntime", "lib"), filepath.Join(dir, "onnxruntime")}
		}
		return nil
	case "darwin":
		return []string{"/opt/homebrew/lib", "/usr/local/lib"}
	}
	triplet := map[string]string{"amd64": "x86_64-linux-gnu", "arm64": "aarch64-linux-gnu"}[s.platform.Arch]
	dirs := []string{"/usr/local/lib"}
	if triplet != "" {
		dirs = append(dirs, "/usr/local/lib/"+triplet, "/usr/lib/"+triplet)
	}
	return append(dirs, "/usr/lib64", "/usr/lib", "/opt/onnxruntime/lib")
}

// reason shortens the errors that every other place gives.
func reason(err error) string {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "no such file"
	case errors.Is(err, fs.ErrPermission):
		return "permission denied"
	}
	var perr *fs.PathError
	if errors.As(err, &perr) {
		return perr.Err.Error()
	}
	if errors.Is(err, errNotLibrary) {
		return errNotLibrary.Error()
	}
	return err.Error()
}
