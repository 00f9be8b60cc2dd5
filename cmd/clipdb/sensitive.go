package main

import (
	"github.com/clipdb/clipdb"
	"github.com/clipdb/clipdb/db"
)

// sensitiveCmd rates pictures for sensitive content.
type sensitiveCmd struct {
	DB        string   `arg:"" name:"db" help:"Database file."`
	Threshold float32  `name:"threshold" required:"" placeholder:"X" help:"Score from which on a picture is called sensitive, above 0 and at most 1. There is no default."`
	Labels    []string `name:"labels" placeholder:"A,B" help:"What is sensitive; without it nudity, violence, blood and the like."`
	Neutral   []string `name:"neutral" placeholder:"A,B" help:"What is not, for contrast; without it people, places, animals and things."`
	All       bool     `name:"all" help:"Show every picture, not only those at or above the threshold."`
	Store     bool     `name:"store" help:"Keep the rating as the attributes sensitive and sensitive_score, for --filter."`
}

// Help is shown by --help.
func (*sensitiveCmd) Help() string {
	return `Rates every stored picture by asking the database's model to choose among sensitive and neutral labels. It is off
unless you ask for it, and it is no safeguard: the models were not trained for it. The built-in one has seen no such
pictures at all; docs/governance.md has what was measured. Look at the pictures before you act on a score, and choose
the threshold on pictures of your own.

With --json a line is {"id","score","sensitive"}. With --store a search may leave them out:
clipdb search DB TEXT --filter 'not sensitive = true'`
}

type sensitiveLine struct {
	ID        string  `json:"id"`
	Score     float64 `json:"score"`
	Sensitive bool    `json:"sensitive"`
}

// Run rates.
func (c *sensitiveCmd) Run(a *app) error {
	if !(c.Threshold > 0 && c.Threshold <= 1) {
		return usagef("--threshold is %v; it is above 0 and at most 1", c.Threshold)
	}
	d, err := a.openExisting(c.DB, clipdb.Options{ReadOnly: !c.Store})
	if err != nil {
		return err
	}
	defer d.Close()
	rated, flagged := 0, 0
	err = d.RateSensitive(a.ctx, db.SensitiveOptions{Threshold: c.Threshold, Labels: c.Labels, Neutral: c.Neutral}, c.Store,
		func(s db.SensitiveScore) error {
			rated++
			if s.Sensitive {
				flagged++
			} else if !c.All {
				return nil
			}
			if a.json {
				return a.emit(sensitiveLine(s))
			}
			mark := " "
			if s.Sensitive {
				mark = a.paint(red, "!")
			}
			return a.printf("%s %.3f  %s\n", mark, s.Score, printable(s.ID))
		})
	if err != nil {
		return err
	}
	a.remark("%s of %s at or above %v; the score is no safeguard, see clipdb sensitive --help", thousands(flagged), plural(rated, "picture"), c.Threshold)
	return d.Close()
}
