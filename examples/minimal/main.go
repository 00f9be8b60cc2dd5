// Minimal inserts the pictures named on the command line and finds the one
// that shows what the first argument says.
//
//	go run ./examples/minimal "a cup of coffee" examples/data/photos/*.jpg
package main

import (
	"context"
	"fmt"
	"log"
	"os"

	"github.com/clipdb/clipdb"
)

func main() {
	if len(os.Args) < 3 {
		log.Fatal("usage: minimal TEXT PICTURE...")
	}
	ctx := context.Background()
	db, err := clipdb.Open("minimal.clipdb", nil)
	if err != nil {
		log.Fatal(err)
	}
	defer db.Close()
	for _, path := range os.Args[2:] {
		if _, _, err := db.Upsert(ctx, clipdb.Item{ID: path, Image: clipdb.File(path)}); err != nil {
			log.Fatal(err)
		}
	}
	matches, err := db.SearchByText(ctx, os.Args[1], &clipdb.SearchOptions{K: 3})
	if err != nil {
		log.Fatal(err)
	}
	for _, m := range matches {
		fmt.Printf("%.3f  %s\n", m.Score, m.ID)
	}
}
