package onnx

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/clipdb/clipdb/encoder"
	"github.com/clipdb/clipdb/encoder/model"
	"github.com/clipdb/clipdb/encoder/onnx/library"
)

// environment is the state that ONNX Runtime shares within a process: the
// loaded library, and one session for each tower in use, whoever uses it.
// It is the only global state of this package and lives in this file alone.
var environment struct {
	mu     sync.Mutex
	towers map[towerKey]*tower

	loading sync.Mutex // held while the library comes or goes
	refs    int        // towers that need the library
	library library.Library
}

// towerKey tells towers apart: equal keys share a session.
type towerKey struct {
	sha256, inputs, output string
	threads, batch         int
	noArena, spin          bool
	provider               Provider // asked for
}

// tower is a session with its lane, shared by encoders.
type tower struct {
	key  towerKey
	refs int // guarded by environment.mu
	once sync.Once
	lane *lane
	err  error

	provider Provider // that runs it
	took     time.Duration
}

// towerSpec says how to open a tower.
type towerSpec struct {
	what    string // "image tower", for messages
	file    model.File
	files   Files
	inputs  []string
	output  string
	dim     int
	batch   int
	image   int   // side in pixels, 0 for text
	padID   int32 // of texts
	options Options

	extra          []model.File  // weights outside the file
	inType, outTyp string        // of the ids or the pixels, and of the vectors, as in manifests
	typeIDs        string        // input of zeros, "" without one
	context        int           // ids of a text, 0 for any number
	fixed          int           // the one batch size that the file takes, 0 for any
	dummies        []model.Dummy // inputs without a say
}

func (s towerSpec) key() towerKey {
	return towerKey{
		sha256:  s.file.SHA256,
		inputs:  fmt.Sprintf("%q %d %d %q %q %d %v %v", s.inputs, s.image, s.padID, s.inType, s.typeIDs, s.fixed, s.dummies, s.extra),
		output:  fmt.Sprintf("%q %d %q", s.output, s.dim, s.outTyp),
		threads: s.options.Threads,
		batch:   s.batch,
		noArena: s.options.NoArena,
		spin:    s.options.Spin,

		provider: s.options.Provider,
	}
}

// acquireTower returns the tower of spec, opening it when nobody has it open.
// The caller owes a releaseTower.
func acquireTower(spec towerSpec) (*tower, error) {
	key := spec.key()
	e := &environment
	e.mu.Lock()
	t := e.towers[key]
	if t == nil {
		if e.towers == nil {
			e.towers = make(map[towerKey]*tower)
		}
		t = &tower{key: key}
		e.towers[key] = t
	}
	t.refs++
	e.mu.Unlock()

	t.once.Do(func() { t.err = t.open(spec) })
	if t.err != nil {
		err := t.err
		releaseTower(t)
		return nil, err
	}
	return t, nil
}

// releaseTower closes the tower when nobody else uses it.
func releaseTower(t *tower) {
	e := &environment
	e.mu.Lock()
	t.refs--
	last := t.refs == 0
	// A tower that failed to open is forgotten at once, so that the next
	// caller tries again.
	if (last || t.err != nil) && e.towers[t.key] == t {
		delete(e.towers, t.key)
	}
	e.mu.Unlock()
	if last && t.lane != nil {
		t.lane.close()
		releaseLibrary()
	}
}

// open loads the library, if need be, and creates the session.
func (t *tower) open(spec towerSpec) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%s: %v", spec.what, p)
		}
	}()
	begin := time.Now()
	if err := acquireLibrary(spec.options); err != nil {
		return err
	}
	content, path, err := spec.files.open(context.Background(), spec.file)
	for _, x := range spec.extra {
		if err != nil {
			break
		}
		// ONNX Runtime reads these itself, from beside the file.
		if _, _, err = spec.files.open(context.Background(), x); err == nil && content != nil {
			err = fmt.Errorf("%w: %s: weights outside the ONNX file need a folder", model.ErrFile, x.Name)
		}
	}
	if err == nil {
		var exec executor
		exec, t.provider, err = openOn(spec, content, path)
		if err == nil {
			t.lane, t.took = newLane(exec, spec.batch), time.Since(begin)
			spec.options.Logger.Debug("tower loaded", "tower", spec.what, "file", spec.file.Name,
				"provider", string(t.provider), "threads", spec.options.Threads, "took", t.took)
			return nil
		}
	}
	releaseLibrary()
	return fmt.Errorf("%s: %w", spec.what, err)
}

// acquireLibrary loads the library when no tower has it loaded.
func acquireLibrary(opts Options) error {
	e := &environment
	e.loading.Lock()
	defer e.loading.Unlock()
	if e.refs == 0 {
		lib, err := loadable(opts)
		if err != nil {
			return err
		}
		version, err := loadLibrary(lib.Path)
		if err != nil {
			return fmt.Errorf("%w: %s: %w; run: clipdb runtime install", encoder.ErrNoRuntime, lib.Path, err)
		}
		if err := library.CheckVersion(version); err != nil {
			unloadLibrary()
			return fmt.Errorf("%w: %s: %w; run: clipdb runtime install", encoder.ErrNoRuntime, lib.Path, err)
		}
		lib.Version = version
		e.library = lib
		opts.Logger.Debug("ONNX Runtime loaded", "library", lib.Path, "version", version, "origin", slog.AnyValue(lib.Origin))
	}
	e.refs++
	return nil
}

// loadable returns the library to load, compared with its record.
func loadable(opts Options) (library.Library, error) {
	if err := built(); err != nil {
		return library.Library{}, err
	}
	lib, err := library.Find(opts.library())
	if err != nil {
		return lib, err
	}
	return lib, lib.Verify()
}

func releaseLibrary() {
	e := &environment
	e.loading.Lock()
	defer e.loading.Unlock()
	if e.refs--; e.refs == 0 {
		unloadLibrary()
		e.library = library.Library{}
	}
}

// Loaded returns the library that this process has loaded, and whether there
// is one.
func Loaded() (library.Library, bool) {
	e := &environment
	e.loading.Lock()
	defer e.loading.Unlock()
	return e.library, e.refs > 0
}
