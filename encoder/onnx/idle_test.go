//go:build unix

package onnx

import (
	"context"
	"syscall"
	"testing"
	"time"
)

// Between two queries a loaded encoder must not burn any core.
func TestIdleThreadsSleep(t *testing.T) {
	e := loaded(t, &Options{Threads: 2})
	defer e.Close()
	busy := func() time.Duration {
		var u syscall.Rusage
		if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
			t.Fatal(err)
		}
		return time.Duration(u.Utime.Nano() + u.Stime.Nano())
	}
	if _, err := e.EncodeText(context.Background(), []string{"a dog on the beach"}); err != nil {
		t.Fatal(err)
	}
	const idle = 500 * time.Millisecond
	before := busy()
	time.Sleep(idle)
	if used := busy() - before; used > idle/4 {
		t.Errorf("%v of processor time in %v of doing nothing", used, idle)
	}
}
