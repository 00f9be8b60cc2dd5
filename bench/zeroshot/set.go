package main

import (
	"bufio"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// set is pictures with one label each.
type set struct {
	name    string
	labels  []string
	files   []string
	truth   []int // label of each file
	vectors [][]float32
}

func read(dir, heldout string) ([]set, error) {
	if heldout == "" {
		s, err := readClasses(dir)
		return []set{s}, err
	}
	data, err := os.ReadFile(heldout)
	if err != nil {
		return nil, err
	}
	var sets []set
	for line := range strings.Lines(string(data)) {
		name, labels, ok := strings.Cut(strings.TrimSpace(line), "\t")
		if !ok || strings.HasPrefix(line, "#") {
			continue
		}
		s, err := readLabelled(filepath.Join(dir, name), strings.Split(labels, "|"))
		if err != nil {
			return nil, err
		}
		sets = append(sets, s)
	}
	return sets, nil
}

// readClasses reads classes.tsv, of which each line is a class with a picture.
func readClasses(dir string) (s set, err error) {
	f, err := os.Open(filepath.Join(dir, "classes.tsv"))
	if err != nil {
		return s, err
	}
	defer f.Close()
	r := csv.NewReader(f)
	r.Comma, r.LazyQuotes = '\t', true
	rows, err := r.ReadAll()
	if err != nil {
		return s, err
	}
	if len(rows) < 2 {
		return s, errors.New("classes.tsv has no classes")
	}
	label, file := slices.Index(rows[0], "name"), slices.Index(rows[0], "file")
	if label < 0 || file < 0 {
		return s, fmt.Errorf("classes.tsv has columns %q, want name and file", rows[0])
	}
	s.name = filepath.Base(dir)
	for i, row := range rows[1:] {
		s.labels = append(s.labels, row[label])
		s.files = append(s.files, picture(dir, row[file]))
		s.truth = append(s.truth, i)
	}
	return s, nil
}

func readLabelled(dir string, labels []string) (s set, err error) {
	f, err := os.Open(filepath.Join(dir, "captions.jsonl"))
	if err != nil {
		return s, err
	}
	defer f.Close()
	all := slices.Equal(labels, []string{"*"})
	s.name, s.labels = filepath.Base(dir)+", held-out labels", labels
	if all {
		s.name, s.labels = filepath.Base(dir), nil
	}
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var line struct {
			File   string
			Labels []string
		}
		if err := json.Unmarshal(lines.Bytes(), &line); err != nil {
			return s, err
		}
		if len(line.Labels) == 0 {
			continue
		}
		i := slices.Index(s.labels, line.Labels[0])
		if i < 0 && all {
			i, s.labels = len(s.labels), append(s.labels, line.Labels[0])
		}
		if i >= 0 {
			s.files, s.truth = append(s.files, picture(dir, line.File)), append(s.truth, i)
		}
	}
	if err := lines.Err(); err != nil {
		return s, err
	}
	if len(s.files) == 0 {
		return s, fmt.Errorf("%s has no pictures with the labels %q", dir, labels)
	}
	return s, nil
}

func picture(dir, file string) string {
	path := filepath.Join(dir, file)
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return filepath.Join(dir, "images", file)
	}
	return path
}
