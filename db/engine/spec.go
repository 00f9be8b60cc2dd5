package engine

import (
	"cmp"
	"fmt"
)

// Spec says whose vectors a database holds. The zero value is a database that
// has not taken any yet.
type Spec struct {
	Dim         int    `json:"dim"`                   // components of a vector
	Model       string `json:"model,omitempty"`       // name of the model, for people; "" for the caller's own vectors
	Fingerprint string `json:"fingerprint,omitempty"` // hex sha256 that tells models apart; "" for the caller's own vectors

	// What people should know of the model. Neither is compared.
	Licence string `json:"licence,omitempty"` // SPDX identifier
	Card    string `json:"card,omitempty"`    // a JSON object of the encoder's, which engines keep as it is
}

// MaxSpecText bounds each of name, licence and card of a Spec, in bytes.
const MaxSpecText = 64 << 10

// MaxFingerprint bounds the fingerprint of a Spec, in bytes.
const MaxFingerprint = 256

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

// With returns s with what other tells about the same model where s tells
// nothing: files of older versions have neither licence nor card.
func (s Spec) With(other Spec) Spec {
	if s.Check(other) == nil {
		s.Licence, s.Card = cmp.Or(s.Licence, other.Licence), cmp.Or(s.Card, other.Card)
	}
	return s
}

// CheckText returns an error wrapping ErrLimit when what the spec says for
// people is too long.
func (s Spec) CheckText() error {
	if n := len(s.Fingerprint); n > MaxFingerprint {
		return fmt.Errorf("%w: the fingerprint of the model has %d bytes, %d are allowed", ErrLimit, n, MaxFingerprint)
	}
	if n := max(len(s.Model), len(s.Licence), len(s.Card)); n > MaxSpecText {
		return fmt.Errorf("%w: the description of the model has %d bytes, %d are allowed", ErrLimit, n, MaxSpecText)
	}
	return nil
}

// Check returns a *MismatchError, or a *DimensionError where both are the
// caller's own vectors, when vectors of other cannot live in a database of s.
// Name, licence and card are for people and are not compared.
func (s Spec) Check(other Spec) error {
	switch {
	case s.Fingerprint != other.Fingerprint:
		return &MismatchError{Stored: s, Given: other}
	case s.Dim != other.Dim:
		return &DimensionError{Want: s.Dim, Got: other.Dim}
	}
	return nil
}
