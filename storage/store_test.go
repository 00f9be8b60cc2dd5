package storage_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/clipdb/clipdb/storage"
	"github.com/clipdb/clipdb/storage/storagetest"
)

func TestUpdateKeepsNothingOnError(t *testing.T) {
	s := storagetest.MustOpen(t, nil)
	if err := write(s, 1); err != nil {
		t.Fatal(err)
	}
	before := fileSum(t, s.Path())
	mine := errors.New("mine")
	err := s.Update(func(tx *storage.Tx) error {
		it := makeItem("x", 1, crashDim)
		if err := insert(tx, &it); err != nil {
			return err
		}
		return mine
	})
	if err != mine {
		t.Errorf("the error came back as %v", err)
	}
	func() {
		defer func() {
			if p := recover(); p != "mine too" {
				t.Errorf("the panic came back as %v", p)
			}
		}()
		_ = s.Update(func(tx *storage.Tx) error {
			it := makeItem("x", 1, crashDim)
			if err := insert(tx, &it); err != nil {
				return err
			}
			panic("mine too")
		})
	}()
	// A test that ends inside a transaction ends its goroutine.
	var done sync.WaitGroup
	done.Add(1)
	go func() {
		defer done.Done()
		_ = s.Update(func(tx *storage.Tx) error {
			it := makeItem("x", 1, crashDim)
			if err := insert(tx, &it); err != nil {
				return err
			}
			runtime.Goexit()
			return nil
		})
	}()
	done.Wait()
	if err := s.Update(func(tx *storage.Tx) error { return nil }); err != nil {
		t.Error(err)
	}
	if fileSum(t, s.Path()) != before {
		t.Error("the file was changed")
	}
	if err := write(s, 2); err != nil {
		t.Error(err)
	}
	view(t, s, func(tx *storage.Tx) error { return verifyUpTo(tx, 2) })
}

func TestTxAfterItsEnd(t *testing.T) {
	s := storagetest.MustOpen(t, nil)
	if err := write(s, 1); err != nil {
		t.Fatal(err)
	}
	var kept *storage.Tx
	view(t, s, func(tx *storage.Tx) error { kept = tx; return nil })
	_, recordErr := kept.Record("a")
	_, atErr := kept.RecordAt(0)
	_, _, vectorErr := kept.Vector(0, nil)
	_, blobErr := kept.Blob(storage.Hash{1})
	_, slotErr := kept.NextSlot()
	_, putErr := kept.PutBlob([]byte("x"))
	_, logErr := kept.AppendLog(storage.LogAdd, 0)
	_, deleteErr := kept.DeleteRecord("a")
	for i, err := range []error{
		recordErr, atErr, vectorErr, blobErr, slotErr, putErr, logErr, deleteErr,
		kept.PutRecord(&storage.Record{}), kept.PutVector(0, nil), kept.DeleteVector(0), kept.ReleaseSlot(0), kept.TrimLog(1),
		kept.PutPage("a", 1, nil), kept.DropPages("a"), kept.PutMeta("a", nil), kept.PutFailure(storage.Failure{}), kept.DeleteFailure("a"),
	} {
		if !errors.Is(err, storage.ErrTxDone) {
			t.Errorf("call %d: %v", i, err)
		}
	}
	for _, err := range kept.Records("") {
		if !errors.Is(err, storage.ErrTxDone) {
			t.Error(err)
		}
	}
	if kept.Meta("a") != nil || kept.Page("a", 1) != nil || kept.RecordCount() != 0 || kept.SlotLimit() != 0 || !errors.Is(kept.Err(), storage.ErrTxDone) {
		t.Error("a transaction that has ended still answers")
	}
}

func TestWritesInView(t *testing.T) {
	s := storagetest.MustOpen(t, nil)
	view(t, s, func(tx *storage.Tx) error {
		_, slotErr := tx.NextSlot()
		_, blobErr := tx.PutBlob([]byte("x"))
		_, logErr := tx.AppendLog(storage.LogAdd, 0)
		_, deleteErr := tx.DeleteRecord("a")
		for i, err := range []error{
			slotErr, blobErr, logErr, deleteErr,
			tx.PutRecord(&storage.Record{ID: "a"}), tx.PutVector(0, []float32{1}), tx.DeleteVector(0), tx.ReleaseSlot(0), tx.TrimLog(1),
			tx.PutPage("a", 1, nil), tx.DropPages("a"), tx.PutMeta("a", nil), tx.PutFailure(storage.Failure{ID: "a"}), tx.DeleteFailure("a"),
		} {
			if !errors.Is(err, storage.ErrReadOnly) {
				t.Errorf("call %d: %v", i, err)
			}
		}
		return nil
	})
}

func TestClosed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "closed.clipdb")
	s, err := storage.Open(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	_, statsErr := s.Stats()
	_, backupErr := s.WriteTo(os.Stderr)
	nothing := func(*storage.Tx) error { return nil }
	for i, err := range []error{s.View(nothing), s.Update(nothing), s.Compact(background), s.Check(background, nil), statsErr, backupErr} {
		if !errors.Is(err, storage.ErrClosed) || !strings.Contains(err.Error(), path) {
			t.Errorf("call %d: %v", i, err)
		}
	}
	if err := os.Remove(path); err != nil { // closed means closed, on Windows too
		t.Error(err)
	}
}

// TestCloseWhileBusy: calls in flight end well, later ones say that it is
// closed.
func TestCloseWhileBusy(t *testing.T) {
	path := filepath.Join(t.TempDir(), "busy.clipdb")
	s, err := storage.Open(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	var work sync.WaitGroup
	started := make(chan bool, 8)
	for i := range 4 {
		work.Go(func() {
			for n := 0; ; n++ {
				var err error
				switch i {
				case 0:
					err = s.Update(func(tx *storage.Tx) error { return tx.PutMeta("n", fmt.Append(nil, n)) })
				case 1:
					err = s.Compact(background)
				case 2:
					_, err = s.Stats()
				default:
					err = s.View(func(tx *storage.Tx) error { tx.Meta("n"); return nil })
				}
				if n == 2 {
					started <- true
				}
				if errors.Is(err, storage.ErrClosed) {
					return
				}
				if err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	for range 4 {
		<-started
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	work.Wait()
	storagetest.MustCheck(t, path)
}

func TestNoWritesAfterAFailure(t *testing.T) {
	s := storagetest.MustOpen(t, nil)
	if err := write(s, 1); err != nil {
		t.Fatal(err)
	}
	cause := errors.New("no space left on device")
	s.FailWrites(cause)
	for _, err := range []error{write(s, 2), s.Compact(background)} {
		if !errors.Is(err, storage.ErrFailed) || !errors.Is(err, cause) {
			t.Error(err)
		}
	}
	view(t, s, func(tx *storage.Tx) error { return verifyUpTo(tx, 1) })
}

// TestCommitFails: what the failed transaction wrote is not seen, everything
// before it is, and opening again lets writes go on.
func TestCommitFails(t *testing.T) {
	path := filepath.Join(t.TempDir(), "full.clipdb")
	s, err := storage.Open(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	n := uint64(1)
	for ; n < 5; n++ {
		if err := write(s, n); err != nil {
			t.Fatal(err)
		}
	}
	s.FillDisk()
	for err == nil {
		err = s.Update(func(tx *storage.Tx) error {
			if err := tx.PutMeta("last", make([]byte, 8)); err != nil {
				return err
			}
			return tx.PutPage("big", 0, make([]byte, 1<<20))
		})
	}
	if errors.Is(err, storage.ErrFailed) || !strings.Contains(err.Error(), path) {
		t.Errorf("the commit failed with %v", err)
	}
	if err := write(s, n); !errors.Is(err, storage.ErrFailed) {
		t.Errorf("a write after it: %v", err)
	}
	view(t, s, func(tx *storage.Tx) error { return verifyUpTo(tx, n-1) })
	if got := last(t, s); got != n-1 {
		t.Errorf("transaction %d is the last", got)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = storagetest.MustOpenAt(t, path, nil)
	if err := write(s, n); err != nil {
		t.Error(err)
	}
	view(t, s, func(tx *storage.Tx) error { return verifyUpTo(tx, n) })
}

func TestStats(t *testing.T) {
	s := storagetest.MustOpen(t, nil)
	photo := []byte(strings.Repeat("\xff\xd8\xff not text", 20_000))
	update(t, s, func(tx *storage.Tx) error {
		for n := range 10 {
			it := makeItem(fmt.Sprint(n), 5, 32) // without image
			it.Image = &storage.ImageRef{SHA256: [32]byte{1}}
			it.image = photo
			it.thumbnail = []byte("thumbnail")
			if err := insert(tx, &it); err != nil {
				return err
			}
		}
		return tx.PutPage("hnsw", 0, make([]byte, 1000))
	})
	st, err := s.Stats()
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(s.Path())
	if err != nil {
		t.Fatal(err)
	}
	if st.Records != 10 || st.Vectors != 10 || st.Dim != 32 || st.Images != 1 || st.Thumbnails != 1 || st.SlotLimit != 10 || st.LogEntries != 10 ||
		st.Bytes.Images != int64(len(photo)) || st.Bytes.Thumbnails != 9 || st.Bytes.Pages != 1004 || st.Bytes.Log != 170 ||
		st.Bytes.Vectors < 10*32*4 || st.Bytes.Records < 1000 || st.FileBytes != info.Size() || st.FreeBytes >= st.FileBytes {
		t.Errorf("%+v", st)
	}
	update(t, s, func(tx *storage.Tx) error {
		for n := range 10 {
			if _, err := tx.DeleteRecord(fmt.Sprint(n)); err != nil {
				return err
			}
		}
		return nil
	})
	after, err := s.Stats()
	if err != nil {
		t.Fatal(err)
	}
	if after.Records != 0 || after.Vectors != 0 || after.Bytes.Images != 0 || after.Bytes.Vectors != 0 || after.Bytes.Records != 0 || after.FreeBytes < st.FreeBytes+int64(len(photo)) {
		t.Errorf("%+v", after)
	}
}

// TestReadersAndWriters is for the race detector.
func TestReadersAndWriters(t *testing.T) {
	s := storagetest.MustOpen(t, nil)
	if err := write(s, 1); err != nil {
		t.Fatal(err)
	}
	var work sync.WaitGroup
	for w := range 3 {
		work.Go(func() {
			for n := range 20 {
				err := s.Update(func(tx *storage.Tx) error {
					it := makeItem(fmt.Sprintf("%d/%d", w, n), uint64(w*100+n), crashDim)
					return insert(tx, &it)
				})
				if err != nil {
					t.Error(err)
				}
			}
		})
		work.Go(func() {
			for range 40 {
				err := s.View(func(tx *storage.Tx) error {
					n := 0
					for r, err := range tx.Records("") {
						if err != nil {
							return err
						}
						if _, ok, err := tx.Vector(r.Slot, nil); !ok || err != nil {
							return fmt.Errorf("%q has no vector: %w", r.ID, err)
						}
						n++
					}
					if n != tx.RecordCount() {
						return fmt.Errorf("%d records, %d are counted", n, tx.RecordCount())
					}
					return nil
				})
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	work.Wait()
}
