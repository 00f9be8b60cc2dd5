package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unicode"
)

// collection is pictures that are searched together, and what is asked.
type collection struct {
	name    string
	items   []item
	present []question
	absent  []question
}

type item struct {
	id, file string
	captions []string
	labels   []string
}

// question is a word, and the items that it fits by their labels or captions.
type question struct {
	text     string
	relevant map[string]bool
}

// readCollections returns the folder as one collection, or each folder in it
// that has captions.jsonl and, before them, all of these as one.
func readCollections(dir string) ([]collection, error) {
	own, err := readItems(dir, "")
	if err == nil {
		return []collection{{name: filepath.Base(dir), items: own}}, nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	list := []collection{{name: "all"}}
	for _, e := range entries {
		if !e.IsDir() {
			continue
		}
		items, err := readItems(filepath.Join(dir, e.Name()), e.Name()+"/")
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		list[0].items = append(list[0].items, items...)
		list = append(list, collection{name: e.Name(), items: items})
	}
	if len(list) == 1 {
		return nil, fmt.Errorf("%s has no captions.jsonl, nor has a folder in it", dir)
	}
	return list, nil
}

func readItems(dir, prefix string) ([]item, error) {
	f, err := os.Open(filepath.Join(dir, "captions.jsonl"))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var items []item
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var line struct {
			File             string
			Captions, Labels []string
		}
		if err := json.Unmarshal(lines.Bytes(), &line); err != nil {
			return nil, fmt.Errorf("%s: %w", f.Name(), err)
		}
		it := item{id: prefix + line.File, file: filepath.Join(dir, line.File)}
		for _, c := range line.Captions {
			it.captions = append(it.captions, words(c))
		}
		for _, l := range line.Labels {
			it.labels = append(it.labels, strings.ToLower(l))
		}
		items = append(items, it)
	}
	return items, lines.Err()
}

// words are those of a text in small letters, with a space around each.
func words(text string) string {
	return " " + strings.Join(strings.FieldsFunc(strings.ToLower(text), func(r rune) bool { return !unicode.IsLetter(r) && r != '-' }), " ") + " "
}

// has reports whether an item is of a word: by a label, or by its captions,
// where it has several by two of them.
func (it *item) has(word string) bool {
	if slices.Contains(it.labels, word) {
		return true
	}
	return it.mentions(word) >= min(2, max(1, len(it.captions)))
}

func (it *item) mentions(word string) (n int) {
	for _, c := range it.captions {
		if strings.Contains(c, " "+word+" ") || strings.Contains(c, " "+word+"s ") {
			n++
		}
	}
	return n
}

// class is a synset of WordNet.
type class struct {
	Names, Hypernyms []string
}

// Questions: a word is present with at least leastRelevant items, and too
// general beyond mostRelevant of a collection.
const (
	leastRelevant = 3
	mostRelevant  = 0.1
	mostQuestions = 300
)

// ask fills in the questions. Present is what a label of the collection or a
// name in WordNet says of some items; absent is a name of WordNet that no label
// or caption has, nor one of the synset's other names or next two hypernyms.
func (c *collection) ask(classes []class) {
	var candidates []string
	for _, it := range c.items {
		candidates = append(candidates, it.labels...)
	}
	for _, s := range classes {
		for _, n := range append(slices.Clone(s.Names), s.Hypernyms[:min(6, len(s.Hypernyms))]...) {
			candidates = append(candidates, strings.ToLower(n))
		}
	}
	slices.Sort(candidates)
	for _, w := range slices.Compact(candidates) {
		q := question{w, map[string]bool{}}
		for i := range c.items {
			if c.items[i].has(w) {
				q.relevant[c.items[i].id] = true
			}
		}
		if n := len(q.relevant); n >= leastRelevant && float64(n) <= mostRelevant*float64(len(c.items)) {
			c.present = append(c.present, q)
		}
	}
	for _, s := range classes {
		names := append(slices.Clone(s.Names), s.Hypernyms[:min(2, len(s.Hypernyms))]...)
		if !slices.ContainsFunc(c.items, func(it item) bool {
			return slices.ContainsFunc(names, func(n string) bool {
				n = strings.ToLower(n)
				return it.mentions(n) > 0 || slices.ContainsFunc(it.labels, func(l string) bool { return strings.Contains(words(l), " "+n+" ") })
			})
		}) {
			c.absent = append(c.absent, question{text: strings.ToLower(s.Names[0])})
		}
	}
	// The same ones each time.
	r := rand.New(rand.NewPCG(1, 1))
	for _, list := range []*[]question{&c.present, &c.absent} {
		r.Shuffle(len(*list), func(i, j int) { (*list)[i], (*list)[j] = (*list)[j], (*list)[i] })
		*list = (*list)[:min(len(*list), mostQuestions)]
	}
}

func readClasses(path string) ([]class, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var byID map[string]class
	if err := json.Unmarshal(data, &byID); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	ids := make([]string, 0, len(byID))
	for id := range byID {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	var list []class
	for _, id := range ids {
		list = append(list, byID[id])
	}
	return list, nil
}
