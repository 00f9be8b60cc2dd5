package hnsw

import "math"

// pool holds the candidates of a search in order, best first, as one word
// each: the score, turned so that a smaller word is better, then the slot, then
// two flags. Equal scores are in order of slots, which makes searches
// deterministic. It is the candidate queue and the result of the paper's
// algorithm 2 in one: entries that may not be answers (dead or filtered out)
// stand among the others for as long as they are better than the ef-th that
// may.
type pool struct {
	keys     []uint64
	ef       int
	admitted int
	cursor   int    // no entry below it is unexpanded
	bound    uint64 // entries from here on are of no use
}

const (
	expanded = 1 << 0
	barred   = 1 << 1 // may be walked through, is no answer
	slotBits = 2
)

// keyOf packs a score.
func keyOf(score int32, slot uint32) uint64 {
	return uint64(^(uint32(score)^1<<31))<<32 | uint64(slot)<<slotBits
}

func slotOf(key uint64) uint32 { return uint32(key) >> slotBits }

func scoreOf(key uint64) int32 { return int32(^uint32(key>>32) ^ 1<<31) }

func (p *pool) reset(ef int) {
	p.keys, p.ef, p.admitted, p.cursor, p.bound = p.keys[:0], ef, 0, 0, math.MaxUint64
}

// insert adds a key below bound that is not in the pool.
func (p *pool) insert(key uint64) {
	// The place is found from the end of a binary search over the keys.
	lo, hi := 0, len(p.keys)
	for lo < hi {
		mid := int(uint(lo+hi) >> 1)
		if p.keys[mid] < key {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	p.keys = append(p.keys, 0)
	copy(p.keys[lo+1:], p.keys[lo:])
	p.keys[lo] = key
	if lo < p.cursor {
		p.cursor = lo
	}
	if key&barred == 0 {
		p.admitted++
		if p.admitted >= p.ef {
			p.trim()
		}
	} else if len(p.keys) > p.ef+maxBarred {
		p.drop()
	}
}

// maxBarred is how many entries a pool may hold that are no answers, about:
// where nearly all are, each costs moving the others.
const maxBarred = 2048

// drop takes the last entry out.
func (p *pool) drop() {
	n := len(p.keys) - 1
	if p.keys[n]&barred == 0 {
		p.admitted--
	}
	p.keys = p.keys[:n]
	p.bound = p.keys[n-1]
}

// share tells which share of the best n entries may be answers, of those that
// there are, as if weight more had been seen with a share of prior.
func (p *pool) share(n int, prior, weight float64) float64 {
	n = min(n, len(p.keys))
	admitted := 0
	for _, key := range p.keys[:n] {
		if key&barred == 0 {
			admitted++
		}
	}
	return (float64(admitted) + prior*weight) / (float64(n) + weight)
}

// trim cuts what lies behind the ef-th entry that may be an answer.
func (p *pool) trim() {
	n := len(p.keys)
	if p.admitted > p.ef {
		for p.keys[n-1]&barred != 0 {
			n--
		}
		n--
		p.admitted--
	}
	for p.keys[n-1]&barred != 0 {
		n--
	}
	p.keys = p.keys[:n]
	p.bound = p.keys[n-1]
}

// widen changes how many entries are wanted. A pool that was full and is not
// any more takes every key again; one that holds too many is cut.
func (p *pool) widen(ef int) {
	p.ef = ef
	if p.admitted < ef {
		p.bound = math.MaxUint64
		return
	}
	for p.admitted > ef {
		p.trim()
	}
	p.trim()
}

// next returns the best entry not yet expanded and marks it so.
func (p *pool) next() (slot uint32, ok bool) {
	for i := p.cursor; i < len(p.keys); i++ {
		if p.keys[i]&expanded == 0 {
			p.keys[i] |= expanded
			p.cursor = i + 1
			return slotOf(p.keys[i]), true
		}
	}
	p.cursor = len(p.keys)
	return 0, false
}

// peek returns the entry that next would return now.
func (p *pool) peek() (slot uint32, ok bool) {
	for i := p.cursor; i < len(p.keys); i++ {
		if p.keys[i]&expanded == 0 {
			return slotOf(p.keys[i]), true
		}
	}
	return 0, false
}
