package storage_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/clipdb/clipdb/storage"
	"github.com/clipdb/clipdb/storage/storagetest"
)

// honest reports whether an error says that something is damaged or missing,
// rather than that wrong data was returned.
func honest(err error) bool {
	return errors.Is(err, storage.ErrCorrupt) || errors.Is(err, storage.ErrNotFound) || errors.Is(err, storage.ErrNewerFormat)
}

// TestFlips changes bytes of a file one at a time. Whatever is read afterwards
// is right or an error, nothing panics, and what cannot be read Check knows.
func TestFlips(t *testing.T) {
	t.Parallel()
	golden, err := os.ReadFile(filepath.Join("testdata", fmt.Sprintf("v%d.clipdb", storage.Format)))
	if err != nil {
		t.Fatal(err)
	}
	rounds := 1500
	if testing.Short() {
		rounds = 200
	}
	rng := rand.New(rand.NewPCG(5, 5))
	path := filepath.Join(t.TempDir(), "flip.clipdb")
	var refused, noticed, harmless int
	for range rounds {
		data := bytes.Clone(golden)
		at := rng.IntN(len(data))
		if rng.IntN(2) == 0 { // the head of a page
			at = at/4096*4096 + rng.IntN(200)
		}
		was := data[at]
		switch rng.IntN(3) {
		case 0:
			data[at] ^= 1 << rng.IntN(8)
		case 1:
			data[at] = byte(rng.Uint32())
		default:
			data[at] = 0
		}
		if data[at] == was {
			continue
		}
		what := fmt.Sprintf("byte %d (page %d+%d) %#x -> %#x", at, at/4096, at%4096, was, data[at])
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		s, err := storage.Open(path, &storage.Options{ReadOnly: true})
		if err != nil {
			if !errors.Is(err, storage.ErrCorrupt) && !errors.Is(err, storage.ErrNotDatabase) && !errors.Is(err, storage.ErrNewerFormat) {
				t.Errorf("%s: Open: %v", what, err)
			}
			refused++
			continue
		}
		wrong := readGolden(s)
		problems := storagetest.Problems(t, s)
		switch {
		case len(wrong) == 0 && len(problems) == 0:
			harmless++
		case len(problems) == 0:
			t.Errorf("%s: Check has not noticed: %v", what, wrong)
		default:
			noticed++
		}
		for _, e := range wrong {
			if !honest(e) {
				t.Errorf("%s: wrong data: %v", what, e)
			}
		}
		if err := s.Close(); err != nil {
			t.Errorf("%s: Close: %v", what, err)
		}
	}
	t.Logf("%d refused by Open, %d noticed by Check, %d harmless", refused, noticed, harmless)
	if refused == 0 || noticed == 0 || harmless == 0 {
		t.Error("the flips were not varied enough")
	}
}

// readGolden reads everything in the golden file.
func readGolden(s *storage.Store) (errs []error) {
	err := s.View(func(tx *storage.Tx) error {
		errs = verifyGolden(tx)
		return nil
	})
	if err != nil {
		errs = append(errs, err)
	}
	return errs
}

// TestFlipsWriting writes to files with a changed byte: there may be errors,
// but no panic, and no damage to what was sound.
func TestFlipsWriting(t *testing.T) {
	t.Parallel()
	golden, err := os.ReadFile(filepath.Join("testdata", fmt.Sprintf("v%d.clipdb", storage.Format)))
	if err != nil {
		t.Fatal(err)
	}
	rounds := 60
	if testing.Short() {
		rounds = 15
	}
	rng := rand.New(rand.NewPCG(6, 6))
	path := filepath.Join(t.TempDir(), "flip.clipdb")
	failed := 0
	for i := range rounds {
		data := bytes.Clone(golden)
		at := rng.IntN(len(data))
		if i%3 > 0 {
			at = at/4096*4096 + rng.IntN(300)
		}
		data[at] ^= 1 << rng.IntN(8)
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		s, err := storage.Open(path, nil)
		if err != nil {
			continue
		}
		var ids []string
		err = s.Update(func(tx *storage.Tx) error {
			for n := range 20 {
				it := makeItem(fmt.Sprintf("new/%d", n), uint64(n)+1, goldenDim)
				if err := insert(tx, &it); err != nil {
					return err
				}
				ids = append(ids, it.ID)
			}
			for n := range 10 {
				if _, err := tx.DeleteRecord(fmt.Sprintf("holiday/%03d.jpg", n*9)); err != nil {
					return err
				}
			}
			return tx.TrimLog(60)
		})
		if err != nil {
			failed++
			if !errors.Is(err, storage.ErrCorrupt) && !errors.Is(err, storage.ErrNotFound) && !errors.Is(err, storage.ErrSlot) {
				t.Errorf("byte %d: Update: %v", at, err)
			}
		} else {
			view(t, s, func(tx *storage.Tx) error {
				for n, id := range ids {
					r, err := tx.Record(id)
					if err != nil {
						t.Errorf("byte %d: %v", at, err)
						continue
					}
					if v, ok, err := tx.Vector(r.Slot, nil); !ok || !sameVector(v, makeItem(id, uint64(n)+1, goldenDim).vector) {
						t.Errorf("byte %d: vector of %s: %v", at, id, err)
					}
				}
				return nil
			})
		}
		if err := s.Compact(background); err != nil && !errors.Is(err, storage.ErrCorrupt) && !errors.Is(err, storage.ErrFailed) {
			t.Errorf("byte %d: Compact: %v", at, err)
		}
		if err := s.Close(); err != nil {
			t.Errorf("byte %d: Close: %v", at, err)
		}
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("%d of %d updates failed", failed, rounds)
}

// TestTruncated cuts files, also while they are open.
func TestTruncated(t *testing.T) {
	golden, err := os.ReadFile(filepath.Join("testdata", fmt.Sprintf("v%d.clipdb", storage.Format)))
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "cut.clipdb")
	for size := 1; size < len(golden)-4096*8; size += 3511 {
		if err := os.WriteFile(path, golden[:size], 0o600); err != nil {
			t.Fatal(err)
		}
		s, err := storage.Open(path, nil)
		if err == nil {
			_ = s.Close()
			t.Errorf("%d bytes of %d were opened", size, len(golden))
		} else if !errors.Is(err, storage.ErrCorrupt) && !errors.Is(err, storage.ErrNotDatabase) {
			t.Errorf("%d bytes: %v", size, err)
		}
	}
	if err := os.WriteFile(path, golden, 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := storage.Open(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := os.Truncate(path, 4096*4); err != nil {
		t.Skipf("an open file cannot be cut here: %v", err)
	}
	wrong := readGolden(s)
	if len(wrong) == 0 {
		t.Error("nothing was noticed")
	}
	for _, e := range wrong {
		if !honest(e) {
			t.Errorf("wrong data: %v", e)
		}
	}
	if err := s.Update(func(tx *storage.Tx) error { return tx.PutMeta("a", []byte("b")) }); err == nil {
		t.Log("a write into the cut file went well") // it may have met no missing page
	}
	if err := s.Check(background, nil); !errors.Is(err, storage.ErrCorrupt) {
		t.Errorf("Check: %v", err)
	}
}

// TestCircle: a branch that leads to itself sends bbolt down for ever.
func TestCircle(t *testing.T) {
	golden, err := os.ReadFile(filepath.Join("testdata", fmt.Sprintf("v%d.clipdb", storage.Format)))
	if err != nil {
		t.Fatal(err)
	}
	n := binary.NativeEndian
	branches := 0
	for at := 8192; at < len(golden); at += 4096 {
		page := golden[at : at+4096]
		if n.Uint64(page) != uint64(at/4096) || n.Uint16(page[8:]) != 1 {
			continue
		}
		branches++
		data := bytes.Clone(golden)
		n.PutUint64(data[at+16+8:], uint64(at/4096))
		path := filepath.Join(t.TempDir(), "circle.clipdb")
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		if s, err := storage.Open(path, nil); !errors.Is(err, storage.ErrCorrupt) || sha256.Sum256(data) != fileSum(t, path) {
			if err == nil {
				_ = s.Close()
			}
			t.Errorf("page %d leads to itself: %v", at/4096, err)
		}
		t.Run("unseen", func(t *testing.T) {
			storage.SkipQuickCheck(t)
			s, err := storage.Open(path, &storage.Options{ReadOnly: true})
			if err != nil {
				t.Skipf("it was seen: %v", err)
			}
			defer s.Close()
			if p := storagetest.Problems(t, s); len(p) == 0 {
				t.Error("Check has not noticed")
			}
		})
	}
	if branches == 0 {
		t.Error("the golden file has no branches")
	}
}

// TestSalvage opens what Open refuses, and reads what is left.
func TestSalvage(t *testing.T) {
	golden, err := os.ReadFile(filepath.Join("testdata", fmt.Sprintf("v%d.clipdb", storage.Format)))
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "salvage.clipdb")
	n := binary.NativeEndian
	opened, saved := 0, 0
	for at := 8192; at < len(golden); at += 4096 {
		kind := n.Uint16(golden[at+8:])
		if n.Uint64(golden[at:]) != uint64(at/4096) || kind != 1 && kind != 2 && kind != 16 {
			continue
		}
		for _, damage := range []func(data []byte) []byte{
			func(data []byte) []byte { clear(data[at : at+4096]); return data },
			func(data []byte) []byte { data[at+9]++; return data },     // its kind
			func(data []byte) []byte { data[at+12]++; return data },    // its overflow
			func(data []byte) []byte { data[at+20] = 99; return data }, // where its first key lies
			func(data []byte) []byte { return data[:at] },
		} {
			data := damage(bytes.Clone(golden))
			if err := os.WriteFile(path, data, 0o600); err != nil {
				t.Fatal(err)
			}
			if s, err := storage.Open(path, nil); err == nil {
				_ = s.Close() // the damage lies where Open does not look
				continue
			}
			s, err := storage.Open(path, &storage.Options{Salvage: true})
			if err != nil {
				if !errors.Is(err, storage.ErrCorrupt) {
					t.Errorf("page %d: %v", at/4096, err)
				}
				continue
			}
			opened++
			if !s.ReadOnly() {
				t.Error("it can be written to")
			}
			wrong := readGolden(s)
			for _, e := range wrong {
				if !honest(e) {
					t.Errorf("page %d: wrong data: %v", at/4096, e)
				}
			}
			if len(wrong) < 127 {
				saved++
			}
			if len(storagetest.Problems(t, s)) == 0 {
				t.Errorf("page %d: Check has not noticed", at/4096)
			}
			if err := s.Close(); err != nil {
				t.Error(err)
			}
			if sha256.Sum256(data) != fileSum(t, path) {
				t.Errorf("page %d: the file was changed", at/4096)
			}
		}
	}
	t.Logf("%d files opened, most of %d could be read", opened, saved)
	if opened < 10 || saved < 5 {
		t.Errorf("%d files were opened, most of %d could be read", opened, saved)
	}
}
