package peer

// Operations of a Request.
const (
	OpBuild  = "build"  // load the base vectors and build, or load what was built before
	OpSearch = "search" // ask the queries
)

// Request is a line to a peer.
type Request struct {
	Op string `json:"op"`

	Base string `json:"base,omitempty"` // build: .npy of unit vectors
	Dir  string `json:"dir,omitempty"`  // build: folder of the peer's own, kept between runs

	Queries string  `json:"queries,omitempty"` // search: .npy of unit vectors
	Side    string  `json:"side,omitempty"`    // search: image or text
	Variant string  `json:"variant,omitempty"` // search: way of searching the same index
	K       int     `json:"k,omitempty"`
	Ef      int     `json:"ef,omitempty"` // beam, or lists probed
	Threads int     `json:"threads,omitempty"`
	MinS    float64 `json:"min_s,omitempty"` // the queries are asked again until this has passed
	MaxS    float64 `json:"max_s,omitempty"` // no further query after it
	IDs     bool    `json:"ids,omitempty"`   // reply with the answers
}

// Reply is a line from a peer.
type Reply struct {
	Error   string `json:"error,omitempty"`
	Version string `json:"version,omitempty"` // of the library

	// Of build. Bytes are the growth of the resident memory from before the
	// build: when it is done, and at its peak.
	BuildS    float64 `json:"build_s,omitempty"`
	BuildCPUS float64 `json:"build_cpu_s,omitempty"`
	Bytes     float64 `json:"bytes_per_vector,omitempty"`
	PeakBytes float64 `json:"peak_bytes_per_vector,omitempty"`
	OpenS     float64 `json:"open_s,omitempty"`
	OpenColdS float64 `json:"open_cold_s,omitempty"`

	// Of search. Wall and CPU time are those of a run for throughput, which may
	// hand over many queries at once; the percentiles are of single calls.
	Done  int        `json:"done,omitempty"`
	WallS float64    `json:"wall_s,omitempty"`
	CPUS  float64    `json:"cpu_s,omitempty"`
	P50   float64    `json:"p50_us,omitempty"`
	P99   float64    `json:"p99_us,omitempty"`
	P999  float64    `json:"p999_us,omitempty"`
	IDs   [][]uint32 `json:"ids,omitempty"` // of the queries, as far as they were asked
}
