package db

import (
	"container/list"
	"slices"
	"strings"
	"sync"

	"golang.org/x/text/unicode/norm"
)

// DefaultTextCache is the zero value of Options.TextCache.
const DefaultTextCache = 1024

// textCache keeps the vectors of the texts that were asked for last, by model
// and text: people ask again for what they asked for before, page through
// answers, and classify many pictures among the same labels.
type textCache struct {
	mu     sync.Mutex
	size   int
	order  *list.List // of *cachedText, the latest first
	byText map[textKey]*list.Element
	hits   uint64
	misses uint64
}

type textKey struct {
	model string // fingerprint
	text  string
}

type cachedText struct {
	key    textKey
	vector []float32
}

func newTextCache(size int) *textCache {
	return &textCache{size: size, order: list.New(), byText: map[textKey]*list.Element{}}
}

// maxCachedText is the longest text that is kept, in bytes. Longer ones are
// beyond the context of most models.
const maxCachedText = 1024

// through returns the vectors of texts, asking encode for those that are not
// known. A nil cache knows none. Texts that mean the same to a reader are one:
// the model gets each in one composition of letters and without space around,
// so that the answer does not depend on who asked before.
func (c *textCache) through(model string, texts []string, encode func([]string) ([][]float32, error)) ([][]float32, error) {
	texts = slices.Clone(texts)
	for i, t := range texts {
		texts[i] = plain(t)
	}
	if c == nil {
		return encode(texts)
	}
	vectors := make([][]float32, len(texts))
	var unknown []string
	var places []int
	for i, t := range texts {
		if len(t) <= maxCachedText {
			if v, ok := c.get(textKey{model, t}); ok {
				vectors[i] = v
				continue
			}
		}
		unknown, places = append(unknown, t), append(places, i)
	}
	if len(unknown) == 0 && len(texts) > 0 {
		return vectors, nil
	}
	made, err := encode(unknown)
	if err != nil {
		return nil, err
	}
	for j, i := range places {
		vectors[i] = made[j]
		if len(texts[i]) <= maxCachedText {
			c.put(textKey{model, texts[i]}, made[j])
		}
	}
	return vectors, nil
}

// plain is a text as the model gets it.
func plain(text string) string { return norm.NFC.String(strings.TrimSpace(text)) }

// get returns the vector of a text, for the caller to keep.
func (c *textCache) get(key textKey) ([]float32, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e, ok := c.byText[key]
	if !ok {
		c.misses++
		return nil, false
	}
	c.hits++
	c.order.MoveToFront(e)
	return slices.Clone(e.Value.(*cachedText).vector), true
}

func (c *textCache) put(key textKey, vector []float32) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if e, ok := c.byText[key]; ok {
		c.order.MoveToFront(e)
		return
	}
	c.byText[key] = c.order.PushFront(&cachedText{key, slices.Clone(vector)})
	for c.order.Len() > c.size {
		last := c.order.Back()
		delete(c.byText, c.order.Remove(last).(*cachedText).key)
	}
}

// counts tells how often a text was known.
func (c *textCache) counts() (hits, misses uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.hits, c.misses
}
