package main

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// found is a file that add considers.
type found struct {
	id    string // prefix and rel
	rel   string // slash path relative to the folder given, or the base name
	path  string // as the user can open it from the working directory
	named bool   // given on the command line, not met in a folder
	err   error  // why it cannot be read at all
}

// foreign counts pictures in formats that clipdb cannot read, by extension.
type foreign map[string]int

// walker lists the image files under the paths of a command line.
//
// The order is that of the command line, and lexical within a folder. Links to
// folders are entered after everything that is really there, so that a file
// gets the id of its own place, and a folder is entered once however many
// links lead to it: loops end, and a maze of links costs no more than the
// folders it joins.
type walker struct {
	hidden  bool // also files and folders whose name begins with a dot
	prefix  string
	seen    map[string]bool // real paths of folders entered
	foreign foreign
	visit   func(found)
}

// walk calls visit for each image under each of the paths. It fails only when
// ctx ends; what cannot be read is visited with its error.
func walk(ctx context.Context, paths []string, prefix string, hidden bool, visit func(found)) (foreign, error) {
	w := &walker{hidden: hidden, prefix: prefix, foreign: foreign{}, visit: visit}
	for _, p := range paths {
		if err := w.root(ctx, p); err != nil {
			return w.foreign, err
		}
	}
	return w.foreign, nil
}

func (w *walker) root(ctx context.Context, path string) error {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		w.found(filepath.Base(path), found{path: path, named: true, err: plainPathError(err)})
		return nil
	case info.IsDir():
		// Each folder of the command line is walked for itself: the same
		// picture under two of them is the caller's to decide.
		w.seen = map[string]bool{}
		links, err := w.dir(ctx, path, "", nil)
		for len(links) > 0 && err == nil {
			l := links[0]
			links = links[1:]
			links, err = w.dir(ctx, l.path, l.rel, links)
		}
		return err
	case !info.Mode().IsRegular():
		w.found(filepath.Base(path), found{path: path, named: true,
			err: fmt.Errorf("not a regular file (%s)", kindOfFile(info.Mode()))})
		return nil
	}
	w.found(filepath.Base(path), found{path: path, named: true})
	return nil
}

// link is a symbolic link to a folder, to be entered later.
type link struct{ path, rel string }

// dir visits the folder at path, whose slash path below the root is rel, and
// appends the links to folders that it meets to links.
func (w *walker) dir(ctx context.Context, path, rel string, links []link) ([]link, error) {
	if err := ctx.Err(); err != nil {
		return links, err
	}
	real, err := filepath.EvalSymlinks(path)
	if err == nil {
		real, err = filepath.Abs(real)
	}
	var entries []fs.DirEntry
	if err == nil {
		if w.seen[real] {
			return links, nil
		}
		w.seen[real] = true
		entries, err = os.ReadDir(path) // sorted by name
	}
	if err != nil {
		name := rel
		if rel == "" {
			name = filepath.Base(path)
		}
		w.found(name, found{path: path, named: rel == "", err: plainPathError(err)})
		// What ReadDir could list before it failed is still good.
	}
	for _, e := range entries {
		name := e.Name()
		if !w.hidden && strings.HasPrefix(name, ".") {
			continue
		}
		sub := filepath.Join(path, name)
		subRel := name
		if rel != "" {
			subRel = rel + "/" + name
		}
		mode := e.Type()
		if mode&fs.ModeSymlink != 0 {
			info, err := os.Stat(sub)
			if err != nil {
				// A dangling link is a fault only where a picture should be.
				if imageExtensions[lowerExt(name)] {
					w.found(subRel, found{path: sub, err: plainPathError(err)})
				}
				continue
			}
			if info.IsDir() {
				links = append(links, link{sub, subRel})
				continue
			}
			mode = info.Mode()
		}
		switch {
		case mode.IsDir():
			if links, err = w.dir(ctx, sub, subRel, links); err != nil {
				return links, err
			}
		case mode.IsRegular():
			w.file(sub, subRel)
		}
	}
	return links, nil
}

// file visits a regular file when it is an image: by its extension, else by
// its first bytes.
func (w *walker) file(path, rel string) {
	ext := lowerExt(path)
	switch {
	case imageExtensions[ext]:
		w.found(rel, found{path: path})
	case foreignExtensions[ext]:
		w.foreign[ext[1:]]++
	case otherExtensions[ext]:
	default:
		f, err := os.Open(path)
		if err != nil {
			return // not known to be a picture
		}
		head := make([]byte, sniffLen)
		n, _ := io.ReadFull(f, head)
		f.Close()
		if looksLikeImage(head[:n]) {
			w.found(rel, found{path: path})
		}
	}
}

func (w *walker) found(rel string, f found) {
	f.rel, f.id = rel, w.prefix+rel
	w.visit(f)
}

// plainPathError drops the call and the path from an error of package os: the
// path is said beside it.
func plainPathError(err error) error {
	if pe, ok := err.(*fs.PathError); ok {
		return pe.Err
	}
	return err
}

func kindOfFile(m fs.FileMode) string {
	switch {
	case m.IsDir():
		return "a folder"
	case m&fs.ModeNamedPipe != 0:
		return "a named pipe"
	case m&fs.ModeSocket != 0:
		return "a socket"
	case m&fs.ModeDevice != 0:
		return "a device"
	}
	return m.Type().String()
}
