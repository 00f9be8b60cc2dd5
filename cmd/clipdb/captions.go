package main

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// captionLine is the longest line of a captions file, in bytes.
const captionLine = 8 << 20

// captions holds what a sidecar file says about images.
//
// A file is looked up by its path below the folder given, then by its place relative to the folder of
// the captions file, then by its base name when no two entries share that.
type captions struct {
	dir    string              // absolute folder of the captions file
	byFile map[string][]string // slash path as written, cleaned
	byBase map[string]string   // base name to key of byFile; "" when ambiguous
	used   map[string]bool     // keys of byFile that a file was found for
}

// readCaptions reads a captions file: JSON lines {"file", "captions": [...]}
// (or "caption": "..."), or a table of two columns, file and caption, separated
// by commas or tabs, with or without a heading. A file with several lines has
// several captions.
func readCaptions(name string) (*captions, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, fmt.Errorf("captions file %s: %w", name, plainPathError(err))
	}
	defer f.Close()
	dir, err := filepath.Abs(filepath.Dir(name))
	if err != nil {
		return nil, fmt.Errorf("captions file %s: %w", name, err)
	}
	c := &captions{dir: dir, byFile: map[string][]string{}, byBase: map[string]string{}, used: map[string]bool{}}
	if err := c.read(f, lowerExt(name)); err != nil {
		return nil, fmt.Errorf("captions file %s: %w", name, err)
	}
	return c, nil
}

func (c *captions) read(r io.Reader, ext string) error {
	br := bufio.NewReaderSize(r, 1<<16)
	if mark, err := br.Peek(3); err == nil && bytes.Equal(mark, []byte("\xEF\xBB\xBF")) {
		br.Discard(3) // byte order mark, as spreadsheets write it
	}
	head, _ := br.Peek(4096)
	switch {
	case ext == ".jsonl" || ext == ".json" || ext == ".ndjson" || bytes.HasPrefix(bytes.TrimLeft(head, " \t\r\n"), []byte("{")):
		return c.readJSON(br)
	case ext == ".tsv" || ext != ".csv" && bytes.ContainsRune(firstLine(head), '\t'):
		return c.readTable(br, '\t')
	default:
		return c.readTable(br, ',')
	}
}

func firstLine(b []byte) []byte {
	line, _, _ := bytes.Cut(b, []byte("\n"))
	return line
}

func (c *captions) readJSON(r io.Reader) error {
	lines := bufio.NewScanner(r)
	lines.Buffer(make([]byte, 0, 1<<16), captionLine)
	for n := 1; lines.Scan(); n++ {
		if len(bytes.TrimSpace(lines.Bytes())) == 0 {
			continue
		}
		var entry struct {
			File     string   `json:"file"`
			Captions []string `json:"captions"`
			Caption  string   `json:"caption"`
		}
		if err := json.Unmarshal(lines.Bytes(), &entry); err != nil {
			return fmt.Errorf("line %d is not a JSON object {\"file\", \"captions\": [...]}: %w", n, err)
		}
		if strings.TrimSpace(entry.File) == "" {
			return fmt.Errorf("line %d names no \"file\"", n)
		}
		if entry.Caption != "" {
			entry.Captions = append([]string{entry.Caption}, entry.Captions...)
		}
		c.put(entry.File, entry.Captions...)
	}
	if err := lines.Err(); errors.Is(err, bufio.ErrTooLong) {
		return fmt.Errorf("a line is longer than %s", byteCount(captionLine))
	} else if err != nil {
		return err
	}
	return nil
}

func (c *captions) readTable(r io.Reader, comma rune) error {
	rows := csv.NewReader(r)
	rows.Comma = comma
	rows.LazyQuotes = comma == '\t' // a caption may hold a lone quotation mark
	rows.FieldsPerRecord = -1
	rows.ReuseRecord = true
	fileAt, captionAt := 0, 1
	for first := true; ; first = false {
		row, err := rows.Read()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err // names the line and the column
		}
		if first {
			if f, cap, ok := headingOf(row); ok {
				fileAt, captionAt = f, cap
				continue
			}
		}
		line, _ := rows.FieldPos(0)
		if len(row) <= max(fileAt, captionAt) {
			return fmt.Errorf("line %d has %d of the two columns file and caption", line, len(row))
		}
		if strings.TrimSpace(row[fileAt]) == "" {
			return fmt.Errorf("line %d names no file", line)
		}
		c.put(row[fileAt], row[captionAt])
	}
}

// headingOf finds the two columns by the names that captions files in use give
// them.
func headingOf(row []string) (file, caption int, ok bool) {
	file, caption = -1, -1
	for i, name := range row {
		switch strings.ToLower(strings.TrimSpace(name)) {
		case "file", "filename", "file_name", "image", "path", "id":
			if file < 0 {
				file = i
			}
		case "caption", "captions", "text", "title", "description":
			if caption < 0 {
				caption = i
			}
		}
	}
	return file, caption, file >= 0 && caption >= 0
}

// put adds the captions of a file. Empty ones and bytes that are not UTF-8 are
// left out.
func (c *captions) put(file string, texts ...string) {
	key := captionKey(strings.TrimSpace(file))
	if _, known := c.byFile[key]; !known {
		c.byFile[key] = nil
		base := path.Base(key)
		if other, taken := c.byBase[base]; taken && other != key {
			c.byBase[base] = ""
		} else {
			c.byBase[base] = key
		}
	}
	for _, t := range texts {
		t = strings.ToValidUTF8(strings.TrimSpace(t), "")
		if t != "" {
			c.byFile[key] = append(c.byFile[key], t)
		}
	}
}

// captionKey brings a path to one form: slashes, no dots, composed letters
// (macOS hands out names decomposed).
func captionKey(file string) string {
	key := path.Clean(strings.ReplaceAll(file, "\\", "/"))
	if !utf8.ValidString(key) {
		return key
	}
	return norm.NFC.String(key)
}

// of returns the captions of an image, the first keep of them, one a line. It
// reports whether the file is spoken of at all. A nil c knows no file.
func (c *captions) of(f found, abs string, keep int) (string, bool) {
	if c == nil {
		return "", false
	}
	key := captionKey(f.rel)
	texts, ok := c.byFile[key]
	if !ok {
		if rel, err := filepath.Rel(c.dir, abs); err == nil {
			key = captionKey(filepath.ToSlash(rel))
			texts, ok = c.byFile[key]
		}
	}
	if !ok {
		key, ok = c.byBase[path.Base(captionKey(filepath.ToSlash(abs)))]
		if ok = ok && key != ""; ok {
			texts = c.byFile[key]
		}
	}
	if !ok {
		return "", false
	}
	c.used[key] = true
	if keep > 0 && len(texts) > keep {
		texts = texts[:keep]
	}
	return strings.Join(texts, "\n"), true
}

// unused counts the entries that no file was found for.
func (c *captions) unused() int {
	if c == nil {
		return 0
	}
	return len(c.byFile) - len(c.used)
}
