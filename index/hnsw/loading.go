package hnsw

import (
	"sync"
	"sync/atomic"

	"github.com/clipdb/clipdb/index/internal/page"
)

// loading reads pages in one goroutine, and checks and copies them in others.
type loading struct {
	pages  *page.Reader
	tasks  chan loadTask
	failed atomic.Pointer[error] // the first error
	done   sync.WaitGroup
}

type loadTask struct {
	key  uint32
	raw  []byte
	size int
	take func(payload []byte)
}

func newLoading(p *page.Reader, workers int) *loading {
	l := &loading{pages: p, tasks: make(chan loadTask, 4*workers)}
	for range workers {
		l.done.Go(func() {
			for t := range l.tasks {
				if payload, err := p.Payload(t.key, t.raw, t.size); err != nil {
					l.fail(err)
				} else {
					t.take(payload)
				}
			}
		})
	}
	return l
}

func (l *loading) fail(err error) { l.failed.CompareAndSwap(nil, &err) }

// load reads a page and has its payload, of size bytes, taken by another
// goroutine. After an error it does nothing.
func (l *loading) load(key uint32, size int, take func(payload []byte)) {
	if l.failed.Load() != nil {
		return
	}
	raw, err := l.pages.Fetch(key)
	if err != nil {
		l.fail(err)
		return
	}
	l.tasks <- loadTask{key, raw, size, take}
}

// wait ends the loading and returns its first error.
func (l *loading) wait() error {
	close(l.tasks)
	l.done.Wait()
	if err := l.failed.Load(); err != nil {
		return *err
	}
	return nil
}
