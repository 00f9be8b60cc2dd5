// Package examples holds small programs to copy. Its test builds and runs
// each of them.
package examples

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// build compiles the example called name and returns its path.
func build(t *testing.T, name string) string {
	t.Helper()
	bin := filepath.Join(t.TempDir(), name+".exe")
	if out, err := exec.Command("go", "build", "-o", bin, "./"+name).CombinedOutput(); err != nil {
		t.Fatalf("go build ./%s: %v\n%s", name, err, out)
	}
	return bin
}

// start runs bin in an empty folder and returns what it printed.
func start(t *testing.T, bin, input string, args ...string) string {
	t.Helper()
	cmd := exec.Command(bin, args...)
	cmd.Dir = t.TempDir()
	cmd.Stdin = strings.NewReader(input)
	out, err := cmd.CombinedOutput()
	if strings.Contains(string(out), "no ONNX Runtime") {
		t.Skip("no ONNX Runtime here: `make setup` installs it")
	}
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return string(out)
}

func photos(t *testing.T) string {
	t.Helper()
	dir, err := filepath.Abs("data/photos")
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestMinimal(t *testing.T) {
	bin := build(t, "minimal")
	dir := photos(t)
	args := []string{"a cup of coffee"}
	for _, name := range []string{"cat.jpg", "coffee.jpg", "rocket.jpg", "pagoda.jpg"} {
		args = append(args, filepath.Join(dir, name))
	}
	out := start(t, bin, "", args...)
	if first, _, _ := strings.Cut(out, "\n"); !strings.HasSuffix(first, "coffee.jpg") {
		t.Errorf("the coffee is not first:\n%s", out)
	}
}

func TestPhotos(t *testing.T) {
	out := start(t, build(t, "photos"), "a cat\nstars and galaxies\n", photos(t))
	for _, want := range []string{"17 added", "0 failed", "cat.jpg", "galaxies.jpg"} {
		if !strings.Contains(out, want) {
			t.Errorf("%q is missing:\n%s", want, out)
		}
	}
}

func TestFilters(t *testing.T) {
	out := start(t, build(t, "filters"), "")
	for _, want := range []string{
		"nearest to 42 degrees              hue-040 0.999 hue-050 0.990 hue-030 0.978",
		"between 60 and 200                 hue-060",
		"not warm, seen since 10 January    hue-090",
		"red or blue, but warm              hue-040",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("%q is missing:\n%s", want, out)
		}
	}
}
