package library

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// The real libraries have tens of megabytes. These crafted ones hold just the
// headers that tell platform and version; nothing ever loads them.

var le = binary.LittleEndian

// craftELF returns a shared library for Linux with the given version
// definition, "" for none. filler makes files of equal headers differ.
func craftELF(arch, version, filler string) []byte {
	machine := map[string]uint16{"amd64": 62, "arm64": 183, "riscv64": 243}[arch]
	strs := []byte("\x00libonnxruntime.so.1\x00VERS_" + version + "\x00")
	names := []byte("\x00.dynstr\x00.gnu.version_d\x00.shstrtab\x00.dynsym\x00.gnu.version\x00")
	symbols, versions := make([]byte, 48), make([]byte, 4)
	var defs []byte
	def := func(flags, ndx uint16, name, next uint32) { // Elf64_Verdef and its one Elf64_Verdaux
		defs = le.AppendUint16(defs, 1)
		defs = le.AppendUint16(defs, flags)
		defs = le.AppendUint16(defs, ndx)
		defs = le.AppendUint16(defs, 1)
		defs = le.AppendUint32(defs, 0)
		defs = le.AppendUint32(defs, 20)
		defs = le.AppendUint32(defs, next)
		defs = le.AppendUint32(defs, name)
		defs = le.AppendUint32(defs, 0)
	}
	count := uint32(0)
	if version != "" {
		def(1, 1, 1, 28)
		def(0, 2, 21, 0)
		count = 2
	}
	const head = 64
	offStr, offDef := uint64(head), uint64(head+len(strs))
	offSymbols := offDef + uint64(len(defs))
	offVersions := offSymbols + uint64(len(symbols))
	offNames := offVersions + uint64(len(versions))
	offSections := offNames + uint64(len(names))
	b := []byte("\x7fELF\x02\x01\x01" + "\x00\x00\x00\x00\x00\x00\x00\x00\x00")
	b = le.AppendUint16(b, 3) // ET_DYN
	b = le.AppendUint16(b, machine)
	b = le.AppendUint32(b, 1)
	b = le.AppendUint64(b, 0) // entry
	b = le.AppendUint64(b, 0) // program headers
	b = le.AppendUint64(b, offSections)
	b = le.AppendUint32(b, 0)
	for _, v := range []uint16{head, 56, 0, 64, 6, 3} {
		b = le.AppendUint16(b, v)
	}
	b = slices.Concat(b, strs, defs, symbols, versions, names)
	section := func(name, kind uint32, off, size uint64, link, info uint32, entry uint64) {
		b = le.AppendUint32(b, name)
		b = le.AppendUint32(b, kind)
		b = le.AppendUint64(b, 2)
		b = le.AppendUint64(b, 0)
		b = le.AppendUint64(b, off)
		b = le.AppendUint64(b, size)
		b = le.AppendUint32(b, link)
		b = le.AppendUint32(b, info)
		b = le.AppendUint64(b, 1)
		b = le.AppendUint64(b, entry)
	}
	section(0, 0, 0, 0, 0, 0, 0)
	section(1, 3, offStr, uint64(len(strs)), 0, 0, 0)              // .dynstr
	section(9, 0x6ffffffd, offDef, uint64(len(defs)), 1, count, 0) // .gnu.version_d
	section(24, 3, offNames, uint64(len(names)), 0, 0, 0)          // .shstrtab
	section(34, 11, offSymbols, uint64(len(symbols)), 1, 1, 24)    // .dynsym
	section(42, 0x6fffffff, offVersions, uint64(len(versions)), 4, 0, 2)
	return append(b, filler...)
}

// craftMachO returns a dynamic library for macOS.
func craftMachO(cpu uint32, version [3]byte, filler string) []byte {
	name := "@rpath/libonnxruntime.1.dylib\x00\x00\x00"
	size := uint32(24 + len(name))
	var b []byte
	for _, v := range []uint32{0xfeedfacf, cpu, 0, 6, 1, size, 0, 0} { // MH_DYLIB, one command
		b = le.AppendUint32(b, v)
	}
	current := uint32(version[0])<<16 | uint32(version[1])<<8 | uint32(version[2])
	for _, v := range []uint32{0xd, size, 24, 1, current, 0x10000} {
		b = le.AppendUint32(b, v)
	}
	return append(append(b, name...), filler...)
}

// craftPE returns a DLL for Windows.
func craftPE(machine uint16, version [4]uint16, filler string) []byte {
	resources := make([]byte, 64)
	copy(resources[8:], []byte{0xbd, 0x04, 0xef, 0xfe})
	le.PutUint32(resources[16:], uint32(version[0])<<16|uint32(version[1]))
	le.PutUint32(resources[20:], uint32(version[2])<<16|uint32(version[3]))
	b := make([]byte, 64)
	copy(b, "MZ")
	le.PutUint32(b[0x3c:], 64)
	b = append(b, "PE\x00\x00"...)
	const optional = 240
	b = le.AppendUint16(b, machine)
	b = le.AppendUint16(b, 1) // sections
	b = append(b, make([]byte, 12)...)
	b = le.AppendUint16(b, optional)
	b = le.AppendUint16(b, 0x2022) // DLL
	opt := make([]byte, optional)
	le.PutUint16(opt, 0x20b)
	le.PutUint32(opt[108:], 16) // data directories
	b = append(b, opt...)
	section := make([]byte, 40)
	copy(section, ".rsrc")
	le.PutUint32(section[8:], uint32(len(resources)))
	le.PutUint32(section[16:], uint32(len(resources)))
	le.PutUint32(section[20:], uint32(len(b)+40))
	b = append(b, section...)
	return append(append(b, resources...), filler...)
}

// craft returns a library of version 1.27.0 for p.
func craft(p Platform, filler string) []byte {
	switch p.OS {
	case "windows":
		return craftPE(map[string]uint16{"amd64": 0x8664, "arm64": 0xaa64}[p.Arch], [4]uint16{1, 27, 0, 9}, filler)
	case "darwin":
		return craftMachO(map[string]uint32{"amd64": 0x01000007, "arm64": 0x0100000c}[p.Arch], [3]byte{1, 27, 0}, filler)
	}
	return craftELF(p.Arch, "1.27.0", filler)
}

// member is one entry of a crafted archive.
type member struct {
	name string
	data []byte
	link string // a symbolic link when not ""
}

func craftTar(t testing.TB, members ...member) []byte {
	t.Helper()
	var b bytes.Buffer
	gz := gzip.NewWriter(&b)
	w := tar.NewWriter(gz)
	for _, m := range members {
		h := &tar.Header{Name: m.name, Mode: 0o644, Size: int64(len(m.data)), Typeflag: tar.TypeReg}
		if m.link != "" {
			h.Typeflag, h.Linkname = tar.TypeSymlink, m.link
		}
		if err := w.WriteHeader(h); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(m.data); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := gz.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func craftZip(t testing.TB, members ...member) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, m := range members {
		f, err := w.Create(m.name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.Write(m.data); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// release returns the official archive of p with a crafted library, laid out
// as the real ones are.
func release(t testing.TB, p Platform, filler string) []byte {
	t.Helper()
	top := "onnxruntime-xyz-" + Version + "/"
	switch p.OS {
	case "windows":
		return craftZip(t, member{name: top + "lib/onnxruntime.lib", data: []byte("no")},
			member{name: top + "lib/onnxruntime.dll", data: craft(p, filler)})
	case "darwin":
		return craftTar(t, member{name: "./" + top + "lib/libonnxruntime.dylib", link: "libonnxruntime.1.27.0.dylib"},
			member{name: "./" + top + "lib/libonnxruntime.1.27.0.dylib", data: craft(p, filler)})
	}
	return craftTar(t, member{name: top + "lib/libonnxruntime.so", link: "libonnxruntime.so.1"},
		member{name: top + "lib/libonnxruntime_providers_shared.so", data: []byte("no")},
		member{name: top + "lib/libonnxruntime.so.1.27.0", data: craft(p, filler)})
}

// npmTarball returns the npm package with crafted libraries of all platforms.
func npmTarball(t testing.TB, filler string) []byte {
	t.Helper()
	var ms []member
	for _, p := range platforms {
		ms = append(ms, member{name: "package/bin/napi-v6/" + p.npmDir() + "/" + p.libraryName(), data: craft(p, filler)})
	}
	return craftTar(t, append(ms, member{name: "package/package.json", data: []byte("{}")})...)
}

// platforms are those that libraries exist for.
var platforms = []Platform{{"linux", "amd64"}, {"linux", "arm64"}, {"darwin", "arm64"}, {"windows", "amd64"}, {"windows", "arm64"}}

func write(t testing.TB, path string, data []byte) string {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, data, 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func sum(data []byte) string {
	h := sha256.Sum256(data)
	return hex.EncodeToString(h[:])
}
