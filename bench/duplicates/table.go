package main

import (
	"bufio"
	"cmp"
	"fmt"
	"math/bits"
	"os"
	"slices"
)

var (
	distances = []int{0, 2, 4, 6, 8, 10, 12, 14, 16}
	scores    = []float64{0.995, 0.99, 0.98, 0.97, 0.96, 0.95, 0.93, 0.90}
)

// unhashed is a distance beyond all, of pictures that have no hash.
const unhashed = 65

func apart(a, b looks) int {
	if !a.hashed || !b.hashed {
		return unhashed
	}
	return bits.OnesCount64(a.hash ^ b.hash)
}

func cosine(a, b looks) (s float64) {
	for i := range a.vector {
		s += float64(a.vector[i]) * float64(b.vector[i])
	}
	return s
}

// row prints a line of a table.
func row(name, median string, cells []string) {
	fmt.Printf("| %-28s | %6s |", name, median)
	for _, c := range cells {
		fmt.Printf(" %6s |", c)
	}
	fmt.Println()
}

func percent(found, of int) string {
	return fmt.Sprintf("%.1f %%", 100*float64(found)/float64(max(of, 1)))
}

// table prints the copies found at each threshold, then the pairs of different
// pictures that pass it.
func table[T cmp.Ordered](unit string, thresholds []T, near func(v, threshold T) bool, measure func(a, b looks) T, originals []looks, copies [][]looks) {
	var heads, rules []string
	for _, t := range thresholds {
		heads, rules = append(heads, fmt.Sprint(t)), append(rules, "---:")
	}
	fmt.Println()
	row("copies found, by "+unit, "median", heads)
	row("---", "---:", rules)
	for i, a := range alterations {
		found := make([]int, len(thresholds))
		all := make([]T, len(originals))
		for j := range originals {
			all[j] = measure(originals[j], copies[i][j])
			for k, t := range thresholds {
				if near(all[j], t) {
					found[k]++
				}
			}
		}
		slices.Sort(all)
		var cells []string
		for _, n := range found {
			cells = append(cells, percent(n, len(all)))
		}
		row(a.name, short(all[len(all)/2]), cells)
	}
	pairs := make([]int, len(thresholds))
	for i := range originals {
		for j := range i {
			v := measure(originals[i], originals[j])
			for k, t := range thresholds {
				if near(v, t) {
					pairs[k]++
				}
			}
		}
	}
	var cells []string
	for _, n := range pairs {
		cells = append(cells, fmt.Sprint(n))
	}
	n := len(originals)
	row(fmt.Sprintf("pairs, of %d", n*(n-1)/2), "", cells)
}

func printHashes(originals []looks, copies [][]looks) {
	hashed := 0
	kept := make([][]looks, len(copies))
	var own []looks
	for j, o := range originals {
		if !o.hashed {
			continue
		}
		hashed++
		own = append(own, o)
		for i := range copies {
			kept[i] = append(kept[i], copies[i][j])
		}
	}
	if hashed == 0 {
		return
	}
	table("bits", distances, func(v, t int) bool { return v <= t }, apart, own, kept)
}

func printCosines(originals []looks, copies [][]looks) {
	table("cosine", scores, func(v, t float64) bool { return v >= t }, cosine, originals, copies)
}

// listPairs writes the nearest pairs of different pictures, by hash and then by
// vector: bits, cosine, and both files.
func listPairs(name string, originals []looks) error {
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	defer f.Close()
	type pair struct {
		bits   int
		cosine float64
		a, b   string
	}
	var pairs []pair
	for i, a := range originals {
		for _, b := range originals[:i] {
			p := pair{apart(a, b), cosine(a, b), b.file, a.file}
			if p.bits <= distances[len(distances)-1] || p.cosine >= scores[len(scores)-1] {
				pairs = append(pairs, p)
			}
		}
	}
	slices.SortFunc(pairs, func(p, q pair) int { return cmp.Or(cmp.Compare(p.bits, q.bits), cmp.Compare(q.cosine, p.cosine)) })
	w := bufio.NewWriter(f)
	for _, p := range pairs {
		fmt.Fprintf(w, "%d\t%.4f\t%s\t%s\n", p.bits, p.cosine, p.a, p.b)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	return f.Close()
}

// short writes a measurement in few digits.
func short(v any) string {
	if f, ok := v.(float64); ok {
		return fmt.Sprintf("%.3f", f)
	}
	return fmt.Sprint(v)
}
