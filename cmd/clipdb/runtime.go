package main

import (
	"errors"
	"fmt"

	"github.com/clipdb/clipdb/encoder/onnx/ortlib"
)

// runtimeCmd groups the commands about ONNX Runtime.
type runtimeCmd struct {
	Status  runtimeStatusCmd  `cmd:"" help:"Show which library is used, and where it was looked for."`
	Install runtimeInstallCmd `cmd:"" help:"Put the library of this platform into the user's cache."`
}

// runtimeStatusCmd shows what a model would run on.
type runtimeStatusCmd struct{}

// Help is shown by --help.
func (*runtimeStatusCmd) Help() string {
	return `The exit status is 1 when no library fits, so that a script can say:
clipdb runtime status || clipdb runtime install`
}

// Run shows the state of the library.
func (*runtimeStatusCmd) Run(a *app) error {
	r := ortlib.Status(ortlib.Options{})
	if a.json {
		line := struct {
			Found bool `json:"found"`
			ortlib.Report
		}{r.Err == nil, r}
		if err := a.emit(line); err != nil {
			return err
		}
	} else if err := a.printRuntime(r); err != nil {
		return err
	}
	var missing *ortlib.NotFoundError
	if errors.As(r.Err, &missing) {
		return errors.New("no ONNX Runtime that fits was found; run: clipdb runtime install")
	}
	return r.Err
}

func (a *app) printRuntime(r ortlib.Report) error {
	facts := []string{"wanted", fmt.Sprintf("%s (%s or newer), %s", r.Wanted, r.Minimum, r.Platform), "cache", r.Cache}
	if l := r.Library; l != nil {
		state := "fits"
		switch {
		case r.Err != nil:
			state = a.paint(red, "cannot be used")
		case l.SHA256 != "" && l.Pinned:
			state = "fits, hash pinned by clipdb"
		case l.SHA256 != "":
			state = "fits, hash recorded when it was installed"
		}
		version := l.Version
		if version == "" {
			version = "unknown"
		}
		facts = append(facts, "library", l.Path, "version", version, "found", "in "+string(l.Origin), "state", state, "from", l.Source)
	} else {
		facts = append(facts, "library", a.paint(red, "none"))
	}
	if err := a.facts(facts...); err != nil {
		return err
	}
	for i, t := range r.Tried {
		if i == 0 {
			if err := a.printf("%s\n", a.paint(dim, "passed over")); err != nil {
				return err
			}
		}
		if err := a.printf("  %s (%s): %s\n", t.Path, t.Origin, t.Reason); err != nil {
			return err
		}
	}
	return nil
}

// runtimeInstallCmd fetches the library.
type runtimeInstallCmd struct {
	From          string `name:"from" placeholder:"FILE|DIR" help:"Install from a file or folder without any network: the library, the npm tarball, a release archive, or a folder with one of these."`
	AllowUnpinned bool   `name:"allow-unpinned" help:"Accept a file whose hash clipdb does not know. It is recorded and checked ever after."`
	Force         bool   `name:"force" help:"Fetch and write the library even when a good one is there."`
}

// Help is shown by --help.
func (*runtimeInstallCmd) Help() string {
	return `Fetches the official release archive, or the npm package where that cannot be reached. Every file
is compared with a hash that clipdb knows. On a machine without network, copy one of these over and
use --from. It is safe to run twice, also at the same time.`
}

type installLine struct {
	Path    string `json:"path"`
	Version string `json:"version"`
	SHA256  string `json:"sha256"`
	Pinned  bool   `json:"pinned"`
	Source  string `json:"source"`
	Already bool   `json:"already"`
	Bytes   int64  `json:"bytes"`
}

// Run installs the library.
func (c *runtimeInstallCmd) Run(a *app) error {
	var bar *progress
	var what string
	done, err := ortlib.Install(a.ctx, ortlib.InstallOptions{
		From:          c.From,
		AllowUnpinned: c.AllowUnpinned,
		Force:         c.Force,
		Progress: func(p ortlib.Progress) {
			if now := string(p.Stage) + " " + p.What; now != what {
				bar.done()
				bar, what = nil, now
				if p.Total > 0 && p.Stage == ortlib.StageDownload {
					bar = a.newByteProgress(p.Total, string(p.Stage))
				} else if a.errTerm && p.Stage != ortlib.StageWait {
					a.remark("%s %s", p.Stage, p.What)
				}
			}
			bar.set(p.Done)
		},
	})
	bar.done()
	switch {
	case errors.Is(err, ortlib.ErrUnpinned):
		return fmt.Errorf("%w: add --allow-unpinned", err)
	case err != nil:
		return err
	case a.json:
		return a.emit(installLine{done.Path, done.Version, done.SHA256, done.Pinned, done.Source, done.Already, done.Bytes})
	case done.Already:
		return a.printf("ONNX Runtime %s is installed already: %s\n", done.Version, done.Path)
	}
	return a.printf("installed ONNX Runtime %s (%s): %s\n", done.Version, byteCount(done.Bytes), done.Path)
}
