package engine

// Sample is some of an engine's vectors, chosen without regard to what they
// are of.
type Sample struct {
	Vectors [][]float32 // unit length; not to be changed
	Records int         // how many the engine held at that moment
	State   uint64      // another one whenever vectors came or went
}
