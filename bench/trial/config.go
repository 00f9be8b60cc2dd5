package trial

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/clipdb/clipdb/bench/npy"
	"github.com/clipdb/clipdb/index"
	"github.com/clipdb/clipdb/index/hnsw"
	"github.com/clipdb/clipdb/index/scan"
)

// ErrConfig is returned for a configuration that cannot be read or that no
// index offers.
var ErrConfig = errors.New("no such configuration")

// Config is an index to be built and the settings to search it with.
type Config struct {
	Kind           string
	M              int // 0 takes the default, here and below
	EfConstruction int
	Quant          index.Quant
	Ef             []int     // beams to search with; empty takes one, the default
	Recall         []float32 // shares of the nearest to ask for, beside the beams
	Seed           uint64
	Workers        int  // goroutines that build
	Own            bool // the index keeps a copy of the exact vectors; else it reads the caller's
}

// ParseConfig reads a configuration as String writes it.
func ParseConfig(s string) (Config, error) {
	kind, rest, _ := strings.Cut(s, ":")
	c := Config{Kind: strings.TrimSpace(kind)}
	if !slices.Contains(Kinds, c.Kind) {
		return c, fmt.Errorf("%w: index %q is none of %s", ErrConfig, c.Kind, strings.Join(Kinds, ", "))
	}
	for part := range strings.SplitSeq(rest, ",") {
		if part = strings.TrimSpace(part); part == "" {
			continue
		}
		key, value, ok := strings.Cut(part, "=")
		if !ok {
			return c, fmt.Errorf("%w: %q in %q is no key=value", ErrConfig, part, s)
		}
		if err := c.set(strings.ToLower(key), value); err != nil {
			return c, fmt.Errorf("%w: %s in %q: %v", ErrConfig, key, s, err)
		}
	}
	return c, nil
}

func (c *Config) set(key, value string) (err error) {
	switch key {
	case "m":
		c.M, err = strconv.Atoi(value)
	case "efc":
		c.EfConstruction, err = strconv.Atoi(value)
	case "seed":
		c.Seed, err = strconv.ParseUint(value, 10, 64)
	case "workers":
		c.Workers, err = strconv.Atoi(value)
	case "quant":
		c.Quant, err = index.ParseQuant(value)
	case "vectors":
		if value != "own" && value != "caller" {
			return fmt.Errorf("%q is neither own nor caller", value)
		}
		c.Own = value == "own"
	case "ef":
		c.Ef, err = ParseBeams(value, "/")
	case "recall":
		c.Recall, err = ParseRecalls(value, "/")
	default:
		return errors.New("unknown; take M, efc, ef, recall, quant, seed, workers or vectors")
	}
	return err
}

// ParseBeams reads values of ef that are parted by sep.
func ParseBeams(s, sep string) ([]int, error) {
	var out []int
	for part := range strings.SplitSeq(s, sep) {
		v, err := strconv.Atoi(strings.TrimSpace(part))
		if err != nil || v < 1 || v > index.MaxEf {
			return nil, fmt.Errorf("ef %q is no number from 1 to %d", part, index.MaxEf)
		}
		out = append(out, v)
	}
	return out, nil
}

// ParseRecalls reads shares of the nearest that are parted by sep.
func ParseRecalls(s, sep string) ([]float32, error) {
	var out []float32
	for part := range strings.SplitSeq(s, sep) {
		v, err := strconv.ParseFloat(strings.TrimSpace(part), 32)
		if err != nil || v <= 0 || !index.ValidRecall(float32(v)) {
			return nil, fmt.Errorf("recall %q is no number between 0 and 1", part)
		}
		out = append(out, float32(v))
	}
	return out, nil
}

// String is the configuration in short; what is not set is left out.
func (c Config) String() string {
	var parts []string
	add := func(key string, v int) {
		if v != 0 {
			parts = append(parts, key+"="+strconv.Itoa(v))
		}
	}
	add("M", c.M)
	add("efc", c.EfConstruction)
	if c.Quant != 0 {
		parts = append(parts, "quant="+c.Quant.String())
	}
	if c.Seed != 0 {
		parts = append(parts, "seed="+strconv.FormatUint(c.Seed, 10))
	}
	add("workers", c.Workers)
	if c.Own {
		parts = append(parts, "vectors=own")
	}
	if len(c.Ef) > 0 {
		words := make([]string, len(c.Ef))
		for i, ef := range c.Ef {
			words[i] = strconv.Itoa(ef)
		}
		parts = append(parts, "ef="+strings.Join(words, "/"))
	}
	if len(c.Recall) > 0 {
		words := make([]string, len(c.Recall))
		for i, r := range c.Recall {
			words[i] = strconv.FormatFloat(float64(r), 'g', -1, 32)
		}
		parts = append(parts, "recall="+strings.Join(words, "/"))
	}
	if len(parts) == 0 {
		return c.Kind
	}
	return c.Kind + ":" + strings.Join(parts, ",")
}

// Quants are the kinds of codes that an index offers, its default first.
func Quants(kind string) []index.Quant {
	switch kind {
	case "hnsw":
	case "scan":
		return []index.Quant{index.QuantBinary}
	default:
		return []index.Quant{index.QuantFloat32}
	}
	var out []index.Quant
	for q := index.Quant(0); ; q++ {
		if _, err := index.ParseQuant(q.String()); err != nil {
			return out
		}
		if x, err := hnsw.New(index.Params{Dim: 8, Quant: q}); err == nil {
			_ = x.Close() // nothing was built
			out = append(out, q)
		}
	}
}

// QuantName is what the index of c computes distances on.
func (c Config) QuantName() string {
	if c.Kind != "hnsw" {
		return Quants(c.Kind)[0].String()
	}
	return c.Quant.String()
}

// Beams are the values of ef to search with; a flat index has the one 0. It has
// none where only recall is asked for.
func (c Config) Beams() []int {
	if len(c.Recall) > 0 && len(c.Ef) == 0 {
		return nil
	}
	if c.Kind == "flat" || len(c.Ef) == 0 {
		return []int{0}
	}
	return c.Ef
}

// params are those of an index over base.
func (c Config) params(base npy.Matrix) index.Params {
	p := index.Params{Dim: base.Cols, M: c.M, EfConstruction: c.EfConstruction, Quant: c.Quant, Seed: c.Seed, Workers: c.Workers}
	if !c.Own {
		p.Vectors = matrix{base}
	}
	return p
}

// Check returns ErrConfig, or what is out of range, for a configuration that
// no index can be built with.
func (c Config) Check() error {
	if q := Quants(c.Kind); c.Kind == "hnsw" && !slices.Contains(q, c.Quant) {
		return fmt.Errorf("%w: %s has no codes of kind %v; take one of %v", ErrConfig, c.Kind, c.Quant, q)
	}
	for _, ef := range c.Ef {
		if ef < 1 || ef > index.MaxEf {
			return fmt.Errorf("%w: ef is %d; it goes from 1 to %d", ErrConfig, ef, index.MaxEf)
		}
	}
	if len(c.Recall) > 0 && c.Kind != "hnsw" && c.Kind != "scan" {
		return fmt.Errorf("%w: recall can be asked of hnsw and scan alone", ErrConfig)
	}
	if _, err := c.params(npy.Matrix{Cols: 1}).WithDefaults(); err != nil {
		return fmt.Errorf("%w: %w", ErrConfig, err)
	}
	return nil
}

// open returns an empty index.
func (c Config) open(base npy.Matrix) (index.Index, error) {
	if err := c.Check(); err != nil {
		return nil, err
	}
	p := c.params(base)
	switch c.Kind {
	case "flat":
		p.Quant = 0
		return index.NewFlat(p)
	case "coder":
		p.Quant = 0
		return newCoder(p)
	case "scan":
		p.Quant = index.QuantBinary
		return scan.New(p)
	case "hnsw":
		return hnsw.New(p)
	}
	return nil, fmt.Errorf("%w: index %q", ErrConfig, c.Kind)
}

// matrix serves the rows of a matrix as the caller's vectors.
type matrix struct{ npy.Matrix }

func (m matrix) Vector(slot index.Slot, dst []float32) ([]float32, bool) {
	if int(slot) >= m.Rows {
		return dst[:0], false
	}
	return append(dst[:0], m.Row(int(slot))...), true
}
