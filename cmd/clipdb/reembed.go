package main

import (
	"errors"
	"time"

	"github.com/clipdb/clipdb/db"
)

// reembedCmd changes the model of a database.
type reembedCmd struct {
	DB         string `arg:"" name:"db" help:"Database file."`
	DropFailed bool   `name:"drop-failed" help:"Delete the items that the new model cannot embed, such as those without a stored picture."`
	Batch      int    `name:"batch" placeholder:"N" help:"Pictures given to the model at once (default 16)."`
}

// Help is shown by --help.
func (*reembedCmd) Help() string {
	return `Gives every item a vector of the model that --model names (without it the built-in one), from the
pictures in the file, and then serves that model in the place of the present one, in one step. Until
that step everything is as before; stopped at any moment, the same command goes on where it was.

With --json one line: {"model","embedded","kept","total","failed":[{"id","reason"}],"switched"}.`
}

type reembedLine struct {
	Model    string          `json:"model"`
	Embedded int             `json:"embedded"`
	Kept     int             `json:"kept"` // embedded by an earlier run
	Total    int             `json:"total"`
	Failed   []reembedFailed `json:"failed,omitempty"`
	Switched bool            `json:"switched"`
	Seconds  float64         `json:"seconds"`
}

type reembedFailed struct {
	ID     string `json:"id"`
	Reason string `json:"reason"`
}

// Run reembeds.
func (c *reembedCmd) Run(a *app) error {
	if c.Batch < 0 || c.Batch > 1024 {
		return usagef("--batch is %d; it goes from 1 to 1,024", c.Batch)
	}
	enc, err := a.encoder()
	if err != nil {
		return err
	}
	defer enc.Close()
	d, err := a.openStored(c.DB, false)
	if err != nil {
		return err
	}
	defer d.Close()
	st, err := d.Stats(a.ctx)
	if err != nil {
		return err
	}
	bar := a.newProgress(st.Records, "embedding", "items")
	rep, err := d.Reembed(a.ctx, enc, &db.ReembedOptions{
		BatchSize: c.Batch, DropFailed: c.DropFailed,
		Progress: func(p db.ReembedProgress) { bar.set(int64(p.Done)) },
	})
	bar.done()
	line := reembedLine{
		Model: enc.Model().Name, Embedded: rep.Embedded, Kept: rep.Kept, Total: st.Records,
		Switched: rep.Switched, Seconds: rep.Elapsed.Round(time.Millisecond).Seconds(),
	}
	for _, f := range rep.Failed {
		line.Failed = append(line.Failed, reembedFailed{ID: f.ID, Reason: f.Reason})
	}
	if err != nil && !errors.Is(err, db.ErrPending) {
		a.remark("%s embedded with %s; the database serves its old model, and the same command goes on", plural(rep.Kept+rep.Embedded, "item"), line.Model)
		return err
	}
	if a.json {
		if jerr := a.emit(line); jerr != nil {
			return jerr
		}
	} else {
		for _, f := range line.Failed {
			if perr := a.printf("failed %s  %s\n", a.paint(bold, printable(f.ID)), f.Reason); perr != nil {
				return perr
			}
		}
	}
	if err != nil {
		a.remark("nothing is switched; --drop-failed deletes the items that failed")
		return err
	}
	a.remark("%s embedded in %.1f s, %d by an earlier run; %s serves %s now", plural(rep.Embedded, "item"), rep.Elapsed.Seconds(), rep.Kept, c.DB, line.Model)
	return d.Close()
}
