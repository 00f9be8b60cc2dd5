package db

import (
	"context"
	"fmt"
	"slices"
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
// An item that is changed before it is deleted stays, as one does whose consent
// is renewed meanwhile; the next call looks at it anew.
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
	var batch []expiring
	flush := func() error {
		n, err := d.erase(ctx, batch, o)
		total += n
		batch = batch[:0]
		return err
	}
	for rec, err := range d.eng.All(ctx, engine.Scan{Filter: expiredFilter(now)}) {
		if err != nil {
			return total, err
		}
		if e, ok := expired(rec, now); ok {
			batch = append(batch, expiring{e, engine.Version{ID: rec.ID, Updated: rec.Updated}})
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

// expiring is an expired item as it was when it was judged.
type expiring struct {
	Expired
	version engine.Version
}

// erase deletes those of the items that nobody has changed since.
func (d *DB) erase(ctx context.Context, batch []expiring, o ExpireOptions) (int, error) {
	still := batch
	if !o.DryRun {
		versions := make([]engine.Version, len(batch))
		for i, e := range batch {
			versions[i] = e.version
		}
		gone, err := d.eng.DeleteUnchanged(ctx, versions)
		if err != nil {
			return 0, err
		}
		still = slices.DeleteFunc(batch, func(e expiring) bool {
			_, ok := slices.BinarySearch(gone, e.ID) // by rising id, as the walk is
			return !ok
		})
	}
	if o.Found != nil {
		for _, e := range still {
			o.Found(e.Expired)
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
