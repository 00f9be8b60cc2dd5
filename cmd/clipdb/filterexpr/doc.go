// Package filterexpr reads the filters of the command line:
//
//	year >= 2020 and place in (Oslo, "New York")
//	not (private = true) and taken < 2024-05-01
//	rating exists or tags = sea
//
// The grammar, loosest first:
//
//	expr       = term { "or" term }
//	term       = factor { "and" factor }
//	factor     = "not" factor | "(" expr ")" | comparison
//	comparison = key ( "=" | "==" | "!=" | "<>" | "<" | "<=" | ">" | ">=" ) value
//	           | key [ "not" ] "in" "(" value { "," value } ")"
//	           | key [ "not" ] "exists"
//	           | key "between" value "and" value
//	key        = a bare word, or any text in `backquotes`
//	value      = number | true | false | date | time | bare word | "text" | 'text'
//
// Words of the grammar are read in any case. A bare word is letters, digits and
// the signs _ . - / : + @ # %; a date is 2024-05-01 and a time is written as in
// RFC 3339. What stands in quotation marks is always text.
//
// # Caveats
//
// An item without the attribute passes no comparison but != and "not": `year !=
// 2020` lets items without a year through. Add `and year exists` to keep them
// out.
package filterexpr
