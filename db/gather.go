package db

import "time"

// When the gathering stage hands a group on.
const (
	maxGroupJobs = 256
	groupWait    = 100 * time.Millisecond
)

// gatherStage collects prepared jobs, in the order of the sequence, into groups
// that the model is given at once. While the model works on a group, the next
// one is collected; it goes on when it is full, or after a moment, so that
// slow pictures do not keep those before them from being stored.
func (b *batch) gatherStage(ordered <-chan *job, groups chan<- []*job) {
	defer close(groups)
	var group []*job
	images, size := 0, int64(0)
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	flush := func() {
		if len(group) > 0 {
			groups <- group
		}
		group, images, size = nil, 0, 0
	}
	var waiting *job
	for {
		in, done := ordered, (<-chan struct{})(nil)
		if waiting != nil {
			in, done = nil, waiting.done
		}
		select {
		case j, ok := <-in:
			if !ok {
				flush()
				return
			}
			waiting = j
		case <-done:
			if len(group) == 0 {
				timer.Reset(groupWait)
			}
			group = append(group, waiting)
			size += waiting.held
			if waiting.pending() {
				images++
			}
			waiting = nil
			// A group takes half of the budget at most, so that there is room
			// for the next one meanwhile.
			if images >= b.o.BatchSize || size >= b.memory.limit/2 || len(group) >= maxGroupJobs {
				flush()
			}
		case <-timer.C:
			flush()
		}
	}
}
