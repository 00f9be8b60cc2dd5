// Filters stores vectors of its own with typed attributes and searches among
// those that pass a filter. It needs no model and no ONNX Runtime.
//
//	go run ./examples/filters
package main

import (
	"context"
	"fmt"
	"log"
	"math"
	"os"
	"path/filepath"
	"time"

	"github.com/clipdb/clipdb"
)

func main() {
	dir, err := os.MkdirTemp("", "filters")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	if err := run(context.Background(), filepath.Join(dir, "hues.clipdb")); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, path string) error {
	db, err := clipdb.Open(path, &clipdb.Options{NoModel: true})
	if err != nil {
		return err
	}
	defer db.Close()

	// Thirty-six hues on a circle: near angles are near vectors.
	for i := range 36 {
		_, err := db.Insert(ctx, clipdb.Item{
			ID:     fmt.Sprintf("hue-%03d", 10*i),
			Vector: hue(10 * i),
			Attrs: clipdb.Attrs{
				"degrees": clipdb.Int(int64(10 * i)),
				"warm":    clipdb.Bool(i < 9 || i > 30),
				"tags":    clipdb.Strings("hue", []string{"red", "green", "blue"}[i/12]),
				"seen":    clipdb.Time(time.Date(2026, 1, 1+i, 0, 0, 0, 0, time.UTC)),
			},
		})
		if err != nil {
			return err
		}
	}

	show := func(what string, f clipdb.Filter) error {
		matches, err := db.Search(ctx, clipdb.Vector(hue(42)), &clipdb.SearchOptions{K: 3, Filter: f})
		if err != nil {
			return err
		}
		fmt.Printf("%-34s", what)
		for _, m := range matches {
			fmt.Printf(" %s %.3f", m.ID, m.Score)
		}
		fmt.Println()
		return nil
	}
	for _, c := range []struct {
		what   string
		filter clipdb.Filter
	}{
		{"nearest to 42 degrees", clipdb.Filter{}},
		{"tagged blue", clipdb.Eq("tags", clipdb.String("blue"))},
		{"between 60 and 200", clipdb.Range("degrees", clipdb.Int(60), clipdb.Int(200))},
		{"not warm, seen since 10 January", clipdb.And(
			clipdb.Not(clipdb.Eq("warm", clipdb.Bool(true))),
			clipdb.AtLeast("seen", clipdb.Time(time.Date(2026, 1, 10, 0, 0, 0, 0, time.UTC))),
		)},
		{"red or blue, but warm", clipdb.And(
			clipdb.In("tags", clipdb.String("red"), clipdb.String("blue")),
			clipdb.Eq("warm", clipdb.Bool(true)),
		)},
	} {
		if err := show(c.what, c.filter); err != nil {
			return err
		}
	}
	return nil
}

// hue is the point of a hue on the unit circle.
func hue(degrees int) []float32 {
	a := float64(degrees) * math.Pi / 180
	return []float32{float32(math.Cos(a)), float32(math.Sin(a))}
}
