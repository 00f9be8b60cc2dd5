package encoder

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// ErrLicence is returned for a model whose licence is not among those that the
// caller allows.
var ErrLicence = errors.New("licence is not allowed")

// UnknownLicence is the licence of a model that does not tell its own.
const UnknownLicence = "unknown"

// CheckLicence returns ErrLicence, naming the model and both sides, unless
// licence is one of allowed. No allowed ones mean that all are. SPDX
// identifiers are compared without regard to case, as SPDX 2.3 says (annex D);
// expressions such as "MIT OR Apache-2.0" are compared as a whole. A model
// that does not tell its licence passes only where "unknown" is allowed.
func CheckLicence(allowed []string, model, licence string) error {
	if licence == "" {
		licence = UnknownLicence
	}
	if len(allowed) == 0 || slices.ContainsFunc(allowed, func(l string) bool { return strings.EqualFold(strings.TrimSpace(l), licence) }) {
		return nil
	}
	return fmt.Errorf("%w: the model %s is under %s, allowed are %s; use another model, or add its licence to those allowed",
		ErrLicence, model, licence, strings.Join(allowed, ", "))
}
