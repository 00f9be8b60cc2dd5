package main

import (
	"bytes"
	"encoding/binary"
	"path/filepath"
	"strings"
)

// imageExtensions name the formats that clipdb reads.
var imageExtensions = setOf(".jpg .jpeg .jpe .jfif .png .gif .webp .tif .tiff .bmp .dib")

// foreignExtensions name pictures in formats that clipdb does not read. They
// are counted, so that nobody looks in vain for what is not there.
var foreignExtensions = setOf(".heic .heif .avif .jxl .jp2 .j2k .psd .svg .ico " +
	".dng .cr2 .cr3 .nef .arw .orf .rw2 .raf .pef .srw")

// otherExtensions are common in photo folders and never pictures: they are not
// even opened.
var otherExtensions = setOf(".txt .md .json .jsonl .csv .tsv .xml .xmp .html .htm .css .js .pdf .doc .docx .xls " +
	".xlsx .zip .gz .zst .tar .7z .rar .mp4 .mov .avi .mkv .webm .m4v .3gp .mp3 .wav .flac .m4a .aac .ogg .aae " +
	".db .clipdb .lock .log .ini .py .go .c .h .sh .yml .yaml .toml .ttf .otf .woff .woff2 .onnx .so .dll .dylib .exe")

func setOf(words string) map[string]bool {
	set := map[string]bool{}
	for _, w := range strings.Fields(words) {
		set[w] = true
	}
	return set
}

func lowerExt(name string) string { return strings.ToLower(filepath.Ext(name)) }

// sniffLen is how many bytes looksLikeImage wants to see.
const sniffLen = 32

// looksLikeImage reports whether a file that begins with head is of a format
// that clipdb reads.
func looksLikeImage(head []byte) bool {
	has := func(at int, magic string) bool {
		return len(head) >= at+len(magic) && bytes.Equal(head[at:at+len(magic)], []byte(magic))
	}
	switch {
	case has(0, "\xFF\xD8\xFF"), // JPEG
		has(0, "\x89PNG\r\n\x1a\n"),
		has(0, "GIF87a"), has(0, "GIF89a"),
		has(0, "RIFF") && has(8, "WEBP"),
		has(0, "II*\x00"), has(0, "MM\x00*"): // TIFF
		return true
	case has(0, "BM") && len(head) >= 18:
		// Two letters are little to go by: the size of the header that follows
		// must be one that exists.
		switch binary.LittleEndian.Uint32(head[14:]) {
		case 12, 40, 52, 56, 64, 108, 124:
			return true
		}
	}
	return false
}
