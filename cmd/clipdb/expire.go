package main

import (
	"fmt"
	"time"

	"github.com/clipdb/clipdb/cmd/clipdb/filterexpr"
	"github.com/clipdb/clipdb/db"
)

// expireCmd erases items whose time is over.
type expireCmd struct {
	DB      string `arg:"" name:"db" help:"Database file."`
	DryRun  bool   `name:"dry-run" short:"n" help:"Show what would be erased, and erase nothing."`
	At      string `name:"at" placeholder:"TIME" help:"Judge as of this day or time, e.g. 2027-01-01; without it now."`
	Compact bool   `name:"compact" help:"Compact the database afterwards, so that no byte of what was erased stays in the file."`
}

// Help is shown by --help.
func (*expireCmd) Help() string {
	return `Erases the items whose attribute consent is "withdrawn", or whose consent_until or retention_until is past;
add --consent, --consent-until and --retention-until set them. The items are gone from every answer at once; their
bytes leave the file with clipdb compact, or --compact here. With --json a line is {"id","reason","since","status"},
where status is erased, or expired with --dry-run.`
}

type expiredLine struct {
	ID     string     `json:"id"`
	Reason string     `json:"reason"`
	Since  *time.Time `json:"since,omitempty"`
	Status string     `json:"status"`
}

// Run erases.
func (c *expireCmd) Run(a *app) error {
	now := time.Now()
	if c.At != "" {
		t, err := timeFlag("--at", c.At)
		if err != nil {
			return err
		}
		now = t
	}
	if c.DryRun && c.Compact {
		return usagef("--dry-run and --compact exclude each other")
	}
	d, err := a.openStored(c.DB, c.DryRun)
	if err != nil {
		return err
	}
	defer d.Close()
	status := "erased"
	if c.DryRun {
		status = "expired"
	}
	var printing error
	n, err := d.Expire(a.ctx, now, &db.ExpireOptions{DryRun: c.DryRun, Found: func(e db.Expired) {
		if printing == nil {
			printing = a.printExpired(e, status)
		}
	}})
	if err == nil {
		err = printing
	}
	if err == nil && c.Compact && n > 0 {
		if err = d.Compact(a.ctx); err != nil {
			err = fmt.Errorf("%w; the items are erased, but their bytes may still be in the file; run: clipdb compact %s", err, c.DB)
		}
	}
	if err != nil {
		return err
	}
	switch {
	case n == 0:
		a.remark("nothing has expired")
	case c.DryRun:
		a.remark("%s would be erased", plural(n, "item"))
	case !c.Compact:
		a.remark("%s erased; clipdb compact %s removes their bytes from the file", plural(n, "item"), c.DB)
	}
	return d.Close()
}

func (a *app) printExpired(e db.Expired, status string) error {
	if a.json {
		l := expiredLine{ID: e.ID, Reason: e.Reason, Status: status}
		if !e.Since.IsZero() {
			l.Since = &e.Since
		}
		return a.emit(l)
	}
	reason := map[string]string{
		db.AttrConsent: "consent withdrawn", db.AttrConsentUntil: "consent ended", db.AttrRetentionUntil: "to be kept until",
	}[e.Reason]
	if !e.Since.IsZero() {
		reason += " " + e.Since.Format(time.DateOnly)
	}
	return a.printf("%s %s  %s\n", status, a.paint(bold, printable(e.ID)), reason)
}

// timeFlag reads a day or a time.
func timeFlag(flag, text string) (time.Time, error) {
	if t, ok := filterexpr.Literal(text).AsTime(); ok {
		return t, nil
	}
	return time.Time{}, usagef("%s %q is no date (2027-01-01) and no time (2027-01-01T18:30:00Z)", flag, text)
}
