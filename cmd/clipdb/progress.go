package main

import (
	"fmt"
	"time"

	"github.com/schollz/progressbar/v3"
)

// progress is a bar on standard error, with the rate and the time left. It is
// nil, and does nothing, when standard error is no terminal or --quiet is
// given.
type progress struct {
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

func (p *progress) add(n int) {
	if p != nil && !p.over {
		_ = p.bar.Add(n)
	}
}

func (p *progress) set(n int64) {
	if p != nil && !p.over {
		_ = p.bar.Set64(n)
	}
}

// above runs print with the bar wiped away, so that lines written meanwhile
// stand whole.
func (p *progress) above(print func()) {
	if p == nil || p.over {
		print()
		return
	}
	_ = p.bar.Clear()
	print()
	_ = p.bar.RenderBlank()
}

// done takes the bar off the screen. A second call does nothing.
func (p *progress) done() {
	if p != nil && !p.over {
		p.over = true
		_ = p.bar.Exit()
		_ = p.bar.Clear()
	}
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
