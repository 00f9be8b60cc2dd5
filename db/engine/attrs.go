package engine

import (
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"
)

// Attrs are the typed attributes of an item, by name.
type Attrs map[string]Value

// Names returns the names in rising order.
func (a Attrs) Names() []string { return slices.Sorted(maps.Keys(a)) }

// Check returns an error wrapping ErrLimit when the attributes cannot be
// stored.
func (a Attrs) Check() error {
	if len(a) > MaxAttrs {
		return fmt.Errorf("%w: %d attributes, %d are allowed", ErrLimit, len(a), MaxAttrs)
	}
	size := 0
	for name, v := range a {
		if name == "" || len(name) > MaxAttrName {
			return fmt.Errorf("%w: the attribute name %.40q has %d bytes, 1 to %d are allowed", ErrLimit, name, len(name), MaxAttrName)
		}
		if !utf8.ValidString(name) {
			return fmt.Errorf("%w: the attribute name %q is not UTF-8", ErrLimit, name)
		}
		if err := v.Check(); err != nil {
			return fmt.Errorf("attribute %q: %w", name, err)
		}
		size += len(name) + len(v.str) + 24
	}
	if size > MaxAttrBytes {
		return fmt.Errorf("%w: attributes of %d bytes, %d are allowed", ErrLimit, size, MaxAttrBytes)
	}
	return nil
}

func checkText(s string) error {
	if !utf8.ValidString(s) {
		return fmt.Errorf("%w: text that is not UTF-8", ErrLimit)
	}
	return nil
}

// The stored form of attributes, checksummed by the storage below:
//
//	version  1 byte, attrsVersion
//	count    uvarint
//	count times, by strictly rising name:
//	  name   uvarint length, bytes
//	  kind   1 byte
//	  value  string, strings: uvarint length, bytes
//	         int: 8 bytes little-endian; float: 8 bytes IEEE 754
//	         bool: 1 byte; time: 8 bytes seconds since 1970, 4 bytes nanoseconds
//
// No attributes are no bytes. Each set of attributes has one stored form.
const attrsVersion = 1

// ErrEncoding is returned by DecodeAttrs for bytes that are not attributes.
var ErrEncoding = errors.New("stored attributes cannot be read")

// AppendAttrs appends the stored form of a to dst.
func AppendAttrs(dst []byte, a Attrs) []byte {
	if len(a) == 0 {
		return dst
	}
	dst = append(dst, attrsVersion)
	dst = binary.AppendUvarint(dst, uint64(len(a)))
	for _, name := range a.Names() {
		dst = binary.AppendUvarint(dst, uint64(len(name)))
		dst = append(dst, name...)
		dst = appendValue(dst, a[name])
	}
	return dst
}

func appendValue(dst []byte, v Value) []byte {
	dst = append(dst, byte(v.kind))
	switch v.kind {
	case KindString, KindStrings:
		dst = binary.AppendUvarint(dst, uint64(len(v.str)))
		dst = append(dst, v.str...)
	case KindInt, KindFloat:
		dst = binary.LittleEndian.AppendUint64(dst, v.num)
	case KindBool:
		dst = append(dst, byte(v.num))
	case KindTime:
		dst = binary.LittleEndian.AppendUint64(dst, uint64(v.sec))
		dst = binary.LittleEndian.AppendUint32(dst, uint32(v.num))
	}
	return dst
}

// DecodeAttrs reads the stored form. It returns an error wrapping ErrEncoding
// for anything that AppendAttrs does not write.
func DecodeAttrs(b []byte) (Attrs, error) {
	if len(b) == 0 {
		return nil, nil
	}
	d := attrDecoder{rest: b}
	if v := d.byte(); v != attrsVersion {
		return nil, fmt.Errorf("%w: version %d", ErrEncoding, v)
	}
	count := d.uvarint()
	if d.err == nil && (count == 0 || count > MaxAttrs) {
		return nil, fmt.Errorf("%w: %d attributes", ErrEncoding, count)
	}
	a := make(Attrs, min(count, MaxAttrs))
	last := ""
	for i := uint64(0); i < count && d.err == nil; i++ {
		name := d.text()
		if d.err == nil && (name <= last || len(name) > MaxAttrName || !utf8.ValidString(name)) {
			d.fail("attribute name %.40q", name)
		}
		v := d.value()
		a[name] = v
		last = name
	}
	if d.err == nil && len(d.rest) > 0 {
		d.fail("%d bytes too many", len(d.rest))
	}
	if d.err != nil {
		return nil, d.err
	}
	return a, nil
}

type attrDecoder struct {
	rest []byte
	err  error
}

func (d *attrDecoder) fail(format string, args ...any) {
	if d.err == nil {
		d.err = fmt.Errorf("%w: %s", ErrEncoding, fmt.Sprintf(format, args...))
	}
	d.rest = nil
}

func (d *attrDecoder) bytes(n uint64) []byte {
	if n > uint64(len(d.rest)) {
		d.fail("they end early")
		return nil
	}
	b := d.rest[:n]
	d.rest = d.rest[n:]
	return b
}

func (d *attrDecoder) byte() byte {
	if b := d.bytes(1); len(b) == 1 {
		return b[0]
	}
	return 0
}

func (d *attrDecoder) uvarint() uint64 {
	v, n := binary.Uvarint(d.rest)
	if n <= 0 || n > 1 && d.rest[n-1] == 0 {
		d.fail("a bad number") // not a number, or not its shortest form
		return 0
	}
	d.rest = d.rest[n:]
	return v
}

func (d *attrDecoder) text() string { return string(d.bytes(d.uvarint())) }

func (d *attrDecoder) value() Value {
	v := Value{kind: Kind(d.byte())}
	switch v.kind {
	case KindString:
		v.str = d.text()
	case KindStrings:
		v.str = d.text()
		d.checkList(v.str)
	case KindInt, KindFloat:
		if b := d.bytes(8); b != nil {
			v.num = binary.LittleEndian.Uint64(b)
		}
		if v.kind == KindFloat && v.num == 1<<63 {
			d.fail("a negative zero")
		}
	case KindBool:
		if v.num = uint64(d.byte()); v.num > 1 {
			d.fail("a truth value of %d", v.num)
		}
	case KindTime:
		if b := d.bytes(12); b != nil {
			v.sec = int64(binary.LittleEndian.Uint64(b))
			v.num = uint64(binary.LittleEndian.Uint32(b[8:]))
		}
	default:
		d.fail("a value of %v", v.kind)
	}
	if d.err != nil {
		return Value{}
	}
	if v.Check() != nil {
		d.fail("a value that cannot be stored")
	}
	return v
}

// checkList makes sure that Value.elements can walk s.
func (d *attrDecoder) checkList(s string) {
	e := attrDecoder{rest: []byte(s)}
	for len(e.rest) > 0 && e.err == nil {
		e.bytes(e.uvarint())
	}
	if e.err != nil {
		d.fail("a list of strings that is broken")
	}
}

// Clone returns a copy.
func (a Attrs) Clone() Attrs { return maps.Clone(a) }

// String lists the attributes by name.
func (a Attrs) String() string {
	var b strings.Builder
	for i, name := range a.Names() {
		if i > 0 {
			b.WriteString(" ")
		}
		fmt.Fprintf(&b, "%s=%s", name, a[name])
	}
	return b.String()
}
