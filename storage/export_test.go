package storage

import (
	"testing"

	"go.etcd.io/bbolt"
)

// Names that tests of package storage_test need.
const (
	ChunkSize      = chunkSize
	LeftoverSuffix = leftoverSuffix
)

// CloseBeforeRename makes Compact take the way of systems on which open files
// cannot be renamed.
func CloseBeforeRename(t testing.TB) {
	old := renameOpen
	renameOpen = false
	t.Cleanup(func() { renameOpen = old })
}

// SkipQuickCheck makes Open look at the root of the file only.
func SkipQuickCheck(t testing.TB) {
	old := quickBudget
	quickBudget = 1
	t.Cleanup(func() { quickBudget = old })
}

// Raw gives the bbolt transaction beneath a Tx, to damage what lies there.
func (t *Tx) Raw() *bbolt.Tx {
	t.dirty = true
	return t.b
}

// EncodeFormat is the value of the format number.
func EncodeFormat(n uint32) []byte { return encodeFormat(n) }

// RowsFor is the number of vectors in a page.
func RowsFor(dim int) int { return rowsFor(dim) }

// FillDisk makes the next commit that needs more room fail.
func (s *Store) FillDisk() {
	s.now.db.MaxSize = 1
}

// FailWrites makes the Store believe that a commit has failed.
func (s *Store) FailWrites(err error) {
	s.write.Lock()
	defer s.write.Unlock()
	s.failed = err
}

// ChangeState counts one record more.
func ChangeState(v []byte) []byte {
	st, err := decodeState(v)
	if err != nil {
		panic(err)
	}
	st.records++
	return st.encode()
}
