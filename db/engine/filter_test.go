package engine_test

import (
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/clipdb/clipdb/db/engine"
)

func TestFilterMatch(t *testing.T) {
	a := engine.Attrs{
		"camera": engine.String("Canon"), "year": engine.Int(2020), "f": engine.Float(2), "public": engine.Bool(true),
		"taken": engine.Time(time.Unix(1000, 0)), "tags": engine.Strings("dog", "beach"), "none": engine.Strings(),
	}
	for _, c := range []struct {
		f    engine.Filter
		want bool
	}{
		{engine.Filter{}, true},
		{engine.Eq("camera", engine.String("Canon")), true},
		{engine.Eq("camera", engine.String("canon")), false},
		{engine.Eq("year", engine.Float(2020)), true},
		{engine.Eq("f", engine.Int(2)), true},
		{engine.Eq("f", engine.String("2")), false},
		{engine.Eq("tags", engine.String("dog")), true},
		{engine.Eq("tags", engine.String("cat")), false},
		{engine.Eq("missing", engine.Int(0)), false},
		{engine.Not(engine.Eq("missing", engine.Int(0))), true},
		{engine.In("year", engine.Int(2019), engine.Int(2020)), true},
		{engine.In("year"), false},
		{engine.In("tags", engine.String("cat"), engine.String("beach")), true},
		{engine.Range("year", engine.Int(2020), engine.Int(2020)), true},
		{engine.Less("year", engine.Int(2020)), false},
		{engine.AtMost("year", engine.Float(2020.5)), true},
		{engine.Greater("year", engine.Int(2020)), false},
		{engine.AtLeast("taken", engine.Time(time.Unix(1000, 0))), true},
		{engine.Greater("taken", engine.Time(time.Unix(1000, 0))), false},
		{engine.Range("camera", engine.String("B"), engine.String("D")), true},
		{engine.AtLeast("public", engine.Int(0)), false},
		{engine.Range("tags", engine.String("c"), engine.String("e")), true},
		{engine.Exists("none"), true},
		{engine.Exists("missing"), false},
		{engine.And(), true},
		{engine.Or(), false},
		{engine.And(engine.Exists("year"), engine.Exists("missing")), false},
		{engine.Or(engine.Exists("year"), engine.Exists("missing")), true},
	} {
		if err := c.f.Check(); err != nil {
			t.Errorf("%v: %v", c.f, err)
		}
		if got := c.f.Match(a); got != c.want {
			t.Errorf("%+v matches: %v", c.f, got)
		}
		b, err := json.Marshal(c.f)
		if err != nil {
			t.Fatal(err)
		}
		var back engine.Filter
		if err := json.Unmarshal(b, &back); err != nil || len(c.f.Values) > 0 && !reflect.DeepEqual(back, c.f) {
			t.Errorf("%+v became %+v through %s (%v)", c.f, back, b, err)
		}
		if back.Match(a) != c.want {
			t.Errorf("%+v means something else after JSON", c.f)
		}
	}
}

func TestFilterCheck(t *testing.T) {
	deep := engine.Exists("x")
	for range engine.MaxFilterDepth {
		deep = engine.Not(deep)
	}
	for name, c := range map[string]struct {
		f    engine.Filter
		want error
	}{
		"unknown":         {engine.Filter{Op: "like", Field: "x"}, engine.ErrFilter},
		"no field":        {engine.Filter{Op: engine.OpEq, Values: []engine.Value{engine.Int(1)}}, engine.ErrFilter},
		"field of and":    {engine.Filter{Op: engine.OpAnd, Field: "x"}, engine.ErrFilter},
		"no value":        {engine.Filter{Op: engine.OpEq, Field: "x"}, engine.ErrFilter},
		"empty value":     {engine.Eq("x", engine.Value{}), engine.ErrFilter},
		"equals list":     {engine.Eq("x", engine.Strings("a")), engine.ErrFilter},
		"two values":      {engine.Filter{Op: engine.OpEq, Field: "x", Values: []engine.Value{engine.Int(1), engine.Int(2)}}, engine.ErrFilter},
		"open range":      {engine.Filter{Op: engine.OpRange, Field: "x"}, engine.ErrFilter},
		"range of bools":  {engine.AtLeast("x", engine.Bool(true)), engine.ErrFilter},
		"mixed range":     {engine.Range("x", engine.Int(1), engine.String("2")), engine.ErrFilter},
		"range of eq":     {engine.Filter{Op: engine.OpEq, Field: "x", Values: []engine.Value{engine.Int(1)}, Above: true}, engine.ErrFilter},
		"not of two":      {engine.Filter{Op: engine.OpNot, Filters: make([]engine.Filter, 2)}, engine.ErrFilter},
		"not of none":     {engine.Filter{Op: engine.OpNot}, engine.ErrFilter},
		"filters of eq":   {engine.Filter{Op: engine.OpExists, Field: "x", Filters: make([]engine.Filter, 1)}, engine.ErrFilter},
		"inside":          {engine.And(engine.Or(engine.Filter{Op: "x"})), engine.ErrFilter},
		"too deep":        {deep, engine.ErrLimit},
		"too large":       {engine.In("x", make([]engine.Value, engine.MaxFilterNodes)...), engine.ErrLimit},
		"long field":      {engine.Exists(strings.Repeat("x", engine.MaxAttrName+1)), engine.ErrFilter},
		"field not UTF-8": {engine.Exists("\xff"), engine.ErrFilter},
	} {
		if err := c.f.Check(); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
}

// FuzzFilterJSON: a filter that is taken from JSON and passes Check can be
// asked without trouble.
func FuzzFilterJSON(f *testing.F) {
	for _, g := range []engine.Filter{
		engine.And(engine.Eq("a", engine.Int(1)), engine.Not(engine.Range("b", engine.Float(1), engine.Value{}))),
		engine.Or(engine.In("c", engine.String("x"), engine.Bool(true)), engine.Exists("d"), engine.Filter{}),
	} {
		b, err := json.Marshal(g)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Add([]byte(`{"op":"not"}`))
	a := engine.Attrs{"a": engine.Int(1), "b": engine.Float(2), "c": engine.Strings("x"), "d": engine.Bool(true)}
	f.Fuzz(func(t *testing.T, b []byte) {
		var g, back engine.Filter
		if json.Unmarshal(b, &g) != nil || g.Check() != nil {
			return
		}
		got := g.Match(a)
		out, err := json.Marshal(g)
		if err != nil {
			t.Fatalf("%s was taken, and cannot be written: %v", b, err)
		}
		if err := json.Unmarshal(out, &back); err != nil || back.Match(a) != got {
			t.Fatalf("%s means something else as %s (%v)", b, out, err)
		}
		if engine.Not(g).Match(a) == got && g.Check() == nil {
			t.Fatalf("%s and its opposite agree", b)
		}
	})
}
