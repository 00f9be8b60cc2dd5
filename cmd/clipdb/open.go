package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sync"

	"github.com/clipdb/clipdb"
	"github.com/clipdb/clipdb/db"
	"github.com/clipdb/clipdb/encoder/builtin"
	"github.com/clipdb/clipdb/encoder/model/store"
	"github.com/clipdb/clipdb/encoder/onnx"
	"github.com/clipdb/clipdb/encoder/onnx/ortlib"
)

// database is an open database with the model that --model names, if any.
type database struct {
	*clipdb.DB
	enc clipdb.Encoder // nil when the database has its own
}

// Close closes the database, then the model. A second Close does nothing new.
func (d *database) Close() error {
	err := d.DB.Close()
	if d.enc != nil {
		err = errors.Join(err, d.enc.Close())
	}
	return err
}

// openRead opens an existing database to search it.
func (a *app) openRead(path string) (*database, error) {
	return a.openExisting(path, clipdb.Options{ReadOnly: true})
}

// openStored opens an existing database of whatever model for what needs no
// model.
func (a *app) openStored(path string, readOnly bool) (*database, error) {
	return a.openExisting(path, clipdb.Options{ReadOnly: readOnly, NoModel: true})
}

func (a *app) openExisting(path string, o clipdb.Options) (*database, error) {
	if err := checkDatabasePath(path); errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("there is no database %s; 'clipdb add %s FOLDER' makes one", path, path)
	} else if err != nil {
		return nil, err
	}
	return a.open(path, o)
}

// openToAdd opens a database to add pictures, and makes it when it is not
// there. Without ONNX Runtime nothing is made.
func (a *app) openToAdd(path string, images clipdb.ImagePolicy, workers int) (*database, error) {
	if err := checkDatabasePath(path); errors.Is(err, fs.ErrNotExist) {
		if _, err := ortlib.Find(ortlib.Options{}); err != nil {
			return nil, err
		}
	} else if err != nil {
		return nil, err
	}
	return a.open(path, clipdb.Options{Images: images, Workers: workers})
}

// checkDatabasePath catches the two arguments being swapped. The error wraps
// fs.ErrNotExist when nothing has the name.
func checkDatabasePath(path string) error {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return fmt.Errorf("database %s: %w", path, plainPathError(err))
	case info.IsDir():
		return fmt.Errorf("%s is a folder, not a database; the database comes first, then the rest", path)
	case !info.Mode().IsRegular():
		return fmt.Errorf("%s is %s, not a database", path, kindOfFile(info.Mode()))
	}
	return nil
}

func (a *app) open(path string, o clipdb.Options) (*database, error) {
	d := &database{}
	if a.Model != "" && !o.NoModel {
		enc, err := a.encoder()
		if err != nil {
			return nil, err
		}
		o.Encoder, d.enc = enc, enc
	}
	if !o.NoModel {
		o.Model = a.modelOptions()
	}
	watch := &indexWatch{console: a.console}
	o.Listener = watch.event
	var err error
	d.DB, err = clipdb.Open(path, &o)
	var other *db.MismatchError
	if a.Model == "" && errors.As(err, &other) {
		// Without --model a database of an installed model is opened with it.
		if e, ok := installedAs(other.Stored.Fingerprint); ok {
			if o.Encoder, err = onnx.Open(e.Dir, a.modelOptions()); err == nil {
				d.enc = o.Encoder
				d.DB, err = clipdb.Open(path, &o)
			}
		}
	}
	watch.done()
	if err != nil {
		if d.enc != nil {
			err = errors.Join(err, d.enc.Close())
		}
		return nil, err
	}
	return d, nil
}

// installedAs returns the installed model of a fingerprint.
func installedAs(fingerprint string) (store.Entry, bool) {
	s, err := store.Open("")
	if err != nil {
		return store.Entry{}, false
	}
	list, err := s.List()
	if err != nil {
		return store.Entry{}, false
	}
	for _, e := range list {
		if e.Err == nil && e.Manifest.Fingerprint() == fingerprint {
			return e, true
		}
	}
	return store.Entry{}, false
}

// encoder opens the model that --model names, or the built-in one.
func (a *app) encoder() (clipdb.Encoder, error) {
	_, where, err := a.findModel(a.globals.Model)
	if err != nil {
		return nil, err
	}
	if where == builtIn {
		return builtin.New(a.modelOptions())
	}
	return onnx.Open(where, a.modelOptions())
}

// indexWatch shows a bar while an index is built again or caught up.
type indexWatch struct {
	*console
	mu   sync.Mutex
	bar  *progress
	kind string
	over bool
}

func (w *indexWatch) event(e clipdb.Event) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.over || e.Total <= 0 {
		return
	}
	if kind := string(e.Kind); kind != w.kind {
		w.bar.done()
		w.kind, w.bar = kind, w.newProgress(e.Total, kind+" of the index", "vectors")
	}
	w.bar.set(int64(e.Done))
	if e.Finished {
		w.bar.done()
		w.bar = nil
	}
}

// done takes the bar away for good: what comes later runs beside the command's
// own bar.
func (w *indexWatch) done() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.bar.done()
	w.bar, w.over = nil, true
}
