package engine

import "fmt"

// Spec says whose vectors a database holds. The zero value is a database that
// has not taken any yet.
type Spec struct {
	Dim         int    `json:"dim"`                   // components of a vector
	Model       string `json:"model,omitempty"`       // name of the model, for people; "" for the caller's own vectors
	Fingerprint string `json:"fingerprint,omitempty"` // hex sha256 that tells models apart; "" for the caller's own vectors
}

// Bound reports whether the spec names vectors at all.
func (s Spec) Bound() bool { return s.Dim > 0 }

// Own reports whether the vectors are the caller's, of no model that the
// database knows.
func (s Spec) Own() bool { return s.Fingerprint == "" }

// String names the model as messages do.
func (s Spec) String() string {
	switch {
	case !s.Bound():
		return "no vectors"
	case s.Own():
		return fmt.Sprintf("vectors of the caller's own (%d components)", s.Dim)
	}
	fp := s.Fingerprint
	if len(fp) > 12 {
		fp = fp[:12]
	}
	return fmt.Sprintf("vectors of model %s (%d components, fingerprint %s)", s.Model, s.Dim, fp)
}

// Check returns a *MismatchError, or a *DimensionError where both are the
// caller's own vectors, when vectors of other cannot live in a database of s.
// The name of a model is for people and is not compared.
func (s Spec) Check(other Spec) error {
	switch {
	case s.Fingerprint != other.Fingerprint:
		return &MismatchError{Stored: s, Given: other}
	case s.Dim != other.Dim:
		return &DimensionError{Want: s.Dim, Got: other.Dim}
	}
	return nil
}
