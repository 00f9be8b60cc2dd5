package main

import (
	"fmt"
	"time"

	"github.com/clipdb/clipdb"
	"github.com/clipdb/clipdb/db"
)

// auditCmd shows the audit log, or switches it.
type auditCmd struct {
	DB  string `arg:"" name:"db" help:"Database file."`
	ID  string `name:"id" placeholder:"ID" help:"Only what concerns this item, also after it was erased."`
	On  bool   `name:"on" help:"Keep a log from now on."`
	Off bool   `name:"off" help:"Keep no log from now on; what there is stays."`
}

// Help is shown by --help.
func (*auditCmd) Help() string {
	return `Shows what was stored, replaced and erased, which models the database took up, and when it was
compacted, oldest first. The log is off until --on. Ids of erased items become hashes at clipdb
compact; --id still finds them. With --json a line is {"seq","time","op","id","id_hash","model"}.`
}

// Run shows or switches.
func (c *auditCmd) Run(a *app) error {
	if c.On && c.Off || c.ID != "" && (c.On || c.Off) {
		return usagef("--on, --off and --id exclude each other")
	}
	o := clipdb.Options{NoModel: true, ReadOnly: true}
	if c.On || c.Off {
		o.ReadOnly, o.Audit = false, clipdb.AuditOff
		if c.On {
			o.Audit = clipdb.AuditOn
		}
	}
	d, err := a.openExisting(c.DB, o)
	if err != nil {
		return err
	}
	defer d.Close()
	if c.On || c.Off {
		a.remark("the audit log of %s is %s", c.DB, map[bool]string{true: "on", false: "off"}[c.On])
		return d.Close()
	}
	entries := d.Audit(a.ctx)
	if c.ID != "" {
		entries = d.AuditOf(a.ctx, c.ID)
	}
	n := 0
	for e, err := range entries {
		if err == nil {
			err = a.printAudit(e)
		}
		if err != nil {
			return err
		}
		n++
	}
	if n == 0 {
		a.remark("the log is empty; clipdb audit %s --on keeps one", c.DB)
	}
	return nil
}

func (a *app) printAudit(e db.AuditEntry) error {
	if a.json {
		return a.emit(e)
	}
	what := printable(e.ID)
	if e.IDHash != "" {
		what = "erased item " + e.IDHash
	}
	if e.Model != "" {
		what = fmt.Sprintf("%s  model %.12s", what, e.Model)
	}
	return a.printf("%s  %-9s  %s\n", e.Time.Local().Format(time.DateTime), e.Op, what)
}
