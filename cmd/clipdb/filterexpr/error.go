package filterexpr

import (
	"fmt"
	"strings"
	"unicode"
)

// Error says where an expression goes wrong.
type Error struct {
	Input  string // the whole expression
	Column int    // where, in characters, the first being 1
	Msg    string // what was found and what belongs there
}

// Error gives one line, with the column.
func (e *Error) Error() string {
	return fmt.Sprintf("filter, column %d: %s", e.Column, e.Msg)
}

// Show gives the expression with a mark under the place, in two lines without
// a final newline. Long expressions are cut around the place.
func (e *Error) Show() string {
	const before, after = 50, 25
	runes := []rune(strings.ToValidUTF8(e.Input, "\uFFFD"))
	at := min(max(e.Column-1, 0), len(runes))
	from, to := max(at-before, 0), min(at+after, len(runes))
	line := make([]rune, 0, to-from+2)
	mark := at - from
	if from > 0 {
		line = append(line, '…')
		mark++
	}
	for _, r := range runes[from:to] {
		if unicode.IsControl(r) {
			r = ' '
		}
		line = append(line, r)
	}
	if to < len(runes) {
		line = append(line, '…')
	}
	return string(line) + "\n" + strings.Repeat(" ", mark) + "^"
}
