package store

import (
	"slices"
	"testing"

	"github.com/clipdb/clipdb/encoder"
)

// The models that warnings name are those of the registry that read a script.
func TestModelsReading(t *testing.T) {
	for _, script := range []string{"Latin", "Han", "Cyrillic", "Arabic", "Hangul", "Thai"} {
		named := encoder.ModelsReading(script)
		for _, k := range Registry() {
			scripts, told := encoder.Scripts(k.Languages)
			reads := script != "Latin" && (!told || slices.Contains(scripts, script))
			if reads != slices.Contains(named, k.Name) {
				t.Errorf("%s reads %s: %v; ModelsReading says %q", k.Name, script, reads, named)
			}
		}
	}
}
