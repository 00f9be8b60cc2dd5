package main

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/clipdb/clipdb"
)

// classifyCmd says which of some labels fits a picture.
type classifyCmd struct {
	Images      []string `arg:"" name:"image" help:"Picture files, or - for standard input."`
	Labels      []string `name:"labels" short:"l" required:"" placeholder:"A,B,..." help:"Labels to choose from, separated by commas."`
	Templates   []string `name:"template" sep:"none" placeholder:"TEXT" help:"Caption of a label, which takes the place of {}; several are averaged (default: those of the model's family)."`
	Temperature float32  `name:"temperature" placeholder:"T" help:"Divisor of the logits: above 1 the probabilities are more even (default: the model's)."`
	Top         int      `name:"top" short:"n" placeholder:"N" help:"Show the N best labels only."`
}

// Help is shown by --help.
func (*classifyCmd) Help() string {
	return `A line for each label, the most probable first: probability, score, label; with several pictures the
file before it. With --json a line is {"file","label","probability","score"}. The probabilities compare the
labels with one another and add up to 1: a picture of none of them still has a most probable one. Models
with a sigmoid score (SigLIP) judge each label alone: all may be small, and the order is what counts.`
}

type labelLine struct {
	File        string  `json:"file"`
	Label       string  `json:"label"`
	Probability float32 `json:"probability"`
	Score       float32 `json:"score"`
}

// Run classifies.
func (c *classifyCmd) Run(a *app) error {
	for i, l := range c.Labels {
		if c.Labels[i] = strings.TrimSpace(l); c.Labels[i] == "" {
			return usagef("label %d is empty", i+1)
		}
	}
	for _, t := range c.Templates {
		if !strings.Contains(t, "{}") {
			return usagef("the template %q has no place {} for the label", t)
		}
	}
	if !(c.Temperature >= 0) {
		return usagef("--temperature is %v, want above 0", c.Temperature)
	}
	if c.Top < 0 {
		return usagef("--top is %d, want 1 or more", c.Top)
	}
	enc, err := a.encoder()
	if err != nil {
		return err
	}
	defer enc.Close()
	classifier, err := clipdb.NewClassifier(enc, c.Labels, &clipdb.ClassifyOptions{Templates: c.Templates, Temperature: c.Temperature})
	if err != nil {
		return err
	}
	for i, file := range c.Images {
		data, err := a.picture(file)
		if err != nil {
			return err
		}
		scores, err := classifier.Classify(a.ctx, bytes.NewReader(data))
		if err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
		if c.Top > 0 {
			scores = scores[:min(c.Top, len(scores))]
		}
		if err := c.show(a, file, scores, i > 0); err != nil {
			return err
		}
	}
	return nil
}

func (c *classifyCmd) show(a *app, file string, scores []clipdb.LabelScore, more bool) error {
	if a.json {
		for _, s := range scores {
			if err := a.emit(labelLine{file, s.Label, s.Probability, s.Score}); err != nil {
				return err
			}
		}
		return nil
	}
	if len(c.Images) > 1 {
		if more {
			if err := a.printf("\n"); err != nil {
				return err
			}
		}
		if err := a.printf("%s\n", printable(file)); err != nil {
			return err
		}
	}
	for i, s := range scores {
		label := printable(s.Label)
		if i == 0 {
			label = a.paint(bold, label)
		}
		if err := a.printf("%s  %s  %s\n", a.paint(cyan, fmt.Sprintf("%5.1f %%", 100*s.Probability)),
			a.paint(dim, fmt.Sprintf("%6.3f", s.Score)), label); err != nil {
			return err
		}
	}
	return nil
}
