package hnsw

import "slices"

// choose picks up to limit of s.cands, which are sorted by distance to a base
// node, into s.chosen. It is the paper's algorithm 4: a candidate that is
// nearer to one already picked than to the base is passed over, since it is
// reached through that one; so the links point in different directions. With
// the slack of Vamana (Subramanya et al. 2019, "DiskANN", section 2.3) it must
// be nearer by a tenth: a few more long links stay, and searches need fewer
// hops. Two rules are added for crowds, thousands of near-duplicates:
//
//   - Where fewer than half of M are picked, the nearest of those passed over
//     fill up. Around the centre of a star everyone but the centre is passed
//     over by everyone else, and most would have no link to them.
//   - One pick in eight is left to candidates far beyond the others, should
//     there be any. Without links that leave it, a search that strays into a
//     crowd as large as its beam would end there.
//
// It returns how many of the chosen, from the first one on, have all been held
// against each other.
func (g *Graph) choose(s *searcher, v *view, limit int) (settled int) {
	s.chosen, s.picks = s.chosen[:0], s.picks[:0]
	rest := s.pick(v, s.cands, limit-limit/outwardShare)
	settled = len(s.chosen)
	if len(rest) > 0 {
		far := crowdGap * (s.picks[settled-1] >> 32)
		if rest[len(rest)-1]>>32 > far {
			first := slices.IndexFunc(rest, func(c uint64) bool { return c>>32 > far })
			s.pick(v, rest[first:], limit)
			rest = rest[:first]
		}
		outward := len(s.chosen) > settled
		s.pick(v, rest, limit)
		if !outward {
			settled = len(s.chosen)
		}
		return settled
	}
	for _, c := range s.cands {
		if len(s.chosen) >= g.params.M/2 {
			break
		}
		if !contains(s.chosen, slotIn(c)) {
			s.chosen = append(s.chosen, slotIn(c))
		}
	}
	return settled
}

// The slack is 6/5 of squared distances, 1.095 of distances. Measured on
// 100,000 CLIP-like vectors, it saves a fifth of the distances computed for
// recall@10 of 0.95 and an eighth for 0.99, together with more links of a new
// node (see wanted), and costs a quarter more time to build. 1.1 and 1.3 save
// less.
const slackNum, slackDen = 6, 5

// wanted is how many neighbours are chosen for a new node: M, and on layer 0
// half as many again.
func (g *Graph) wanted(level int) int {
	if level > 0 {
		return g.params.M
	}
	return 3 * g.params.M / 2
}

const (
	outwardShare = 8 // one pick in so many may be kept for leaving a crowd
	crowdGap     = 8 // squared distance over that of the farthest pick
)

// pickBlock is how many candidates are held against the picks at once. Most
// lists are full after the first block or two of some two hundred candidates,
// and what lies behind is not looked at.
const pickBlock = 16

// pick adds candidates that no pick rules out to the picks, in their order,
// until there are limit, and returns the candidates behind the last one taken.
//
// What a pick rules out is struck out by one kernel call for all of a block
// that are left, instead of comparing each candidate with all that were picked:
// in a crowd most are gone after a few calls.
func (s *searcher) pick(v *view, cands []uint64, limit int) (rest []uint64) {
	for len(cands) > 0 && len(s.picks) < limit {
		block := cands[:min(pickBlock, len(cands))]
		s.alive = append(s.alive[:0], block...)
		alive := s.alive
		for _, p := range s.picks {
			if alive = s.strike(v, p, alive); len(alive) == 0 {
				break
			}
		}
		for len(alive) > 0 {
			p := alive[0]
			s.picks, s.chosen = append(s.picks, p), append(s.chosen, slotIn(p))
			if len(s.picks) == limit {
				return cands[slices.Index(block, p)+1:]
			}
			alive = s.strike(v, p, alive[1:])
		}
		cands = cands[len(block):]
	}
	return cands
}

// strike takes the candidates out of alive that are reached through a pick.
// Two that are settled have been held against each other before.
func (s *searcher) strike(v *view, pick uint64, alive []uint64) []uint64 {
	known := pick & settledBit
	s.ids = s.ids[:0]
	for _, c := range alive {
		if c&known == 0 {
			s.ids = append(s.ids, slotIn(c))
		}
	}
	if len(s.ids) == 0 {
		return alive
	}
	s.scores = sized(s.scores, max(len(s.ids), pickBlock))
	v.distances(v.code(slotIn(pick)), s.ids, s.scores)
	left, i := alive[:0], 0
	for _, c := range alive {
		if c&known == 0 {
			d := int64(s.scores[i])
			i++
			if d*slackNum < int64(c>>32)*slackDen {
				continue
			}
		}
		left = append(left, c)
	}
	return left
}

// A candidate is one word: its distance, its slot, and whether it is settled,
// so that equal distances are in order of slots.
const settledBit = 1

func candidateOf(distance, slot uint32) uint64 {
	return uint64(distance)<<32 | uint64(slot)<<1
}

func slotIn(candidate uint64) uint32 { return uint32(candidate) >> 1 }

// measure turns s.ids into s.cands: their distances to a code, sorted. The
// first ids are settled.
func (s *searcher) measure(v *view, code []uint8, settled int) {
	s.scores = sized(s.scores, len(s.ids))
	v.distances(code, s.ids, s.scores)
	s.cands = s.cands[:0]
	for i, id := range s.ids {
		c := candidateOf(uint32(s.scores[i]), id)
		if i < settled {
			c |= settledBit
		}
		s.cands = append(s.cands, c)
	}
	sortKeys(s.cands)
}
