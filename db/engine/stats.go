package engine

import "fmt"

// Stats of an engine. Fields that an engine does not know are zero.
type Stats struct {
	Engine  string     `json:"engine"`
	Path    string     `json:"path,omitempty"`
	Format  int        `json:"format,omitempty"` // version of the file format
	Spec    Spec       `json:"spec"`
	Records int        `json:"records"`
	Bytes   Bytes      `json:"bytes"`
	Index   IndexStats `json:"index"`

	// TextHits and TextMisses count the texts whose vectors were known, and
	// those that the model was asked for. Package db fills them in.
	TextHits   uint64 `json:"text_hits"`
	TextMisses uint64 `json:"text_misses"`
}

// Bytes says where the space of a database goes.
type Bytes struct {
	File       int64 `json:"file"`       // size of the file
	Free       int64 `json:"free"`       // unused within the file; Compact gives it back
	Records    int64 `json:"records"`    // captions, attributes, times
	Vectors    int64 `json:"vectors"`    // exact vectors
	Images     int64 `json:"images"`     // originals
	Thumbnails int64 `json:"thumbnails"` // thumbnails
	Index      int64 `json:"index"`      // index checkpoint
	Log        int64 `json:"log"`        // changes after the checkpoint
	Reembed    int64 `json:"reembed"`    // vectors of another model that are not served yet
	Audit      int64 `json:"audit"`      // audit log
}

// IndexStats describe the index that answers searches.
type IndexStats struct {
	Kind           string  `json:"kind"`             // "flat", "hnsw", ...
	Live           int     `json:"live"`             // vectors that searches can return
	Tombstones     int     `json:"tombstones"`       // deleted vectors that still take part
	Tail           int     `json:"tail"`             // changes that the next open would replay
	BytesResident  int64   `json:"bytes_resident"`   // memory held
	BytesPerVector float64 `json:"bytes_per_vector"` // the same, for each vector

	// Calibration is what the index knows of its recall, by side. It is empty
	// until searches asked for recall.
	Calibration []Calibration `json:"calibration,omitempty"`
}

// Calibration is recall@10 by effort, as an index measured it on a sample of
// queries and an all but exact scan. Recall is on the careful side of what was
// measured.
type Calibration struct {
	Side    Side      `json:"side"`    // 0 pictures, 1 texts
	Passing float32   `json:"passing"` // share that a filter let through at random; 1 is without a filter
	Live    int       `json:"live"`    // vectors at that time
	Queries int       `json:"queries"`
	Ef      []int     `json:"ef"`
	Recall  []float32 `json:"recall"`
}

// VerifyReport tells what Verify found.
type VerifyReport struct {
	Problems []Problem `json:"problems"`
	Records  int       `json:"records"` // records read

	// Recall of the index against an exact scan, at 10, over RecallQueries
	// stored vectors used as queries. Without records both are zero.
	Recall        float64 `json:"recall"`
	RecallQueries int     `json:"recall_queries"`
}

// OK reports whether nothing is wrong.
func (r VerifyReport) OK() bool { return len(r.Problems) == 0 }

// Problem is one thing that Verify found wrong.
type Problem struct {
	Where string `json:"where"` // part of the file: "record", "vector", "blob", "index", ...
	ID    string `json:"id,omitempty"`
	What  string `json:"what"`
}

func (p Problem) String() string {
	if p.ID != "" {
		return fmt.Sprintf("%s %q: %s", p.Where, p.ID, p.What)
	}
	return fmt.Sprintf("%s: %s", p.Where, p.What)
}
