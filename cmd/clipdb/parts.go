package main

import (
	"bytes"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/clipdb/clipdb/db"
)

// partFlags are the further parts of a query.
type partFlags struct {
	Plus  []string `name:"plus" sep:"none" placeholder:"TEXT[^W]" help:"Words to add, W times as strong."`
	Minus []string `name:"minus" sep:"none" placeholder:"TEXT[^W]" help:"Words to take away, W times as strong."`
	Like  []string `name:"like" sep:"none" placeholder:"ID[^W]" help:"An item to add."`
	Image []string `name:"image" sep:"none" placeholder:"FILE[^W]" help:"A picture file to add, or - for standard input."`
}

// adds reports whether a part is there that a query can consist of.
func (f *partFlags) adds() bool { return len(f.Plus)+len(f.Like)+len(f.Image) > 0 }

func (f *partFlags) none() bool { return !f.adds() && len(f.Minus) == 0 }

// join adds the parts to the query for the text, which may be empty.
func (f *partFlags) join(a *app, text string, q db.Query, words *wordFlags) (db.Query, error) {
	if f.none() {
		return q, nil
	}
	if words.Keywords {
		return q, usagef("--keywords ranks by words alone; --plus, --minus, --like and --image go with pictures")
	}
	if strings.TrimSpace(text) == "" {
		q = db.Query{}
	}
	for _, list := range []struct {
		flag  string
		items []string
		sign  float64
		part  func(string) (db.Query, error)
	}{
		{"--plus", f.Plus, 1, wordsPart},
		{"--minus", f.Minus, -1, wordsPart},
		{"--like", f.Like, 1, func(id string) (db.Query, error) { return db.Like(id), nil }},
		{"--image", f.Image, 1, func(name string) (db.Query, error) {
			data, err := a.picture(name)
			return db.Image(bytes.NewReader(data)), err
		}},
	} {
		for _, item := range list.items {
			item, weight, err := weighted(item)
			if err != nil || strings.TrimSpace(item) == "" {
				return q, usagef("%s %q: want something, and maybe ^ and a weight above 0", list.flag, item)
			}
			part, err := list.part(item)
			if err != nil {
				return q, err
			}
			q = q.Plus(list.sign*weight, part)
		}
	}
	return q, nil
}

func wordsPart(text string) (db.Query, error) { return db.Text(text), nil }

// weighted takes the weight off the end of a part: "fence^0.5". What follows
// the last ^ and is no number belongs to the part.
func weighted(s string) (part string, weight float64, err error) {
	at := strings.LastIndexByte(s, '^')
	if at < 0 {
		return s, 1, nil
	}
	w, err := strconv.ParseFloat(s[at+1:], 64)
	if err != nil {
		return s, 1, nil
	}
	if !(w > 0) || math.IsInf(w, 0) {
		return s, 0, fmt.Errorf("the weight %v is not above 0", w)
	}
	return s[:at], w, nil
}

// name is what a page calls the query.
func (f *partFlags) name(text string) string {
	parts := []string{}
	if strings.TrimSpace(text) != "" {
		parts = append(parts, text)
	}
	for _, list := range []struct {
		before string
		items  []string
	}{{"+ ", f.Plus}, {"− ", f.Minus}, {"+ like ", f.Like}, {"+ picture ", f.Image}} {
		for _, item := range list.items {
			parts = append(parts, list.before+item)
		}
	}
	return strings.TrimPrefix(strings.Join(parts, " "), "+ ")
}
