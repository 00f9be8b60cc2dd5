package storage

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
)

// blobUses are the references to a blob as counted, and what its head says.
type blobUses struct {
	head               *blobHead
	images, thumbnails uint64
}

// checker walks the content. It keeps a few bytes for each blob and each slot.
type checker struct {
	t      *Tx
	ctx    context.Context
	report func(Problem)
	have   state // as stored
	count  state // as counted
	blobs  map[Hash]*blobUses
	slots  pageSet // slots of records
}

func (c *checker) problem(b bucketID, key string, err error) {
	var d damage
	text := err.Error()
	if errors.As(err, &d) {
		text = string(d)
	}
	c.report(Problem{Kind: b.noun(), Key: key, Text: text})
}

func (c *checker) say(b bucketID, key, format string, args ...any) {
	c.report(Problem{Kind: b.noun(), Key: key, Text: fmt.Sprintf(format, args...)})
}

func (c *checker) run() error {
	st, err := c.t.state()
	if err != nil {
		c.problem(bucketClipdb, "state", err)
		return nil
	}
	c.have = *st
	c.slots = newPageSet(st.slotLimit)
	steps := []func() error{
		c.header, c.metas, c.modelTable, c.blobHeads, c.records, c.slotMap, c.freeSlots,
		c.vectors, c.references, c.blobData, c.logEntries, c.spaces, c.failures, c.audit,
	}
	for _, step := range steps {
		if err := step(); err != nil {
			if ctxErr := c.ctx.Err(); ctxErr != nil {
				return ctxErr
			}
			c.report(Problem{Kind: "page structure", Text: err.Error()})
		}
	}
	c.counters()
	return nil
}

// each is scan with a look at ctx; entries that are buckets where values
// should be are problems.
func (c *checker) each(b bucketID, fn func(k, v []byte)) error {
	var stop error
	err := c.t.scan(b, nil, func(k, v []byte) bool {
		if stop = c.ctx.Err(); stop != nil {
			return false
		}
		if v == nil {
			c.say(b, number(k), "a bucket lies where a value should")
			return true
		}
		fn(k, v)
		return true
	})
	return errors.Join(err, stop)
}

func (c *checker) header() error {
	return c.each(bucketClipdb, func(k, v []byte) {
		switch {
		case bytes.Equal(k, formatKey):
			if _, err := decodeFormat(v); err != nil {
				c.problem(bucketClipdb, "format", err)
			}
		case !bytes.Equal(k, stateKey):
			c.say(bucketClipdb, fmt.Sprintf("%q", k), "it does not belong here")
		}
	})
}

func (c *checker) metas() error {
	return c.each(bucketMeta, func(k, v []byte) {
		if _, err := unseal(k, v); err != nil {
			c.problem(bucketMeta, string(k), err)
		}
	})
}

func (c *checker) modelTable() error {
	n := 0
	return c.each(bucketModels, func(k, v []byte) {
		n++
		if _, err := decodeModel(k, v, n); err != nil {
			c.problem(bucketModels, number(k), err)
		}
	})
}

func (c *checker) blobHeads() error {
	return c.each(bucketBlobs, func(k, v []byte) {
		head, err := decodeBlobHead(k, v)
		if err != nil {
			c.problem(bucketBlobs, fmt.Sprintf("%x", k), err)
			return
		}
		c.blobs[Hash(k)] = &blobUses{head: head}
		c.count.account(head, 1)
		c.count.lastBlob = max(c.count.lastBlob, head.number)
	})
}

func (c *checker) records() error {
	return c.each(bucketRecords, func(k, v []byte) {
		id := fmt.Sprintf("%q", k)
		c.count.records++
		c.count.recordBytes += uint64(len(k) + len(v))
		r, err := c.t.decode(string(k), v)
		if err != nil {
			c.problem(bucketRecords, id, err)
			return
		}
		holder, err := c.t.slotID(r.Slot)
		switch {
		case err != nil:
			c.problem(bucketRecords, id, err)
		case holder != r.ID:
			c.say(bucketRecords, id, "its slot %d is mapped to %q", r.Slot, holder)
		}
		switch {
		case uint64(r.Slot) >= c.have.slotLimit:
			c.say(bucketRecords, id, "its slot %d was never handed out", r.Slot)
		case !c.slots.add(uint64(r.Slot)):
			c.say(bucketRecords, id, "its slot %d is that of another record too", r.Slot)
		}
		if r.Image != nil {
			c.use(id, r.Image.Blob, 1, 0)
			c.use(id, r.Image.Thumbnail, 0, 1)
		}
	})
}

func (c *checker) use(id string, h Hash, image, thumbnail uint64) {
	if h.IsZero() {
		return
	}
	b := c.blobs[h]
	if b == nil {
		c.say(bucketRecords, id, "its blob %s is not there", h)
		return
	}
	b.images += image
	b.thumbnails += thumbnail
}

func (c *checker) slotMap() error {
	return c.each(bucketSlots, func(k, v []byte) {
		switch {
		case len(k) != 4:
			c.say(bucketSlots, number(k), "key of %d bytes", len(k))
		case !c.slots.hasBelow(uint64(binary.BigEndian.Uint32(k))):
			c.say(bucketSlots, number(k), "it is mapped to %q, but no readable record is in it", v)
		}
	})
}

func (c *checker) freeSlots() error {
	return c.each(bucketFree, func(k, v []byte) {
		c.count.freeSlots++
		slot, err := decodeFree(k, v)
		switch {
		case err != nil:
			c.problem(bucketFree, number(k), err)
		case uint64(slot) >= c.have.slotLimit:
			c.say(bucketFree, number(k), "it was never handed out")
		case c.slots.hasBelow(uint64(slot)):
			c.say(bucketFree, number(k), "a record is in it")
		}
	})
}

// hasBelow is has for numbers that may lie beyond the set.
func (s pageSet) hasBelow(id uint64) bool { return id < uint64(len(s))*64 && s.has(id) }

func (c *checker) references() error {
	for h, b := range c.blobs {
		if b.images != b.head.images || b.thumbnails != b.head.thumbnails {
			c.say(bucketBlobs, h.String(), "%d images and %d thumbnails refer to it, it counts %d and %d",
				b.images, b.thumbnails, b.head.images, b.head.thumbnails)
		}
		if !b.head.used() {
			c.say(bucketBlobs, h.String(), "no record refers to it")
		}
	}
	return nil
}

// blobData reads every blob, and looks for data that belongs to none.
func (c *checker) blobData() error {
	byNumber := make(map[uint64]Hash, len(c.blobs))
	for h, b := range c.blobs {
		if other, ok := byNumber[b.head.number]; ok {
			c.say(bucketBlobs, h.String(), "its data is that of %s too", other)
		}
		byNumber[b.head.number] = h
	}
	var stop error
	err := c.t.scan(bucketData, nil, func(k, v []byte) bool {
		if stop = c.ctx.Err(); stop != nil {
			return false
		}
		if len(k) != 8 || v != nil {
			c.say(bucketData, number(k), "it is no data of a blob")
			return true
		}
		h, ok := byNumber[binary.BigEndian.Uint64(k)]
		if !ok {
			c.say(bucketData, number(k), "it belongs to no readable blob")
			return true
		}
		delete(byNumber, binary.BigEndian.Uint64(k))
		if _, err := c.t.readBlob(h, c.blobs[h].head); err != nil {
			c.problem(bucketBlobs, h.String(), err)
		}
		return true
	})
	for n, h := range byNumber {
		if stop == nil && err == nil {
			c.say(bucketBlobs, h.String(), "its data (number %d) is missing", n)
		}
	}
	return errors.Join(err, stop)
}

func (c *checker) logEntries() error {
	var last uint64
	return c.each(bucketLog, func(k, v []byte) {
		c.count.logEntries++
		c.count.logBytes += uint64(len(k) + len(v))
		e, err := decodeLog(k, v)
		switch {
		case err != nil:
			c.problem(bucketLog, number(k), err)
			return
		case last != 0 && e.Seq != last+1:
			c.say(bucketLog, number(k), "it follows %d", last)
		case uint64(e.Slot) >= c.have.slotLimit:
			c.say(bucketLog, number(k), "its slot %d was never handed out", e.Slot)
		}
		last = e.Seq
		c.count.lastLog = e.Seq
	})
}

func (c *checker) spaces() error {
	var names []string
	err := c.t.scan(bucketSpaces, nil, func(k, v []byte) bool {
		if v != nil {
			c.say(bucketSpaces, fmt.Sprintf("%q", k), "a value lies where a space should")
			return true
		}
		names = append(names, string(k))
		return true
	})
	for _, name := range names {
		err = errors.Join(err, c.space(name))
	}
	return err
}

func (c *checker) space(name string) (err error) {
	defer c.t.guard(&err, bucketSpaces)
	cur := c.t.space(name).Cursor()
	for k, v := cur.First(); k != nil; k, v = cur.Next() {
		if err := c.ctx.Err(); err != nil {
			return err
		}
		c.count.pages++
		c.count.pageBytes += uint64(len(v))
		if _, err := unseal(pageKey(name, k), v); err != nil {
			c.problem(bucketSpaces, name+"/"+number(k), err)
		}
	}
	return nil
}

func (c *checker) failures() error {
	return c.each(bucketFailures, func(k, v []byte) {
		c.count.failures++
		c.count.failureBytes += uint64(len(k) + len(v))
		if _, err := decodeFailure(k, v); err != nil {
			c.problem(bucketFailures, fmt.Sprintf("%q", k), err)
		}
	})
}

func (c *checker) audit() error {
	var last uint64
	return c.each(bucketAudit, func(k, v []byte) {
		c.count.auditEntries++
		c.count.auditBytes += uint64(len(k) + len(v))
		e, err := decodeAudit(k, v)
		switch {
		case err != nil:
			c.problem(bucketAudit, number(k), err)
			return
		case e.Seq != last+1:
			c.say(bucketAudit, number(k), "it follows %d", last)
		}
		last, c.count.lastAudit = e.Seq, e.Seq
	})
}

// counters compares what was counted with what is stored.
func (c *checker) counters() {
	have, count := c.have, c.count
	for _, n := range []struct {
		what         string
		have, counts uint64
	}{
		{"records", have.records, count.records},
		{"bytes of records", have.recordBytes, count.recordBytes},
		{"vectors", have.vectors, count.vectors},
		{"bytes of vectors", have.vectorBytes, count.vectorBytes},
		{"free slots", have.freeSlots, count.freeSlots},
		{"images", have.images, count.images},
		{"bytes of images", have.imageBytes, count.imageBytes},
		{"thumbnails", have.thumbnails, count.thumbnails},
		{"bytes of thumbnails", have.thumbnailBytes, count.thumbnailBytes},
		{"index pages", have.pages, count.pages},
		{"bytes of index pages", have.pageBytes, count.pageBytes},
		{"log entries", have.logEntries, count.logEntries},
		{"bytes of the log", have.logBytes, count.logBytes},
		{"failures", have.failures, count.failures},
		{"bytes of failures", have.failureBytes, count.failureBytes},
		{"vectors beside", have.nextVectors, count.nextVectors},
		{"bytes of vectors beside", have.nextBytes, count.nextBytes},
		{"audit entries", have.auditEntries, count.auditEntries},
		{"bytes of the audit log", have.auditBytes, count.auditBytes},
	} {
		if n.have != n.counts {
			c.say(bucketClipdb, "state", "%s: %d counted, %d stored", n.what, n.counts, n.have)
		}
	}
	if count.lastLog > have.lastLog || count.lastBlob > have.lastBlob || count.lastAudit > have.lastAudit {
		c.say(bucketClipdb, "state", "log, blobs or audit log are numbered beyond %d, %d and %d", have.lastLog, have.lastBlob, have.lastAudit)
	}
}
