package main

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/clipdb/clipdb/cmd/clipdb/filterexpr"
	"github.com/clipdb/clipdb/db"
)

// addCmd adds pictures.
type addCmd struct {
	DB       string   `arg:"" name:"db" help:"Database file; it is made when it is not there."`
	Paths    []string `arg:"" name:"path" help:"Pictures, and folders to look for pictures in."`
	Captions string   `name:"captions" placeholder:"FILE" help:"Captions by file: JSON lines {\"file\",\"captions\":[...]}, or a CSV or TSV table with the columns file and caption."`
	Keep     int      `name:"captions-keep" default:"1" placeholder:"N" help:"How many captions of a file to keep, one a line; 0 keeps all (default ${default})."`
	Attrs    []string `name:"attr" short:"a" sep:"none" placeholder:"KEY=VALUE" help:"Attribute for every picture added; may be given several times. KEY:TYPE=VALUE sets the type: text, int, float, bool, time or list."`
	Prefix   string   `name:"prefix" placeholder:"TEXT" help:"Put before every id, e.g. 2024/ to keep folders with equal names apart."`
	Images   string   `name:"images" enum:"original,thumbnail,none" default:"original" help:"What to keep of a picture: original (and a thumbnail), thumbnail, or none."`
	Hidden   bool     `name:"hidden" help:"Also files and folders whose names begin with a dot."`
	Replace  bool     `name:"replace" help:"Store every picture anew, also what has not changed; captions and attributes that are not given again are dropped."`
	Strict   bool     `name:"strict" help:"Exit with status 1 when any file fails."`
	provenanceFlags
	Workers int `name:"workers" placeholder:"N" help:"Pictures decoded at the same time (default: the number of CPUs, at most 4)."`
}

// Help is shown by --help.
func (*addCmd) Help() string {
	return `A picture found in a folder gets its path below that folder as id, with slashes; a picture named
itself gets its file name. Its path, size and time of change are kept as file.path, file.size and
file.mtime. A picture with the same path, size and time is skipped; one that differs there, but not
in content, keeps its vector and gets the new attributes.

Files that are no pictures are passed over, unless they are named. A file that cannot be read is
recorded with its reason, and the next one is taken: clipdb info DB --failures lists them. The exit
status is 1 when a path given on the command line fails, or any file with --strict.

Ctrl-C ends after the pictures in work; the same command goes on from there, as it does after a
crash. A second Ctrl-C ends at once; nothing that was reported as added is lost.

With --json a line is {"id","path","status":"added|skipped|failed","error"}, printed when the
picture is safely stored.`
}

// Run adds the pictures.
func (c *addCmd) Run(a *app) (err error) {
	attrs, err := c.attributes()
	if err != nil {
		return err
	}
	if c.Workers < 0 || c.Keep < 0 {
		return usagef("--workers and --captions-keep cannot be below 0")
	}
	var said *captions
	if c.Captions != "" {
		if said, err = readCaptions(c.Captions); err != nil {
			return err
		}
	}
	files, others, err := a.collect(c)
	if err != nil {
		return err
	}
	if len(files) == 0 {
		a.remarkForeign(others)
		a.remark("nothing to add: no picture in %s that clipdb reads", printable(fmt.Sprint(c.Paths)))
		return nil
	}
	r := newReporter(a, len(files))
	defer r.bar.done()
	if allUnreadable(files) && !exists(c.DB) {
		for _, f := range files { // do not make a database for nothing
			r.failed(f, f.err)
		}
		return c.verdict(a, r, said, others)
	}
	d, err := a.openToAdd(c.DB, c.policy(), c.Workers)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.Close()) }()

	p := &planner{db: d.DB, captions: said, keep: c.Keep, attrs: attrs, replace: c.Replace, report: r}
	if len(c.Paths) > 1 {
		p.claimed = map[string]string{}
	}
	stop := make(chan struct{})
	a.interrupts.onFirst(func() {
		close(stop)
		if a.errTerm {
			r.bar.above(func() { a.remark("finishing the pictures in work; Ctrl-C again ends at once") })
		}
	})
	defer a.interrupts.onFirst(nil)
	rep, err := d.InsertAll(a.ctx, p.items(a.ctx, files, stop), &db.BatchOptions{
		Workers:  c.Workers,
		OnExists: db.Replace,
		Total:    len(files),
		Result:   r.result,
	})
	r.bar.done()
	r.busy = rep.EncoderShare()
	if err == nil {
		err = p.err
	}
	if err == nil && a.interrupts.came() {
		err = errors.New("stopped as asked")
	}
	if err != nil {
		r.summary()
		if r.done() > 0 || a.interrupts.came() {
			return fmt.Errorf("%w after %s of %s; run the same command again to go on", err, thousands(r.done()), plural(len(files), "file"))
		}
		return err
	}
	return c.verdict(a, r, said, others)
}

// attributes reads the --attr flags.
func (c *addCmd) attributes() (db.Attrs, error) {
	attrs := db.Attrs{}
	for _, s := range c.Attrs {
		key, v, err := filterexpr.Attribute(s)
		if err != nil {
			return nil, &usageError{err: err}
		}
		if _, twice := attrs[key]; twice {
			return nil, usagef("the attribute %q is given twice", key)
		}
		attrs[key] = v
	}
	return attrs, c.into(attrs)
}

func (c *addCmd) policy() db.ImagePolicy {
	switch c.Images {
	case "thumbnail":
		return db.KeepThumbnail
	case "none":
		return db.KeepNone
	}
	return db.KeepOriginal
}

// collect walks the paths. The list makes the time left known.
func (a *app) collect(c *addCmd) ([]found, foreign, error) {
	bar := a.newProgress(-1, "looking", "files")
	defer bar.done()
	var files []found
	others, err := walk(a.ctx, c.Paths, c.Prefix, c.Hidden, func(f found) {
		files = append(files, f)
		bar.add(1)
	})
	return files, others, err
}

func allUnreadable(files []found) bool {
	for _, f := range files {
		if f.err == nil {
			return false
		}
	}
	return true
}

// verdict ends a run that went through: the summary, remarks, and the error
// that the exit status tells of.
func (c *addCmd) verdict(a *app, r *reporter, said *captions, others foreign) error {
	r.summary()
	a.remarkForeign(others)
	if n := said.unused(); n > 0 {
		a.remark("%s of the captions file name no picture of this run", thousands(n))
	}
	switch {
	case r.firstNamed != nil:
		return fmt.Errorf("%s: %w", r.firstNamed.path, r.firstNamed.err)
	case c.Strict && r.failures > 0:
		return fmt.Errorf("%s failed; clipdb info %s --failures lists them", plural(r.failures, "file"), c.DB)
	}
	return nil
}

// items yields what has to be stored and reports the rest. It ends early when
// the user asks to stop.
func (p *planner) items(ctx context.Context, files []found, stop <-chan struct{}) iter.Seq[db.Item] {
	return func(yield func(db.Item) bool) {
		for _, f := range files {
			select {
			case <-stop:
				return
			case <-ctx.Done():
				return
			default:
			}
			item, work, err := p.plan(ctx, f)
			if err != nil {
				p.err = err
				return
			}
			if work == nothing {
				continue
			}
			p.report.expect(f, work)
			if !yield(item) {
				return
			}
		}
	}
}

// seconds writes a duration as people say it.
func seconds(d time.Duration) string {
	if d < 10*time.Second {
		return fmt.Sprintf("%.1f s", d.Seconds())
	}
	return d.Round(time.Second).String()
}
