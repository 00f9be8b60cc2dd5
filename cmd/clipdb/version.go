package main

import (
	"runtime"
	"runtime/debug"

	"github.com/clipdb/clipdb/encoder/onnx/ortlib"
)

// versionCmd prints what this program is.
type versionCmd struct{}

// version is set by the linker when a release is built; otherwise the module
// version that the Go tool recorded is shown.
var version string

type versionLine struct {
	Version string `json:"version"`
	Commit  string `json:"commit,omitempty"`
	Go      string `json:"go"`
	OS      string `json:"os"`
	Arch    string `json:"arch"`
	Runtime string `json:"onnxruntime"` // version that this program wants
}

func buildVersion() versionLine {
	v := versionLine{Version: version, Go: runtime.Version(), OS: runtime.GOOS, Arch: runtime.GOARCH, Runtime: ortlib.Version}
	info, ok := debug.ReadBuildInfo()
	if ok && v.Version == "" {
		v.Version = info.Main.Version
	}
	if v.Version == "" || v.Version == "(devel)" {
		v.Version = "devel"
	}
	if ok {
		dirty := false
		for _, s := range info.Settings {
			switch s.Key {
			case "vcs.revision":
				v.Commit = s.Value
			case "vcs.modified":
				dirty = s.Value == "true"
			}
		}
		if dirty && v.Commit != "" {
			v.Commit += "+changes"
		}
	}
	return v
}

// Run prints the version.
func (*versionCmd) Run(a *app) error {
	v := buildVersion()
	if a.json {
		return a.emit(v)
	}
	return a.facts(
		"clipdb", v.Version,
		"commit", v.Commit,
		"go", v.Go,
		"system", v.OS+"/"+v.Arch,
		"ONNX Runtime wanted", v.Runtime,
	)
}
