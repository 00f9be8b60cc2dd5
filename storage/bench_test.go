package storage_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/clipdb/clipdb/storage"
)

// photo is 100 KB that nothing can compress, different each time.
func photo(n int) []byte {
	b := random(rand.New(rand.NewPCG(1, 1)), 100_000)
	copy(b, fmt.Sprintf("\xff\xd8\xff\xe0 number %d", n))
	return b
}

// benchStore is a Store whose making and unmaking is not measured.
func benchStore(b *testing.B) *storage.Store {
	b.Helper()
	s, err := storage.Open(filepath.Join(b.TempDir(), "bench.clipdb"), nil)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = s.Close() })
	return s
}

func benchItem(n int, image []byte) item {
	it := item{
		Record: storage.Record{
			ID: fmt.Sprintf("2024/05/IMG_%06d.jpg", n), Caption: "two people with a dog on the beach",
			Attrs: make([]byte, 40), Model: "sha256:0123456789abcdef", Image: &storage.ImageRef{Format: "jpeg", Width: 4000, Height: 3000},
		},
		vector: make([]float32, 512),
		image:  image,
	}
	it.vector[n%512] = 1
	if image != nil {
		it.thumbnail = append([]byte(fmt.Sprintf("\xff\xd8\xff\xe1 %d", n)), image[:12_000]...)
	}
	return it
}

func benchmarkInsert(b *testing.B, batch int, image bool) {
	s := benchStore(b)
	b.ReportAllocs()
	n := 0
	var data []byte
	if image {
		data = photo(0)
		b.SetBytes(int64(len(data)))
	}
	for b.Loop() {
		if n%batch != 0 {
			n++
			continue
		}
		err := s.Update(func(tx *storage.Tx) error {
			for i := range batch {
				if image {
					copy(data, fmt.Sprintf("\xff\xd8\xff\xe0 number %d", n+i))
				}
				it := benchItem(n+i, data)
				if err := insert(tx, &it); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			b.Fatal(err)
		}
		n++
	}
	info, err := os.Stat(s.Path())
	if err != nil {
		b.Fatal(err)
	}
	st, err := s.Stats()
	if err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(info.Size()-st.FreeBytes)/float64(st.Records), "file-B/item")
}

// One item is a record, a 100 KB image, a 12 KB thumbnail and a vector of 512.
func BenchmarkInsert1(b *testing.B)            { benchmarkInsert(b, 1, true) }
func BenchmarkInsertBatch100(b *testing.B)     { benchmarkInsert(b, 100, true) }
func BenchmarkInsertNoImage1(b *testing.B)     { benchmarkInsert(b, 1, false) }
func BenchmarkInsertNoImageBatch(b *testing.B) { benchmarkInsert(b, 100, false) }

// filled is a Store of n items.
func filled(b *testing.B, n int, image bool) *storage.Store {
	s := benchStore(b)
	var data []byte
	if image {
		data = photo(0)
	}
	for i := 0; i < n; i += 500 {
		err := s.Update(func(tx *storage.Tx) error {
			for j := range min(500, n-i) {
				if image {
					copy(data, fmt.Sprintf("\xff\xd8\xff\xe0 number %d", i+j))
				}
				it := benchItem(i+j, data)
				if err := insert(tx, &it); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			b.Fatal(err)
		}
	}
	return s
}

// BenchmarkVector reads one vector of 50,000 at random.
func BenchmarkVector(b *testing.B) {
	s := filled(b, 50_000, false)
	rng := rand.New(rand.NewPCG(1, 1))
	dst := make([]float32, 512)
	_ = s.View(func(tx *storage.Tx) error {
		for b.Loop() {
			var ok bool
			var err error
			if dst, ok, err = tx.Vector(rng.Uint32N(50_000), dst); !ok || err != nil {
				b.Fatal(ok, err)
			}
		}
		return nil
	})
}

// BenchmarkRerank opens a transaction and reads 50 vectors, as a search does.
func BenchmarkRerank(b *testing.B) {
	s := filled(b, 50_000, false)
	rng := rand.New(rand.NewPCG(1, 1))
	dst := make([]float32, 512)
	b.ReportAllocs()
	for b.Loop() {
		err := s.View(func(tx *storage.Tx) error {
			for range 50 {
				var err error
				if dst, _, err = tx.Vector(rng.Uint32N(50_000), dst); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkVectors walks over 50,000 vectors; one operation is all of them.
func BenchmarkVectors(b *testing.B) {
	s := filled(b, 50_000, false)
	b.SetBytes(50_000 * 2048)
	for b.Loop() {
		_ = s.View(func(tx *storage.Tx) error {
			for range tx.Vectors() {
			}
			return tx.Err()
		})
	}
}

func BenchmarkBlob(b *testing.B) {
	s := filled(b, 500, true)
	var hashes []storage.Hash
	_ = s.View(func(tx *storage.Tx) error {
		for r := range tx.Records("") {
			hashes = append(hashes, r.Image.Blob)
		}
		return nil
	})
	b.SetBytes(100_000)
	n := 0
	for b.Loop() {
		err := s.View(func(tx *storage.Tx) error {
			_, err := tx.Blob(hashes[n*7919%len(hashes)])
			return err
		})
		if err != nil {
			b.Fatal(err)
		}
		n++
	}
}

func BenchmarkRecord(b *testing.B) {
	s := filled(b, 10_000, false)
	rng := rand.New(rand.NewPCG(1, 1))
	b.ReportAllocs()
	_ = s.View(func(tx *storage.Tx) error {
		for b.Loop() {
			if _, err := tx.RecordAt(rng.Uint32N(10_000)); err != nil {
				b.Fatal(err)
			}
		}
		return nil
	})
}

func BenchmarkOpen(b *testing.B) {
	s := filled(b, 50_000, false)
	path := s.Path()
	if err := s.Close(); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		s, err := storage.Open(path, nil)
		if err != nil {
			b.Fatal(err)
		}
		if err := s.Close(); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkCompact(b *testing.B) {
	s := filled(b, 500, true)
	b.SetBytes(500 * 112_000)
	for b.Loop() {
		if err := s.Compact(background); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkViewVector reads one vector in a transaction of its own.
func BenchmarkViewVector(b *testing.B) {
	s := filled(b, 5_000, false)
	rng := rand.New(rand.NewPCG(1, 1))
	dst := make([]float32, 512)
	b.ReportAllocs()
	for b.Loop() {
		err := s.View(func(tx *storage.Tx) (err error) {
			dst, _, err = tx.Vector(rng.Uint32N(5_000), dst)
			return err
		})
		if err != nil {
			b.Fatal(err)
		}
	}
}
