package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/clipdb/clipdb/db"
)

// shownFailures is how many failures add prints for people; info lists all.
const shownFailures = 20

// addLine is what became of a file, as --json prints it.
type addLine struct {
	ID     string `json:"id"`
	Path   string `json:"path"`
	Status string `json:"status"` // added, skipped or failed
	Error  string `json:"error"`
}

// reporter counts and prints what becomes of the files of add. Its methods
// may be called from several goroutines.
type reporter struct {
	a     *app
	bar   *progress
	start time.Time

	mu         sync.Mutex
	next       int // index of the next item handed to InsertAll
	pending    map[int]expected
	added      int
	replaced   int
	refreshed  int
	passed     int // skipped, nothing being new
	failures   int
	firstNamed *found // first failure of a path of the command line

	busy float64 // share of the time of InsertAll that the model was at work
}

// expected is an item on its way.
type expected struct {
	found
	work work
}

func newReporter(a *app, total int) *reporter {
	return &reporter{a: a, bar: a.newProgress(total, "adding", "images"), start: time.Now(), pending: map[int]expected{}}
}

// expect announces the next item of the sequence given to InsertAll.
func (r *reporter) expect(f found, w work) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.pending[r.next] = expected{f, w}
	r.next++
}

// result takes what InsertAll says of an item.
func (r *reporter) result(res db.ItemResult) {
	r.mu.Lock()
	defer r.mu.Unlock()
	e, ok := r.pending[res.Index]
	if !ok {
		return
	}
	delete(r.pending, res.Index)
	switch {
	case res.Status == db.Failed:
		r.fail(e.found, res.Err)
		return
	case e.work == refresh:
		r.refreshed++
		r.line(e.found, "skipped", nil)
	case res.Status == db.Replaced:
		r.replaced++
		r.line(e.found, "added", nil)
	case res.Status == db.Added:
		r.added++
		r.line(e.found, "added", nil)
	default:
		r.passed++
		r.line(e.found, "skipped", nil)
	}
	r.bar.add(1)
}

// skipped reports a file about which nothing is to be done.
func (r *reporter) skipped(f found) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.passed++
	r.line(f, "skipped", nil)
	r.bar.add(1)
}

// failed reports a file that did not come as far as the database.
func (r *reporter) failed(f found, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.fail(f, err)
}

func (r *reporter) fail(f found, err error) {
	var u unreadable
	if errors.As(err, &u) {
		err = u.error
	}
	r.failures++
	if f.named && r.firstNamed == nil {
		f.err = err
		r.firstNamed = &f
	}
	r.line(f, "failed", err)
	r.bar.add(1)
}

// line prints what became of a file: to programs always, to people what
// failed. What cannot be printed is not worth stopping the work for.
func (r *reporter) line(f found, status string, err error) {
	l := addLine{ID: f.id, Path: f.path, Status: status}
	if err != nil {
		l.Error = err.Error()
	}
	switch {
	case r.a.json && r.a.outTerm:
		r.bar.above(func() { _ = r.a.emit(l) })
	case r.a.json:
		_ = r.a.emit(l)
	case err != nil && r.failures <= shownFailures:
		r.bar.above(func() {
			_ = r.a.printf("%s %s: %s\n", r.a.paint(red, "failed"), printable(f.path), printable(explain(err)))
		})
	}
}

// done counts the files that were dealt with.
func (r *reporter) done() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.added + r.replaced + r.refreshed + r.passed + r.failures
}

// summary prints the line at the end.
func (r *reporter) summary() {
	r.mu.Lock()
	defer r.mu.Unlock()
	took := time.Since(r.start)
	parts := []string{"added " + thousands(r.added+r.replaced)}
	if r.replaced > 0 {
		parts[0] += fmt.Sprintf(" (%s anew)", thousands(r.replaced))
	}
	parts = append(parts, "skipped "+thousands(r.passed+r.refreshed))
	if r.refreshed > 0 {
		parts[1] += fmt.Sprintf(" (%s with new attributes)", thousands(r.refreshed))
	}
	failed := "failed " + thousands(r.failures)
	if r.failures > 0 {
		failed = r.a.paint(red, failed)
	}
	parts = append(parts, failed)
	line := strings.Join(parts, ", ") + " in " + seconds(took)
	if n := r.added + r.replaced; n > 0 {
		line += ", " + rate(n, took, "images")
		if r.busy > 0 {
			line += fmt.Sprintf(", the model at work %.0f %% of the time", 100*r.busy)
		}
	}
	if r.a.json {
		r.a.remark("%s", line)
		return
	}
	if r.failures > shownFailures {
		_ = r.a.printf("... and %s more failed; clipdb info --failures lists them\n", thousands(r.failures-shownFailures))
	}
	_ = r.a.printf("%s\n", line)
}

// remarkForeign tells of pictures in formats that clipdb does not read.
func (a *app) remarkForeign(f foreign) {
	total := 0
	var kinds []string
	for ext, n := range f {
		total += n
		kinds = append(kinds, fmt.Sprintf("%s %s", thousands(n), ext))
	}
	if total == 0 {
		return
	}
	slices.Sort(kinds)
	a.remark("left out %s in formats that clipdb does not read (%s); convert them to JPEG or PNG", plural(total, "picture"), strings.Join(kinds, ", "))
}
