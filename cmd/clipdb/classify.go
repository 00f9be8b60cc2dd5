package main

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"strings"

	"github.com/clipdb/clipdb"
	"github.com/clipdb/clipdb/db"
	"github.com/clipdb/clipdb/encoder"
	"github.com/clipdb/clipdb/encoder/model"
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
	return `A line for each label, the best first: probability, score, label; with several pictures the file before
it. With --json a line is {"file","label","probability","score","kind"}, and {"file","error"} for a picture
that cannot be read; the others go on, and the exit status is 1.

The kind is that of the model. "softmax", shown in percent: the probabilities compare the labels with one
another and add up to 1; a picture of none of them still has a best one. "sigmoid" (SigLIP), shown as p =:
each label is judged alone; the probabilities do not add up to 1 and all may be small.`
}

type labelLine struct {
	File        string  `json:"file"`
	Label       string  `json:"label"`
	Probability float32 `json:"probability"`
	Score       float32 `json:"score"`
	Kind        string  `json:"kind"` // of the probability: "softmax" or "sigmoid"
}

type unclassifiedLine struct {
	File  string `json:"file"`
	Error string `json:"error"`
}

// Run classifies.
func (c *classifyCmd) Run(a *app) error {
	for i, l := range c.Labels {
		if c.Labels[i] = strings.TrimSpace(l); c.Labels[i] == "" {
			return usagef("label %d is empty", i+1)
		}
	}
	if len(c.Labels) > db.MaxLabels {
		return usagef("%d labels, %d are allowed", len(c.Labels), db.MaxLabels)
	}
	for _, t := range c.Templates {
		if !strings.Contains(t, "{}") {
			return usagef("the template %q has no place {} for the label", t)
		}
	}
	if len(c.Templates) > db.MaxTemplates {
		return usagef("%d templates, %d are allowed", len(c.Templates), db.MaxTemplates)
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
	warnings, err := classifier.Warnings(a.ctx)
	if err != nil {
		return err
	}
	for _, w := range warnings {
		if err := a.warn(w); err != nil {
			return err
		}
	}
	failed := 0
	for i, file := range c.Images {
		scores, ofPicture, err := c.classify(a, classifier, file)
		if err != nil && (!ofPicture || len(c.Images) == 1) {
			return err
		}
		if err := c.head(a, file, i > 0); err != nil {
			return err
		}
		if err != nil {
			failed++
			err = c.pass(a, file, err)
		} else {
			err = c.show(a, enc.Model(), file, scores)
		}
		if err != nil {
			return err
		}
	}
	if failed > 0 {
		return fmt.Errorf("%d of %d pictures were not classified", failed, len(c.Images))
	}
	if a.outTerm && !a.json && !a.quiet {
		return a.printf("%s\n", a.paint(dim, c.explain(enc.Model())))
	}
	return nil
}

// classify returns the labels to show; ofPicture is set for an error that the
// next picture need not have.
func (c *classifyCmd) classify(a *app, classifier *clipdb.Classifier, file string) (scores []clipdb.LabelScore, ofPicture bool, err error) {
	data, err := a.picture(file)
	if err != nil {
		return nil, a.ctx.Err() == nil, err
	}
	scores, err = classifier.Classify(a.ctx, bytes.NewReader(data))
	if err != nil {
		return nil, errors.Is(err, clipdb.ErrImageFormat) || errors.Is(err, clipdb.ErrImageTooLarge), fmt.Errorf("%s: %w", file, err)
	}
	if c.Top > 0 {
		scores = scores[:min(c.Top, len(scores))]
	}
	return scores, false, nil
}

// head writes the name of one picture among several.
func (c *classifyCmd) head(a *app, file string, more bool) error {
	if a.json || len(c.Images) == 1 {
		return nil
	}
	if more {
		if err := a.printf("\n"); err != nil {
			return err
		}
	}
	return a.printf("%s\n", printable(file))
}

// pass says why a picture was passed over.
func (c *classifyCmd) pass(a *app, file string, err error) error {
	if a.json {
		return a.emit(unclassifiedLine{file, explain(err)})
	}
	return a.printf("%s\n", a.paint(red, printable("not classified: "+explain(err))))
}

// kindOf names what the probabilities of a model are.
func kindOf(m encoder.Model) string {
	if m.Sigmoid {
		return model.Sigmoid
	}
	return model.Softmax
}

// explain says what the numbers are made of.
func (c *classifyCmd) explain(m encoder.Model) string {
	templates := c.Templates
	if len(templates) == 0 {
		templates = m.Templates
	}
	text := m.Name + ", labels as they are"
	if len(templates) > 0 {
		text = fmt.Sprintf("%s, caption %q", m.Name, templates[0])
		if n := len(templates); n > 1 {
			text = fmt.Sprintf("%s, mean of %d captions, %q and so on", m.Name, n, templates[0])
		}
	}
	if t := cmp.Or(c.Temperature, m.Temperature); t != 0 && t != 1 {
		text += fmt.Sprintf(", temperature %.3g", t)
	}
	if m.Sigmoid {
		return printable(text + "; each label is judged alone (sigmoid), the probabilities do not add up to 1")
	}
	return printable(fmt.Sprintf("%s; the probabilities choose among %s (softmax)", text, plural(len(c.Labels), "label")))
}

// show writes the labels of a picture: in percent where the probabilities share
// them out, as p = where each stands alone.
func (c *classifyCmd) show(a *app, m encoder.Model, file string, scores []clipdb.LabelScore) error {
	for i, s := range scores {
		if a.json {
			if err := a.emit(labelLine{file, s.Label, s.Probability, s.Score, kindOf(m)}); err != nil {
				return err
			}
			continue
		}
		label, p := printable(s.Label), fmt.Sprintf("%5.1f %%", 100*s.Probability)
		if m.Sigmoid {
			p = fmt.Sprintf("p = %-8.3g", s.Probability)
		}
		if i == 0 {
			label = a.paint(bold, label)
		}
		if err := a.printf("%s  %s  %s\n", a.paint(cyan, p), a.paint(dim, fmt.Sprintf("%6.3f", s.Score)), label); err != nil {
			return err
		}
	}
	return nil
}
