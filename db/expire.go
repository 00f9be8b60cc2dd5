package db

import (
	"context"
	"fmt"
	"time"

	"github.com/clipdb/clipdb/db/engine"
)

// Expired is an item whose time is over.
type Expired struct {
	ID     ID
	Reason string    // AttrConsent, AttrConsentUntil or AttrRetentionUntil
	Since  time.Time // when it ended; zero for consent that was withdrawn
}

// ExpireOptions say what Expire does. Nil is the zero value.
type ExpireOptions struct {
	// DryRun finds the items and erases none.
	DryRun bool

	// Found, when not nil, hears of every item: with DryRun when it is found,
	// else when it is deleted.
	Found func(Expired)
}

// expireBatch is how many items one deletion takes.
const expireBatch = 256

// Expire deletes every item whose consent is withdrawn, or whose consent_until
// or retention_until is not after now, and returns how many there were. They
// are in no later answer; Compact erases their bytes. When it ends early, with
// an error or because ctx did, what was told to Found is deleted and the rest
// is not; the same call goes on.
//
// An item is looked at again right before it is deleted, so that one whose
// consent was renewed meanwhile stays.
func (d *DB) Expire(ctx context.Context, now time.Time, opts *ExpireOptions) (int, error) {
	var o ExpireOptions
	if opts != nil {
		o = *opts
	}
	if err := d.ready(ctx); err != nil {
		return 0, err
	}
	if !o.DryRun {
		if err := d.writable(ctx); err != nil {
			return 0, err
		}
	}
	if err := engine.Time(now).Check(); err != nil {
		return 0, fmt.Errorf("expiring: %w", err)
	}
	total := 0
	var batch []Expired
	flush := func() error {
		n, err := d.erase(ctx, batch, now, o)
		total += n
		batch = batch[:0]
		return err
	}
	for rec, err := range d.eng.All(ctx, engine.Scan{Filter: expiredFilter(now)}) {
		if err != nil {
			return total, err
		}
		if e, ok := expired(rec, now); ok {
			batch = append(batch, e)
		}
		if len(batch) == expireBatch {
			if err := flush(); err != nil {
				return total, err
			}
		}
	}
	err := flush()
	return total, err
}

// erase deletes those of the items that are expired still.
func (d *DB) erase(ctx context.Context, batch []Expired, now time.Time, o ExpireOptions) (int, error) {
	still := batch
	if !o.DryRun {
		still = nil
		var ids []string
		for _, e := range batch {
			rec, err := d.eng.Get(ctx, e.ID, Fetch{})
			if err != nil {
				continue // gone meanwhile, or damaged: not ours to delete
			}
			if e, ok := expired(rec, now); ok {
				still, ids = append(still, e), append(ids, e.ID)
			}
		}
		if len(ids) == 0 {
			return 0, nil
		}
		if _, err := d.eng.Delete(ctx, ids); err != nil {
			return 0, err
		}
	}
	if o.Found != nil {
		for _, e := range still {
			o.Found(e)
		}
	}
	return len(still), nil
}

// expiredFilter passes the items that expired judges expired.
func expiredFilter(now time.Time) Filter {
	return engine.Or(
		engine.Eq(AttrConsent, engine.String(ConsentWithdrawn)),
		engine.AtMost(AttrConsentUntil, engine.Time(now)),
		engine.AtMost(AttrRetentionUntil, engine.Time(now)),
	)
}

// expired tells the first reason that holds.
func expired(rec *Record, now time.Time) (Expired, bool) {
	if s, _ := rec.Attrs[AttrConsent].AsString(); s == ConsentWithdrawn {
		return Expired{ID: rec.ID, Reason: AttrConsent}, true
	}
	for _, name := range []string{AttrConsentUntil, AttrRetentionUntil} {
		if t, ok := rec.Attrs[name].AsTime(); ok && !t.After(now) {
			return Expired{ID: rec.ID, Reason: name, Since: t}, true
		}
	}
	return Expired{}, false
}
