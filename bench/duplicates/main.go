// Command duplicates measures what finds altered copies of pictures: how far
// perceptual hashes and vectors of a picture and of its copy are apart, and how
// near those of different pictures come.
//
//	go run ./bench/duplicates --dir FOLDER [--dir FOLDER]... [--limit N] [--hashes] [--pairs FILE]
//	go run ./bench/duplicates --items N
//
// It reads every picture below the folders, alters each in the ways of
// alterations (compression, scale, crop, light, writing on it, ...), saves the
// copy as a file and reads it again as a database does: the hash is that of the
// thumbnail, the vector the built-in model's. It prints two tables, one of the
// copies found at each threshold, and one of the pairs of different pictures
// below it. With --pairs the nearest of these are listed, so that a person can
// look which of them are copies of each other after all. With --hashes no
// vectors are made, which goes faster and needs no ONNX Runtime.
//
// With --items it measures time and memory of DB.Duplicates over a database of
// so many small generated pictures, a tenth of them copies.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strings"
)

func main() {
	var dirs folders
	flag.Var(&dirs, "dir", "folder with pictures; may be given several times")
	limit := flag.Int("limit", 0, "take N pictures of each folder, spread over it (0 takes all)")
	hashes := flag.Bool("hashes", false, "leave vectors out")
	pairs := flag.String("pairs", "", "list the nearest pairs of different pictures in this file")
	items := flag.Int("items", 0, "time a search over N generated pictures")
	flag.Parse()
	if (len(dirs) > 0) == (*items > 0) || flag.NArg() > 0 {
		flag.Usage()
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	var err error
	if *items > 0 {
		err = scale(ctx, *items)
	} else {
		err = run(ctx, dirs, *limit, *hashes, *pairs)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "duplicates:", err)
		os.Exit(1)
	}
}

type folders []string

func (f *folders) String() string { return strings.Join(*f, ", ") }

func (f *folders) Set(s string) error {
	*f = append(*f, s)
	return nil
}

func run(ctx context.Context, dirs []string, limit int, hashesAlone bool, pairsFile string) error {
	reader, err := newReader(hashesAlone)
	if err != nil {
		return err
	}
	defer reader.Close()
	var originals []looks
	copies := make([][]looks, len(alterations)) // by alteration, then by original
	for _, dir := range dirs {
		files, err := pictures(dir, limit)
		if err != nil {
			return err
		}
		blank := 0
		for _, file := range files {
			own, altered, err := reader.picture(ctx, file)
			if err != nil {
				if ctx.Err() != nil {
					return ctx.Err()
				}
				fmt.Fprintln(os.Stderr, "left out:", err)
				continue
			}
			if !own.hashed {
				blank++
			}
			originals = append(originals, own)
			for i := range alterations {
				copies[i] = append(copies[i], altered[i])
			}
		}
		fmt.Printf("%s: %d pictures, %d without a hash\n", dir, len(files), blank)
	}
	printHashes(originals, copies)
	if !hashesAlone {
		printCosines(originals, copies)
	}
	if pairsFile != "" {
		return listPairs(pairsFile, originals)
	}
	return nil
}
