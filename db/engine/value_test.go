package engine_test

import (
	"encoding/json"
	"errors"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/clipdb/clipdb/db/engine"
)

var samples = []engine.Value{
	engine.String(""), engine.String("Größe"), engine.String("a\x00b"),
	engine.Int(0), engine.Int(-1), engine.Int(math.MaxInt64), engine.Int(math.MinInt64), engine.Int(1<<53 + 1),
	engine.Float(0), engine.Float(1), engine.Float(-0.5), engine.Float(math.MaxFloat64), engine.Float(5e-324), engine.Float(1 << 53), engine.Float(1e21),
	engine.Bool(false), engine.Bool(true),
	engine.Time(time.Unix(0, 0)), engine.Time(time.Date(1, 1, 1, 0, 0, 0, 1, time.UTC)), engine.Time(time.Date(9999, 12, 31, 23, 59, 59, 999999999, time.UTC)),
	engine.Strings(), engine.Strings(""), engine.Strings("a", "", "b"), engine.Strings(strings.Repeat("x", 127), strings.Repeat("y", 128), strings.Repeat("z", 300)),
}

func TestValueKeepsItsContent(t *testing.T) {
	at := time.Date(2024, 2, 29, 1, 2, 3, 4, time.FixedZone("", 7200))
	for _, c := range []struct {
		v    engine.Value
		want any
	}{
		{engine.String("x"), "x"},
		{engine.Int(-7), int64(-7)},
		{engine.Float(2.5), 2.5},
		{engine.Bool(true), true},
		{engine.Time(at), at.UTC()},
		{engine.Value{}, nil},
	} {
		if got := c.v.Any(); got != c.want {
			t.Errorf("%v holds %v, want %v", c.v.Kind(), got, c.want)
		}
	}
	list, ok := engine.Strings("a", "", strings.Repeat("b", 300)).AsStrings()
	if !ok || !slices.Equal(list, []string{"a", "", strings.Repeat("b", 300)}) {
		t.Errorf("list is %q", list)
	}
	if _, ok := engine.String("1").AsInt(); ok {
		t.Error("a string is an int")
	}
	if f, ok := engine.Int(3).AsFloat(); !ok || f != 3 {
		t.Error("an int is no float")
	}
	if engine.Strings("ab") == engine.Strings("a", "b") || engine.Strings("a", "b") != engine.Strings([]string{"a", "b"}...) {
		t.Error("lists do not compare")
	}
	if engine.Float(math.Copysign(0, -1)) != engine.Float(0) {
		t.Error("there are two zeros")
	}
}

func TestCompareIsAnOrder(t *testing.T) {
	numbers := []engine.Value{
		engine.Float(math.Inf(-1)), engine.Float(-math.MaxFloat64), engine.Int(math.MinInt64), engine.Float(-2.5), engine.Int(-2), engine.Int(0), engine.Float(0.5),
		engine.Int(1), engine.Float(1 << 53), engine.Int(1<<53 + 1), engine.Float(1<<53 + 2), engine.Int(math.MaxInt64 - 1), engine.Int(math.MaxInt64),
		engine.Float(1 << 63), engine.Float(math.Inf(1)),
	}
	for i, a := range numbers {
		for j, b := range numbers {
			want := min(1, max(-1, i-j))
			if got, ok := a.Compare(b); !ok || got != want {
				t.Errorf("%v against %v: %d, %v; want %d", a, b, got, ok, want)
			}
		}
	}
	for _, pair := range [][2]engine.Value{
		{engine.String("1"), engine.Int(1)}, {engine.Bool(true), engine.Int(1)}, {engine.Float(math.NaN()), engine.Float(1)},
		{engine.Int(1), engine.Float(math.NaN())}, {engine.Strings("a"), engine.Strings("a")}, {engine.Value{}, engine.Value{}},
	} {
		if _, ok := pair[0].Compare(pair[1]); ok {
			t.Errorf("%v and %v have an order", pair[0], pair[1])
		}
	}
}

func TestValueJSON(t *testing.T) {
	for _, v := range append(samples, engine.Value{}) {
		b, err := json.Marshal(v)
		if err != nil {
			t.Errorf("%v: %v", v, err)
			continue
		}
		var back engine.Value
		if err := json.Unmarshal(b, &back); err != nil || back != v {
			t.Errorf("%v %q became %v %q through %s (%v)", v.Kind(), v, back.Kind(), back, b, err)
		}
	}
	for in, want := range map[string]string{
		`"a"`: `"a"`, `3`: `3`, `3.0`: `3.0`, `3e2`: `300.0`, `true`: `true`, `["a","b"]`: `["a","b"]`, `[]`: `[]`, `null`: `null`,
		`{"time":"2024-05-06T07:08:09+02:00"}`: `{"time":"2024-05-06T05:08:09Z"}`, `9223372036854775807`: `9223372036854775807`,
	} {
		var v engine.Value
		if err := json.Unmarshal([]byte(in), &v); err != nil {
			t.Errorf("%s: %v", in, err)
			continue
		}
		if out, err := json.Marshal(v); err != nil || string(out) != want {
			t.Errorf("%s became %s, want %s (%v)", in, out, want, err)
		}
	}
	for _, in := range []string{`{}`, `{"time":"yesterday"}`, `{"time":"2024-05-06T07:08:09Z","x":1}`, `[1]`, `[["a"]]`, `1e999`} {
		var v engine.Value
		if err := json.Unmarshal([]byte(in), &v); err == nil {
			t.Errorf("%s is taken as %v", in, v)
		}
	}
	if _, err := json.Marshal(engine.Float(math.NaN())); err == nil {
		t.Error("NaN goes to JSON")
	}
}

func TestAttrsEncoding(t *testing.T) {
	all := engine.Attrs{}
	for i, v := range samples {
		all[strings.Repeat("n", i+1)] = v
	}
	if err := all.Check(); err != nil {
		t.Fatal(err)
	}
	b := engine.AppendAttrs(nil, all)
	back, err := engine.DecodeAttrs(b)
	if err != nil || len(back) != len(all) {
		t.Fatalf("%d attributes became %d: %v", len(all), len(back), err)
	}
	for name, v := range all {
		if back[name] != v {
			t.Errorf("%q: %v became %v", name, v, back[name])
		}
	}
	for n := range b {
		if n > 0 {
			if _, err := engine.DecodeAttrs(b[:n]); !errors.Is(err, engine.ErrEncoding) {
				t.Fatalf("the first %d of %d bytes: %v", n, len(b), err)
			}
		}
	}
	if _, err := engine.DecodeAttrs(append(slices.Clone(b), 0)); !errors.Is(err, engine.ErrEncoding) {
		t.Errorf("a byte too many: %v", err)
	}
	if b := engine.AppendAttrs(nil, engine.Attrs{}); len(b) != 0 {
		t.Errorf("no attributes are %d bytes", len(b))
	}
	// A golden form: it is in files and must stay readable.
	golden := "\x01\x03\x01b\x04\x01\x01i\x02\xfe\xff\xff\xff\xff\xff\xff\xff\x01t\x06\x05\x01a\x02bc"
	if got := engine.AppendAttrs(nil, engine.Attrs{"t": engine.Strings("a", "bc"), "b": engine.Bool(true), "i": engine.Int(-2)}); string(got) != golden {
		t.Errorf("stored form is %q, want %q", got, golden)
	}
}

func TestAttrsLimits(t *testing.T) {
	many := engine.Attrs{}
	for i := range engine.MaxAttrs + 1 {
		many[strings.Repeat("x", 1+i%200)+string(rune('a'+i/200))] = engine.Int(1)
	}
	for name, a := range map[string]engine.Attrs{
		"too many":     many,
		"no name":      {"": engine.Int(1)},
		"long name":    {strings.Repeat("x", engine.MaxAttrName+1): engine.Int(1)},
		"name":         {"\xff": engine.Int(1)},
		"text":         {"x": engine.String("\xff")},
		"list":         {"x": engine.Strings("a", "\xff")},
		"no value":     {"x": {}},
		"infinite":     {"x": engine.Float(math.Inf(1))},
		"early":        {"x": engine.Time(time.Date(0, 12, 31, 0, 0, 0, 0, time.UTC))},
		"late":         {"x": engine.Time(time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC))},
		"too large":    {"x": engine.String(strings.Repeat("x", engine.MaxAttrBytes))},
		"together too": {"x": engine.String(strings.Repeat("x", engine.MaxAttrBytes/2)), "y": engine.String(strings.Repeat("x", engine.MaxAttrBytes/2))},
	} {
		if err := a.Check(); !errors.Is(err, engine.ErrLimit) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// FuzzDecodeAttrs: whatever bytes decode, they are the one stored form of what
// they hold, and can be stored.
func FuzzDecodeAttrs(f *testing.F) {
	for i, v := range samples {
		f.Add(engine.AppendAttrs(nil, engine.Attrs{"x": v, strings.Repeat("y", i+1): engine.Int(1)}))
	}
	f.Add([]byte{1, 0xff, 0xff, 0xff, 0xff, 0x0f})
	f.Add([]byte{1, 1, 1, 'x', 6, 3, 0xff, 0xff, 0x7f})
	f.Add([]byte{1, 1, 1, 'x', 6, 2, 0x80, 0x00})
	f.Fuzz(func(t *testing.T, b []byte) {
		a, err := engine.DecodeAttrs(b)
		if err != nil {
			if !errors.Is(err, engine.ErrEncoding) {
				t.Fatalf("error without a sentinel: %v", err)
			}
			return
		}
		if got := engine.AppendAttrs(nil, a); string(got) != string(b) {
			t.Fatalf("%q is another form of %q", b, got)
		}
		if len(b) < engine.MaxAttrBytes/2 {
			if err := a.Check(); err != nil {
				t.Fatalf("decoded attributes cannot be stored: %v", err)
			}
		}
		for _, v := range a {
			_ = v.String()
			if list, ok := v.AsStrings(); ok && engine.Strings(list...) != v {
				t.Fatalf("the list %q changes", list)
			}
		}
	})
}

// FuzzValueJSON: what is taken from JSON goes back to it unchanged.
func FuzzValueJSON(f *testing.F) {
	for _, v := range samples {
		b, err := json.Marshal(v)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Add([]byte(`{"time":"0000-01-01T00:00:00Z"}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		var v, back engine.Value
		if json.Unmarshal(b, &v) != nil {
			return
		}
		out, err := json.Marshal(v)
		if err != nil {
			t.Fatalf("%s was taken, and cannot be written: %v", b, err)
		}
		if err := json.Unmarshal(out, &back); err != nil || back != v {
			t.Fatalf("%s became %s and then %v (%v)", b, out, back, err)
		}
	})
}
