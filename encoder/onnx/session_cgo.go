//go:build cgo

package onnx

import (
	"errors"
	"fmt"
	"runtime"
	"slices"
	"unsafe"

	ort "github.com/yalue/onnxruntime_go"

	"github.com/clipdb/clipdb/encoder/model"
	"github.com/clipdb/clipdb/internal/simd"
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

	ids, mask []int64    // inputs of texts, padded
	narrow    [3][]int32 // the same as int32
	pixels    []float32  // input of images when there are several
	half      []uint16   // the same as float16
	zeros     []int64    // BERT's segments
	out       []float32  // [batch, dim]
	outHalf   []uint16   // the same as the tower gave it
}

// openSession creates the session on p from content, or from the file at path.
func openSession(spec towerSpec, p Provider, content []byte, path string) (executor, error) {
	so, err := sessionOptions(spec.options)
	if err != nil {
		return nil, err
	}
	defer so.Destroy()
	if err := appendProvider(so, p); err != nil {
		return nil, err
	}
	s := &session{spec: spec}
	if s.opts, err = ort.NewRunOptions(); err != nil {
		return nil, err
	}
	outputs := []string{spec.output}
	inputs := slices.Clone(spec.inputs)
	if spec.typeIDs != "" {
		inputs = append(inputs, spec.typeIDs)
	}
	for _, d := range spec.dummies {
		inputs = append(inputs, d.Input)
	}
	if content != nil {
		s.ort, err = ort.NewDynamicAdvancedSessionWithONNXData(content, inputs, outputs, so)
	} else {
		s.ort, err = ort.NewDynamicAdvancedSession(path, inputs, outputs, so)
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
	spin := "0"
	if o.Spin {
		spin = "1"
	}
	err = errors.Join(
		so.SetLogSeverityLevel(ort.LoggingLevelFatal),
		so.SetIntraOpNumThreads(o.Threads),
		so.SetInterOpNumThreads(1),
		so.SetGraphOptimizationLevel(ort.GraphOptimizationLevelEnableAll),
		// Spinning threads burn a core each between two queries.
		so.AddSessionConfigEntry("session.intra_op.allow_spinning", spin),
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
	n := max(len(batch), s.spec.fixed)
	s.out = grow(s.out, n*s.spec.dim)
	var t tensors
	defer t.free()
	if s.spec.image > 0 {
		side := int64(s.spec.image)
		s.floats(&t, s.gather(batch), int64(n), 3, side, side)
	} else {
		s.texts(&t, batch, n)
	}
	for _, d := range s.spec.dummies {
		t.dummy(d)
	}
	inputs := len(t.values)
	halved := s.spec.outTyp == model.Float16
	if halved {
		s.outHalf = grow(s.outHalf, n*s.spec.dim)
		t.float16(s.outHalf, int64(n), int64(s.spec.dim))
	} else {
		t.float32(s.out, int64(n), int64(s.spec.dim))
	}
	if t.err != nil {
		return nil, t.err
	}
	if err := s.ort.RunWithOptions(t.values[:inputs], t.values[inputs:], s.opts); err != nil {
		return nil, fmt.Errorf("%s: %w", s.spec.what, err)
	}
	if halved {
		simd.F16ToF32(s.out, s.outHalf)
	}
	return s.out[:len(batch)*s.spec.dim], nil
}

// floats adds pixels in the type that the tower takes.
func (s *session) floats(t *tensors, data []float32, shape ...int64) {
	if s.spec.inType != model.Float16 {
		t.float32(data, shape...)
		return
	}
	s.half = grow(s.half, len(data))
	simd.F32ToF16(s.half, data)
	t.float16(s.half, shape...)
}

// texts adds ids, mask and segments.
func (s *session) texts(t *tensors, batch []*item, n int) {
	width := s.pad(batch, n)
	shape := []int64{int64(n), int64(width)}
	inputs := [][]int64{s.ids, s.mask}[:len(s.spec.inputs)]
	if s.spec.typeIDs != "" {
		s.zeros = grow(s.zeros, n*width)
		clear(s.zeros)
		inputs = append(inputs, s.zeros)
	}
	for i, data := range inputs {
		if s.spec.inType != model.Int32 {
			t.int64(data, shape...)
			continue
		}
		s.narrow[i] = grow(s.narrow[i], len(data))
		for j, v := range data {
			s.narrow[i][j] = int32(v)
		}
		t.int32(s.narrow[i], shape...)
	}
}

// gather lays the tensors of a batch behind each other; a single one is used
// where it lies. A fixed batch is filled up with grey.
func (s *session) gather(batch []*item) []float32 {
	n := max(len(batch), s.spec.fixed)
	if n == 1 {
		return batch[0].pixels
	}
	size := 3 * s.spec.image * s.spec.image
	s.pixels = grow(s.pixels, n*size)
	for i, it := range batch {
		copy(s.pixels[i*size:(i+1)*size], it.pixels)
	}
	clear(s.pixels[len(batch)*size:])
	return s.pixels
}

// pad writes ids and mask of n rows, padded to the longest, and returns that
// length. Rows beyond the batch repeat its first.
func (s *session) pad(batch []*item, n int) int {
	width := 1
	for _, it := range batch {
		width = max(width, len(it.ids))
	}
	s.ids, s.mask = grow(s.ids, n*width), grow(s.mask, n*width)
	for i := range n {
		it := batch[0]
		if i < len(batch) {
			it = batch[i]
		}
		real := it.real
		if real == 0 {
			real = len(it.ids)
		}
		ids, mask := s.ids[i*width:(i+1)*width], s.mask[i*width:(i+1)*width]
		for j := range ids {
			ids[j], mask[j] = int64(s.spec.padID), 0
			if j < len(it.ids) {
				ids[j] = int64(it.ids[j])
			}
			if j < real {
				mask[j] = 1
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
func (t *tensors) int32(data []int32, shape ...int64)     { add(t, data, shape) }

// float16 adds bits of half precision.
func (t *tensors) float16(data []uint16, shape ...int64) {
	if t.err != nil {
		return
	}
	t.pinned.Pin(&data[0])
	raw := unsafe.Slice((*byte)(unsafe.Pointer(&data[0])), 2*len(data))
	v, err := ort.NewCustomDataTensor(ort.NewShape(shape...), raw, ort.TensorElementDataTypeFloat16)
	if err != nil {
		t.err = fmt.Errorf("tensor %v: %w", shape, err)
		return
	}
	t.values = append(t.values, v)
}

// dummy adds an input without a say: integers of 1, floats of 0.
func (t *tensors) dummy(d model.Dummy) {
	n := 1
	for _, x := range d.Shape {
		n *= int(x)
	}
	switch d.Type {
	case model.Int64:
		t.int64(slices.Repeat([]int64{1}, n), d.Shape...)
	case model.Int32:
		t.int32(slices.Repeat([]int32{1}, n), d.Shape...)
	case model.Float16:
		t.float16(make([]uint16, n), d.Shape...)
	default:
		t.float32(make([]float32, n), d.Shape...)
	}
}

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
