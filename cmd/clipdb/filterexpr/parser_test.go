package filterexpr

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/clipdb/clipdb/db/engine"
)

func day(s string) engine.Value {
	t, err := time.Parse(time.DateOnly, s)
	if err != nil {
		panic(err)
	}
	return engine.Time(t)
}

func TestParse(t *testing.T) {
	str, num := engine.String, engine.Int
	before := func(f engine.Filter) engine.Filter { f.Below = true; return f }
	for _, c := range []struct {
		in   string
		want engine.Filter
	}{
		{"", engine.Filter{}},
		{" \t\n ", engine.Filter{}},
		{"year=2020", engine.Eq("year", num(2020))},
		{"year == 2020", engine.Eq("year", num(2020))},
		{"year != -3", engine.Not(engine.Eq("year", num(-3)))},
		{"year <> 2020", engine.Not(engine.Eq("year", num(2020)))},
		{"f>=2.5", engine.AtLeast("f", engine.Float(2.5))},
		{"f > 1e3", engine.Greater("f", engine.Float(1000))},
		{"f<99999999999999999999", engine.Less("f", engine.Float(99999999999999999999))},
		{"n<=7", engine.AtMost("n", num(7))},
		{"ok = TRUE", engine.Eq("ok", engine.Bool(true))},
		{"place = Oslo", engine.Eq("place", str("Oslo"))},
		{"place = 'New York'", engine.Eq("place", str("New York"))},
		{`place = "a \"b\" \\ c"`, engine.Eq("place", str(`a "b" \ c`))},
		{"code = '2020'", engine.Eq("code", str("2020"))},
		{"`my key` = 'x'", engine.Eq("my key", str("x"))},
		{"`and` exists", engine.Exists("and")},
		{"a = 'and'", engine.Eq("a", str("and"))},
		{"file.path = a/b-c.jpg", engine.Eq("file.path", str("a/b-c.jpg"))},
		{"ort = Zürich", engine.Eq("ort", str("Zürich"))},
		{"場所 = 東京", engine.Eq("場所", str("東京"))},
		{"place in (a,b)", engine.In("place", str("a"), str("b"))},
		{"place NOT IN (a, 1)", engine.Not(engine.In("place", str("a"), num(1)))},
		{"rating exists", engine.Exists("rating")},
		{"rating not exists", engine.Not(engine.Exists("rating"))},
		{"not rating exists", engine.Not(engine.Exists("rating"))},
		{"y between 1 and 5", engine.Range("y", num(1), num(5))},
		{"y between 1 and 5 and z=1", engine.And(engine.Range("y", num(1), num(5)), engine.Eq("z", num(1)))},
		{"a=1 and b=2 or c=3 and not d=4", engine.Or(
			engine.And(engine.Eq("a", num(1)), engine.Eq("b", num(2))),
			engine.And(engine.Eq("c", num(3)), engine.Not(engine.Eq("d", num(4)))))},
		{"a=1 and (b=2 or c=3)", engine.And(engine.Eq("a", num(1)), engine.Or(engine.Eq("b", num(2)), engine.Eq("c", num(3))))},
		{"((a=1))", engine.Eq("a", num(1))},
		{"year>=2020 and place in (a,b)", engine.And(engine.AtLeast("year", num(2020)), engine.In("place", str("a"), str("b")))},
		// A date is the whole day.
		{"t = 2024-02-29", before(engine.Range("t", day("2024-02-29"), day("2024-03-01")))},
		{"t > 2024-02-29", engine.AtLeast("t", day("2024-03-01"))},
		{"t >= 2024-02-29", engine.AtLeast("t", day("2024-02-29"))},
		{"t < 2024-02-29", engine.Less("t", day("2024-02-29"))},
		{"t <= 2024-02-29", engine.Less("t", day("2024-03-01"))},
		{"t between 2024-01-01 and 2024-12-31", before(engine.Range("t", day("2024-01-01"), day("2025-01-01")))},
		{"t in (2024-01-01, x)", engine.Or(engine.In("t", str("x")), before(engine.Range("t", day("2024-01-01"), day("2024-01-02"))))},
		{"t >= 2024-05-01T10:00:00Z", engine.AtLeast("t", engine.Time(time.Date(2024, 5, 1, 10, 0, 0, 0, time.UTC)))},
		{"t < 2024-05-01T10:00:00+02:00", engine.Less("t", engine.Time(time.Date(2024, 5, 1, 8, 0, 0, 0, time.UTC)))},
	} {
		got, err := Parse(c.in)
		if err != nil {
			t.Errorf("%s: %v", c.in, err)
		} else if !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s:\n got %+v\nwant %+v", c.in, got, c.want)
		}
	}
}

func TestParseErrors(t *testing.T) {
	deep := strings.Repeat("(", 200) + "a=1" + strings.Repeat(")", 200)
	for _, c := range []struct {
		in     string
		column int
		says   string
	}{
		{"year >=", 8, `expected a value after ">=", found the end`},
		{"year", 5, "expected a comparison"},
		{"year 2020", 6, `found "2020"`},
		{"= 3", 1, `expected a key, found "="`},
		{"and x=1", 1, "backquotes"},
		{"'x' = 1", 1, "quotation marks make text"},
		{"a=1 b=2", 5, `expected "and", "or" or the end, found "b"`},
		{"a=1 and", 8, "expected a key, found the end"},
		{"(a=1", 5, `")" for the "(" in column 1 is missing`},
		{"(a=1 b=2)", 6, `expected "and", "or" or ")"`},
		{"a=1)", 4, `found ")"`},
		{"place in a", 10, `expected "(" after "in"`},
		{"place in (a b)", 13, `expected "," or ")"`},
		{"place in (", 11, "expected a value in the list, found the end"},
		{"place in ()", 11, `expected a value in the list, found ")"`},
		{"a not = 1", 7, `after "not"`},
		{"a ! 1", 3, `"!" stands alone`},
		{"a = 'x", 5, "closing ' of this text is missing"},
		{"`` = 1", 1, "a key cannot be empty"},
		{"a = $x", 5, "has no meaning here"},
		{"a < true", 5, "no order"},
		{"a between 1 or 2", 13, `expected "and"`},
		{"a between 1 and x", 17, "from a int to a string"},
		{"a = and", 5, "quotation marks"},
		{"ü = 1 and é", 12, "expected a comparison"}, // columns are characters
		{"a = \xff", 5, "not UTF-8"},
		{deep, 32, "deep"},
		{strings.Repeat("n", 300) + " = 1", 1, "key of more than"},
		{"a in (" + strings.Repeat("1,", 20000) + "1)", 1, "too many parts"},
		{strings.Repeat(" ", MaxLen+1), 1, "longer than"},
	} {
		name := c.in
		if len(name) > 40 {
			name = name[:40] + "…"
		}
		_, err := Parse(c.in)
		var e *Error
		if !errors.As(err, &e) {
			t.Errorf("%s: error %v, want an *Error", name, err)
			continue
		}
		if e.Column != c.column || !strings.Contains(e.Msg, c.says) {
			t.Errorf("%s: column %d, %q; want column %d, %q", name, e.Column, e.Msg, c.column, c.says)
		}
	}
}

func TestShow(t *testing.T) {
	_, err := Parse("year >= and x=1")
	var e *Error
	if !errors.As(err, &e) {
		t.Fatal(err)
	}
	if want := "year >= and x=1\n        ^"; e.Show() != want {
		t.Errorf("got\n%s\nwant\n%s", e.Show(), want)
	}
	long := &Error{Input: strings.Repeat("x", 500), Column: 300}
	line, mark, _ := strings.Cut(long.Show(), "\n")
	if n := utf8.RuneCountInString(line); n > 80 {
		t.Errorf("a long expression is shown in %d characters", n)
	}
	if at := strings.Index(mark, "^"); []rune(line)[at] != 'x' {
		t.Errorf("the mark points beside the text")
	}
}

func TestAttribute(t *testing.T) {
	for in, want := range map[string]engine.Value{
		"year=2020":                        engine.Int(2020),
		"f=2.5":                            engine.Float(2.5),
		"f=-1e3":                           engine.Float(-1000),
		"ok=true":                          engine.Bool(true),
		"when=2024-05-01":                  day("2024-05-01"),
		"place=New York":                   engine.String("New York"),
		"place=":                           engine.String(""),
		"place=a=b":                        engine.String("a=b"),
		"code:text=2020":                   engine.String("2020"),
		"n:float=2":                        engine.Float(2),
		"n:int=2":                          engine.Int(2),
		"tags:list=sea, sun":               engine.Strings("sea", "sun"),
		"tags=[sea,sun]":                   engine.Strings("sea", "sun"),
		"tags=[]":                          engine.Strings(),
		"when:time=2024-05-01T18:30:00Z":   engine.Time(time.Date(2024, 5, 1, 18, 30, 0, 0, time.UTC)),
		"word=nan":                         engine.String("nan"),
		"word=inf":                         engine.String("inf"),
		"hex=0x10":                         engine.String("0x10"),
		"version=1.2.3":                    engine.String("1.2.3"),
		"dash=-":                           engine.String("-"),
		"e=e5":                             engine.String("e5"),
		"time with colon:text=at 10:30:00": engine.String("at 10:30:00"),
	} {
		key, got, err := Attribute(in)
		if err != nil || got != want {
			t.Errorf("%s: %v %v, %v; want %v %v", in, got.Kind(), got, err, want.Kind(), want)
		}
		if k, _, _ := strings.Cut(in, "="); key != strings.Split(k, ":")[0] {
			t.Errorf("%s: key %q", in, key)
		}
	}
	for _, in := range []string{"year", "=1", ":int=1", "n:int=1.5", "n:float=NaN", "b:bool=maybe", "t:time=soon",
		"x:colour=red", "bad=\xff", strings.Repeat("k", 300) + "=1"} {
		if k, v, err := Attribute(in); err == nil {
			t.Errorf("%q: %q %v, want an error", in, k, v)
		}
	}
}

// render writes a filter in the grammar, with more brackets than it needs.
func render(f engine.Filter) string {
	value := func(v engine.Value) string {
		if s, ok := v.AsString(); ok {
			return fmt.Sprintf("'%s'", strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(s))
		}
		return v.String()
	}
	field := "`" + strings.NewReplacer(`\`, `\\`, "`", "\\`").Replace(f.Field) + "`"
	var parts []string
	for _, g := range f.Filters {
		parts = append(parts, "("+render(g)+")")
	}
	switch f.Op {
	case engine.OpAnd:
		return strings.Join(parts, " and ")
	case engine.OpOr:
		return strings.Join(parts, " or ")
	case engine.OpNot:
		return "not " + parts[0]
	case engine.OpExists:
		return field + " exists"
	case engine.OpIn:
		var list []string
		for _, v := range f.Values {
			list = append(list, value(v))
		}
		return field + " in (" + strings.Join(list, ", ") + ")"
	case engine.OpRange:
		switch {
		case f.Max.IsZero() && f.Above:
			return field + ">" + value(f.Min)
		case f.Max.IsZero():
			return field + ">=" + value(f.Min)
		case f.Min.IsZero() && f.Below:
			return field + "<" + value(f.Max)
		case f.Min.IsZero():
			return field + "<=" + value(f.Max)
		}
		return field + " between " + value(f.Min) + " and " + value(f.Max)
	}
	return field + "=" + value(f.Values[0])
}

func randomValue(r *rand.Rand) engine.Value {
	switch r.IntN(3) {
	case 0:
		return engine.Int(int64(r.IntN(5)))
	case 1:
		return engine.Float(float64(r.IntN(10)) / 2)
	}
	return engine.String([]string{"a", "b c", `it's`, "`x`", `\`, "2", "and"}[r.IntN(7)])
}

func randomFilter(r *rand.Rand, depth int) engine.Filter {
	field := []string{"k", "my key", "`", "or", "x\\y"}[r.IntN(5)]
	n := 8
	if depth == 0 {
		n = 5
	}
	sub := func() engine.Filter { return randomFilter(r, depth-1) }
	switch r.IntN(n) {
	case 0:
		return engine.Eq(field, randomValue(r))
	case 1:
		return engine.In(field, randomValue(r), randomValue(r))
	case 2:
		return engine.Exists(field)
	case 3:
		return []func(string, engine.Value) engine.Filter{engine.Less, engine.AtMost, engine.Greater, engine.AtLeast}[r.IntN(4)](field, randomValue(r))
	case 4:
		return engine.Range(field, engine.Int(int64(r.IntN(3))), engine.Int(int64(r.IntN(6))))
	case 5:
		return engine.And(sub(), sub())
	case 6:
		return engine.Or(sub(), sub(), sub())
	}
	return engine.Not(sub())
}

// What is written in the grammar and read back lets the same items through.
func TestRenderedFiltersComeBack(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	passed := 0
	for range 3000 {
		want := randomFilter(r, 3)
		text := render(want)
		got, err := Parse(text)
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		for range 20 {
			attrs := engine.Attrs{}
			for _, k := range []string{"k", "my key", "`", "or", "x\\y"} {
				if r.IntN(3) > 0 {
					attrs[k] = randomValue(r)
				}
			}
			if got.Match(attrs) != want.Match(attrs) {
				t.Fatalf("%s on %v: %v, want %v", text, attrs, got.Match(attrs), want.Match(attrs))
			}
			if want.Match(attrs) {
				passed++
			}
		}
	}
	if passed < 1000 {
		t.Errorf("only %d of 60,000 tests let an item through: the filters say too little", passed)
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{
		"year >= 2020 and place in (Oslo, \"New York\")",
		"not (private = true) and taken < 2024-05-01 or `odd key` != 'x\\'y'",
		"a between 1 and 2.5e3", "rating not exists", "((((a=1))))", "a = 9999-12-31", "é = ✓",
		"a <= 9999-12-31T23:59:59Z", "not not not a exists", "a='", "\xff", "a in (1,'b',true)",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		filter, err := Parse(s)
		if err == nil {
			if err := filter.Check(); err != nil {
				t.Fatalf("%q: Parse gave a filter that cannot be used: %v", s, err)
			}
			filter.Match(engine.Attrs{"a": engine.Int(1), "year": engine.String("x")})
			return
		}
		var e *Error
		if !errors.As(err, &e) {
			t.Fatalf("%q: %T is no *Error", s, err)
		}
		if e.Column < 1 || e.Column > utf8.RuneCountInString(s)+1 {
			t.Fatalf("%q: column %d lies outside", s, e.Column)
		}
		if e.Msg == "" || strings.Count(e.Show(), "\n") != 1 {
			t.Fatalf("%q: shown as %q: %q", s, e.Msg, e.Show())
		}
	})
}

func FuzzAttribute(f *testing.F) {
	for _, s := range []string{"a=1", "a:list=x,y", "t=2024-01-01", "n:float=1e400", ":=", "a=[b", "k:bool=T"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		key, v, err := Attribute(s)
		if err == nil {
			if err := (engine.Attrs{key: v}).Check(); err != nil {
				t.Fatalf("%q: an attribute that cannot be stored: %v", s, err)
			}
		}
	})
}
