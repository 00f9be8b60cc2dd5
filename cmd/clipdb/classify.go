package main

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/clipdb/clipdb"
)

// classifyCmd says which of some labels fits a picture.
type classifyCmd struct {
	Image    string   `arg:"" name:"image" help:"Picture file, or - for standard input."`
	Labels   []string `name:"labels" short:"l" required:"" placeholder:"A,B,..." help:"Labels to choose from, separated by commas."`
	Template string   `name:"template" placeholder:"TEXT" help:"Caption of a label, which takes the place of {} (default \"${template}\")."`
}

// Help is shown by --help.
func (*classifyCmd) Help() string {
	return `A line for each label, the most probable first: probability, score, label. With --json a line is
{"label","probability","score"}. The probabilities compare the labels with one another and add up
to 1: a picture of none of them still has a most probable one.`
}

type labelLine struct {
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
	if c.Template != "" && !strings.Contains(c.Template, "{}") {
		return usagef("the template %q has no place {} for the label", c.Template)
	}
	data, err := a.picture(c.Image)
	if err != nil {
		return err
	}
	enc, err := a.encoder()
	if err != nil {
		return err
	}
	defer enc.Close()
	scores, err := clipdb.Classify(a.ctx, enc, bytes.NewReader(data), c.Labels, &clipdb.ClassifyOptions{Template: c.Template})
	if err != nil {
		return fmt.Errorf("%s: %w", c.Image, err)
	}
	for i, s := range scores {
		if a.json {
			err = a.emit(labelLine(s))
		} else {
			label := printable(s.Label)
			if i == 0 {
				label = a.paint(bold, label)
			}
			err = a.printf("%s  %s  %s\n", a.paint(cyan, fmt.Sprintf("%5.1f %%", 100*s.Probability)),
				a.paint(dim, fmt.Sprintf("%6.3f", s.Score)), label)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
