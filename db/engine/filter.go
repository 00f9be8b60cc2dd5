package engine

import (
	"fmt"
	"unicode/utf8"
)

// Op is the kind of a Filter.
type Op string

// The kinds of filters.
const (
	OpAll    Op = ""       // passes every item: the zero Filter
	OpEq     Op = "eq"     // the attribute equals Values[0]
	OpIn     Op = "in"     // the attribute equals one of Values
	OpRange  Op = "range"  // the attribute lies between Min and Max
	OpExists Op = "exists" // the item has the attribute
	OpAnd    Op = "and"    // every one of Filters passes
	OpOr     Op = "or"     // at least one of Filters passes
	OpNot    Op = "not"    // Filters[0] does not pass
)

// Filter tells which items may be in an answer, by their attributes. The zero
// Filter passes every item. It is a tree of plain values, made by the
// functions Eq, In, Range and their kin, and goes to JSON and back.
//
// An item without the attribute fails every test of it but Not. A list of
// strings passes a test when one of its strings does. Numbers compare by what
// they are worth, so Eq("f", Int(2)) passes a float 2.0; otherwise values of
// another kind than asked for fail.
type Filter struct {
	Op      Op       `json:"op,omitempty"`
	Field   string   `json:"field,omitempty"`   // name of the attribute, for OpEq, OpIn, OpRange and OpExists
	Values  []Value  `json:"values,omitempty"`  // for OpEq (one) and OpIn
	Min     Value    `json:"min,omitzero"`      // for OpRange; zero leaves that side open
	Max     Value    `json:"max,omitzero"`      // for OpRange; zero leaves that side open
	Above   bool     `json:"above,omitempty"`   // for OpRange: Min itself fails
	Below   bool     `json:"below,omitempty"`   // for OpRange: Max itself fails
	Filters []Filter `json:"filters,omitempty"` // for OpAnd, OpOr and OpNot (one)
}

// Eq passes items whose attribute equals v.
func Eq(field string, v Value) Filter { return Filter{Op: OpEq, Field: field, Values: []Value{v}} }

// In passes items whose attribute equals one of the values; without values it
// passes none.
func In(field string, values ...Value) Filter { return Filter{Op: OpIn, Field: field, Values: values} }

// Range passes items whose attribute lies from min to max, both included. A
// zero Value leaves its side open.
func Range(field string, min, max Value) Filter {
	return Filter{Op: OpRange, Field: field, Min: min, Max: max}
}

// Less passes items whose attribute is below v.
func Less(field string, v Value) Filter {
	return Filter{Op: OpRange, Field: field, Max: v, Below: true}
}

// AtMost passes items whose attribute is v or below.
func AtMost(field string, v Value) Filter { return Filter{Op: OpRange, Field: field, Max: v} }

// Greater passes items whose attribute is above v.
func Greater(field string, v Value) Filter {
	return Filter{Op: OpRange, Field: field, Min: v, Above: true}
}

// AtLeast passes items whose attribute is v or above.
func AtLeast(field string, v Value) Filter { return Filter{Op: OpRange, Field: field, Min: v} }

// Exists passes items that have the attribute, whatever its value.
func Exists(field string) Filter { return Filter{Op: OpExists, Field: field} }

// And passes items that pass every filter; without filters it passes all.
func And(filters ...Filter) Filter { return Filter{Op: OpAnd, Filters: filters} }

// Or passes items that pass at least one filter; without filters it passes
// none.
func Or(filters ...Filter) Filter { return Filter{Op: OpOr, Filters: filters} }

// Not passes items that the filter does not pass, items without its attribute
// among them.
func Not(f Filter) Filter { return Filter{Op: OpNot, Filters: []Filter{f}} }

// IsZero reports whether f passes every item without looking.
func (f Filter) IsZero() bool { return f.Op == OpAll }

// Limits of a filter.
const (
	MaxFilterDepth = 64
	MaxFilterNodes = 10_000 // filters and values together
)

// Check returns an error wrapping ErrFilter when f says nothing sensible, or
// ErrLimit when it is too large.
func (f Filter) Check() error {
	nodes := 0
	return f.check(1, &nodes)
}

func (f Filter) check(depth int, nodes *int) error {
	*nodes += 1 + len(f.Values)
	if depth > MaxFilterDepth || *nodes > MaxFilterNodes {
		return fmt.Errorf("%w: a filter deeper than %d or with more than %d parts", ErrLimit, MaxFilterDepth, MaxFilterNodes)
	}
	needField, values, filters := false, 0, 0
	switch f.Op {
	case OpAll:
	case OpEq:
		needField, values = true, 1
	case OpIn:
		needField, values = true, len(f.Values)
	case OpRange, OpExists:
		needField = true
	case OpAnd, OpOr:
		filters = len(f.Filters)
	case OpNot:
		filters = 1
	default:
		return fmt.Errorf("%w: no filter is called %.40q", ErrFilter, string(f.Op))
	}
	if f.Op != OpRange && (!f.Min.IsZero() || !f.Max.IsZero() || f.Above || f.Below) {
		return fmt.Errorf("%w: %q with a range", ErrFilter, f.Op)
	}
	if needField != (f.Field != "") || len(f.Field) > MaxAttrName || !utf8.ValidString(f.Field) {
		return fmt.Errorf("%w: %q with the attribute name %.40q", ErrFilter, f.Op, f.Field)
	}
	if len(f.Values) != values || len(f.Filters) != filters {
		return fmt.Errorf("%w: %q with %d values and %d filters", ErrFilter, f.Op, len(f.Values), len(f.Filters))
	}
	for _, v := range f.Values {
		if v.Check() != nil || v.kind == KindStrings {
			return fmt.Errorf("%w: %q of attribute %q compares with a %v", ErrFilter, f.Op, f.Field, v.kind)
		}
	}
	if err := f.checkRange(); err != nil {
		return err
	}
	for _, g := range f.Filters {
		if err := g.check(depth+1, nodes); err != nil {
			return err
		}
	}
	return nil
}

func (f Filter) checkRange() error {
	if f.Op != OpRange {
		return nil
	}
	for _, v := range []Value{f.Min, f.Max} {
		if !v.IsZero() && (!v.ordered() || v.Check() != nil) {
			return fmt.Errorf("%w: the range of attribute %q is bounded by a %v", ErrFilter, f.Field, v.kind)
		}
	}
	if f.Min.IsZero() && f.Max.IsZero() {
		return fmt.Errorf("%w: the range of attribute %q has no bound", ErrFilter, f.Field)
	}
	if !f.Min.IsZero() && !f.Max.IsZero() {
		if _, ok := f.Min.Compare(f.Max); !ok {
			return fmt.Errorf("%w: the range of attribute %q goes from a %v to a %v", ErrFilter, f.Field, f.Min.kind, f.Max.kind)
		}
	}
	return nil
}

// Match reports whether an item with these attributes passes. It is the
// reference for what filters mean.
func (f Filter) Match(a Attrs) bool {
	switch f.Op {
	case OpAll:
		return true
	case OpAnd:
		for _, g := range f.Filters {
			if !g.Match(a) {
				return false
			}
		}
		return true
	case OpOr:
		for _, g := range f.Filters {
			if g.Match(a) {
				return true
			}
		}
		return false
	case OpNot:
		return !f.Filters[0].Match(a)
	}
	v, ok := a[f.Field]
	return ok && f.MatchValue(v)
}

// MatchValue reports whether an attribute of the value passes a filter that
// tests one attribute: OpEq, OpIn, OpRange or OpExists.
func (f Filter) MatchValue(v Value) bool {
	if f.Op == OpExists {
		return true
	}
	if v.kind == KindStrings {
		for s := range v.elements {
			if f.MatchValue(String(s)) {
				return true
			}
		}
		return false
	}
	if f.Op == OpRange {
		return f.inRange(v)
	}
	for _, w := range f.Values {
		if c, ok := v.Compare(w); ok && c == 0 {
			return true
		}
	}
	return false
}

func (f Filter) inRange(v Value) bool {
	if !v.ordered() {
		return false
	}
	if !f.Min.IsZero() {
		if c, ok := v.Compare(f.Min); !ok || c < 0 || c == 0 && f.Above {
			return false
		}
	}
	if !f.Max.IsZero() {
		if c, ok := v.Compare(f.Max); !ok || c > 0 || c == 0 && f.Below {
			return false
		}
	}
	return true
}

// Fields yields the names of the attributes that f tests, some perhaps more
// than once.
func (f Filter) Fields(yield func(string) bool) { f.fields(yield) }

func (f Filter) fields(yield func(string) bool) bool {
	if f.Field != "" && !yield(f.Field) {
		return false
	}
	for _, g := range f.Filters {
		if !g.fields(yield) {
			return false
		}
	}
	return true
}
