package main

import (
	"fmt"
	"time"
)

// compactCmd rewrites a database.
type compactCmd struct {
	DB string `arg:"" name:"db" help:"Database file."`
}

// Help is shown by --help.
func (*compactCmd) Help() string {
	return `Needs about the size of the compacted file as free space beside it. With --json:
{"bytes_before","bytes_after","seconds"}.`
}

type compactLine struct {
	Before  int64   `json:"bytes_before"`
	After   int64   `json:"bytes_after"`
	Seconds float64 `json:"seconds"`
}

// Run compacts the database.
func (c *compactCmd) Run(a *app) error {
	d, err := a.openStored(c.DB, false)
	if err != nil {
		return err
	}
	defer d.Close()
	before, err := d.Stats(a.ctx)
	if err != nil {
		return err
	}
	start := time.Now()
	if err := d.Compact(a.ctx); err != nil {
		return fmt.Errorf("%w; the database is as it was", err)
	}
	took := time.Since(start)
	after, err := d.Stats(a.ctx)
	if err != nil {
		return err
	}
	if err := d.Close(); err != nil {
		return err
	}
	if a.json {
		return a.emit(compactLine{before.Bytes.File, after.Bytes.File, took.Seconds()})
	}
	return a.printf("%s before, %s now\n", byteCount(before.Bytes.File), byteCount(after.Bytes.File))
}
