package engine

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// MarshalJSON writes strings, truth values and lists as JSON has them,
// integers without and floats with a decimal point or an exponent, times as
// {"time": "2006-01-02T15:04:05Z"}, and no value as null. So each value comes
// back as what it was.
func (v Value) MarshalJSON() ([]byte, error) {
	switch v.kind {
	case KindNone:
		return []byte("null"), nil
	case KindFloat:
		f := math.Float64frombits(v.num)
		if f != f || math.IsInf(f, 0) {
			return nil, fmt.Errorf("%w: JSON has no number %v", ErrLimit, f)
		}
		s := strconv.FormatFloat(f, 'g', -1, 64)
		if !strings.ContainsAny(s, ".e") {
			s += ".0"
		}
		return []byte(s), nil
	case KindTime:
		if err := v.Check(); err != nil {
			return nil, err
		}
		return json.Marshal(timeJSON{v.String()})
	case KindStrings:
		list, _ := v.AsStrings()
		if list == nil {
			list = []string{}
		}
		return json.Marshal(list)
	}
	return json.Marshal(v.Any())
}

type timeJSON struct {
	Time string `json:"time"`
}

// UnmarshalJSON reads what MarshalJSON writes.
func (v *Value) UnmarshalJSON(b []byte) error {
	b = bytes.TrimSpace(b)
	if len(b) == 0 {
		return errors.New("attribute value: no JSON")
	}
	var err error
	switch b[0] {
	case 'n':
		*v = Value{}
	case '"':
		var s string
		err = json.Unmarshal(b, &s)
		*v = String(s)
	case 't', 'f':
		var t bool
		err = json.Unmarshal(b, &t)
		*v = Bool(t)
	case '[':
		var list []string
		err = json.Unmarshal(b, &list)
		*v = Strings(list...)
	case '{':
		var t timeJSON
		dec := json.NewDecoder(bytes.NewReader(b))
		dec.DisallowUnknownFields()
		if err = dec.Decode(&t); err == nil {
			var at time.Time
			at, err = time.Parse(time.RFC3339Nano, t.Time)
			*v = Time(at)
		}
	default:
		*v, err = parseNumber(string(b))
	}
	if err != nil {
		return fmt.Errorf("attribute value: %w", err)
	}
	if v.kind == KindNone {
		return nil
	}
	return v.Check()
}

func parseNumber(s string) (Value, error) {
	if !strings.ContainsAny(s, ".eE") {
		if i, err := strconv.ParseInt(s, 10, 64); err == nil {
			return Int(i), nil
		}
	}
	f, err := strconv.ParseFloat(s, 64)
	return Float(f), err
}
