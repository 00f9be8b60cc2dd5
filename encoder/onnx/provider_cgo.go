//go:build cgo

package onnx

import (
	"errors"
	"fmt"

	ort "github.com/yalue/onnxruntime_go"
)

// appendProvider makes sessions run on p. Operators that p lacks stay on the
// CPU. The error is that of a library built without p, or of a machine without
// what p needs.
func appendProvider(so *ort.SessionOptions, p Provider) error {
	switch p {
	case CPU:
		return nil
	case CUDA:
		o, err := ort.NewCUDAProviderOptions()
		if err != nil {
			return err
		}
		return errors.Join(so.AppendExecutionProviderCUDA(o), o.Destroy())
	case CoreML:
		return so.AppendExecutionProviderCoreMLV2(nil)
	case DirectML:
		return so.AppendExecutionProviderDirectML(0)
	case OpenVINO:
		return so.AppendExecutionProviderOpenVINO(nil)
	}
	return fmt.Errorf("%w %q", ErrProvider, p)
}
