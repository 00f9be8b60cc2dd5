package engine

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Kind is the type of a Value.
type Kind uint8

// The types of values. The numbers are part of the stored form.
const (
	KindNone    Kind = 0 // the zero Value
	KindString  Kind = 1
	KindInt     Kind = 2 // 64 bits, signed
	KindFloat   Kind = 3 // 64 bits
	KindBool    Kind = 4
	KindTime    Kind = 5 // an instant, to the nanosecond
	KindStrings Kind = 6 // a list of strings, such as tags
)

func (k Kind) String() string {
	switch k {
	case KindNone:
		return "none"
	case KindString:
		return "string"
	case KindInt:
		return "int"
	case KindFloat:
		return "float"
	case KindBool:
		return "bool"
	case KindTime:
		return "time"
	case KindStrings:
		return "strings"
	}
	return "kind " + strconv.Itoa(int(k))
}

// Value is a typed attribute of an item. Values are comparable with ==, which
// holds when kind and content are equal. The zero Value is no value.
type Value struct {
	kind Kind
	// num holds an int, the bits of a float, a bool, or the nanoseconds of a
	// time; for times str holds nothing and sec the seconds since 1970.
	num uint64
	sec int64
	// str holds a string, or the strings of a list, each after its length as
	// a uvarint: so a list stays comparable and costs one allocation.
	str string
}

// String returns a string value.
func String(s string) Value { return Value{kind: KindString, str: s} }

// Int returns an integer value.
func Int(i int64) Value { return Value{kind: KindInt, num: uint64(i)} }

// Float returns a floating-point value. NaN and infinities can be made but
// not stored: see Value.Check. Negative zero becomes zero.
func Float(f float64) Value {
	if f == 0 {
		f = 0
	}
	return Value{kind: KindFloat, num: math.Float64bits(f)}
}

// Bool returns a truth value.
func Bool(b bool) Value {
	v := Value{kind: KindBool}
	if b {
		v.num = 1
	}
	return v
}

// Time returns an instant. Its time zone is not kept.
func Time(t time.Time) Value {
	return Value{kind: KindTime, sec: t.Unix(), num: uint64(t.Nanosecond())}
}

// Strings returns a list of strings, such as tags. In filters such an
// attribute matches when one of its strings does. Order and repetitions are
// kept.
func Strings(list ...string) Value {
	n := 0
	for _, s := range list {
		n += len(s) + 2
	}
	buf := make([]byte, 0, n)
	for _, s := range list {
		buf = binary.AppendUvarint(buf, uint64(len(s)))
		buf = append(buf, s...)
	}
	return Value{kind: KindStrings, str: string(buf)}
}

// Kind returns the type of the value.
func (v Value) Kind() Kind { return v.kind }

// IsZero reports whether v is no value.
func (v Value) IsZero() bool { return v.kind == KindNone }

// AsString returns the string, and false for other kinds.
func (v Value) AsString() (string, bool) {
	if v.kind != KindString {
		return "", false
	}
	return v.str, true
}

// AsInt returns the integer, and false for other kinds.
func (v Value) AsInt() (int64, bool) {
	if v.kind != KindInt {
		return 0, false
	}
	return int64(v.num), true
}

// AsFloat returns the number of a float, or of an int as the nearest float,
// and false for other kinds.
func (v Value) AsFloat() (float64, bool) {
	switch v.kind {
	case KindFloat:
		return math.Float64frombits(v.num), true
	case KindInt:
		return float64(int64(v.num)), true
	}
	return 0, false
}

// AsBool returns the truth value, and false, false for other kinds.
func (v Value) AsBool() (value, ok bool) {
	return v.kind == KindBool && v.num == 1, v.kind == KindBool
}

// AsTime returns the instant in UTC, and false for other kinds.
func (v Value) AsTime() (time.Time, bool) {
	if v.kind != KindTime {
		return time.Time{}, false
	}
	return time.Unix(v.sec, int64(v.num)).UTC(), true
}

// AsStrings returns the list, and false for other kinds. The slice is the
// caller's own.
func (v Value) AsStrings() ([]string, bool) {
	if v.kind != KindStrings {
		return nil, false
	}
	return slices.Collect(v.elements), true
}

// elements yields the strings of a list.
func (v Value) elements(yield func(string) bool) {
	for rest := v.str; rest != ""; {
		var s string
		s, rest = cutElement(rest)
		if !yield(s) {
			return
		}
	}
}

func cutElement(rest string) (element, after string) {
	var n, shift uint
	i := 0
	for ; i < len(rest); i++ {
		b := rest[i]
		n |= uint(b&0x7f) << shift
		if b < 0x80 {
			i++
			break
		}
		shift += 7
	}
	return rest[i : i+int(n)], rest[i+int(n):]
}

// Any returns the content as string, int64, float64, bool, time.Time,
// []string, or nil.
func (v Value) Any() any {
	switch v.kind {
	case KindString:
		return v.str
	case KindInt:
		return int64(v.num)
	case KindFloat:
		return math.Float64frombits(v.num)
	case KindBool:
		return v.num == 1
	case KindTime:
		t, _ := v.AsTime()
		return t
	case KindStrings:
		list, _ := v.AsStrings()
		return list
	}
	return nil
}

// String returns the content for people to read.
func (v Value) String() string {
	switch v.kind {
	case KindNone:
		return ""
	case KindString:
		return v.str
	case KindInt:
		return strconv.FormatInt(int64(v.num), 10)
	case KindFloat:
		return strconv.FormatFloat(math.Float64frombits(v.num), 'g', -1, 64)
	case KindBool:
		return strconv.FormatBool(v.num == 1)
	case KindTime:
		t, _ := v.AsTime()
		return t.Format(time.RFC3339Nano)
	case KindStrings:
		list, _ := v.AsStrings()
		return strings.Join(list, ", ")
	}
	return v.kind.String()
}

// ordered reports whether values of the kind have an order.
func (v Value) ordered() bool {
	return v.kind == KindString || v.kind == KindInt || v.kind == KindFloat || v.kind == KindTime
}

// Compare orders two values: -1, 0 or 1, and false when they have no common
// order. Numbers compare by what they are worth, whether int or float;
// strings by their bytes; times as instants; truth values only for equality,
// where false comes first; lists and values of different kinds not at all.
func (v Value) Compare(w Value) (int, bool) {
	switch {
	case v.kind == KindInt && w.kind == KindInt:
		return compare(int64(v.num), int64(w.num)), true
	case v.kind == KindFloat && w.kind == KindFloat:
		a, b := math.Float64frombits(v.num), math.Float64frombits(w.num)
		return compare(a, b), a == a && b == b
	case v.kind == KindInt && w.kind == KindFloat:
		return compareIntFloat(int64(v.num), math.Float64frombits(w.num))
	case v.kind == KindFloat && w.kind == KindInt:
		c, ok := compareIntFloat(int64(w.num), math.Float64frombits(v.num))
		return -c, ok
	case v.kind != w.kind:
		return 0, false
	case v.kind == KindString:
		return strings.Compare(v.str, w.str), true
	case v.kind == KindBool:
		return compare(v.num, w.num), true
	case v.kind == KindTime:
		if c := compare(v.sec, w.sec); c != 0 {
			return c, true
		}
		return compare(v.num, w.num), true
	}
	return 0, false
}

func compare[T int64 | uint64 | float64](a, b T) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// compareIntFloat compares exactly: float64(i) would round beyond 2^53.
func compareIntFloat(i int64, f float64) (int, bool) {
	switch {
	case f != f:
		return 0, false
	case math.IsInf(f, 1):
		return -1, true
	case math.IsInf(f, -1):
		return 1, true
	case i > -1<<53 && i < 1<<53:
		return compare(float64(i), f), true
	}
	return new(big.Float).SetInt64(i).Cmp(big.NewFloat(f)), true
}

// Check returns an error wrapping ErrLimit when v cannot be stored: no value,
// strings that are not UTF-8, floats that are not finite, times outside the
// years 1 to 9999.
func (v Value) Check() error {
	switch v.kind {
	case KindInt, KindBool:
		return nil
	case KindString:
		return checkText(v.str)
	case KindStrings:
		for s := range v.elements {
			if err := checkText(s); err != nil {
				return err
			}
		}
		return nil
	case KindFloat:
		if f := math.Float64frombits(v.num); f != f || math.IsInf(f, 0) {
			return fmt.Errorf("%w: the number %v", ErrLimit, f)
		}
		return nil
	case KindTime:
		if v.sec < minTime || v.sec > maxTime || v.num >= 1e9 {
			return fmt.Errorf("%w: a time outside the years 1 to 9999", ErrLimit)
		}
		return nil
	}
	return fmt.Errorf("%w: an attribute without a value", ErrLimit)
}

var (
	minTime = time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC).Unix()
	maxTime = time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC).Unix()
)
