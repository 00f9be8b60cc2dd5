package library

import (
	"fmt"
	"path/filepath"
	"runtime"
	"strings"
)

// Version is the version of ONNX Runtime that Install fetches and that this
// module is tested with.
const Version = "1.27.0"

// MinVersion is the oldest library that can serve: the binding asks for
// version 24 of the C interface, which appeared in 1.24.
const MinVersion = "1.24.0"

// Platform is an operating system and a processor by their Go names.
type Platform struct{ OS, Arch string }

// Host returns the platform this program runs on.
func Host() Platform { return Platform{runtime.GOOS, runtime.GOARCH} }

// String returns the platform as "linux/amd64".
func (p Platform) String() string { return p.OS + "/" + p.Arch }

// npmDir is the folder of the platform inside the npm package, and its folder
// name in the cache with the slash replaced.
func (p Platform) npmDir() string {
	os, ok := map[string]string{"linux": "linux", "darwin": "darwin", "windows": "win32"}[p.OS]
	arch, ok2 := map[string]string{"amd64": "x64", "arm64": "arm64"}[p.Arch]
	if !ok || !ok2 || (p.OS == "darwin" && p.Arch == "amd64") {
		return ""
	}
	return os + "/" + arch
}

// cacheDir is the folder of the platform inside the cache; a home folder may
// be shared by machines of several kinds.
func (p Platform) cacheDir() string {
	if d := p.npmDir(); d != "" {
		return strings.ReplaceAll(d, "/", "-")
	}
	return p.OS + "-" + p.Arch
}

// releaseArchive is the name of the official archive, "" where there is none.
func (p Platform) releaseArchive() string {
	switch p {
	case Platform{"linux", "amd64"}:
		return "onnxruntime-linux-x64-" + Version + ".tgz"
	case Platform{"linux", "arm64"}:
		return "onnxruntime-linux-aarch64-" + Version + ".tgz"
	case Platform{"darwin", "arm64"}:
		return "onnxruntime-osx-arm64-" + Version + ".tgz"
	case Platform{"windows", "amd64"}:
		return "onnxruntime-win-x64-" + Version + ".zip"
	case Platform{"windows", "arm64"}:
		return "onnxruntime-win-arm64-" + Version + ".zip"
	}
	return ""
}

// libraryName is the name under which Install stores the library. It is the
// name the library gives itself, so that its own companions find it.
func (p Platform) libraryName() string {
	switch p.OS {
	case "windows":
		return "onnxruntime.dll"
	case "darwin":
		return "libonnxruntime.1.dylib"
	}
	return "libonnxruntime.so.1"
}

// libraryPattern matches every name the library goes by.
func (p Platform) libraryPattern() string {
	switch p.OS {
	case "windows":
		return "onnxruntime.dll"
	case "darwin":
		return "libonnxruntime*.dylib"
	}
	return "libonnxruntime.so*"
}

// isLibraryName reports whether base is a name of the library itself, and not
// of a companion such as libonnxruntime_providers_shared.so.
func (p Platform) isLibraryName(base string) bool {
	ok, _ := filepath.Match(p.libraryPattern(), base)
	if !ok {
		return false
	}
	if p.OS == "darwin" {
		rest := strings.TrimSuffix(strings.TrimPrefix(base, "libonnxruntime"), ".dylib")
		return rest == "" || rest[0] == '.'
	}
	return p.OS == "windows" || base == "libonnxruntime.so" || strings.HasPrefix(base, "libonnxruntime.so.")
}

// supported tells why no library can be installed on p, or nil.
func (p Platform) supported() error {
	if p.npmDir() == "" {
		return fmt.Errorf("%w: there is no prebuilt ONNX Runtime %s for %s; build one and name it by %s",
			ErrUnsupported, Version, p, Env)
	}
	if p == Host() && muslOnly() {
		return fmt.Errorf("%w: this system has musl instead of glibc, and the prebuilt ONNX Runtime needs glibc 2.27 or newer; "+
			"use an image with glibc, or a library built for musl named by %s", ErrUnsupported, Env)
	}
	return nil
}

// muslOnly reports whether the system's only C library is musl.
func muslOnly() bool {
	if runtime.GOOS != "linux" {
		return false
	}
	musl, _ := filepath.Glob("/lib/ld-musl-*.so.1")
	if len(musl) == 0 {
		return false
	}
	for _, pattern := range []string{"/lib64/ld-linux-*.so.*", "/lib/ld-linux-*.so.*", "/usr/lib*/ld-linux-*.so.*"} {
		if found, _ := filepath.Glob(pattern); len(found) > 0 {
			return false
		}
	}
	return true
}
