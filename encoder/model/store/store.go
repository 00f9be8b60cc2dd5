package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/clipdb/clipdb/encoder"
	"github.com/clipdb/clipdb/encoder/model"
)

// Errors of a store.
var (
	ErrUnknown = errors.New("no such model")                  // no model of that name is installed
	ErrExists  = errors.New("the model is installed already") // Import without Replace
	ErrLicence = encoder.ErrLicence                           // Options.Licences does not hold the model's
	ErrArchive = errors.New("unusable archive")               // not an archive, or one that reaches outside itself
)

// Env names a folder to use in place of the default one.
const Env = "CLIPDB_MODELS"

// Store is a folder of models.
type Store struct{ dir string }

// Open returns the store in a folder; "" means the one that Env names, or
// clipdb/models in the user's cache folder. Nothing is made until a model
// comes in.
func Open(dir string) (*Store, error) {
	if dir == "" {
		dir = os.Getenv(Env)
	}
	if dir == "" {
		cache, err := os.UserCacheDir()
		if err != nil {
			return nil, fmt.Errorf("no cache folder for models: %w; set %s", err, Env)
		}
		dir = filepath.Join(cache, "clipdb", "models")
	}
	return &Store{dir: dir}, nil
}

// Dir returns the folder of the store.
func (s *Store) Dir() string { return s.dir }

// Path returns the folder of a model, whether it is there or not; "" for what
// is no name.
func (s *Store) Path(name string) string {
	if name == "" || model.PlainName(name) != name {
		return ""
	}
	return filepath.Join(s.dir, name)
}

// Entry is an installed model.
type Entry struct {
	Name     string
	Dir      string
	Manifest *model.Manifest // nil when Err is set
	Origin   *Origin         // nil where the model was imported
	Err      error           // the model is damaged
}

// Origin says where a model was pulled from and how its files were checked.
type Origin struct {
	Repo     string            `json:"repo"`
	Revision string            `json:"revision"`
	Commit   string            `json:"commit,omitempty"`
	Files    map[string]string `json:"files"` // name -> how its hash is known: Pinned, Published or Recorded
}

// How the hash of a pulled file is known.
const (
	Pinned    = "pinned"    // clipdb's registry holds it
	Published = "published" // the server published it beside the file
	Recorded  = "recorded"  // it is what came the first time
)

const originFile = "origin.json"

// Find returns an installed model. It returns ErrUnknown for a name without
// one.
func (s *Store) Find(name string) (Entry, error) {
	dir := s.Path(name)
	if dir == "" {
		return Entry{}, fmt.Errorf("%w: %q", ErrUnknown, name)
	}
	if _, err := os.Stat(dir); err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return Entry{}, fmt.Errorf("%w: %q", ErrUnknown, name)
		}
		return Entry{}, err
	}
	e := Entry{Name: name, Dir: dir}
	if e.Manifest, e.Err = model.Open(os.DirFS(dir)); e.Err == nil && e.Manifest.Name != name {
		e.Err = fmt.Errorf("%w: the folder %s holds the model %s", model.ErrManifest, name, e.Manifest.Name)
	}
	if data, err := os.ReadFile(filepath.Join(dir, originFile)); err == nil {
		var o Origin
		if json.Unmarshal(data, &o) == nil {
			e.Origin = &o
		}
	}
	return e, nil
}

// List returns the installed models by name. A damaged one is listed with its
// error.
func (s *Store) List() ([]Entry, error) {
	dirs, err := os.ReadDir(s.dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var list []Entry
	for _, d := range dirs {
		if s.Path(d.Name()) == "" || !d.IsDir() {
			continue // work in progress begins with a dot
		}
		e, err := s.Find(d.Name())
		if err != nil {
			return nil, err
		}
		list = append(list, e)
	}
	return list, nil
}

// Verify reads every file of a model and compares it with its record. It
// returns model.ErrFile naming the first that differs.
func (s *Store) Verify(ctx context.Context, name string) (Entry, error) {
	e, err := s.Find(name)
	if err == nil {
		err = e.Err
	}
	if err == nil {
		err = e.Manifest.Verify(ctx, os.DirFS(e.Dir))
	}
	return e, err
}

// Remove deletes a model. It is out of sight at once, even where its files
// cannot be deleted yet.
func (s *Store) Remove(name string) error {
	if _, err := s.Find(name); err != nil {
		return err
	}
	gone, err := os.MkdirTemp(s.dir, ".removed-")
	if err != nil {
		return err
	}
	if err := os.Rename(s.Path(name), filepath.Join(gone, name)); err != nil {
		return errors.Join(err, os.Remove(gone))
	}
	return os.RemoveAll(gone)
}

// Options configure Import and Install. The zero value is right for most.
type Options struct {
	Name     string   // "" takes the manifest's, or the name of the folder or archive
	Variant  string   // see model.FolderOptions
	Licences []string // SPDX identifiers that are allowed; none means all
	Licence  string   // of a model that does not say its own
	Source   string   // where the model comes from
	Replace  bool     // an installed model of that name
	Origin   *Origin  // of a pulled model

	// Adjust, when not nil, completes the manifest of a folder that had none.
	Adjust func(*model.Manifest)

	// Progress, when not nil, hears how many bytes of how many are copied.
	Progress func(done, total int64)
}

// Import copies a model from a folder, or from a .tar, .tar.gz, .tgz or .zip
// archive with one, into the store. Where it brings a model.json its files are
// compared with it, and ErrFile names the first that is missing or altered;
// else the folder is read as model.FromFolder does. It returns ErrExists for a
// name that is taken, and ErrLicence.
func (s *Store) Import(ctx context.Context, from string, opts Options) (Entry, error) {
	info, err := os.Stat(from)
	if err != nil {
		return Entry{}, err
	}
	if info.IsDir() {
		abs, err := filepath.Abs(from)
		if err != nil {
			return Entry{}, err
		}
		if opts.Source == "" {
			opts.Source = "imported from the folder " + filepath.Base(abs)
		}
		return s.install(ctx, from, filepath.Base(abs), opts)
	}
	if err := os.MkdirAll(s.dir, 0o755); err != nil {
		return Entry{}, err
	}
	work, err := os.MkdirTemp(s.dir, ".unpacked-")
	if err != nil {
		return Entry{}, err
	}
	defer os.RemoveAll(work)
	if err := unpack(ctx, from, work); err != nil {
		return Entry{}, fmt.Errorf("%s: %w", from, err)
	}
	if opts.Source == "" {
		opts.Source = "imported from " + filepath.Base(from)
	}
	root, base := inner(work), archiveName(filepath.Base(from))
	if root != work {
		base = filepath.Base(root)
	}
	return s.install(ctx, root, base, opts)
}

// install copies the model in dir into place.
func (s *Store) install(ctx context.Context, dir, base string, opts Options) (Entry, error) {
	m, err := s.manifest(ctx, dir, base, opts)
	if err != nil {
		return Entry{}, err
	}
	if err := encoder.CheckLicence(opts.Licences, m.Name, m.Licence); err != nil {
		return Entry{}, err
	}
	final := s.Path(m.Name)
	if final == "" {
		return Entry{}, fmt.Errorf("%w: %q is no name for a model; give another", model.ErrManifest, m.Name)
	}
	if _, err := os.Stat(final); err == nil && !opts.Replace {
		return Entry{}, fmt.Errorf("%w: %s", ErrExists, m.Name)
	}
	if err := os.MkdirAll(s.dir, 0o755); err != nil {
		return Entry{}, err
	}
	work, err := os.MkdirTemp(s.dir, ".import-")
	if err != nil {
		return Entry{}, err
	}
	defer os.RemoveAll(work)
	if err := os.Chmod(work, 0o755); err != nil {
		return Entry{}, err
	}
	c := copier{ctx: ctx, from: dir, to: work, progress: opts.Progress}
	if err := c.copyAll(m); err != nil {
		return Entry{}, err
	}
	// The copy is what will be used, so the copy is what is compared.
	if err := m.Verify(ctx, os.DirFS(work)); err != nil {
		return Entry{}, err
	}
	if err := writeJSON(filepath.Join(work, model.FileName), m); err != nil {
		return Entry{}, err
	}
	if opts.Origin != nil {
		if err := writeJSON(filepath.Join(work, originFile), opts.Origin); err != nil {
			return Entry{}, err
		}
	}
	if opts.Replace {
		if err := s.Remove(m.Name); err != nil && !errors.Is(err, ErrUnknown) {
			return Entry{}, err
		}
	}
	if err := os.Rename(work, final); err != nil {
		if _, there := os.Stat(final); there == nil {
			return Entry{}, fmt.Errorf("%w: %s", ErrExists, m.Name)
		}
		return Entry{}, err
	}
	return s.Find(m.Name)
}

// manifest reads or makes the manifest of a folder.
func (s *Store) manifest(ctx context.Context, dir, base string, opts Options) (*model.Manifest, error) {
	files := os.DirFS(dir)
	var m *model.Manifest
	_, err := fs.Stat(files, model.FileName)
	switch {
	case err == nil:
		if m, err = model.Open(files); err != nil {
			return nil, err
		}
		if err := m.Verify(ctx, files); err != nil {
			return nil, err
		}
	case errors.Is(err, fs.ErrNotExist):
		m, err = model.FromFolder(ctx, files, &model.FolderOptions{
			Name: model.PlainName(base), Variant: opts.Variant, Licence: opts.Licence, Source: opts.Source})
		if err != nil {
			return nil, err
		}
		if opts.Adjust != nil {
			opts.Adjust(m)
		}
	default:
		return nil, err
	}
	if opts.Name != "" {
		m.Name = opts.Name
	}
	return m, nil
}

// copier copies the files of a model.
type copier struct {
	ctx         context.Context
	from, to    string
	progress    func(done, total int64)
	done, total int64
}

func (c *copier) copyAll(m *model.Manifest) error {
	var names []string
	for _, f := range m.Files() {
		if !slices.Contains(names, f.Name) {
			names = append(names, f.Name)
		}
	}
	for _, extra := range []string{"README.md", "LICENSE", "LICENSE.txt", "NOTICE", "MODEL_CARD.md"} {
		if info, err := os.Stat(filepath.Join(c.from, extra)); err == nil && info.Mode().IsRegular() && !slices.Contains(names, extra) {
			names = append(names, extra)
		}
	}
	for _, name := range names {
		info, err := os.Stat(filepath.Join(c.from, filepath.FromSlash(name)))
		if err != nil {
			return fmt.Errorf("%w: %s: %w", model.ErrFile, name, err)
		}
		c.total += info.Size()
	}
	for _, name := range names {
		if err := c.copy(name); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

func (c *copier) copy(name string) (err error) {
	to := filepath.Join(c.to, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	r, err := os.Open(filepath.Join(c.from, filepath.FromSlash(name)))
	if err != nil {
		return err
	}
	defer r.Close()
	w, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, w.Close()) }()
	buf := make([]byte, 1<<20)
	for {
		if err := c.ctx.Err(); err != nil {
			return err
		}
		n, readErr := r.Read(buf)
		if _, err := w.Write(buf[:n]); err != nil {
			return err
		}
		if c.done += int64(n); c.progress != nil {
			c.progress(c.done, c.total)
		}
		if errors.Is(readErr, io.EOF) {
			return w.Sync()
		}
		if readErr != nil {
			return readErr
		}
	}
}

func writeJSON(path string, v any) error {
	data, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(path, append(data, '\n'), 0o644)
}
