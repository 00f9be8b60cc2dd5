//go:build cgo

package onnx

import (
	"errors"
	"fmt"
	"runtime"

	ort "github.com/yalue/onnxruntime_go"
)

// built tells whether this program can load ONNX Runtime at all.
func built() error { return nil }

// foreign is set when another part of the program had initialised ONNX
// Runtime before; then it is used as it is, and left in place.
var foreign bool

// loadLibrary loads the library at path and returns the version it tells.
// environment.loading is held.
func loadLibrary(path string) (string, error) {
	if foreign = ort.IsInitialized(); !foreign {
		ort.SetSharedLibraryPath(path)
		// Errors come back as values; the library need not print them too.
		if err := ort.InitializeEnvironment(ort.WithLogLevelFatal()); err != nil {
			return "", fmt.Errorf("cannot be loaded: %w", err)
		}
	}
	return ort.GetVersion(), nil
}

// unloadLibrary undoes loadLibrary. environment.loading is held.
func unloadLibrary() {
	if !foreign && ort.IsInitialized() {
		_ = ort.DestroyEnvironment() // fails only when nothing is loaded
	}
}

// session runs one tower on ONNX Runtime.
type session struct {
	spec towerSpec
	ort  *ort.DynamicAdvancedSession
	opts *ort.RunOptions

	ids, mask []int64   // inputs of texts, padded
	pixels    []float32 // input of images when there are several
	out       []float32 // [batch, dim]
}

// openSession creates the session from content, or from the file at path.
func openSession(spec towerSpec, content []byte, path string) (executor, error) {
	so, err := sessionOptions(spec.options)
	if err != nil {
		return nil, err
	}
	defer so.Destroy()
	s := &session{spec: spec}
	if s.opts, err = ort.NewRunOptions(); err != nil {
		return nil, err
	}
	outputs := []string{spec.output}
	if content != nil {
		s.ort, err = ort.NewDynamicAdvancedSessionWithONNXData(content, spec.inputs, outputs, so)
	} else {
		s.ort, err = ort.NewDynamicAdvancedSession(path, spec.inputs, outputs, so)
	}
	if err != nil {
		_ = s.opts.Destroy()
		return nil, err
	}
	return s, nil
}

func sessionOptions(o Options) (*ort.SessionOptions, error) {
	so, err := ort.NewSessionOptions()
	if err != nil {
		return nil, err
	}
	err = errors.Join(
		so.SetLogSeverityLevel(ort.LoggingLevelFatal),
		so.SetIntraOpNumThreads(o.Threads),
		so.SetInterOpNumThreads(1),
		so.SetGraphOptimizationLevel(ort.GraphOptimizationLevelEnableAll),
		// Spinning threads burn a core each between two queries.
		so.AddSessionConfigEntry("session.intra_op.allow_spinning", "0"),
		so.AddSessionConfigEntry("session.inter_op.allow_spinning", "0"),
		so.SetCpuMemArena(!o.NoArena),
		// The arena grows by powers of two; weights need none of that room.
		so.AddSessionConfigEntry("session.use_device_allocator_for_initializers", "1"),
		// Patterns are kept for each shape, and texts come in many.
		so.SetMemPattern(false),
	)
	if err != nil {
		_ = so.Destroy()
		return nil, fmt.Errorf("session options: %w", err)
	}
	return so, nil
}

func (s *session) terminate() { _ = s.opts.Terminate() }
func (s *session) resume()    { _ = s.opts.UnsetTerminate() }

func (s *session) close() {
	_ = s.ort.Destroy()
	_ = s.opts.Destroy()
}

func (s *session) run(batch []*item) ([]float32, error) {
	n := len(batch)
	s.out = grow(s.out, n*s.spec.dim)
	var t tensors
	defer t.free()
	if s.spec.image > 0 {
		side := int64(s.spec.image)
		t.float32(s.gather(batch), int64(n), 3, side, side)
	} else {
		width := s.pad(batch)
		t.int64(s.ids, int64(n), int64(width))
		if len(s.spec.inputs) > 1 {
			t.int64(s.mask, int64(n), int64(width))
		}
	}
	inputs := len(t.values)
	t.float32(s.out, int64(n), int64(s.spec.dim))
	if t.err != nil {
		return nil, t.err
	}
	if err := s.ort.RunWithOptions(t.values[:inputs], t.values[inputs:], s.opts); err != nil {
		return nil, fmt.Errorf("%s: %w", s.spec.what, err)
	}
	return s.out, nil
}

// gather lays the tensors of a batch behind each other; a single one is used
// where it lies.
func (s *session) gather(batch []*item) []float32 {
	if len(batch) == 1 {
		return batch[0].pixels
	}
	size := 3 * s.spec.image * s.spec.image
	s.pixels = grow(s.pixels, len(batch)*size)
	for i, it := range batch {
		copy(s.pixels[i*size:(i+1)*size], it.pixels)
	}
	return s.pixels
}

// pad writes ids and mask of a batch, padded to the longest, and returns that
// length.
func (s *session) pad(batch []*item) int {
	width := 1
	for _, it := range batch {
		width = max(width, len(it.ids))
	}
	s.ids, s.mask = grow(s.ids, len(batch)*width), grow(s.mask, len(batch)*width)
	for i, it := range batch {
		ids, mask := s.ids[i*width:(i+1)*width], s.mask[i*width:(i+1)*width]
		for j := range ids {
			ids[j], mask[j] = int64(s.spec.padID), 0
			if j < len(it.ids) {
				ids[j], mask[j] = int64(it.ids[j]), 1
			}
		}
	}
	return width
}

// tensors are the inputs and outputs of one run, over memory of ours that is
// pinned meanwhile.
type tensors struct {
	values []ort.Value
	pinned runtime.Pinner
	err    error
}

func (t *tensors) float32(data []float32, shape ...int64) { add(t, data, shape) }
func (t *tensors) int64(data []int64, shape ...int64)     { add(t, data, shape) }

func add[T ort.TensorData](t *tensors, data []T, shape []int64) {
	if t.err != nil {
		return
	}
	t.pinned.Pin(&data[0])
	v, err := ort.NewTensor(ort.NewShape(shape...), data)
	if err != nil {
		t.err = fmt.Errorf("tensor %v: %w", shape, err)
		return
	}
	t.values = append(t.values, v)
}

func (t *tensors) free() {
	for _, v := range t.values {
		_ = v.Destroy()
	}
	t.pinned.Unpin()
}

// grow returns a slice of n elements, reusing s where it is large enough.
func grow[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n)
	}
	return s[:n]
}
