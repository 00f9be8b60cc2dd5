package db

import (
	"context"
	"iter"

	"github.com/clipdb/clipdb/db/engine"
)

// AuditEntry is one line of the audit log.
type AuditEntry = engine.AuditEntry

// Audit yields the audit log, oldest entry first: what was stored, replaced
// and erased, which models the database took up, and when it was compacted.
// Each entry was written in the transaction of its change. Ids of erased items
// stand in it until Compact, which puts keyed hashes in their place. The log
// is empty unless it was switched on when the database was opened.
func (d *DB) Audit(ctx context.Context) iter.Seq2[AuditEntry, error] { return d.audit(ctx, "") }

// AuditOf yields what of the audit log concerns one id, also after the item
// was erased and its id replaced by a hash.
func (d *DB) AuditOf(ctx context.Context, id string) iter.Seq2[AuditEntry, error] {
	return d.audit(ctx, id)
}

func (d *DB) audit(ctx context.Context, id string) iter.Seq2[AuditEntry, error] {
	return func(yield func(AuditEntry, error) bool) {
		if err := d.ready(ctx); err != nil {
			yield(AuditEntry{}, err)
			return
		}
		for entry, err := range d.eng.Audit(ctx, id) {
			if !yield(entry, err) || err != nil {
				return
			}
		}
	}
}
