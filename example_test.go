package clipdb_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"time"

	"github.com/clipdb/clipdb"
)

// Pictures go in and are found by words and by picture.
func Example() {
	ctx := context.Background()
	db, err := clipdb.Open("photos.clipdb", nil)
	if err != nil {
		log.Fatal(err)
	}
	defer db.Close()

	_, err = db.Insert(ctx, clipdb.Item{ID: "beach.jpg", Image: clipdb.File("beach.jpg"), Caption: "our summer"})
	if err != nil {
		log.Fatal(err)
	}
	matches, err := db.SearchByText(ctx, "children playing in the sand", &clipdb.SearchOptions{K: 5})
	if err != nil {
		log.Fatal(err)
	}
	for _, m := range matches {
		fmt.Printf("%.3f %s %s\n", m.Score, m.ID, m.Caption)
	}
}

// folder is a place for the files of the examples that run.
func folder() (path string, remove func()) {
	dir, err := os.MkdirTemp("", "clipdb-example")
	if err != nil {
		log.Fatal(err)
	}
	return filepath.Join(dir, "example.clipdb"), func() { os.RemoveAll(dir) }
}

// Vectors of one's own need no model and no runtime.
func Example_ownVectors() {
	path, remove := folder()
	defer remove()
	ctx := context.Background()
	db, err := clipdb.Open(path, &clipdb.Options{NoModel: true})
	if err != nil {
		log.Fatal(err)
	}
	defer db.Close()

	for id, v := range map[string][]float32{"north": {0, 1}, "east": {1, 0}, "south": {0, -1}} {
		if _, err := db.Insert(ctx, clipdb.Item{ID: id, Vector: v}); err != nil {
			log.Fatal(err)
		}
	}
	matches, err := db.Search(ctx, clipdb.Vector([]float32{1, 3}), &clipdb.SearchOptions{K: 2})
	if err != nil {
		log.Fatal(err)
	}
	for _, m := range matches {
		fmt.Printf("%s %.2f\n", m.ID, m.Score)
	}
	// Output:
	// north 0.95
	// east 0.32
}

// A filter is applied inside the search.
func Example_filters() {
	path, remove := folder()
	defer remove()
	ctx := context.Background()
	db, err := clipdb.Open(path, &clipdb.Options{NoModel: true})
	if err != nil {
		log.Fatal(err)
	}
	defer db.Close()

	items := []clipdb.Item{
		{ID: "a", Vector: []float32{1, 0}, Attrs: clipdb.Attrs{"year": clipdb.Int(2019), "tags": clipdb.Strings("dog", "snow")}},
		{ID: "b", Vector: []float32{1, 1}, Attrs: clipdb.Attrs{"year": clipdb.Int(2023), "tags": clipdb.Strings("dog")}},
		{ID: "c", Vector: []float32{0, 1}, Attrs: clipdb.Attrs{"taken": clipdb.Time(time.Now())}},
	}
	report, err := db.InsertAll(ctx, func(yield func(clipdb.Item) bool) {
		for _, item := range items {
			if !yield(item) {
				return
			}
		}
	}, nil)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(report.Added, "added")

	dogs := clipdb.Eq("tags", clipdb.String("dog"))
	for _, f := range []clipdb.Filter{dogs, clipdb.And(dogs, clipdb.AtLeast("year", clipdb.Int(2020))), clipdb.Not(dogs)} {
		matches, err := db.Search(ctx, clipdb.Vector([]float32{1, 0}), &clipdb.SearchOptions{Filter: f})
		if err != nil {
			log.Fatal(err)
		}
		var ids []string
		for _, m := range matches {
			ids = append(ids, m.ID)
		}
		fmt.Println(ids)
	}
	// Output:
	// 3 added
	// [a b]
	// [b]
	// [c]
}

// A folder of pictures, with progress; called again it goes on where it was.
func Example_manyPictures() {
	ctx := context.Background()
	db, err := clipdb.Open("photos.clipdb", nil)
	if err != nil {
		log.Fatal(err)
	}
	defer db.Close()

	paths, err := filepath.Glob("pictures/*.jpg")
	if err != nil {
		log.Fatal(err)
	}
	items := func(yield func(clipdb.Item) bool) {
		for _, path := range paths {
			if !yield(clipdb.Item{ID: filepath.Base(path), Image: clipdb.File(path)}) {
				return
			}
		}
	}
	report, err := db.InsertAll(ctx, items, &clipdb.BatchOptions{
		Total: len(paths),
		Progress: func(p clipdb.Progress) {
			fmt.Printf("%d of %d, %.0f a second, %v left\n", p.Done, p.Total, p.Rate, p.ETA.Round(time.Second))
		},
	})
	if err != nil {
		log.Fatal(err)
	}
	for _, f := range report.Failures {
		fmt.Println("left out:", f.Err)
	}
}

// The same picture under two ids. The first item of a group is the one to keep.
func ExampleDB_duplicates() {
	path, remove := folder()
	defer remove()
	ctx := context.Background()
	db, err := clipdb.Open(path, &clipdb.Options{NoModel: true})
	if err != nil {
		log.Fatal(err)
	}
	defer db.Close()

	for id, file := range map[string]string{"cat": "photos/cat.jpg", "cat again": "photos/cat.jpg", "dogs": "photos/dogs.jpg"} {
		item := clipdb.Item{ID: id, Image: clipdb.File("examples/data/" + file), Vector: []float32{1, 0}}
		if _, err := db.Insert(ctx, item); err != nil {
			log.Fatal(err)
		}
	}
	for group, err := range db.Duplicates(ctx, nil) {
		if err != nil {
			log.Fatal(err)
		}
		for _, m := range group.Items[1:] {
			fmt.Println(m.Kinds, m.Distance)
		}
	}
	// Output: exact,perceptual 0
}
