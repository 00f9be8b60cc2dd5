package pull

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/clipdb/clipdb/encoder"
	"github.com/clipdb/clipdb/encoder/model"
	"github.com/clipdb/clipdb/encoder/model/store"
)

// Errors of Pull, beside those of package store.
var (
	ErrOffline = errors.New("the server cannot be reached")
	ErrDenied  = errors.New("the server wants a token")
	ErrMissing = errors.New("the server has no such model or file")
	ErrHash    = errors.New("a file is not the one that is known") // its hash differs
)

// DefaultEndpoint is the server that is asked without HF_ENDPOINT.
const DefaultEndpoint = "https://huggingface.co"

// Options configure Pull. The zero value, with a model, is right for most.
type Options struct {
	Model    store.Known // what to fetch; Name and Repo at least
	Endpoint string      // "" means HF_ENDPOINT, or DefaultEndpoint
	Token    string      // "" means HF_TOKEN, or none
	Licences []string    // SPDX identifiers that are allowed; none means all
	Parallel int         // files at a time; 0 means 3
	Replace  bool        // fetch and install again what is there
	Forget   bool        // accept files that differ from those of an earlier pull

	// Progress, when not nil, hears how many bytes of how many have come.
	Progress func(done, total int64)

	retries int           // 0 means 5
	pause   time.Duration // before the first retry; 0 means one second
}

const (
	defaultParallel = 3
	defaultRetries  = 5
	longestWait     = 2 * time.Minute // that a server may ask for
)

var repoRE = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,95}/[A-Za-z0-9][A-Za-z0-9._-]{0,95}$`)
var revisionRE = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$`)

// Pull fetches a model into the store and returns it; already tells that it
// was there and whole. What had come before an error stays beside the store's
// models and is gone on with by the next Pull.
func Pull(ctx context.Context, s *store.Store, opts Options) (e store.Entry, already bool, err error) {
	k := opts.Model
	if k.Revision == "" {
		k.Revision = "main"
	}
	if s.Path(k.Name) == "" || !repoRE.MatchString(k.Repo) || !revisionRE.MatchString(k.Revision) {
		return e, false, fmt.Errorf("%w: name %q, repository %q, revision %q", ErrMissing, k.Name, k.Repo, k.Revision)
	}
	if k.Licence != "" {
		if err := encoder.CheckLicence(opts.Licences, k.Name, k.Licence); err != nil {
			return e, false, err
		}
	}
	if k.Manual != "" {
		return e, false, fmt.Errorf("%w: %s cannot be fetched by name: %s", ErrMissing, k.Name, k.Manual)
	}
	if !opts.Replace {
		switch _, err := s.Find(k.Name); {
		case err == nil:
			e, err := s.Verify(ctx, k.Name)
			return e, err == nil, err
		case !errors.Is(err, store.ErrUnknown):
			return e, false, err
		}
	}
	p := newPuller(s, k, opts)
	if err := os.MkdirAll(p.work, 0o755); err != nil {
		return e, false, err
	}
	listed, err := p.list(ctx)
	if err != nil {
		return e, false, err
	}
	files, err := p.choose(listed)
	if err != nil {
		return e, false, err
	}
	if err := p.fetchAll(ctx, files); err != nil {
		return e, false, err
	}
	e, err = s.Import(ctx, p.work, store.Options{
		Name: k.Name, Variant: k.Variant, Licences: opts.Licences, Replace: opts.Replace,
		Source: p.endpoint + "/" + k.Repo, Adjust: k.Adjust, Origin: p.origin(files),
	})
	if err != nil {
		return e, false, err
	}
	if err := p.remember(files); err != nil {
		return e, false, err
	}
	return e, false, os.RemoveAll(p.work)
}

// puller is one Pull under way.
type puller struct {
	known    store.Known
	opts     Options
	endpoint string
	token    string
	dir      string      // of the store
	work     string      // where files gather
	reached  atomic.Bool // the server has answered once

	mu          sync.Mutex
	commit      string
	done, total int64
}

func newPuller(s *store.Store, k store.Known, o Options) *puller {
	p := &puller{known: k, opts: o, endpoint: o.Endpoint, token: o.Token, dir: s.Dir()}
	if p.endpoint == "" {
		p.endpoint = os.Getenv("HF_ENDPOINT")
	}
	if p.endpoint == "" {
		p.endpoint = DefaultEndpoint
	}
	p.endpoint = strings.TrimRight(p.endpoint, "/")
	if p.token == "" {
		p.token = os.Getenv("HF_TOKEN")
	}
	if p.opts.Parallel <= 0 {
		p.opts.Parallel = defaultParallel
	}
	if p.opts.retries <= 0 {
		p.opts.retries = defaultRetries
	}
	if p.opts.pause <= 0 {
		p.opts.pause = time.Second
	}
	p.work = filepath.Join(s.Dir(), ".pull-"+k.Name)
	return p
}

// file is a file of the repository.
type file struct {
	Path string `json:"path"`
	Type string `json:"type"`
	Size int64  `json:"size"`
	LFS  *struct {
		OID  string `json:"oid"`
		Size int64  `json:"size"`
	} `json:"lfs"`

	sha256 string // to compare with, "" when nothing is known
	how    string // store.Pinned, ...
}

// towerRE tells the ONNX files, with their variants, and weights beside them.
var (
	towerRE = regexp.MustCompile(`^(?:onnx/)?(?:vision_model|text_model|model)((?:_[a-z0-9]+)?)\.onnx(_data(?:_[0-9]+)?)?$`)
	pairRE  = regexp.MustCompile(`^(?:visual|textual)(?:/model)?\.onnx(?:_data)?$`)
)

// helpers are the other files of a model, at the top or beside a tower.
var helpers = map[string]bool{
	"config.json": true, "open_clip_config.json": true, "preprocessor_config.json": true, "preprocess_cfg.json": true,
	"tokenizer.json": true, "tokenizer_config.json": true, "spiece.model": true, "sentencepiece.model": true, "tokenizer.model": true,
	"vocab.json": true, "merges.txt": true, "vocab.txt": true, "bpe_simple_vocab_16e6.txt.gz": true,
	"README.md": true, "LICENSE": true, "model.json": true,
}

// choose picks the files of the model: one variant of the towers and what
// belongs to it. A joint model is left out where two towers are there.
func (p *puller) choose(listed []file) ([]file, error) {
	towers := map[string][]file{} // variant -> both towers
	joint := map[string][]file{}
	var chosen, pair []file
	for _, f := range listed {
		if f.Type != "" && f.Type != "file" || !model.ValidName(f.Path) || f.Size < 0 {
			continue
		}
		dir, base := path.Split(f.Path)
		if m := towerRE.FindStringSubmatch(f.Path); m != nil {
			if strings.HasPrefix(base, "model") {
				joint[m[1]] = append(joint[m[1]], f)
			} else {
				towers[m[1]] = append(towers[m[1]], f)
			}
			continue
		}
		if pairRE.MatchString(f.Path) {
			pair = append(pair, f)
			continue
		}
		if helpers[base] && (dir == "" || dir == "textual/" || dir == "visual/") {
			chosen = append(chosen, f)
		}
	}
	whole := func(list []file) bool {
		image, text := false, false
		for _, f := range list {
			image = image || strings.Contains(f.Path, "vision_model") && strings.HasSuffix(f.Path, ".onnx")
			text = text || strings.Contains(f.Path, "text_model") && strings.HasSuffix(f.Path, ".onnx")
		}
		return image && text
	}
	variants := []string{"", "_fp16", "_quantized", "_int8", "_uint8"}
	if v := p.known.Variant; v == "fp32" {
		variants = []string{""}
	} else if v != "" {
		variants = []string{"_" + v}
	}
	for _, v := range variants {
		switch {
		case whole(towers[v]):
			return p.weigh(append(chosen, towers[v]...))
		case len(joint[v]) > 0:
			return p.weigh(append(chosen, joint[v]...))
		}
	}
	if len(pair) >= 2 && (p.known.Variant == "" || p.known.Variant == "fp32") {
		return p.weigh(append(chosen, pair...))
	}
	return nil, fmt.Errorf("%w: %s has no pair of ONNX towers%s", ErrMissing, p.known.Repo, map[bool]string{true: " of the variant " + p.known.Variant}[p.known.Variant != ""])
}

// weigh says of each file how its hash is known.
func (p *puller) weigh(files []file) ([]file, error) {
	before, err := p.recalled()
	if err != nil {
		return nil, err
	}
	pins := map[string]store.KnownFile{}
	for _, k := range p.known.Files {
		pins[k.Name] = k
	}
	for i := range files {
		f := &files[i]
		f.how = store.Recorded
		if f.LFS != nil && len(f.LFS.OID) == 64 {
			f.sha256, f.how, f.Size = f.LFS.OID, store.Published, f.LFS.Size
		}
		if old := before[p.key(f.Path)]; old != "" && !p.opts.Forget {
			if f.sha256 != "" && f.sha256 != old {
				return nil, fmt.Errorf("%w: %s: the server has sha256 %s, an earlier pull brought %s", ErrHash, f.Path, f.sha256, old)
			}
			f.sha256 = old
		}
		if pin, ok := pins[path.Base(f.Path)]; ok {
			if f.sha256 != "" && f.sha256 != pin.SHA256 {
				return nil, fmt.Errorf("%w: %s: the server has sha256 %s, clipdb knows %s", ErrHash, f.Path, f.sha256, pin.SHA256)
			}
			f.sha256, f.how, f.Size = pin.SHA256, store.Pinned, pin.Size
		}
		p.total += f.Size
	}
	return files, nil
}

func (p *puller) key(name string) string {
	return p.known.Repo + "@" + p.known.Revision + "/" + name
}

// recalledFile keeps the hashes of everything that was ever pulled.
const recalledFile = ".pulled.json"

func (p *puller) recalled() (map[string]string, error) {
	m := map[string]string{}
	data, err := os.ReadFile(filepath.Join(p.dir, recalledFile))
	if errors.Is(err, os.ErrNotExist) {
		return m, nil
	}
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(data, &m); err != nil {
		return nil, fmt.Errorf("%s: %w", filepath.Join(p.dir, recalledFile), err)
	}
	return m, nil
}

// remember adds the hashes of these files, in one rename.
func (p *puller) remember(files []file) error {
	m, err := p.recalled()
	if err != nil {
		return err
	}
	for _, f := range files {
		m[p.key(f.Path)] = f.sha256
	}
	data, err := json.MarshalIndent(m, "", " ")
	if err != nil {
		return err
	}
	to := filepath.Join(p.dir, recalledFile)
	tmp := to + ".new"
	if err := os.WriteFile(tmp, data, 0o644); err != nil {
		return err
	}
	return os.Rename(tmp, to)
}

func (p *puller) origin(files []file) *store.Origin {
	o := &store.Origin{Repo: p.known.Repo, Revision: p.known.Revision, Commit: p.commit, Files: map[string]string{}}
	for _, f := range files {
		o.Files[f.Path] = f.how
	}
	return o
}

// moved counts bytes that have come.
func (p *puller) moved(n int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.done += n
	if p.opts.Progress != nil {
		p.opts.Progress(p.done, max(p.total, p.done))
	}
}
