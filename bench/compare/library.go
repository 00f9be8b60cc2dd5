package main

import (
	"context"
	"time"

	"github.com/clipdb/clipdb/bench/npy"
	"github.com/clipdb/clipdb/bench/peer"
	"github.com/clipdb/clipdb/bench/trial"
	"github.com/clipdb/clipdb/index"
)

// clipdbLibrary is an index of clipdb as a peer.
type clipdbLibrary struct {
	config trial.Config
	built  *trial.Built
}

func newClipdbLibrary(config string) (*clipdbLibrary, error) {
	c, err := trial.ParseConfig(config)
	if err == nil {
		err = c.Check()
	}
	return &clipdbLibrary{config: c}, err
}

func (l *clipdbLibrary) Version() string { return "clipdb " + l.config.String() }

func (l *clipdbLibrary) Build(base npy.Matrix, threads int) (err error) {
	l.config.Workers = threads
	l.built, err = trial.Build(context.Background(), l.config, base)
	return err
}

func (l *clipdbLibrary) Search(q peer.Query, dst []uint32) ([]uint32, error) {
	query := index.Query{Vector: q.Vector, K: q.K, Ef: q.Ef}
	if q.Variant == variantRecall {
		query.Ef, query.Recall = 0, float32(q.Ef)/1000
	}
	if q.Text {
		query.Side = index.SideText
	}
	got, err := l.built.Index.Search(context.Background(), query)
	for _, c := range got {
		dst = append(dst, c.Slot)
	}
	return dst, err
}

func (l *clipdbLibrary) Open(dir string, first peer.Query) (warm, cold time.Duration, err error) {
	o, err := l.built.Open(context.Background(), dir, first.Vector)
	return o.Warm, o.Cold, err
}
