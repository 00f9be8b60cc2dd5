package main

import (
	"context"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"
)

// interrupts turns Ctrl-C (and SIGTERM) into two steps. A command that can end
// well at the next good place watches asked; until it does, the first signal
// ends its context. The second signal ends the process at once: every
// acknowledged write is on disk by then, so nothing is lost but the work in
// flight.
type interrupts struct {
	asked  chan struct{} // closed at the first signal
	cancel context.CancelFunc

	mu     sync.Mutex
	gentle func() // called at the first signal in place of cancel
}

// oneKeystroke is the time within which several signals count as one: the
// terminal signals the whole group, and programs like timeout or make pass
// theirs on to the same process.
const oneKeystroke = 300 * time.Millisecond

// watchInterrupts installs the handler. stop removes it.
func watchInterrupts(parent context.Context, die func()) (ctx context.Context, in *interrupts, stop func()) {
	ctx, cancel := context.WithCancel(parent)
	in = &interrupts{asked: make(chan struct{}), cancel: cancel}
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	done := make(chan struct{})
	go func() {
		var first time.Time
		for {
			select {
			case <-done:
				return
			case <-signals:
			}
			switch now := time.Now(); {
			case first.IsZero():
				first = now
			case now.Sub(first) < oneKeystroke:
				continue
			default:
				die()
				return
			}
			in.mu.Lock()
			gentle := in.gentle
			close(in.asked)
			in.mu.Unlock()
			if gentle != nil {
				gentle()
			} else {
				cancel()
			}
		}
	}()
	return ctx, in, func() {
		signal.Stop(signals)
		close(done)
		cancel()
	}
}

// onFirst makes the first signal call f instead of ending the context. When
// the signal came already f is not called, and the context has ended.
func (in *interrupts) onFirst(f func()) {
	in.mu.Lock()
	in.gentle = f
	in.mu.Unlock()
}

// came reports whether the user asked to stop.
func (in *interrupts) came() bool {
	select {
	case <-in.asked:
		return true
	default:
		return false
	}
}
