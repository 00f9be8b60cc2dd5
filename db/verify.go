package db

import "context"

// Verify reads the whole database and reports what is wrong: checksums,
// references, pictures against their sha256, records against vectors and
// index. It also measures the index's recall against exact scans. The error
// tells that the check could not be finished.
func (d *DB) Verify(ctx context.Context) (VerifyReport, error) {
	if err := d.ready(ctx); err != nil {
		return VerifyReport{}, err
	}
	return d.eng.Verify(ctx)
}
