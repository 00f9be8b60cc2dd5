package hnsw

// NeverScan makes searches walk the graph where a scan would be cheaper.
func (g *Graph) NeverScan() { g.neverScan = true }
