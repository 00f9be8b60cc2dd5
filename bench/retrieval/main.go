// Command retrieval measures how well the built-in model finds photos through
// clipdb itself: every photo of a folder is inserted, then searched by its
// first caption, and the other way round.
//
//	go run ./bench/retrieval --dir FOLDER [--framework DUMP] [--limit N]
//	go run ./bench/retrieval --dir FOLDER --hybrid [--bare N]
//
// FOLDER holds captions.jsonl, one {"file", "captions"} a line. With
// --framework it compares Go's vectors and figures with those that
// encoder/builtin/train/evaluate.py --dump DUMP wrote for the same folder, so
// that a loss on the way through Go shows. With --hybrid it measures what the
// words of captions add instead: two captions of a photo are stored with it,
// and another one is searched for.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"iter"
	"math"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"time"

	"github.com/clipdb/clipdb"
	"github.com/clipdb/clipdb/bench/npy"
	"github.com/clipdb/clipdb/encoder/builtin"
)

func main() {
	dir := flag.String("dir", "", "folder with captions.jsonl")
	framework := flag.String("framework", "", "folder with image_vectors.npy and text_vectors.npy of the training framework")
	limit := flag.Int("limit", 0, "take the first N photos only (0 takes all)")
	fused := flag.Bool("hybrid", false, "measure keywords beside vectors")
	bare := flag.Int("bare", 0, "with --hybrid: store N of 100 photos without a caption")
	flag.Parse()
	if *dir == "" {
		flag.Usage()
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, *dir, *framework, *limit, *fused, *bare); err != nil {
		fmt.Fprintln(os.Stderr, "retrieval:", err)
		os.Exit(1)
	}
}

// pair is a photo and the caption it is searched by.
type pair struct {
	file, caption string
	all           []string // its captions
	printed       string   // what a book prints under it, which describes other things than captions do
}

func run(ctx context.Context, dir, framework string, limit int, fused bool, bare int) error {
	pairs, err := readPairs(filepath.Join(dir, "captions.jsonl"), limit)
	if err != nil {
		return err
	}
	tmp, err := os.MkdirTemp("", "retrieval")
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp)

	enc, err := builtin.New(nil)
	if err != nil {
		return err
	}
	defer enc.Close()
	photos, err := clipdb.Open(filepath.Join(tmp, "photos.clipdb"), &clipdb.Options{Encoder: enc, Images: clipdb.KeepNone})
	if err != nil {
		return err
	}
	defer photos.Close()
	began := time.Now()
	if err := insert(ctx, photos, dir, pairs); err != nil {
		return err
	}
	fmt.Printf("%d photos inserted in %.1f s\n", len(pairs), time.Since(began).Seconds())

	images, err := vectors(ctx, photos, pairs)
	if err != nil {
		return err
	}
	if fused {
		return hybrid(ctx, tmp, enc, pairs, images, bare)
	}
	captions := make([]string, len(pairs))
	for i, p := range pairs {
		captions[i] = p.caption
	}
	texts, err := enc.EncodeText(ctx, captions)
	if err != nil {
		return err
	}
	words, err := clipdb.Open(filepath.Join(tmp, "captions.clipdb"), &clipdb.Options{Encoder: enc})
	if err != nil {
		return err
	}
	defer words.Close()
	if _, err := words.InsertAll(ctx, own(pairs, texts), nil); err != nil {
		return err
	}

	fmt.Printf("%-28s %6s %6s %6s\n", "", "R@1", "R@5", "R@10")
	byText, err := recall(len(pairs), func(i int) ([]clipdb.Match, error) {
		return photos.SearchByText(ctx, pairs[i].caption, &clipdb.SearchOptions{K: 10})
	})
	if err != nil {
		return err
	}
	byText.print("text to image, clipdb")
	byImage, err := recall(len(pairs), func(i int) ([]clipdb.Match, error) {
		return words.Search(ctx, clipdb.Vector(images[i]), &clipdb.SearchOptions{K: 10})
	})
	if err != nil {
		return err
	}
	byImage.print("image to text, clipdb")
	if framework == "" {
		return nil
	}
	return compare(framework, images, texts)
}

func readPairs(path string, limit int) ([]pair, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var pairs []pair
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var line struct {
			File     string
			Captions []string
			Printed  string `json:"figure_caption"`
		}
		if err := json.Unmarshal(lines.Bytes(), &line); err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		if len(line.Captions) > 0 && (limit == 0 || len(pairs) < limit) {
			pairs = append(pairs, pair{line.File, line.Captions[0], line.Captions, line.Printed})
		}
	}
	return pairs, lines.Err()
}

// name is the id of pair i in both databases.
func name(i int) string { return strconv.Itoa(i) }

func insert(ctx context.Context, db *clipdb.DB, dir string, pairs []pair) error {
	report, err := db.InsertAll(ctx, func(yield func(clipdb.Item) bool) {
		for i, p := range pairs {
			path := filepath.Join(dir, p.file)
			if _, err := os.Stat(path); err != nil {
				path = filepath.Join(dir, "images", p.file)
			}
			if !yield(clipdb.Item{ID: name(i), Image: clipdb.File(path)}) {
				return
			}
		}
	}, nil)
	if err != nil {
		return err
	}
	if len(report.Failures) > 0 {
		return fmt.Errorf("%d photos failed, the first: %w", report.Failed, report.Failures[0].Err)
	}
	return nil
}

func vectors(ctx context.Context, db *clipdb.DB, pairs []pair) ([][]float32, error) {
	all := make([][]float32, len(pairs))
	for i := range pairs {
		r, err := db.GetWith(ctx, name(i), clipdb.Fetch{Vector: true})
		if err != nil {
			return nil, err
		}
		all[i] = r.Vector
	}
	return all, nil
}

func own(pairs []pair, texts [][]float32) iter.Seq[clipdb.Item] {
	return func(yield func(clipdb.Item) bool) {
		for i := range pairs {
			if !yield(clipdb.Item{ID: name(i), Vector: texts[i]}) {
				return
			}
		}
	}
}

// figures are the shares of queries whose own answer is among the first 1, 5
// and 10.
type figures [3]float64

func (f figures) print(what string) {
	fmt.Printf("%-28s %5.1f%% %5.1f%% %5.1f%%\n", what, 100*f[0], 100*f[1], 100*f[2])
}

func recall(n int, search func(int) ([]clipdb.Match, error)) (f figures, err error) {
	ranks := make([]int, n)
	for i := range n {
		matches, err := search(i)
		if err != nil {
			return f, err
		}
		ranks[i] = math.MaxInt
		for at, m := range matches {
			if m.ID == name(i) {
				ranks[i] = at
			}
		}
	}
	return shares(ranks), nil
}

func shares(ranks []int) (f figures) {
	for _, r := range ranks {
		for j, k := range []int{1, 5, 10} {
			if r < k {
				f[j] += 1 / float64(len(ranks))
			}
		}
	}
	return f
}

// compare holds Go's vectors against the training framework's.
func compare(dir string, images, texts [][]float32) error {
	fi, err := npy.ReadFile(filepath.Join(dir, "image_vectors.npy"))
	if err != nil {
		return err
	}
	ft, err := npy.ReadFile(filepath.Join(dir, "text_vectors.npy"))
	if err != nil {
		return err
	}
	n := len(images)
	if fi.Rows < n || ft.Rows < n {
		return fmt.Errorf("%s holds %d images and %d texts, fewer than %d", dir, fi.Rows, ft.Rows, n)
	}
	exact(n, ft.Row, fi.Row).print("text to image, framework")
	exact(n, fi.Row, ft.Row).print("image to text, framework")
	report("images", images, fi.Row)
	report("texts", texts, ft.Row)
	return nil
}

// exact ranks by a full scan of vectors; ties go to the lower number.
func exact(n int, query, base func(int) []float32) figures {
	ranks := make([]int, n)
	for i := range n {
		mine := dot(query(i), base(i))
		for j := range n {
			if s := dot(query(i), base(j)); s > mine || s == mine && j < i {
				ranks[i]++
			}
		}
	}
	return shares(ranks)
}

func report(what string, mine [][]float32, theirs func(int) []float32) {
	least, sum := math.Inf(1), 0.0
	for i, v := range mine {
		w := theirs(i)
		c := dot(v, w) / math.Sqrt(dot(v, v)*dot(w, w))
		least, sum = min(least, c), sum+c
	}
	fmt.Printf("cosine of %s, clipdb with framework: least %.6f, mean %.6f over %d\n", what, least, sum/float64(len(mine)), len(mine))
}

func dot(a, b []float32) (s float64) {
	for i := range a {
		s += float64(a[i]) * float64(b[i])
	}
	return s
}
