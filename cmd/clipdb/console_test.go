package main

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/clipdb/clipdb/db"
)

func TestPrintable(t *testing.T) {
	for in, want := range map[string]string{
		"beach.jpg":                "beach.jpg",
		"two\nlines\tand\rmore":    "two lines and more",
		"\x1b[31mred\x1b[0m":       "\uFFFD[31mred\uFFFD[0m",
		"a\xffb":                   "a\uFFFDb",
		"bell\x07":                 "bell\uFFFD",
		"evil\u202Egpj.exe":        "evil\uFFFDgpj.exe",
		"c1\u009b31m":              "c1\uFFFD31m",
		"日本 émoji 👩\u200d👩\u200d👧": "日本 émoji 👩\u200d👩\u200d👧",
	} {
		if got := printable(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

func TestClipAndPad(t *testing.T) {
	for _, c := range []struct {
		in    string
		width int
		want  string
	}{
		{"short", 10, "short"}, {"exactly ten", 11, "exactly ten"}, {"much too long", 6, "much …"},
		{"日本語の写真", 6, "日本…"}, {"日本語の写真", 12, "日本語の写真"}, {"any", 0, "any"},
		{"e\u0301e\u0301e\u0301", 2, "e\u0301…"},
	} {
		got := clip(c.in, c.width)
		if got != c.want || c.width > 0 && displayWidth(got) > c.width {
			t.Errorf("%q in %d: %q, want %q", c.in, c.width, got, c.want)
		}
	}
	if got := pad("日本", 6); got != "日本  " {
		t.Errorf("padded to %q", got)
	}
}

func TestNumbersForPeople(t *testing.T) {
	for n, want := range map[int64]string{0: "0 bytes", 1023: "1023 bytes", 1024: "1.0 KiB", 1536: "1.5 KiB", 5 << 30: "5.0 GiB"} {
		if got := byteCount(n); got != want {
			t.Errorf("%d bytes: %q, want %q", n, got, want)
		}
	}
	for n, want := range map[int]string{0: "0", 999: "999", 1000: "1,000", 1234567: "1,234,567", -1234: "-1,234", -123: "-123"} {
		if got := thousands(n); got != want {
			t.Errorf("%d: %q, want %q", n, got, want)
		}
	}
	if got := rate(30, 2*time.Second, "images"); got != "15 images/s" {
		t.Errorf("rate %q", got)
	}
	if got := rate(3, 2*time.Second, "images"); got != "1.5 images/s" {
		t.Errorf("rate %q", got)
	}
}

// Streams that are no terminals get no colour, no progress and no widths.
func TestConsoleWithoutTerminal(t *testing.T) {
	var out, errs bytes.Buffer
	c := newConsole(&out, &errs)
	if c.colour || c.width != 0 || c.outTerm || c.errTerm {
		t.Errorf("a buffer is taken for a terminal: %+v", c)
	}
	bar := c.newProgress(10, "adding", "images")
	bar.add(3)
	bar.above(func() { c.printf("line\n") })
	bar.done()
	bar.done()
	c.newByteProgress(10, "backup").set(4)
	if out.String() != "line\n" || errs.Len() != 0 {
		t.Errorf("out %q, err %q", &out, &errs)
	}
	c.remark("said")
	c.json = true
	c.remark("not said")
	if errs.String() != "said\n" {
		t.Errorf("err %q", &errs)
	}
}

// With a terminal there is a bar with rate and time left, and it is wiped.
func TestProgressOnTerminal(t *testing.T) {
	var out, errs bytes.Buffer
	c := &console{out: &out, err: &errs, errTerm: true}
	bar := c.newProgress(100, "adding", "images")
	for range 50 {
		bar.add(1)
		time.Sleep(5 * time.Millisecond)
	}
	bar.above(func() { c.printf("failed x\n") })
	bar.done()
	drawn := errs.String()
	for _, want := range []string{"adding", "images", "/100", "%", ":"} {
		if !strings.Contains(drawn, want) {
			t.Errorf("the bar lacks %q: %q", want, drawn)
		}
	}
	last := drawn[strings.LastIndex(drawn, "\r")+1:]
	if strings.TrimSpace(last) != "" {
		t.Errorf("the bar is left behind: %q", last)
	}
	if out.String() != "failed x\n" {
		t.Errorf("out %q", &out)
	}
}

func TestFacts(t *testing.T) {
	var out bytes.Buffer
	c := newConsole(&out, &out)
	if err := c.facts("a", "1", "left out", "", "long name", "2"); err != nil {
		t.Fatal(err)
	}
	if want := "a          1\nlong name  2\n"; out.String() != want {
		t.Errorf("got %q, want %q", &out, want)
	}
}

func TestExplain(t *testing.T) {
	for _, err := range []error{db.ErrLocked, db.ErrNewerFormat, db.ErrCorrupt, db.ErrModelMismatch, db.ErrImageFormat, db.ErrImageTruncated} {
		said := explain(err)
		if !strings.HasPrefix(said, err.Error()+"; ") || strings.Contains(said, "\n") {
			t.Errorf("%v: %q has no next step", err, said)
		}
	}
	if got := explain(errors.New("odd.\n")); got != "odd" {
		t.Errorf("got %q", got)
	}
	if got := explain(db.ErrNoRuntime); got != db.ErrNoRuntime.Error() {
		t.Errorf("got %q", got)
	}
}
