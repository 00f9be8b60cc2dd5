package engine

import "errors"

// ErrPending is returned by FinishReembed when there are records that have no
// vector of the new model yet.
var ErrPending = errors.New("items without a vector of the new model")

// ReembedStatus tells how far a reembedding is.
type ReembedStatus struct {
	Spec  Spec // whose vectors the second set holds; unbound without one
	Done  int  // records that have a vector in it
	Total int  // records
}

// Reembedded is a vector for the second set.
type Reembedded struct {
	ID     string
	Image  [32]byte  // sha256 of the picture it was made from
	Vector []float32 // unit length
}
