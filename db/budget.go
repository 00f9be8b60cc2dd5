package db

import (
	"context"
	"sync"
)

// DefaultMaxBytes is the default of BatchOptions.MaxBytes.
const DefaultMaxBytes = 256 << 20

// budget counts the bytes that the items of an InsertAll hold between being
// decoded and being stored. What an item will hold is not known before it is
// decoded, so items are let in while there is room, in the order of the
// sequence, and those in the workers' hands may exceed it by what they are.
// Were workers to wait for room instead, a late item could take what an
// earlier one needs, and nothing would move.
type budget struct {
	limit int64
	freed chan struct{} // one token: bytes may have been given back

	mu   sync.Mutex
	used int64
}

func newBudget(limit int64) *budget {
	return &budget{limit: limit, freed: make(chan struct{}, 1)}
}

// admit waits until there is room and reports whether there is; there is none
// once ctx has ended. One goroutine admits.
func (b *budget) admit(ctx context.Context) bool {
	for {
		b.mu.Lock()
		room := b.used < b.limit
		b.mu.Unlock()
		if room {
			return ctx.Err() == nil
		}
		select {
		case <-b.freed:
		case <-ctx.Done():
			return false
		}
	}
}

// hold changes what a job holds to n bytes.
func (b *budget) hold(j *job, n int64) {
	b.mu.Lock()
	less := n < j.held
	b.used += n - j.held
	j.held = n
	b.mu.Unlock()
	if less {
		select {
		case b.freed <- struct{}{}:
		default:
		}
	}
}
