package filterexpr

import (
	"errors"
	"time"

	"github.com/clipdb/clipdb/db/engine"
)

// MaxLen is the longest expression, in bytes.
const MaxLen = 64 << 10

// maxDepth bounds what stands in what. Each level of brackets can cost two of
// the filter's own.
const maxDepth = engine.MaxFilterDepth/2 - 2

// Parse reads an expression. Text without a comparison, "" among it, is the
// zero filter, which passes everything. What it returns passes Filter.Check;
// every error is an *Error.
func Parse(input string) (engine.Filter, error) {
	if len(input) > MaxLen {
		return engine.Filter{}, &Error{Input: input, Column: 1, Msg: "the filter is longer than 64 KiB"}
	}
	p := &parser{lex: lexer{input: input, column: 1}}
	if err := p.advance(); err != nil {
		return engine.Filter{}, err
	}
	if p.tok.kind == end {
		return engine.Filter{}, nil
	}
	f, err := p.expr(0)
	if err != nil {
		return engine.Filter{}, err
	}
	if p.tok.kind != end {
		return engine.Filter{}, p.expected(`"and", "or" or the end`)
	}
	if err := f.Check(); err != nil {
		return engine.Filter{}, &Error{Input: input, Column: 1, Msg: plain(err)}
	}
	return f, nil
}

// plain drops the sentinel in front of a message of Check.
func plain(err error) string {
	if errors.Is(err, engine.ErrLimit) {
		return "the filter has too many parts"
	}
	return err.Error()
}

// parser is a recursive descent with one token of foresight.
type parser struct {
	lex lexer
	tok token
}

func (p *parser) advance() error {
	t, err := p.lex.next()
	if err != nil {
		return err
	}
	p.tok = t
	return nil
}

func (p *parser) expected(what string) error {
	return p.lex.fail(p.tok.column, "expected %s, found %s", what, p.tok)
}

// expr reads factors joined by "and" and "or", "and" binding tighter.
func (p *parser) expr(depth int) (engine.Filter, error) {
	var terms, factors []engine.Filter
	for {
		f, err := p.factor(depth)
		if err != nil {
			return f, err
		}
		factors = append(factors, f)
		and, or := p.tok.is("and"), p.tok.is("or")
		if !and {
			terms = append(terms, joined(engine.And, factors))
			factors = nil
		}
		if !and && !or {
			return joined(engine.Or, terms), nil
		}
		if err := p.advance(); err != nil {
			return f, err
		}
	}
}

func joined(join func(...engine.Filter) engine.Filter, parts []engine.Filter) engine.Filter {
	if len(parts) == 1 {
		return parts[0]
	}
	return join(parts...)
}

func (p *parser) factor(depth int) (engine.Filter, error) {
	var none engine.Filter
	if depth > maxDepth {
		return none, p.lex.fail(p.tok.column, "brackets and \"not\" stand in each other more than %d deep", maxDepth)
	}
	switch {
	case p.tok.is("not"):
		if err := p.advance(); err != nil {
			return none, err
		}
		f, err := p.factor(depth + 1)
		return engine.Not(f), err
	case p.tok.kind == open:
		from := p.tok.column
		if err := p.advance(); err != nil {
			return none, err
		}
		f, err := p.expr(depth + 1)
		if err != nil {
			return none, err
		}
		if p.tok.kind == end {
			return none, p.lex.fail(p.tok.column, `the ")" for the "(" in column %d is missing`, from)
		}
		if p.tok.kind != shut {
			return none, p.expected(`"and", "or" or ")"`)
		}
		return f, p.advance()
	}
	return p.comparison()
}

func (p *parser) comparison() (engine.Filter, error) {
	var none engine.Filter
	field, err := p.field()
	if err != nil {
		return none, err
	}
	negated := false
	if p.tok.is("not") {
		negated = true
		if err := p.advance(); err != nil {
			return none, err
		}
	}
	var f engine.Filter
	switch {
	case p.tok.is("in"):
		f, err = p.in(field)
	case p.tok.is("exists"):
		f, err = engine.Exists(field), p.advance()
	case p.tok.is("between"):
		f, err = p.between(field)
	case negated:
		return none, p.expected(`"in", "exists" or "between" after "not"`)
	case p.tok.kind == op:
		f, err = p.relation(field)
	default:
		return none, p.expected(`a comparison (= != < <= > >=, in, exists, between)`)
	}
	if err == nil && negated {
		f = engine.Not(f)
	}
	return f, err
}

// grammarWords cannot be keys without backquotes.
var grammarWords = []string{"and", "or", "not", "in", "exists", "between"}

func (p *parser) field() (string, error) {
	t := p.tok
	switch t.kind {
	case key:
	case word:
		for _, w := range grammarWords {
			if t.is(w) {
				return "", p.expected("a key (one with such a name goes in `backquotes`)")
			}
		}
	case quoted:
		return "", p.expected("a key (quotation marks make text; a key with odd letters goes in `backquotes`)")
	default:
		return "", p.expected("a key")
	}
	if len(t.text) > engine.MaxAttrName {
		return "", p.lex.fail(t.column, "a key of more than %d bytes", engine.MaxAttrName)
	}
	return t.text, p.advance()
}

// operand is a value of a comparison: from next to before after. For all
// values but dates, after is zero and from is the value itself.
type operand struct {
	from  engine.Value
	after engine.Value // for a date, the beginning of the next day
}

func (p *parser) value(where string) (operand, error) {
	t := p.tok
	var v operand
	switch t.kind {
	case quoted:
		v.from = engine.String(t.text)
	case word:
		for _, w := range grammarWords {
			if t.is(w) {
				return v, p.expected("a value " + where + " (text with such a name goes in quotation marks)")
			}
		}
		v.from = Literal(t.text)
		if at, whole, ok := instant(t.text); ok && whole {
			v.after = engine.Time(at.Add(24 * time.Hour))
			if v.after.Check() != nil {
				v.after = engine.Value{} // the last day of the calendar
			}
		}
	default:
		return v, p.expected("a value " + where)
	}
	return v, p.advance()
}

// equal is the filter of field = v. A date means the whole day.
func (v operand) equal(field string) engine.Filter {
	if v.after.IsZero() {
		return engine.Eq(field, v.from)
	}
	return engine.Filter{Op: engine.OpRange, Field: field, Min: v.from, Max: v.after, Below: true}
}

func (p *parser) relation(field string) (engine.Filter, error) {
	var none engine.Filter
	sign := p.tok
	if err := p.advance(); err != nil {
		return none, err
	}
	column := p.tok.column
	v, err := p.value(`after "` + sign.text + `"`)
	if err != nil {
		return none, err
	}
	switch sign.text {
	case "=", "==":
		return v.equal(field), nil
	case "!=", "<>":
		return engine.Not(v.equal(field)), nil
	}
	if v.from.Kind() == engine.KindBool {
		return none, p.lex.fail(column, "true and false have no order; compare with = or !=")
	}
	day := !v.after.IsZero()
	switch {
	case sign.text == "<":
		return engine.Less(field, v.from), nil
	case sign.text == "<=" && day:
		return engine.Less(field, v.after), nil
	case sign.text == "<=":
		return engine.AtMost(field, v.from), nil
	case sign.text == ">" && day:
		return engine.AtLeast(field, v.after), nil
	case sign.text == ">":
		return engine.Greater(field, v.from), nil
	}
	return engine.AtLeast(field, v.from), nil
}

func (p *parser) in(field string) (engine.Filter, error) {
	var none engine.Filter
	if err := p.advance(); err != nil {
		return none, err
	}
	if p.tok.kind != open {
		return none, p.expected(`"(" after "in"`)
	}
	var values []engine.Value
	var days []engine.Filter
	for {
		if err := p.advance(); err != nil { // over "(" or ","
			return none, err
		}
		v, err := p.value(`in the list`)
		if err != nil {
			return none, err
		}
		if v.after.IsZero() {
			values = append(values, v.from)
		} else {
			days = append(days, v.equal(field))
		}
		if p.tok.kind == shut {
			break
		}
		if p.tok.kind != comma {
			return none, p.expected(`"," or ")"`)
		}
	}
	if len(values) > 0 {
		days = append([]engine.Filter{engine.In(field, values...)}, days...)
	}
	return joined(engine.Or, days), p.advance()
}

func (p *parser) between(field string) (engine.Filter, error) {
	var none engine.Filter
	if err := p.advance(); err != nil {
		return none, err
	}
	low, err := p.value(`after "between"`)
	if err != nil {
		return none, err
	}
	if !p.tok.is("and") {
		return none, p.expected(`"and" between the two values`)
	}
	if err := p.advance(); err != nil {
		return none, err
	}
	column := p.tok.column
	high, err := p.value(`after "and"`)
	if err != nil {
		return none, err
	}
	if low.from.Kind() == engine.KindBool || high.from.Kind() == engine.KindBool {
		return none, p.lex.fail(column, "true and false have no order")
	}
	if _, ok := low.from.Compare(high.from); !ok {
		return none, p.lex.fail(column, "a range cannot go from a %v to a %v", low.from.Kind(), high.from.Kind())
	}
	if high.after.IsZero() {
		return engine.Range(field, low.from, high.from), nil
	}
	return engine.Filter{Op: engine.OpRange, Field: field, Min: low.from, Max: high.after, Below: true}, nil
}
