package main

import (
	"fmt"

	"github.com/clipdb/clipdb/db"
)

// verifyCmd checks a database.
type verifyCmd struct {
	DB string `arg:"" name:"db" help:"Database file."`
}

// Help is shown by --help.
func (*verifyCmd) Help() string {
	return `Reads everything: checksums, references, pictures against their sha256, items against vectors and
index, and the index against exact scans. With --json: {"ok","problems":[{"where","id","what"}],
"records","recall","recall_queries"}. The exit status is 1 when something is wrong.`
}

type verifyLine struct {
	OK bool `json:"ok"`
	db.VerifyReport
}

// Run checks the database.
func (c *verifyCmd) Run(a *app) error {
	d, err := a.openStored(c.DB, true)
	if err != nil {
		return err
	}
	defer d.Close()
	r, err := d.Verify(a.ctx)
	if err != nil {
		return err
	}
	if r.Problems == nil {
		r.Problems = []db.Problem{}
	}
	if a.json {
		if err := a.emit(verifyLine{r.OK(), r}); err != nil {
			return err
		}
	} else {
		for _, p := range r.Problems {
			if err := a.printf("%s %s\n", a.paint(red, "wrong"), printable(p.String())); err != nil {
				return err
			}
		}
		recall := ""
		if r.RecallQueries > 0 {
			recall = fmt.Sprintf(", the index finds %.1f %% of the true nearest (%d queries)", 100*r.Recall, r.RecallQueries)
		}
		if r.OK() {
			return a.printf("%s: %s read, nothing wrong%s\n", a.paint(green, "ok"), plural(r.Records, "item"), recall)
		}
	}
	if !r.OK() {
		return fmt.Errorf("%s: %s found; restore a backup", c.DB, plural(len(r.Problems), "problem"))
	}
	return nil
}
