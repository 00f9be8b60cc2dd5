package onnx

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/clipdb/clipdb/encoder"
)

// Provider names an execution provider of ONNX Runtime: what computes the
// towers.
type Provider string

// The providers that clipdb can ask for. Each but the first needs a library
// built with it and a device that it can use.
const (
	CPU      Provider = "cpu"
	CUDA     Provider = "cuda"     // NVIDIA; the gpu builds for Linux and Windows
	CoreML   Provider = "coreml"   // Apple; part of the builds for macOS
	DirectML Provider = "directml" // Windows, any graphics processor; needs DirectML.dll
	OpenVINO Provider = "openvino" // Intel; a build of its own
)

// ProviderVariable names the environment variable that stands in for an empty
// Options.Provider.
const ProviderVariable = "CLIPDB_PROVIDER"

// ErrProvider is returned for the name of a provider that clipdb does not
// know. One that it knows, but that cannot run here, is no error: the CPU does
// the work.
var ErrProvider = errors.New("unknown execution provider")

// Providers lists what ParseProvider knows, the CPU first.
func Providers() []Provider { return []Provider{CPU, CUDA, CoreML, DirectML, OpenVINO} }

// ParseProvider reads the name of a provider, in letters of any size. It
// returns ErrProvider for others, and names the ones there are.
func ParseProvider(name string) (Provider, error) {
	p := Provider(strings.ToLower(strings.TrimSpace(name)))
	if slices.Contains(Providers(), p) {
		return p, nil
	}
	var known []string
	for _, k := range Providers() {
		known = append(known, string(k))
	}
	return "", fmt.Errorf("%w %q; known are %s", ErrProvider, name, strings.Join(known, ", "))
}

// openOn creates the session of a tower on the provider asked for or, where
// that cannot run it, on the CPU. It returns which of the two it is.
func openOn(spec towerSpec, content []byte, path string) (executor, Provider, error) {
	if want := spec.options.Provider; want != CPU {
		exec, err := openSession(spec, want, content, path)
		if err == nil {
			// Some faults of devices and drivers show in the first run only.
			if err = rehearse(exec, spec); err == nil {
				return exec, want, nil
			}
			exec.close()
		}
		spec.options.Logger.Warn("the execution provider cannot run here; the CPU does its work",
			"provider", string(want), "tower", spec.what, "error", err)
	}
	exec, err := openSession(spec, CPU, content, path)
	return exec, CPU, err
}

// rehearse runs a tower once, on a grey picture or a text of padding.
func rehearse(exec executor, spec towerSpec) error {
	it := &item{}
	if spec.image > 0 {
		it.pixels = make([]float32, 3*spec.image*spec.image)
	} else {
		it.ids = slices.Repeat([]int32{spec.padID}, max(spec.context, 8))
	}
	rows, err := protected(exec, []*item{it})
	if err != nil {
		return fmt.Errorf("first run: %w", err)
	}
	if err := normalise(slices.Clone(rows[:spec.dim])); err != nil {
		return fmt.Errorf("first run: %w", err)
	}
	return nil
}

// stats are the counts of a tower that is loaded.
func (t *tower) stats() encoder.TowerStats {
	l := t.lane
	l.mu.Lock()
	defer l.mu.Unlock()
	return encoder.TowerStats{Provider: string(t.provider), Runs: l.runs, Items: l.items, Busy: l.busy, Load: t.took}
}
