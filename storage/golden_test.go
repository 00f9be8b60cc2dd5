package storage_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"flag"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.etcd.io/bbolt"

	"github.com/clipdb/clipdb/storage"
	"github.com/clipdb/clipdb/storage/storagetest"
)

var updateGolden = flag.Bool("update", false, "write the golden file of the current format, if there is none")

const goldenDim = 24

// stream gives bytes that are the same in every version of Go.
func stream(seed string, n int) []byte {
	var out []byte
	for i := 0; len(out) < n; i++ {
		sum := sha256.Sum256(fmt.Appendf(nil, "%s/%d", seed, i))
		out = append(out, sum[:]...)
	}
	return out[:n]
}

func goldenVector(n int) []float32 {
	v := make([]float32, goldenDim)
	b := stream(fmt.Sprint("vector", n), 4*goldenDim)
	for i := range v {
		v[i] = float32(int32(binary.LittleEndian.Uint32(b[4*i:]))) / math.MaxInt32
	}
	return v
}

// goldenItems are what the golden file holds: every shape of a record. They
// are made once, and copied for whoever changes them.
func goldenItems() []item {
	items := slices.Clone(madeGolden())
	for i := range items {
		if items[i].Image != nil {
			image := *items[i].Image
			items[i].Image = &image
		}
	}
	return items
}

var madeGolden = sync.OnceValue(makeGolden)

func makeGolden() []item {
	var items []item
	for n := range 130 {
		it := item{
			Record: storage.Record{
				ID:      fmt.Sprintf("holiday/%03d.jpg", n),
				Caption: fmt.Sprintf("picture %d: ein Hund am Strand, 寿司 🚲", n),
				Created: time.Unix(1_600_000_000+int64(n), 123456789),
				Model:   fmt.Sprintf("sha256:%x", stream(fmt.Sprint("model", n%2), 32)),
			},
			vector: goldenVector(n),
		}
		switch n % 5 {
		case 1:
			it.Attrs = stream(fmt.Sprint("attrs", n), 20)
			it.Updated = it.Created.Add(time.Hour)
		case 2:
			it.Caption = strings.Repeat("the same words again and again, ", 30)
		case 3:
			it.Caption, it.Model, it.Created = "", "", time.Time{}
		}
		switch {
		case n < 3: // two chunks and a bit; shared by all three
			it.image = stream("photo", 2*storage.ChunkSize+77)
			it.thumbnail = stream("thumbnail", 900)
		case n == 3: // packed
			it.image = bytes.Repeat([]byte("P6 640 480 "), 3000)
		case n == 4: // thumbnail only
			it.thumbnail = stream("thumbnail4", 1500)
		}
		if n < 6 {
			it.Image = &storage.ImageRef{
				SHA256: sha256.Sum256(stream("photo", 2*storage.ChunkSize+77)), Format: "jpeg",
				Width: 4000 + n, Height: 3000, Size: 2*storage.ChunkSize + 77, Frames: 1,
			}
		}
		items = append(items, it)
	}
	return items
}

// fillGolden makes the golden database.
func fillGolden(s *storage.Store) error {
	return s.Update(func(tx *storage.Tx) error {
		for _, it := range goldenItems() {
			if err := insert(tx, &it); err != nil {
				return err
			}
		}
		for _, n := range []int{100, 101, 102} {
			r, err := tx.DeleteRecord(fmt.Sprintf("holiday/%03d.jpg", n))
			if err != nil {
				return err
			}
			if _, err := tx.AppendLog(storage.LogDelete, r.Slot); err != nil {
				return err
			}
			if n > 100 {
				if err := tx.ReleaseSlot(r.Slot); err != nil {
					return err
				}
			}
		}
		if err := tx.TrimLog(10); err != nil {
			return err
		}
		for k := range uint32(4) {
			if err := tx.PutPage("hnsw", k, goldenPage(k)); err != nil {
				return err
			}
		}
		if err := tx.PutMeta("spec", []byte(`{"dim":24}`)); err != nil {
			return err
		}
		if err := tx.PutFailure(storage.Failure{ID: "broken.jpg", Reason: "cut short", Time: time.Unix(1_600_000_000, 0)}); err != nil {
			return err
		}
		return fillGolden2(tx)
	})
}

// fillGolden2 adds what came with format 2.
func fillGolden2(tx *storage.Tx) error {
	for slot := range uint32(40) {
		if err := tx.PutNextVector(slot, goldenVector(500 + int(slot))[:16]); err != nil {
			return err
		}
	}
	for _, e := range goldenAudit() {
		if _, err := tx.AppendAudit(e); err != nil {
			return err
		}
	}
	return nil
}

func goldenAudit() []storage.AuditEntry {
	at := time.Unix(1_700_000_000, 123456789).UTC()
	return []storage.AuditEntry{
		{Seq: 1, Time: at, Op: "audit-on"},
		{Seq: 2, Time: at.Add(time.Second), Op: "insert", Model: "sha256:00ff", IDs: []storage.AuditID{{ID: "holiday/001.jpg"}, {Hash: stream("hash", 16)}}},
		{Seq: 3, Time: at.Add(time.Minute), Op: "delete", IDs: []storage.AuditID{{ID: "寿司"}}},
	}
}

func verifyGolden2(tx *storage.Tx) error {
	for slot := range uint32(40) {
		v, ok, err := tx.NextVector(slot, nil)
		if err != nil || !ok || !slices.Equal(v, goldenVector(500 + int(slot))[:16]) {
			return fmt.Errorf("vector beside slot %d: %v, %v, %w", slot, v, ok, err)
		}
	}
	want := goldenAudit()
	n := 0
	for e, err := range tx.Audit(0) {
		if err != nil || n >= len(want) || !reflect.DeepEqual(e, want[n]) {
			return fmt.Errorf("audit entry %+v, %w", e, err)
		}
		n++
	}
	if n != len(want) {
		return fmt.Errorf("%d audit entries", n)
	}
	return nil
}

func goldenPage(k uint32) []byte { return stream(fmt.Sprint("page", k), 700) }

// verifyGolden compares everything in the golden file. An error that wraps
// none of storage's is wrong data.
func verifyGolden(tx *storage.Tx) []error {
	items := goldenItems()
	photo, thumbnail := storage.Hash(sha256.Sum256(items[0].image)), storage.Hash(sha256.Sum256(items[0].thumbnail))
	var errs []error
	for n, it := range items {
		if n >= 100 && n <= 102 {
			continue
		}
		it.Slot = uint32(n)
		switch {
		case n < 3:
			it.Image.Blob, it.Image.Thumbnail = photo, thumbnail
		case n == 3:
			it.Image.Blob = sha256.Sum256(it.image)
		case n == 4:
			it.Image.Thumbnail = sha256.Sum256(it.thumbnail)
		}
		errs = append(errs, verify(tx, &it))
	}
	next := uint64(11)
	for e, err := range tx.Log(0) {
		if err == nil && (e.Seq != next || e.Seq <= 130 && (e.Op != storage.LogAdd || e.Slot != uint32(e.Seq-1))) {
			err = fmt.Errorf("log entry %+v where %d should be", e, next)
		}
		errs = append(errs, err)
		next++
	}
	for k := range uint32(4) {
		if p := tx.Page("hnsw", k); p != nil && !bytes.Equal(p, goldenPage(k)) {
			errs = append(errs, fmt.Errorf("page %d is wrong", k))
		} else if p == nil {
			errs = append(errs, fmt.Errorf("page %d: %w", k, storage.ErrNotFound))
		}
	}
	if v := tx.Meta("spec"); tx.Err() == nil && string(v) != `{"dim":24}` {
		errs = append(errs, fmt.Errorf("meta value %q", v))
	}
	for f, err := range tx.Failures() {
		if err == nil && (f.Reason != "cut short" || !f.Time.Equal(time.Unix(1_600_000_000, 0))) {
			err = fmt.Errorf("failure %+v", f)
		}
		errs = append(errs, err)
	}
	errs = append(errs, tx.Err())
	return slices.DeleteFunc(errs, func(err error) bool { return err == nil })
}

// TestGolden opens a file of every format there ever was. They were written by
// the version that introduced the format and must open for ever.
func TestGolden(t *testing.T) {
	current := filepath.Join("testdata", fmt.Sprintf("v%d.clipdb", storage.Format))
	if _, err := os.Stat(current); *updateGolden && err != nil {
		s, err := storage.Open(current, nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := fillGolden(s); err != nil {
			t.Fatal(err)
		}
		if err := s.Compact(background); err != nil {
			t.Fatal(err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	for format := 1; format <= storage.Format; format++ {
		golden, err := os.ReadFile(filepath.Join("testdata", fmt.Sprintf("v%d.clipdb", format)))
		if err != nil {
			t.Fatalf("%v: every format has its golden file (go test -run Golden -update)", err)
		}
		path := filepath.Join(t.TempDir(), "golden.clipdb")
		if err := os.WriteFile(path, golden, 0o600); err != nil {
			t.Fatal(err)
		}
		s := storagetest.MustOpenAt(t, path, nil)
		for _, err := range readGolden(s) {
			t.Errorf("format %d: %v", format, err)
		}
		if format >= 2 {
			view(t, s, verifyGolden2)
		}
		for _, p := range storagetest.Problems(t, s) {
			t.Errorf("format %d: %s", format, p)
		}
		if s.Format() != storage.Format {
			t.Errorf("format %d after opening, not %d", s.Format(), storage.Format)
		}
		// And it works on.
		update(t, s, func(tx *storage.Tx) error {
			slot, err := tx.NextSlot()
			if err == nil && slot != 101 {
				t.Errorf("next slot %d", slot)
			}
			return err
		})
		if err := s.Compact(background); err != nil {
			t.Error(err)
		}
	}
}

// TestGoldenBytes writes the same database anew and compares every key and
// value: an encoding must not change without a new format number. Where zstd
// had a hand, only the content must be equal, which TestGolden sees to.
func TestGoldenBytes(t *testing.T) {
	s := storagetest.MustOpen(t, nil)
	if err := fillGolden(s); err != nil {
		t.Fatal(err)
	}
	var now map[string]string
	view(t, s, func(tx *storage.Tx) error { now = dump(tx.Raw()); return nil })
	db, err := bbolt.Open(filepath.Join("testdata", fmt.Sprintf("v%d.clipdb", storage.Format)), 0, &bbolt.Options{ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var golden map[string]string
	_ = db.View(func(tx *bbolt.Tx) error { golden = dump(tx); return nil })
	if len(now) != len(golden) || len(now) < 400 {
		t.Errorf("%d keys, the golden file has %d", len(now), len(golden))
	}
	for k, v := range golden {
		packed := strings.HasPrefix(k, "/records/") && v[1]&8 != 0 || strings.HasPrefix(k, "/blobs/") && v[1] == 1 ||
			strings.HasPrefix(k, "/data/\x00\x00\x00\x00\x00\x00\x00\x03") || strings.HasPrefix(k, "/clipdb/state")
		if w, ok := now[k]; !ok || w != v && !packed {
			t.Errorf("%q is %x, the golden file has %x", k, w, v)
		}
	}
}

// dump returns every value by its path.
func dump(tx *bbolt.Tx) map[string]string {
	out := map[string]string{}
	var walk func(path string, b *bbolt.Bucket)
	walk = func(path string, b *bbolt.Bucket) {
		_ = b.ForEach(func(k, v []byte) error {
			if v == nil {
				walk(path+string(k)+"/", b.Bucket(k))
			} else {
				out[path+string(k)] = string(v)
			}
			return nil
		})
	}
	_ = tx.ForEach(func(name []byte, b *bbolt.Bucket) error {
		walk("/"+string(name)+"/", b)
		return nil
	})
	return out
}
