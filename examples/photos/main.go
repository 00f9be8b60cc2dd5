// Photos indexes a folder of pictures with progress, and can be stopped and
// started again: what is stored already is skipped. Then it answers the
// queries typed on standard input.
//
//	go run ./examples/photos ~/Pictures
package main

import (
	"bufio"
	"context"
	"fmt"
	"io/fs"
	"iter"
	"log"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"time"

	"github.com/clipdb/clipdb"
)

func main() {
	if len(os.Args) != 2 {
		log.Fatal("usage: photos FOLDER")
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1]); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, folder string) error {
	db, err := clipdb.Open("photos.clipdb", nil)
	if err != nil {
		return err
	}
	defer db.Close()

	report, err := db.InsertAll(ctx, pictures(folder), &clipdb.BatchOptions{
		Progress: func(p clipdb.Progress) {
			fmt.Printf("\r%d done, %d failed, %.1f a second ", p.Done, p.Failed, p.Rate)
		},
	})
	fmt.Println()
	if ctx.Err() != nil {
		fmt.Println("stopped; run it again to go on:", report)
		return nil
	}
	if err != nil {
		return err
	}
	for _, f := range report.Failures {
		fmt.Printf("left out %s: %v\n", f.Source, f.Err)
	}
	fmt.Println(report)

	fmt.Println("What are you looking for?")
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		text := strings.TrimSpace(lines.Text())
		if text == "" {
			continue
		}
		began := time.Now()
		matches, err := db.SearchByText(ctx, text, &clipdb.SearchOptions{K: 5})
		if err != nil {
			return err
		}
		for _, m := range matches {
			fmt.Printf("  %.3f  %s\n", m.Score, m.ID)
		}
		fmt.Println("  in", time.Since(began).Round(time.Millisecond))
	}
	return nil
}

// pictures yields an item for each picture below folder, named by its path.
// The files are opened one by one as they are read.
func pictures(folder string) iter.Seq[clipdb.Item] {
	return func(yield func(clipdb.Item) bool) {
		_ = filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() {
				return nil // an unreadable folder does not end the walk
			}
			switch strings.ToLower(filepath.Ext(path)) {
			case ".jpg", ".jpeg", ".png", ".gif", ".webp", ".tif", ".tiff", ".bmp":
			default:
				return nil
			}
			id, err := filepath.Rel(folder, path)
			if err != nil {
				return err
			}
			if !yield(clipdb.Item{ID: filepath.ToSlash(id), Image: clipdb.File(path)}) {
				return fs.SkipAll
			}
			return nil
		})
	}
}
