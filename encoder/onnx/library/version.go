package library

import (
	"fmt"
	"strconv"
	"strings"
)

// CheckVersion tells why a library of version v cannot serve, or nil. An
// empty version passes: it is read again from the loaded library.
func CheckVersion(v string) error {
	if v == "" {
		return nil
	}
	got, err := parseVersion(v)
	if err != nil {
		return err
	}
	least, _ := parseVersion(MinVersion)
	switch {
	case got[0] != least[0]:
		return fmt.Errorf("version %s has another interface, wanted %d.x", v, least[0])
	case compareVersions(got, least) < 0:
		return fmt.Errorf("version %s is too old, wanted %s or newer", v, MinVersion)
	}
	return nil
}

// parseVersion reads "1.27", "1.27.0" and "1.27.0-rc1"; what follows the
// third number is ignored.
func parseVersion(s string) (v [3]int, err error) {
	core := versionRE.FindString(s)
	if core == "" {
		return v, fmt.Errorf("version %q is not of the form 1.27.0", s)
	}
	for i, part := range strings.Split(core, ".") {
		v[i], _ = strconv.Atoi(part) // digits only, few of them
	}
	return v, nil
}

func compareVersions(a, b [3]int) int {
	for i := range a {
		if a[i] != b[i] {
			return a[i] - b[i]
		}
	}
	return 0
}
