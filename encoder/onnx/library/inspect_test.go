package library

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

func TestInspect(t *testing.T) {
	for _, c := range []struct {
		name string
		data []byte
		want Info
	}{
		{"linux", craftELF("amd64", "1.27.0", ""), Info{Platform{"linux", "amd64"}, "1.27.0"}},
		{"linux arm", craftELF("arm64", "1.21.1", ""), Info{Platform{"linux", "arm64"}, "1.21.1"}},
		{"no version", craftELF("amd64", "", ""), Info{Platform{"linux", "amd64"}, ""}},
		{"odd version", craftELF("amd64", "next", ""), Info{Platform{"linux", "amd64"}, ""}},
		{"other machine", craftELF("riscv64", "1.27.0", ""), Info{Platform{"linux", "EM_RISCV"}, "1.27.0"}},
		{"mac", craftMachO(0x0100000c, [3]byte{1, 27, 0}, ""), Info{Platform{"darwin", "arm64"}, "1.27.0"}},
		{"mac intel", craftMachO(0x01000007, [3]byte{1, 20, 0}, ""), Info{Platform{"darwin", "amd64"}, "1.20.0"}},
		{"mac unversioned", craftMachO(0x0100000c, [3]byte{}, ""), Info{Platform{"darwin", "arm64"}, ""}},
		{"windows", craftPE(0x8664, [4]uint16{1, 27, 0, 77}, ""), Info{Platform{"windows", "amd64"}, "1.27"}},
		{"windows arm", craftPE(0xaa64, [4]uint16{1, 10, 2, 0}, ""), Info{Platform{"windows", "arm64"}, "1.10"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := inspect(bytes.NewReader(c.data), int64(len(c.data)))
			if err != nil || got != c.want {
				t.Errorf("got %+v, %v, want %+v", got, err, c.want)
			}
		})
	}
}

func TestInspectRefuses(t *testing.T) {
	program := craftELF("amd64", "1.27.0", "")
	program[16] = 2 // ET_EXEC
	exe := craftPE(0x8664, [4]uint16{1, 27, 0, 0}, "")
	exe[64+4+19] = 0 // characteristics without DLL
	for name, data := range map[string][]byte{
		"empty":     {},
		"text":      []byte("#!/bin/sh\nexit 1\n"),
		"truncated": craftELF("amd64", "1.27.0", "")[:40],
		"program":   program,
		"exe":       exe,
		"half mach": craftMachO(0x0100000c, [3]byte{1, 27, 0}, "")[:30],
	} {
		if info, err := inspect(bytes.NewReader(data), int64(len(data))); !errors.Is(err, errNotLibrary) {
			t.Errorf("%s: %+v, %v", name, info, err)
		}
	}
	if _, err := Inspect(t.TempDir()); err == nil {
		t.Error("a folder was taken for a library")
	}
	if _, err := Inspect(filepath.Join(t.TempDir(), "none")); !errors.Is(err, os.ErrNotExist) {
		t.Error(err)
	}
}

func TestCheckVersion(t *testing.T) {
	for v, ok := range map[string]bool{
		"": true, "1.24.0": true, "1.24": true, "1.27.0": true, "1.30.2": true, "1.27.0-rc1": true,
		"1.23.2": false, "1.9.0": false, "0.27.0": false, "2.0.0": false, "new": false, "1.24x": true,
	} {
		if err := CheckVersion(v); (err == nil) != ok {
			t.Errorf("%q: %v", v, err)
		}
	}
}

func FuzzInspect(f *testing.F) {
	for _, p := range platforms {
		f.Add(craft(p, ""))
	}
	f.Add([]byte("MZ"))
	f.Fuzz(func(t *testing.T, data []byte) {
		info, err := inspect(bytes.NewReader(data), int64(len(data)))
		if err == nil && info.Version != "" && !isVersion(info.Version) {
			t.Errorf("version %q", info.Version)
		}
		_ = fmt.Sprint(info)
	})
}
