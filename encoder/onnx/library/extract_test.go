package library

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"
)

func extractBytes(l limits, data []byte, p Platform) (string, []byte, error) {
	var out bytes.Buffer
	name, err := l.extract(context.Background(), bytes.NewReader(data), int64(len(data)), p, &out)
	return name, out.Bytes(), err
}

func TestExtract(t *testing.T) {
	for _, p := range platforms {
		want := craft(p, "here")
		for name, data := range map[string][]byte{"release": release(t, p, "here"), "npm": npmTarball(t, "here")} {
			_, got, err := extractBytes(archiveLimits, data, p)
			if err != nil || !bytes.Equal(got, want) {
				t.Errorf("%s, %s: %d bytes, %v, want %d bytes", p, name, len(got), err, len(want))
			}
		}
	}
	_, _, err := extractBytes(archiveLimits, npmTarball(t, ""), Platform{"freebsd", "amd64"})
	if !errors.Is(err, ErrArchive) {
		t.Errorf("platform that is not inside: %v", err)
	}
}

func TestExtractRefusesNamesThatLeave(t *testing.T) {
	lib := craft(linux, "")
	for _, name := range []string{
		"../libonnxruntime.so.1", "lib/../../libonnxruntime.so.1", "/lib/libonnxruntime.so.1", "lib/../libonnxruntime.so.1",
		`..\libonnxruntime.so.1`, `C:\lib\libonnxruntime.so.1`, "C:libonnxruntime.so.1", "./../libonnxruntime.so.1",
	} {
		for kind, data := range map[string][]byte{
			"tar":        craftTar(t, member{name: name, data: lib}),
			"tar before": craftTar(t, member{name: name, data: lib}, member{name: "lib/libonnxruntime.so.1", data: lib}),
			"zip":        craftZip(t, member{name: name, data: lib}),
			"zip before": craftZip(t, member{name: name, data: lib}, member{name: "lib/libonnxruntime.so.1", data: lib}),
		} {
			if _, out, err := extractBytes(archiveLimits, data, linux); !errors.Is(err, ErrArchive) || len(out) > 0 {
				t.Errorf("%s with %q: %d bytes, %v", kind, name, len(out), err)
			}
		}
	}
}

func TestExtractNeverFollowsLinks(t *testing.T) {
	data := craftTar(t, member{name: "lib/libonnxruntime.so.1", link: "/etc/passwd"})
	if _, out, err := extractBytes(archiveLimits, data, linux); !errors.Is(err, ErrArchive) || len(out) > 0 {
		t.Errorf("%d bytes, %v", len(out), err)
	}
}

func TestExtractLimits(t *testing.T) {
	small := limits{archive: 1 << 20, unpacked: 1 << 20, member: 64 << 10, entries: 20}
	zeros := make([]byte, 2<<20) // packs to 2 kB
	for name, c := range map[string]struct {
		data []byte
		want string
	}{
		"bomb before (tar)": {craftTar(t, member{name: "a", data: zeros}, member{name: "lib/libonnxruntime.so.1", data: craft(linux, "")}), "unpacks to more"},
		"bomb (tar)":        {craftTar(t, member{name: "lib/libonnxruntime.so.1", data: zeros}), "more than 65536 bytes"},
		"bomb (zip)":        {craftZip(t, member{name: "lib/libonnxruntime.so.1", data: zeros}), "more than 65536 bytes"},
		"entries (tar)":     {craftTar(t, many(30)...), "more than 20 entries"},
		"entries (zip)":     {craftZip(t, many(30)...), "more than 20 entries"},
		"large file":        {bytes.Repeat([]byte{0x1f, 0x8b}, 1<<19+1), "the limit is 1048576"},
		"nothing":           {nil, "neither"},
		"text":              {[]byte("hello, world"), "neither"},
		"no library":        {craftTar(t, member{name: "lib/libother.so", data: zeros[:9]}), "holds no libonnxruntime"},
		"half a tar":        {cut(craftTar(t, member{name: "lib/libonnxruntime.so.1", data: noise(30 << 10)})), "unusable archive"},
		"half a zip":        {cut(craftZip(t, member{name: "lib/libonnxruntime.so.1", data: noise(30 << 10)})), "unusable archive"},
	} {
		_, _, err := extractBytes(small, c.data, linux)
		if !errors.Is(err, ErrArchive) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}

// A zip whose directory lies about the size of a member.
func TestExtractLyingSize(t *testing.T) {
	data := craftZip(t, member{name: "lib/libonnxruntime.so.1", data: noise(1000)})
	at := bytes.LastIndex(data, []byte("PK\x01\x02")) + 24 // uncompressed size in the directory
	le.PutUint32(data[at:], 10)
	if _, _, err := extractBytes(archiveLimits, data, linux); !errors.Is(err, ErrArchive) {
		t.Errorf("got %v", err)
	}
}

func TestExtractContext(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	for _, data := range [][]byte{release(t, linux, ""), release(t, Platform{"windows", "amd64"}, "")} {
		p := linux
		if sniff(bytes.NewReader(data)) == kindZip {
			p = Platform{"windows", "amd64"}
		}
		var out bytes.Buffer
		if _, err := archiveLimits.extract(ctx, bytes.NewReader(data), int64(len(data)), p, &out); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
	}
}

func many(n int) []member {
	ms := make([]member, n)
	for i := range ms {
		ms[i] = member{name: strings.Repeat("d/", i) + "f", data: []byte("x")}
	}
	return ms
}

func cut(data []byte) []byte { return data[:len(data)*2/3] }

// noise does not compress.
func noise(n int) []byte {
	b := make([]byte, n)
	x := uint32(1)
	for i := range b {
		x = x*1664525 + 1013904223
		b[i] = byte(x >> 24)
	}
	return b
}

func FuzzExtract(f *testing.F) {
	lib := craft(linux, "")
	f.Add(craftTar(f, member{name: "lib/libonnxruntime.so.1", data: lib}))
	f.Add(craftZip(f, member{name: "lib/libonnxruntime.so.1", data: lib}))
	f.Add(npmTarball(f, ""))
	l := limits{archive: 1 << 20, unpacked: 1 << 20, member: 64 << 10, entries: 50}
	f.Fuzz(func(t *testing.T, data []byte) {
		name, out, err := extractBytes(l, data, linux)
		if int64(len(out)) > l.member+1 {
			t.Errorf("wrote %d bytes", len(out))
		}
		if err == nil && checkMember(name) != nil {
			t.Errorf("took member %q", name)
		}
	})
}
