package storage

import (
	"errors"
	"math/bits"
)

func (c *checker) vectors() error {
	return errors.Join(c.vectorSet(servedSet), c.vectorSet(nextSet))
}

func (c *checker) vectorSet(place int) error {
	have, count := c.have.set(place), c.count.set(place)
	return c.each(have.bucket, func(k, v []byte) {
		*count.bytes += uint64(len(v))
		if *have.dim == 0 {
			c.say(have.bucket, number(k), "there should be no vectors")
			return
		}
		p, err := c.t.parseVectorPage(have, k, v)
		if err != nil {
			c.problem(have.bucket, number(k), err)
			return
		}
		if p.present() == 0 {
			c.say(have.bucket, number(k), "it is empty")
		}
		for row := range p.rows {
			c.vectorRow(have, p, row, k)
		}
		*count.count += uint64(bits.OnesCount64(p.present()))
	})
}

func (c *checker) vectorRow(set vectorSet, p vectorPage, row int, k []byte) {
	slot := p.first + uint32(row)
	switch {
	case !p.has(row):
		if !allZero(p.row(row)) || !allZero(p.sum(row)) {
			c.say(set.bucket, number(k), "bytes remain in the empty row of slot %d", slot)
		}
	case !p.verify(row, slot):
		c.say(set.bucket, number(k), "the checksum of slot %d does not match", slot)
	case !c.slots.hasBelow(uint64(slot)):
		c.say(set.bucket, number(k), "it holds a vector for slot %d, but no readable record is in it", slot)
	case set.place == nextSet:
		if has, err := c.t.hasVector(c.have.set(servedSet), slot); err == nil && !has {
			c.say(set.bucket, number(k), "it holds a vector for slot %d, beside which there is none", slot)
		}
	}
}

func allZero(b []byte) bool {
	for _, x := range b {
		if x != 0 {
			return false
		}
	}
	return true
}
