package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"unicode"

	"github.com/rivo/uniseg"
	"golang.org/x/term"
)

// console is where a command speaks: results to out, everything else to err.
type console struct {
	out, err io.Writer
	json     bool // results as JSON lines
	quiet    bool // no progress, no remarks
	outTerm  bool // out is a terminal
	errTerm  bool // err is a terminal
	colour   bool // out is a terminal that wants colour
	width    int  // columns of out; 0 when it is not a terminal
}

// newConsole looks at the two streams. Colour is left out when NO_COLOR is set
// (https://no-color.org) or the terminal is a dumb one.
func newConsole(out, err io.Writer) *console {
	c := &console{out: out, err: err}
	if f, ok := out.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		c.outTerm = true
		c.colour = os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
		if w, _, e := term.GetSize(int(f.Fd())); e == nil && w > 0 {
			c.width = w
		}
	}
	if f, ok := err.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		c.errTerm = true
	}
	return c
}

// emit writes one JSON object and a newline to standard output.
func (c *console) emit(v any) error {
	enc := json.NewEncoder(c.out)
	enc.SetEscapeHTML(false)
	return enc.Encode(v)
}

// printf writes a result for people to standard output.
func (c *console) printf(format string, args ...any) error {
	_, err := fmt.Fprintf(c.out, format, args...)
	return err
}

// remark writes a sentence that is no result to standard error, unless the
// output is meant for a program or the user asked for silence.
func (c *console) remark(format string, args ...any) {
	if c.json && !c.errTerm || c.quiet {
		return
	}
	fmt.Fprintf(c.err, format+"\n", args...)
}

// warn writes what makes an answer doubtful to standard error: a sentence, or
// with --json an object, which programs can read beside the answer.
func (c *console) warn(w any) error {
	if c.json {
		enc := json.NewEncoder(c.err)
		enc.SetEscapeHTML(false)
		return enc.Encode(struct {
			Warning any `json:"warning"`
		}{w})
	}
	if !c.quiet {
		fmt.Fprintf(c.err, "warning: %v\n", w)
	}
	return nil
}

// Styles of text on a terminal (ECMA-48 SGR).
const (
	bold  = "1"
	dim   = "2"
	red   = "31"
	green = "32"
	cyan  = "36"
)

// paint wraps s in a style when the terminal takes colour.
func (c *console) paint(style, s string) string {
	if !c.colour || s == "" {
		return s
	}
	return "\x1b[" + style + "m" + s + "\x1b[0m"
}

// printable makes text of unknown origin safe to show in one line of a
// terminal: control characters, escape sequences among them, and bytes that
// are not UTF-8 become the replacement character; white space becomes a space.
func printable(s string) string {
	s = strings.ToValidUTF8(s, "\uFFFD")
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t' || r == '\r' || unicode.IsSpace(r):
			return ' '
		case unicode.IsControl(r) || isBidiControl(r):
			return '\uFFFD'
		}
		return r
	}, s)
}

// isBidiControl reports the characters that reorder the text around them,
// with which a file name could show itself as another.
func isBidiControl(r rune) bool {
	return r >= 0x202A && r <= 0x202E || r >= 0x2066 && r <= 0x2069
}

// clip cuts s to at most width columns, the last of which is then an ellipsis.
// A width of 0 or less leaves s whole.
func clip(s string, width int) string {
	if width <= 0 || uniseg.StringWidth(s) <= width {
		return s
	}
	var b strings.Builder
	used := 0
	for g := uniseg.NewGraphemes(s); g.Next(); {
		w := g.Width()
		if used+w > width-1 {
			break
		}
		b.WriteString(g.Str())
		used += w
	}
	return b.String() + "…"
}

// displayWidth is the number of columns that s takes.
func displayWidth(s string) int { return uniseg.StringWidth(s) }

// pad fills s with spaces to width columns.
func pad(s string, width int) string {
	if w := uniseg.StringWidth(s); w < width {
		return s + strings.Repeat(" ", width-w)
	}
	return s
}

// facts writes a two-column list of names and values for people. Pairs with an
// empty value are left out.
func (c *console) facts(pairs ...string) error {
	width := 0
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			width = max(width, uniseg.StringWidth(pairs[i]))
		}
	}
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] == "" {
			continue
		}
		if err := c.printf("%s  %s\n", c.paint(dim, pad(pairs[i], width)), pairs[i+1]); err != nil {
			return err
		}
	}
	return nil
}

// byteCount writes n in the unit that people read easily (IEC 80000-13).
func byteCount(n int64) string {
	const unit = 1024
	if n < unit {
		return fmt.Sprintf("%d bytes", n)
	}
	div, exp := int64(unit), 0
	for m := n / unit; m >= unit; m /= unit {
		div *= unit
		exp++
	}
	return fmt.Sprintf("%.1f %ciB", float64(n)/float64(div), "KMGTPE"[exp])
}

// plural writes a number and its noun: "1 image", "2 images".
func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%s %ss", thousands(n), noun)
}

// thousands groups the digits of n by commas.
func thousands(n int) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
