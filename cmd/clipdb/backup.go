package main

import (
	"io"
	"path/filepath"
	"time"
)

// backupCmd copies a database.
type backupCmd struct {
	DB    string `arg:"" name:"db" help:"Database file."`
	File  string `arg:"" name:"file" help:"File to write the copy to, or - for standard output."`
	Force bool   `name:"force" help:"Replace a file that is there."`
}

// Help is shown by --help.
func (*backupCmd) Help() string {
	return `The copy shows the database as it is at one moment and is a database like any other. It appears
under its name only when it is whole. With --json: {"file","bytes","seconds"}.`
}

type backupLine struct {
	File    string  `json:"file"`
	Bytes   int64   `json:"bytes"`
	Seconds float64 `json:"seconds"`
}

// Run copies the database.
func (c *backupCmd) Run(a *app) error {
	if c.File == "-" && a.json {
		return usagef("a copy to standard output leaves no place for --json")
	}
	if from, err := filepath.Abs(c.DB); err == nil {
		if to, err := filepath.Abs(c.File); err == nil && from == to {
			return usagef("the copy has the name of the database; choose another")
		}
	}
	d, err := a.openStored(c.DB, true)
	if err != nil {
		return err
	}
	defer d.Close()
	st, err := d.Stats(a.ctx)
	if err != nil {
		return err
	}
	bar := a.newByteProgress(st.Bytes.File, "backup")
	defer bar.done()
	start := time.Now()
	var n int64
	write := func(w io.Writer) (err error) {
		n, err = d.WriteTo(&meter{w: w, bar: bar, a: a})
		return err
	}
	if c.File == "-" {
		return write(a.out)
	}
	// As private as the database, whose pictures it holds.
	if err := writeFileMode(c.File, c.Force, 0o600, write); err != nil {
		return err
	}
	took := time.Since(start)
	bar.done()
	if a.json {
		return a.emit(backupLine{c.File, n, took.Seconds()})
	}
	return a.printf("%s, %s\n", c.File, byteCount(n))
}

// meter counts what passes, and stops when the user asks to.
type meter struct {
	w   io.Writer
	bar *progress
	a   *app
}

func (m *meter) Write(p []byte) (int, error) {
	if err := m.a.ctx.Err(); err != nil {
		return 0, err
	}
	n, err := m.w.Write(p)
	m.bar.add(n)
	return n, err
}
