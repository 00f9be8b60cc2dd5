package local

// PreviewLeast sets from how many vectors on a graph is read in the background
// and returns what was set.
func PreviewLeast(n int) (was int) {
	was, previewLeast = previewLeast, n
	return was
}

// Loaded waits until what reads the index in the background is done.
func (e *Engine) Loaded() { e.background.Wait() }

// Previewing reports whether a preview answers.
func (e *Engine) Previewing() bool {
	e.indexMu.RLock()
	defer e.indexMu.RUnlock()
	_, ok := e.idx.(interface{ Preview() })
	return ok
}
