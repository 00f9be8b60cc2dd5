//go:build unix

package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// manyPhotos makes a folder of n different pictures, from real ones with a
// comment of their own at the end.
func manyPhotos(t *testing.T, n int) string {
	t.Helper()
	dir := t.TempDir()
	morePhotos(t, dir, 0, n)
	return dir
}

// morePhotos adds the pictures number from to number to.
func morePhotos(t *testing.T, dir string, from, to int) {
	t.Helper()
	good := goodPhotos()
	for i := from; i < to; i++ {
		data := must(os.ReadFile(filepath.Join(photos(t), good[i%len(good)])))
		write(t, filepath.Join(dir, fmt.Sprintf("%d", i%7), fmt.Sprintf("p%03d.jpg", i)), append(bytes.Clone(data), fmt.Sprintf("copy %d", i)...))
	}
}

// running is a clipdb add --json that a test follows.
type running struct {
	cmd   *exec.Cmd
	lines chan addLine // closed at the end of standard output
	errs  *bytes.Buffer
}

func (h *home) start(t *testing.T, args ...string) *running {
	t.Helper()
	r := &running{cmd: h.command(args...), lines: make(chan addLine, 10000), errs: &bytes.Buffer{}}
	r.cmd.Stderr = r.errs
	out, err := r.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := r.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(r.lines)
		for s := bufio.NewScanner(out); s.Scan(); {
			var l addLine
			if json.Unmarshal(s.Bytes(), &l) == nil { // a killed program may leave half a line
				r.lines <- l
			}
		}
		io.Copy(io.Discard, out)
	}()
	return r
}

// end waits for the program and returns what it still printed.
func (r *running) end(t *testing.T) (rest []addLine, code int) {
	t.Helper()
	timer := time.AfterFunc(2*time.Minute, func() { r.cmd.Process.Kill() })
	defer timer.Stop()
	for l := range r.lines {
		rest = append(rest, l)
	}
	r.cmd.Wait()
	return rest, r.cmd.ProcessState.ExitCode()
}

// The first Ctrl-C ends after the pictures in work, and the same command goes
// on from there.
func TestInterruptAndResume(t *testing.T) {
	h := newHomeWithRuntime(t)
	const n = 160 // what is in the pipeline when the signal comes is stored, too
	dir := manyPhotos(t, n)
	db := filepath.Join(h.dir, "p.clipdb")
	r := h.start(t, "add", db, dir, "--json")
	var seen []addLine
	for l := range r.lines {
		seen = append(seen, l)
		break // the first commit is through
	}
	if err := r.cmd.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	rest, code := r.end(t)
	seen = append(seen, rest...)
	said := r.errs.String()
	if code != exitFailure || !strings.Contains(said, fmt.Sprintf("stopped as asked after %d of %d files", len(seen), n)) || !strings.Contains(said, "same command again") || strings.Count(said, "\n") != 1 {
		t.Fatalf("exit status %d, standard error:\n%s", code, said)
	}
	if len(seen) == 0 || len(seen) >= n {
		t.Fatalf("%d of %d files were added before the end", len(seen), n)
	}
	there := items(t, db)
	for _, l := range seen {
		if l.Status != "added" || !there[l.ID] {
			t.Errorf("%+v was acknowledged and is not there", l)
		}
	}
	if len(there) != len(seen) {
		t.Errorf("%d items are there, %d were acknowledged", len(there), len(seen))
	}
	h.adds(t, n-len(seen), len(seen), 0, db, dir)
	if got := len(items(t, db)); got != n {
		t.Errorf("%d items in the end, want %d", got, n)
	}
}

// The second Ctrl-C ends at once; nothing acknowledged is lost.
func TestInterruptTwice(t *testing.T) {
	h := newHomeWithRuntime(t)
	const n = 200
	dir := manyPhotos(t, n)
	db := filepath.Join(h.dir, "p.clipdb")
	r := h.start(t, "add", db, dir, "--json")
	seen := []addLine{<-r.lines}
	r.cmd.Process.Signal(syscall.SIGINT)
	r.cmd.Process.Signal(syscall.SIGINT) // the same keystroke, through a wrapper
	time.Sleep(oneKeystroke + 100*time.Millisecond)
	r.cmd.Process.Signal(syscall.SIGTERM)
	start := time.Now()
	rest, code := r.end(t)
	if code != exitFailure || time.Since(start) > 10*time.Second {
		t.Errorf("exit status %d after %v", code, time.Since(start))
	}
	there := items(t, db)
	for _, l := range append(seen, rest...) {
		if l.Status == "added" && !there[l.ID] {
			t.Errorf("%s was acknowledged and is not there", l.ID)
		}
	}
	h.adds(t, n-len(there), len(there), 0, db, dir)
}

// Ctrl-C before there is anything to finish ends too.
func TestInterruptWhileLooking(t *testing.T) {
	h := newHomeWithRuntime(t)
	dir := t.TempDir()
	for i := range 3000 {
		write(t, filepath.Join(dir, fmt.Sprint(i%50), fmt.Sprintf("%d.unknown", i)), []byte("no picture"))
	}
	r := h.start(t, "add", filepath.Join(h.dir, "p.clipdb"), dir, "--json")
	time.Sleep(20 * time.Millisecond)
	r.cmd.Process.Signal(syscall.SIGINT)
	if _, code := r.end(t); code != exitFailure && code != exitOK && code != -1 { // it may be through, or not yet listening
		t.Errorf("exit status %d: %s", code, r.errs)
	}
}

// Killed at any moment: every acknowledged item is there, none is half there,
// and add goes on without doing its work again.
func TestKillAndResume(t *testing.T) {
	h := newHomeWithRuntime(t)
	rounds, n := 20, 160
	if testing.Short() || raceDetector {
		rounds = 5
	}
	dir := manyPhotos(t, n)
	db := filepath.Join(h.dir, "p.clipdb")
	acknowledged := map[string]bool{}
	random := rand.New(rand.NewPCG(7, uint64(time.Now().UnixNano())))
	killed := 0
	for round := range rounds {
		for n-len(acknowledged) < 160 { // the work must not run out on a quick machine
			morePhotos(t, dir, n, n+60)
			n += 60
		}
		r := h.start(t, "add", db, dir, "--json")
		// Some rounds end while the program gets ready, the others a moment
		// after it said that something new is stored, so that each round gets
		// somewhere on a slow machine too and the rounds end at all stages.
		var seen []addLine
		limit := time.After(time.Minute)
		for waiting := round%5 > 0; waiting; {
			select {
			case l, ok := <-r.lines:
				seen = append(seen, l)
				waiting = ok && l.Status == "skipped"
			case <-limit:
				waiting = false
			}
		}
		time.Sleep(time.Duration(random.IntN(250)) * time.Millisecond)
		r.cmd.Process.Kill()
		rest, code := r.end(t)
		if code != exitOK {
			killed++
		}
		skipped := 0
		for _, l := range append(seen, rest...) {
			switch l.Status {
			case "added":
				if acknowledged[l.ID] {
					t.Errorf("round %d: %s was added again", round, l.ID)
				}
				acknowledged[l.ID] = true
			case "skipped":
				skipped++
				if !acknowledged[l.ID] {
					t.Errorf("round %d: %s was skipped and is not there", round, l.ID)
				}
			case "failed":
				t.Errorf("round %d: %+v", round, l)
			}
		}
		if info, err := os.Stat(db); err != nil || info.Size() == 0 {
			continue // killed before there was a database; an empty file is a new one to add
		}
		there := items(t, db) // verifies
		for id := range acknowledged {
			if !there[id] {
				t.Fatalf("round %d: %s was acknowledged and is not there", round, id)
			}
		}
		for id := range there { // what was committed but could not be said any more
			acknowledged[id] = true
		}
		t.Logf("round %d: %d skipped, %d of %d there", round, skipped, len(there), n)
	}
	if killed < rounds/2 {
		t.Errorf("only %d of %d rounds were killed at work", killed, rounds)
	}
	h.adds(t, n-len(acknowledged), len(acknowledged), 0, db, dir)
	if got := len(items(t, db)); got != n {
		t.Errorf("%d items in the end, want %d", got, n)
	}
}
