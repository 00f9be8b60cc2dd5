package main

import (
	"fmt"
	"sync"
	"time"

	"github.com/schollz/progressbar/v3"
)

// progress is a bar on standard error, with the rate and the time left. It is
// nil, and does nothing, when standard error is no terminal or --quiet is
// given. It may be used by several goroutines.
type progress struct {
	mu   sync.Mutex
	bar  *progressbar.ProgressBar
	over bool
}

// newProgress starts a bar over total steps of unit; a total below zero is
// unknown and shows a spinner with a count.
func (c *console) newProgress(total int, what, unit string) *progress {
	if !c.errTerm || c.quiet {
		return nil
	}
	return &progress{bar: progressbar.NewOptions(total,
		progressbar.OptionSetWriter(c.err),
		progressbar.OptionSetDescription(what),
		progressbar.OptionSetItsString(unit),
		progressbar.OptionShowIts(),
		progressbar.OptionShowCount(),
		progressbar.OptionSetPredictTime(true),
		progressbar.OptionSetElapsedTime(true),
		progressbar.OptionThrottle(100*time.Millisecond),
		progressbar.OptionSetRenderBlankState(true),
		progressbar.OptionSetWidth(24),
		progressbar.OptionClearOnFinish(),
	)}
}

// newByteProgress starts a bar over a number of bytes.
func (c *console) newByteProgress(total int64, what string) *progress {
	if !c.errTerm || c.quiet {
		return nil
	}
	return &progress{bar: progressbar.NewOptions64(total,
		progressbar.OptionSetWriter(c.err),
		progressbar.OptionSetDescription(what),
		progressbar.OptionShowBytes(true),
		progressbar.OptionUseIECUnits(true),
		progressbar.OptionSetPredictTime(true),
		progressbar.OptionThrottle(100*time.Millisecond),
		progressbar.OptionSetWidth(24),
		progressbar.OptionClearOnFinish(),
	)}
}

// A bar that cannot be drawn is no reason to stop the work: the errors of its
// writer are left aside here.

func (p *progress) add(n int) { p.draw(func() { _ = p.bar.Add(n) }) }

func (p *progress) set(n int64) { p.draw(func() { _ = p.bar.Set64(n) }) }

// above runs print with the bar wiped away, so that lines written meanwhile
// stand whole.
func (p *progress) above(print func()) {
	shown := p.draw(func() {
		_ = p.bar.Clear()
		print()
		_ = p.bar.RenderBlank()
	})
	if !shown {
		print()
	}
}

// done takes the bar off the screen. A second call does nothing.
func (p *progress) done() {
	p.draw(func() {
		p.over = true
		_ = p.bar.Finish() // which wipes it, and ends the spinner's goroutine
	})
}

// draw calls do while there is a bar on the screen, and reports whether there
// is.
func (p *progress) draw(do func()) bool {
	if p == nil {
		return false
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.over {
		return false
	}
	do()
	return true
}

// rate writes n steps in d as "123 images/s".
func rate(n int, d time.Duration, unit string) string {
	if d <= 0 {
		return ""
	}
	per := float64(n) / d.Seconds()
	if per >= 10 {
		return fmt.Sprintf("%.0f %s/s", per, unit)
	}
	return fmt.Sprintf("%.1f %s/s", per, unit)
}
