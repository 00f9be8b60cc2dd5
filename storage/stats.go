package storage

// Stats of a Store.
type Stats struct {
	FileBytes int64 // size of the file
	FreeBytes int64 // of these, in pages that hold nothing; Compact gives them back

	Records    int
	Vectors    int
	Dim        int // components of a vector, 0 before the first
	Images     int // originals kept, equal ones once
	Thumbnails int
	Failures   int
	SlotLimit  uint32
	FreeSlots  int // released and not handed out again
	LogEntries int

	NextVectors  int // vectors beside the served ones
	AuditEntries int

	Bytes Bytes
}

// Bytes says what the file holds, by kind: keys and values as stored, without
// the pages they lie on.
type Bytes struct {
	Records    int64
	Vectors    int64
	Images     int64
	Thumbnails int64
	Pages      int64 // of index checkpoints
	Log        int64
	Failures   int64
	Next       int64 // vectors beside the served ones
	Audit      int64
}

// Stats reads the counters; it costs no walk.
func (s *Store) Stats() (Stats, error) {
	var out Stats
	g, err := s.acquire()
	if err != nil {
		return out, err
	}
	defer s.release(g)
	t, err := s.begin(g, false)
	if err != nil {
		return out, err
	}
	err = t.run(func(t *Tx) error {
		st, err := t.state()
		if err != nil {
			return err
		}
		out = st.stats()
		return out.measure(g)
	})
	return out, err
}

func (s *state) stats() Stats {
	return Stats{
		Records: int(s.records), Vectors: int(s.vectors), Dim: int(s.dim),
		Images: int(s.images), Thumbnails: int(s.thumbnails), Failures: int(s.failures),
		SlotLimit: uint32(min(s.slotLimit, 1<<32-1)), FreeSlots: int(s.freeSlots), LogEntries: int(s.logEntries),
		NextVectors: int(s.nextVectors), AuditEntries: int(s.auditEntries),
		Bytes: Bytes{
			Records: int64(s.recordBytes), Vectors: int64(s.vectorBytes), Images: int64(s.imageBytes),
			Thumbnails: int64(s.thumbnailBytes), Pages: int64(s.pageBytes), Log: int64(s.logBytes),
			Failures: int64(s.failureBytes), Next: int64(s.nextBytes), Audit: int64(s.auditBytes),
		},
	}
}

// measure takes the sizes of the file: free pages, and what the file has grown
// ahead of its use.
func (o *Stats) measure(g *generation) error {
	info, err := g.file.Stat()
	if err != nil {
		return err
	}
	o.FileBytes = info.Size()
	l, err := readLayout(g.file, info.Size())
	if err != nil {
		return err
	}
	free := g.db.Stats().FreePageN + g.db.Stats().PendingPageN
	if g.db.IsReadOnly() {
		if _, free, err = l.freePages(); err != nil {
			return err
		}
	}
	o.FreeBytes = int64(free)*l.pageSize + max(info.Size()-int64(l.limit)*l.pageSize, 0)
	return nil
}
