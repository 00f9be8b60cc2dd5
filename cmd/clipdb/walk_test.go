package main

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
	"testing"
)

// tree makes files below a new folder. A name that ends in / is a folder, and
// "a -> b" is a symbolic link at a that holds the text b.
func tree(t *testing.T, files ...string) string {
	t.Helper()
	root := t.TempDir()
	for _, name := range files {
		name, target, isLink := strings.Cut(name, " -> ")
		path := filepath.Join(root, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		var err error
		switch {
		case isLink:
			err = os.Symlink(filepath.FromSlash(strings.ReplaceAll(target, "ROOT", filepath.ToSlash(root))), path)
			if err != nil && runtime.GOOS == "windows" {
				t.Skip("no right to make symbolic links here")
			}
		case strings.HasSuffix(name, "/"):
			err = os.MkdirAll(path, 0o755)
		default:
			err = os.WriteFile(path, []byte("\xFF\xD8\xFF\xE0 not a whole picture"), 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return root
}

func walked(t *testing.T, hidden bool, paths ...string) (ids []string, failed map[string]error, other foreign) {
	t.Helper()
	failed = map[string]error{}
	other, err := walk(context.Background(), paths, "", hidden, func(f found) {
		ids = append(ids, f.id)
		if f.err != nil {
			failed[f.id] = f.err
		}
		if f.id != f.rel {
			t.Errorf("without a prefix the id %q is not the path %q", f.id, f.rel)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	return ids, failed, other
}

func TestWalkOrderAndKinds(t *testing.T) {
	root := tree(t, "b.jpg", "a/2.PNG", "a/10.webp", "a/x/deep.gif", "c.JPEG", "d.tif", "e.bmp",
		".hidden.jpg", ".git/x.jpg", "a/.x/y.jpg", "notes.txt", "movie.mp4", "empty/", "noextension", "photo.heic", "raw/1.CR2", "raw/2.cr2")
	if err := os.WriteFile(filepath.Join(root, "plain"), []byte("only words"), 0o644); err != nil {
		t.Fatal(err)
	}
	ids, failed, other := walked(t, false, root)
	want := []string{"a/10.webp", "a/2.PNG", "a/x/deep.gif", "b.jpg", "c.JPEG", "d.tif", "e.bmp", "noextension"}
	if !reflect.DeepEqual(ids, want) {
		t.Errorf("got  %v\nwant %v", ids, want)
	}
	if len(failed) > 0 {
		t.Errorf("failed: %v", failed)
	}
	if !reflect.DeepEqual(other, foreign{"heic": 1, "cr2": 2}) {
		t.Errorf("formats not read: %v", other)
	}
	ids, _, _ = walked(t, true, root)
	for _, h := range []string{".hidden.jpg", ".git/x.jpg", "a/.x/y.jpg"} {
		if !strings.Contains(strings.Join(ids, " "), h) {
			t.Errorf("--hidden leaves %s out: %v", h, ids)
		}
	}
}

func TestWalkNamedPaths(t *testing.T) {
	root := tree(t, "dir/a.jpg", "b.jpg", "c.txt")
	join := func(name string) string { return filepath.Join(root, name) }
	ids, failed, _ := walked(t, false, join("b.jpg"), join("dir"), join("c.txt"), join("missing.jpg"))
	if want := []string{"b.jpg", "a.jpg", "c.txt", "missing.jpg"}; !reflect.DeepEqual(ids, want) {
		t.Errorf("got %v, want %v", ids, want)
	}
	if !errors.Is(failed["missing.jpg"], fs.ErrNotExist) || len(failed) != 1 {
		t.Errorf("failed: %v", failed)
	}
	if strings.Contains(failed["missing.jpg"].Error(), "missing.jpg") {
		t.Errorf("the reason repeats the path: %v", failed["missing.jpg"])
	}
}

func TestWalkPrefix(t *testing.T) {
	root := tree(t, "a/b.jpg")
	var got []found
	if _, err := walk(context.Background(), []string{root}, "2024/", false, func(f found) { got = append(got, f) }); err != nil {
		t.Fatal(err)
	}
	if len(got) != 1 || got[0].id != "2024/a/b.jpg" || got[0].rel != "a/b.jpg" {
		t.Errorf("got %+v", got)
	}
}

// Loops end, a folder is entered once, and its files get the ids of the place
// where they really are.
func TestWalkLinks(t *testing.T) {
	root := tree(t, "z/real.jpg", "0link -> z", "loop/self -> ROOT", "loop/up -> ..", "loop/here -> .",
		"file.jpg -> z/real.jpg", "dangling.jpg -> nowhere", "dangling.txt -> nowhere", "a/one.jpg", "a/again -> ROOT/z", "x -> y", "y -> x")
	outside := tree(t, "far.jpg", "back -> "+filepath.ToSlash(root))
	if err := os.Symlink(outside, filepath.Join(root, "outside")); err != nil {
		t.Fatal(err)
	}
	ids, failed, _ := walked(t, false, root)
	want := []string{"a/one.jpg", "dangling.jpg", "file.jpg", "z/real.jpg", "outside/far.jpg"}
	if !reflect.DeepEqual(ids, want) {
		t.Errorf("got  %v\nwant %v", ids, want)
	}
	if len(failed) != 1 || failed["dangling.jpg"] == nil {
		t.Errorf("failed: %v", failed)
	}
	again, _, _ := walked(t, false, root)
	if !reflect.DeepEqual(again, ids) {
		t.Errorf("a second walk differs: %v", again)
	}
}

// Links between folders make exponentially many paths; the walk must not try
// them all.
func TestWalkMaze(t *testing.T) {
	var files []string
	for _, from := range "abcdefghijklmnop" {
		files = append(files, string(from)+"/pic.jpg")
		for _, to := range "abcdefghijklmnop" {
			if from != to {
				files = append(files, string(from)+"/to-"+string(to)+" -> ../"+string(to))
			}
		}
	}
	ids, _, _ := walked(t, false, tree(t, files...))
	if len(ids) != 16 {
		t.Errorf("%d files found in 16 folders", len(ids))
	}
}

func TestWalkUnreadableFolder(t *testing.T) {
	if os.Geteuid() == 0 || runtime.GOOS == "windows" {
		t.Skip("the user of this test may read everything")
	}
	root := tree(t, "a/1.jpg", "b/2.jpg")
	if err := os.Chmod(filepath.Join(root, "a"), 0); err != nil {
		t.Fatal(err)
	}
	defer os.Chmod(filepath.Join(root, "a"), 0o755)
	ids, failed, _ := walked(t, false, root)
	if !reflect.DeepEqual(ids, []string{"a", "b/2.jpg"}) || !errors.Is(failed["a"], fs.ErrPermission) {
		t.Errorf("ids %v, failed %v", ids, failed)
	}
}

func TestWalkEndsWithContext(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := walk(ctx, []string{tree(t, "a.jpg")}, "", false, func(found) {}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestLooksLikeImage(t *testing.T) {
	bmp := "BM" + strings.Repeat("\x00", 12) + "\x28\x00\x00\x00"
	for head, want := range map[string]bool{
		"\xFF\xD8\xFF\xE0": true, "\x89PNG\r\n\x1a\n....": true, "GIF89a": true, "GIF87a": true,
		"RIFF\x10\x00\x00\x00WEBPVP8 ": true, "II*\x00": true, "MM\x00*": true, bmp: true,
		"": false, "BM": false, "BMW is a maker of cars, not a picture": false, "RIFF\x10\x00\x00\x00WAVE": false,
		"#!/bin/sh": false, "\xFF\xD8": false, "<svg": false,
	} {
		if got := looksLikeImage([]byte(head)); got != want {
			t.Errorf("%q: %v", head, got)
		}
	}
}
