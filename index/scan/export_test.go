package scan

// CodesOnly makes searches use the codes where comparing exactly is cheaper.
func (x *Index) CodesOnly() { x.codesOnly = true }

// raceDetector says that the test binary was built with -race, which allocates.
var raceDetector bool
