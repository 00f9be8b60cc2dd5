package filterexpr

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/clipdb/clipdb/db/engine"
)

// Literal reads a bare word as the value it looks like: a whole number, a
// number with a fraction or an exponent, true or false, a date or a time, else
// text. Times without a zone are in UTC.
func Literal(s string) engine.Value {
	if v, ok := number(s); ok {
		return v
	}
	switch strings.ToLower(s) {
	case "true":
		return engine.Bool(true)
	case "false":
		return engine.Bool(false)
	}
	if t, _, ok := instant(s); ok {
		return engine.Time(t)
	}
	return engine.String(s)
}

// number reads decimal numbers alone: no hexadecimal, no infinity, no NaN, no
// underscores. Whole numbers beyond 64 bits become floats.
func number(s string) (engine.Value, bool) {
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case '0' <= c && c <= '9':
		case c == '.' || c == '-' || c == '+' || c == 'e' || c == 'E':
			if (c == 'e' || c == 'E') && i == 0 {
				return engine.Value{}, false
			}
		default:
			return engine.Value{}, false
		}
	}
	if i, err := strconv.ParseInt(s, 10, 64); err == nil {
		return engine.Int(i), true
	}
	f, err := strconv.ParseFloat(s, 64)
	if err != nil || math.IsInf(f, 0) {
		return engine.Value{}, false
	}
	return engine.Float(f), true
}

// instant reads a date or a time. whole tells that it is a date, the instant
// being the beginning of that day in UTC.
func instant(s string) (t time.Time, whole, ok bool) {
	if len(s) < len("2006-01-02") || s[0] < '0' || s[0] > '9' {
		return time.Time{}, false, false
	}
	if t, err := time.Parse(time.DateOnly, s); err == nil {
		return t, true, t.Year() > 0
	}
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05", "2006-01-02T15:04"} {
		if t, err := time.Parse(layout, s); err == nil {
			return t, false, engine.Time(t).Check() == nil
		}
	}
	return time.Time{}, false, false
}

// Attribute reads an attribute as the command line gives it: key=value, the
// value read by [Literal], or key:type=value with one of the types text, int,
// float, bool, time and list. A list is text between commas; key=[a, b] is a
// list too.
func Attribute(s string) (key string, v engine.Value, err error) {
	name, text, ok := strings.Cut(s, "=")
	if !ok {
		return "", v, fmt.Errorf("the attribute %q has no \"=\"; write key=value", s)
	}
	key, kind, typed := cutLast(name, ":")
	key = strings.TrimSpace(key)
	if key == "" {
		return "", v, fmt.Errorf("the attribute %q has no key; write key=value", s)
	}
	switch {
	case typed:
		v, err = ofKind(strings.TrimSpace(kind), text)
	case strings.HasPrefix(text, "[") && strings.HasSuffix(text, "]"):
		v = list(text[1 : len(text)-1])
	default:
		v = Literal(text)
	}
	if err == nil {
		err = engine.Attrs{key: v}.Check()
	}
	if err != nil {
		return "", v, fmt.Errorf("the attribute %q: %w", s, err)
	}
	return key, v, nil
}

func cutLast(s, sep string) (before, after string, found bool) {
	if i := strings.LastIndex(s, sep); i >= 0 {
		return s[:i], s[i+len(sep):], true
	}
	return s, "", false
}

func ofKind(kind, text string) (engine.Value, error) {
	switch kind {
	case "text", "string":
		return engine.String(text), nil
	case "int":
		i, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return engine.Value{}, fmt.Errorf("%q is no whole number of 64 bits", text)
		}
		return engine.Int(i), nil
	case "float":
		f, err := strconv.ParseFloat(text, 64)
		if err != nil {
			return engine.Value{}, fmt.Errorf("%q is no number", text)
		}
		return engine.Float(f), nil
	case "bool":
		b, err := strconv.ParseBool(text)
		if err != nil {
			return engine.Value{}, fmt.Errorf("%q is neither true nor false", text)
		}
		return engine.Bool(b), nil
	case "time":
		t, _, ok := instant(text)
		if !ok {
			return engine.Value{}, fmt.Errorf("%q is no date (2024-05-01) and no time (2024-05-01T18:30:00Z)", text)
		}
		return engine.Time(t), nil
	case "list":
		return list(text), nil
	}
	return engine.Value{}, errors.New("its type must be text, int, float, bool, time or list")
}

// list reads text between commas; spaces around each are dropped, and so are
// empty ones.
func list(text string) engine.Value {
	var items []string
	for _, s := range strings.Split(text, ",") {
		if s = strings.TrimSpace(s); s != "" {
			items = append(items, s)
		}
	}
	return engine.Strings(items...)
}
