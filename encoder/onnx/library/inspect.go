package library

import (
	"bytes"
	"debug/elf"
	"debug/macho"
	"debug/pe"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"strings"
)

// Info is what the headers of a library tell without loading it.
type Info struct {
	Platform Platform
	Version  string // "1.27.0", "1.27" for Windows, or "" where the file does not tell
}

// errNotLibrary is returned for a file that is no shared library at all.
var errNotLibrary = errors.New("not a shared library")

// maxLibrary bounds the size of a library that is looked at, in bytes. The
// largest CPU build so far has 39 MB; builds with many kernels reach 300 MB.
const maxLibrary = 1 << 30

// Inspect reads platform and version from the headers of the library at path.
func Inspect(path string) (Info, error) {
	f, err := os.Open(path)
	if err != nil {
		return Info{}, err
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return Info{}, err
	}
	if !st.Mode().IsRegular() {
		return Info{}, fmt.Errorf("%s: not a file", path)
	}
	info, err := inspect(f, st.Size())
	if err != nil {
		return Info{}, fmt.Errorf("%s: %w", path, err)
	}
	return info, nil
}

// inspect is Inspect on an open file of the given size in bytes.
func inspect(r io.ReaderAt, size int64) (info Info, err error) {
	// The header readers of the standard library are not hardened against
	// hostile files.
	defer func() {
		if p := recover(); p != nil {
			info, err = Info{}, fmt.Errorf("%w: damaged headers: %v", errNotLibrary, p)
		}
	}()
	if size > maxLibrary {
		return Info{}, fmt.Errorf("%w: %d bytes", errNotLibrary, size)
	}
	var magic [4]byte
	if _, err := r.ReadAt(magic[:], 0); err != nil {
		return Info{}, fmt.Errorf("%w: shorter than any header", errNotLibrary)
	}
	section := io.NewSectionReader(r, 0, size)
	switch {
	case string(magic[:]) == elf.ELFMAG:
		return inspectELF(section)
	case binary.LittleEndian.Uint32(magic[:]) == macho.Magic64:
		return inspectMachO(section)
	case string(magic[:2]) == "MZ":
		return inspectPE(section)
	}
	return Info{}, errNotLibrary
}

// inspectELF reads the version from the names of the version definitions:
// ONNX Runtime's linker script names them VERS_1.27.0.
func inspectELF(r io.ReaderAt) (Info, error) {
	f, err := elf.NewFile(r)
	if err != nil {
		return Info{}, fmt.Errorf("%w: %v", errNotLibrary, err)
	}
	if f.Type != elf.ET_DYN {
		return Info{}, fmt.Errorf("%w: ELF file of type %v", errNotLibrary, f.Type)
	}
	info := Info{Platform: Platform{OS: "linux", Arch: f.Machine.String()}}
	switch f.Machine {
	case elf.EM_X86_64:
		info.Platform.Arch = "amd64"
	case elf.EM_AARCH64:
		info.Platform.Arch = "arm64"
	}
	defs, err := f.DynamicVersions()
	if err != nil {
		return info, nil // a build without version definitions
	}
	for _, def := range defs {
		if v, ok := strings.CutPrefix(def.Name, "VERS_"); ok && isVersion(v) {
			info.Version = v
		}
	}
	return info, nil
}

// inspectMachO reads the current version from the load command LC_ID_DYLIB.
func inspectMachO(r io.ReaderAt) (Info, error) {
	f, err := macho.NewFile(r)
	if err != nil {
		return Info{}, fmt.Errorf("%w: %v", errNotLibrary, err)
	}
	if f.Type != macho.TypeDylib {
		return Info{}, fmt.Errorf("%w: Mach-O file of type %v", errNotLibrary, f.Type)
	}
	info := Info{Platform: Platform{OS: "darwin", Arch: f.Cpu.String()}}
	switch f.Cpu {
	case macho.CpuArm64:
		info.Platform.Arch = "arm64"
	case macho.CpuAmd64:
		info.Platform.Arch = "amd64"
	}
	const idDylib = 0xd // LC_ID_DYLIB; the versions follow name offset and time stamp
	for _, l := range f.Loads {
		raw := l.Raw()
		if len(raw) >= 24 && f.ByteOrder.Uint32(raw) == idDylib {
			v := f.ByteOrder.Uint32(raw[16:]) // xxxx.yy.zz in 16, 8 and 8 bits
			info.Version = fmt.Sprintf("%d.%d.%d", v>>16, v>>8&0xff, v&0xff)
		}
	}
	if info.Version == "0.0.0" {
		info.Version = ""
	}
	return info, nil
}

// inspectPE reads the file version from the fixed part of the version
// resource (VS_FIXEDFILEINFO). Its third number is a build date and not the
// patch level, so only two are told.
func inspectPE(r io.ReaderAt) (Info, error) {
	f, err := pe.NewFile(r)
	if err != nil {
		return Info{}, fmt.Errorf("%w: %v", errNotLibrary, err)
	}
	if f.Characteristics&pe.IMAGE_FILE_DLL == 0 {
		return Info{}, fmt.Errorf("%w: a program, not a DLL", errNotLibrary)
	}
	info := Info{Platform: Platform{OS: "windows", Arch: fmt.Sprintf("machine %#x", f.Machine)}}
	switch f.Machine {
	case pe.IMAGE_FILE_MACHINE_AMD64:
		info.Platform.Arch = "amd64"
	case pe.IMAGE_FILE_MACHINE_ARM64:
		info.Platform.Arch = "arm64"
	}
	rsrc := f.Section(".rsrc")
	const maxResources = 16 << 20
	if rsrc == nil || rsrc.Size > maxResources {
		return info, nil
	}
	data, err := rsrc.Data()
	if err != nil {
		return info, nil
	}
	signature := []byte{0xbd, 0x04, 0xef, 0xfe}
	if i := bytes.Index(data, signature); i >= 0 && len(data) >= i+16 {
		high := binary.LittleEndian.Uint32(data[i+8:])
		info.Version = fmt.Sprintf("%d.%d", high>>16, high&0xffff)
	}
	return info, nil
}

var versionRE = regexp.MustCompile(`^\d{1,4}(\.\d{1,5}){1,2}`)

func isVersion(s string) bool { return versionRE.MatchString(s) }
