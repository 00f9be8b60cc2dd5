package main

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/clipdb/clipdb/encoder"
)

func TestClassifySeveral(t *testing.T) {
	h := newHomeWithRuntime(t)
	cat, coffee := filepath.Join(photos(t), "cat.jpg"), filepath.Join(photos(t), "coffee.jpg")
	labels := []string{"-l", "cat,cup of coffee", "--template", "a photo, of a {}", "--template", "{}"}

	r := h.run(t, append([]string{"classify", cat, coffee, "--top", "1", "--json"}, labels...)...).ok()
	two := lines[labelLine](r)
	if len(two) != 2 || two[0].File != cat || two[0].Label != "cat" || two[1].File != coffee || two[1].Label != "cup of coffee" || two[0].Kind != "softmax" {
		t.Errorf("two pictures: %+v", two)
	}
	if got, want := names(t, strings.SplitN(r.out, "\n", 2)[0]), "file kind label probability score"; got != want {
		t.Errorf("got the names %s, want %s", got, want)
	}

	// A picture that cannot be read is passed over, and the end tells.
	broken := filepath.Join(h.dir, "broken.jpg")
	write(t, broken, []byte("\xff\xd8\xff\xe0 no picture"))
	r = h.run(t, append([]string{"classify", filepath.Join(h.dir, "none.jpg"), broken, coffee}, labels...)...).fails(exitFailure, "2 of 3 pictures")
	if blocks := strings.Split(r.out, "\n\n"); len(blocks) != 3 || !strings.Contains(blocks[0], "none.jpg\nnot classified: there is no file") ||
		!strings.Contains(blocks[1], "broken.jpg\nnot classified: ") || !strings.HasPrefix(blocks[2], coffee+"\n") || strings.Count(blocks[2], "\n") != 3 {
		t.Errorf("got\n%s", r)
	}
	r = h.run(t, append([]string{"classify", broken, coffee, "-n", "1", "--json"}, labels...)...).fails(exitFailure, "1 of 2 pictures")
	if got := strings.SplitN(r.out, "\n", 2); len(got) != 2 || names(t, got[0]) != "error file" || !strings.Contains(got[1], `"cup of coffee"`) {
		t.Errorf("got\n%s", r)
	}
}

// What the numbers are made of is said on a terminal.
func TestClassifyExplains(t *testing.T) {
	m := encoder.Model{Name: "m", Templates: []string{"a {}", "the {}"}}
	for _, c := range []struct {
		cmd   classifyCmd
		model encoder.Model
		want  string
	}{
		{classifyCmd{Labels: []string{"x", "y"}}, m, `m, mean of 2 captions, "a {}" and so on; the probabilities choose among 2 labels (softmax)`},
		{classifyCmd{Labels: []string{"x"}, Templates: []string{"{}"}, Temperature: 2}, m, `m, caption "{}", temperature 2; the probabilities choose among 1 label (softmax)`},
		{classifyCmd{}, encoder.Model{Name: "s", Sigmoid: true, Temperature: 0.5}, `s, labels as they are, temperature 0.5; each label is judged alone (sigmoid), the probabilities do not add up to 1`},
	} {
		if got := c.cmd.explain(c.model); got != c.want {
			t.Errorf("got  %s\nwant %s", got, c.want)
		}
	}
}

// A model with a sigmoid score judges each label alone, and clipdb says so.
func TestClassifySigmoid(t *testing.T) {
	h := newHomeWithRuntime(t)
	dir := must(filepath.Abs(filepath.Join("..", "..", "encoder", "modeltest", "testdata", "siglip")))
	args := []string{"classify", filepath.Join(photos(t), "cat.jpg"), "-l", "cat,dog,house", "--model", dir}
	var sum float32
	for _, l := range lines[labelLine](h.run(t, append(args, "--json")...).ok()) {
		if sum += l.Probability; l.Kind != "sigmoid" {
			t.Errorf("got %+v", l)
		}
	}
	if sum > 0.5 { // random weights fit no label
		t.Errorf("the probabilities add up to %v", sum)
	}
	if r := h.run(t, args...).ok(); strings.Count(r.out, "p = ") != 3 || strings.Contains(r.out, "%") {
		t.Errorf("got\n%s", r)
	}
	if r := h.run(t, "model", "show", dir).ok(); !strings.Contains(r.out, "This is a photo of {}.") {
		t.Errorf("got\n%s", r)
	}
}

func TestClassifyLimits(t *testing.T) {
	h := newHome(t)
	h.run(t, "classify", "x.jpg", "-l", strings.Repeat("a,", 10_000)+"a").fails(exitUsage, "10001 labels")
	args := []string{"classify", "x.jpg", "-l", "a"}
	for range 101 {
		args = append(args, "--template", "{}")
	}
	h.run(t, args...).fails(exitUsage, "101 templates")
}
