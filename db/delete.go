package db

import "context"

// Delete removes items, all in one step, and returns how many there were. Ids
// that no item has are passed over. A deleted item is in no later answer; its
// bytes may stay in the file, unreachable, until Compact.
func (d *DB) Delete(ctx context.Context, ids ...string) (int, error) {
	if err := d.ready(ctx); err != nil {
		return 0, err
	}
	return d.eng.Delete(ctx, ids)
}
