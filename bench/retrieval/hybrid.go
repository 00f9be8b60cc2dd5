package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/clipdb/clipdb"
)

// weights of the keywords that are measured.
var weights = []float64{0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1}

// hybrid stores each photo with two of its captions and searches for another,
// each caption in turn being the one searched for. A photo of a book is stored
// with what is printed under it and searched for by its first caption. Photos
// with fewer captions stay in the database, with what is left, and are not
// searched for. Of 100 photos, bare have no caption at all.
func hybrid(ctx context.Context, tmp string, enc clipdb.Encoder, pairs []pair, images [][]float32, bare int) error {
	rounds := 0
	for _, p := range pairs {
		if p.printed != "" {
			rounds = max(rounds, 1)
		} else if len(p.all) > 2 {
			rounds = max(rounds, len(p.all))
		}
	}
	if rounds == 0 {
		return errors.New("no photo has three captions: two to store and one to search for")
	}
	ways := []way{{"vectors alone", nil}, {"keywords alone", nil}}
	for _, w := range weights {
		ways = append(ways, way{fmt.Sprintf("hybrid, weight %.1f", w), &clipdb.Hybrid{Weight: w}})
	}
	sums := make([]figures, len(ways))
	queries := 0
	for round := range rounds {
		n, err := hybridRound(ctx, filepath.Join(tmp, fmt.Sprintf("round%d.clipdb", round)), enc, pairs, images, bare, round, ways, sums)
		if err != nil {
			return err
		}
		queries += n
	}
	fmt.Printf("%d photos, %d %% of them without a caption, %d queries\n%-28s %6s %6s %6s\n", len(pairs), bare, queries, "", "R@1", "R@5", "R@10")
	for i, w := range ways {
		for j := range sums[i] {
			sums[i][j] /= float64(queries)
		}
		sums[i].print(w.name)
	}
	return nil
}

// split gives what to search for in a round, "" for nothing, and what to store.
func (p pair) split(round int) (query, stored string) {
	n := len(p.all)
	switch {
	case p.printed != "" && round == 0:
		return p.all[0], p.printed
	case p.printed != "":
		return "", p.printed
	case n < 3:
		return "", p.all[0]
	case round < n:
		query = strings.TrimSpace(p.all[round])
	}
	return query, p.all[(round+1)%n] + "\n" + p.all[(round+2)%n]
}

// way is a way of searching.
type way struct {
	name   string
	hybrid *clipdb.Hybrid
}

// query searches for the text.
func (w way) query(ctx context.Context, d *clipdb.DB, text string, vector []float32) ([]clipdb.Match, error) {
	opts := &clipdb.SearchOptions{K: 10}
	if w.name == "keywords alone" {
		return d.SearchByKeywords(ctx, text, opts)
	}
	if w.hybrid != nil {
		opts.Hybrid = &clipdb.Hybrid{Weight: w.hybrid.Weight, Text: text}
	}
	return d.Search(ctx, clipdb.Vector(vector), opts) // the text's, computed once for all ways
}

// hybridRound adds to sums how many photos were found, for each way.
func hybridRound(ctx context.Context, path string, enc clipdb.Encoder, pairs []pair, images [][]float32, bare, round int, ways []way, sums []figures) (queries int, err error) {
	d, err := clipdb.Open(path, &clipdb.Options{Encoder: enc})
	if err != nil {
		return 0, err
	}
	defer d.Close()
	_, err = d.InsertAll(ctx, func(yield func(clipdb.Item) bool) {
		for i, p := range pairs {
			_, stored := p.split(round)
			if (i*37+11)%100 < bare {
				stored = ""
			}
			if !yield(clipdb.Item{ID: name(i), Vector: images[i], Caption: stored}) {
				return
			}
		}
	}, nil)
	if err != nil {
		return 0, err
	}
	var ids []int
	var texts []string
	for i, p := range pairs {
		if query, _ := p.split(round); query != "" {
			ids, texts = append(ids, i), append(texts, query)
		}
	}
	vectors, err := enc.EncodeText(ctx, texts)
	if err != nil {
		return 0, err
	}
	for w := range ways {
		for q, id := range ids {
			matches, err := ways[w].query(ctx, d, texts[q], vectors[q])
			if err != nil {
				return 0, err
			}
			for at, m := range matches {
				if m.ID != name(id) {
					continue
				}
				for j, k := range []int{1, 5, 10} {
					if at < k {
						sums[w][j]++
					}
				}
			}
		}
	}
	return len(ids), nil
}
