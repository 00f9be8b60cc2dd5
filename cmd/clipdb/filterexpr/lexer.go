package filterexpr

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// kind is what a token is.
type kind int

const (
	end    kind = iota
	word        // bare: a key, a word of the grammar, a number, a value
	quoted      // "text" or 'text': always a text value
	key         // `key`
	op          // = == != <> < <= > >=
	open
	shut
	comma
)

// token is one piece of an expression.
type token struct {
	kind   kind
	text   string // without quotation marks, escapes resolved
	column int    // in characters, the first being 1
}

// is reports whether t is a word of the grammar, in any case.
func (t token) is(grammar string) bool {
	return t.kind == word && strings.EqualFold(t.text, grammar)
}

// String names the token in an error.
func (t token) String() string {
	switch t.kind {
	case end:
		return "the end"
	case quoted:
		return fmt.Sprintf("the text %q", t.text)
	case key:
		return fmt.Sprintf("the key `%s`", t.text)
	}
	return fmt.Sprintf("%q", t.text)
}

// lexer cuts an expression into tokens.
type lexer struct {
	input  string
	at     int // byte offset
	column int // of at
}

// next returns the next token; after the last one it returns end for ever.
func (l *lexer) next() (token, error) {
	for l.at < len(l.input) {
		r, _ := utf8.DecodeRuneInString(l.input[l.at:])
		if !unicode.IsSpace(r) {
			break
		}
		l.skip(r)
	}
	t := token{column: l.column}
	if l.at >= len(l.input) {
		return t, nil
	}
	r, size := utf8.DecodeRuneInString(l.input[l.at:])
	if r == utf8.RuneError && size == 1 {
		return t, l.fail(l.column, "this byte is not UTF-8")
	}
	switch r {
	case '(':
		t.kind, t.text = open, "("
		l.skip(r)
	case ')':
		t.kind, t.text = shut, ")"
		l.skip(r)
	case ',':
		t.kind, t.text = comma, ","
		l.skip(r)
	case '=', '!', '<', '>':
		return l.operator(t)
	case '"', '\'', '`':
		return l.quotation(t, r)
	default:
		return l.bare(t)
	}
	return t, nil
}

func (l *lexer) skip(r rune) {
	l.at += max(utf8.RuneLen(r), 1)
	l.column++
}

func (l *lexer) operator(t token) (token, error) {
	rest := l.input[l.at:]
	for _, o := range []string{"==", "!=", "<>", "<=", ">=", "=", "<", ">"} {
		if strings.HasPrefix(rest, o) {
			t.kind, t.text = op, o
			l.at += len(o)
			l.column += len(o)
			return t, nil
		}
	}
	return t, l.fail(t.column, `"!" stands alone; write "!=" or "not"`)
}

// quotation reads text up to the closing mark. A backslash takes the next
// character as it is.
func (l *lexer) quotation(t token, mark rune) (token, error) {
	t.kind = quoted
	if mark == '`' {
		t.kind = key
	}
	var b strings.Builder
	l.skip(mark)
	for l.at < len(l.input) {
		r, size := utf8.DecodeRuneInString(l.input[l.at:])
		if r == utf8.RuneError && size == 1 {
			return t, l.fail(l.column, "this byte is not UTF-8")
		}
		l.skip(r)
		switch {
		case r == mark:
			t.text = b.String()
			if t.kind == key && t.text == "" {
				return t, l.fail(t.column, "a key cannot be empty")
			}
			return t, nil
		case r == '\\' && l.at < len(l.input):
			r, size = utf8.DecodeRuneInString(l.input[l.at:])
			if r == utf8.RuneError && size == 1 {
				return t, l.fail(l.column, "this byte is not UTF-8")
			}
			l.skip(r)
		}
		b.WriteRune(r)
	}
	return t, l.fail(t.column, "the closing %c of this text is missing", mark)
}

func (l *lexer) bare(t token) (token, error) {
	from := l.at
	for l.at < len(l.input) {
		r, size := utf8.DecodeRuneInString(l.input[l.at:])
		if r == utf8.RuneError && size == 1 || !bareRune(r) {
			break
		}
		l.skip(r)
	}
	if l.at == from {
		r, _ := utf8.DecodeRuneInString(l.input[l.at:])
		return t, l.fail(t.column, "%q has no meaning here; put text in quotation marks", r)
	}
	t.kind, t.text = word, l.input[from:l.at]
	return t, nil
}

func bareRune(r rune) bool {
	return unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.IsMark(r) || strings.ContainsRune("_.-/:+@#%", r)
}

func (l *lexer) fail(column int, format string, args ...any) *Error {
	return &Error{Input: l.input, Column: column, Msg: fmt.Sprintf(format, args...)}
}
