package main

import (
	"context"
	_ "embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"io"
	"net/http"
	"os"
	"path"
	"path/filepath"
	"strings"
	"unicode"

	"github.com/clipdb/clipdb/db"
)

// sheet is a contact sheet: one HTML page with the answers to a query, their
// pictures inlined, that a person can look at anywhere.
type sheet struct {
	Title   string       // of the page: the query in words
	Asked   string       // the text asked for, or the id or file of the picture
	Picture template.URL // the picture asked for; "" for a text
	Note    string       // database, model and number of items, in a line
	Answers []answer     // best first
}

// answer is one picture of a sheet.
type answer struct {
	Rank    int
	ID      string
	Score   string
	Share   int // of the best score, in percent, for the bar
	Caption string
	Facts   []string     // attributes, "key: value"
	Picture template.URL // "" when no picture is stored
}

//go:embed sheet.html
var sheetPage string

//go:embed sheet.css
var sheetStyle string

var sheetTemplate = page("sheet", sheetPage)

// page reads the template of a page in the style of all of them.
func page(name, text string) *template.Template {
	t := template.Must(template.New(name).Parse(text))
	template.Must(t.New("style").Parse(sheetStyle))
	return t
}

// write renders the page.
func (s *sheet) write(w io.Writer) error { return sheetTemplate.Execute(w, s) }

// inline turns the bytes of a picture into a URL that holds them. Bytes that
// are no picture a browser shows give "".
func inline(picture []byte) template.URL {
	kind := http.DetectContentType(picture)
	switch kind {
	case "image/jpeg", "image/png", "image/gif", "image/webp", "image/bmp":
	default:
		return ""
	}
	return template.URL(fmt.Sprintf("data:%s;base64,%s", kind, base64.StdEncoding.EncodeToString(picture)))
}

// share is score as a percentage of best, for a bar that is full at the best
// answer.
func share(score, best float32) int {
	if best <= 0 || score <= 0 {
		return 0
	}
	return min(100, int(100*score/best+0.5))
}

// newSheet lays the matches of a query out.
func newSheet(d *db.DB, q asked, matches []db.Match) *sheet {
	s := &sheet{Title: q.text, Asked: q.text, Picture: inline(q.picture)}
	notes := []string{filepath.Base(q.db)}
	if st, err := d.Stats(context.Background()); err == nil {
		notes = append(notes, plural(st.Records, "item"))
		if st.Spec.Model != "" {
			notes = append(notes, st.Spec.Model)
		}
	}
	s.Note = strings.Join(notes, " · ")
	for i, m := range matches {
		a := answer{Rank: i + 1, ID: m.ID, Score: fmt.Sprintf("%.3f", q.shown(m)),
			Share: share(q.shown(m), q.shown(matches[0])), Caption: m.Caption}
		for _, name := range m.Attrs.Names() {
			if !strings.HasPrefix(name, filePrefix) {
				a.Facts = append(a.Facts, name+": "+m.Attrs[name].String())
			}
		}
		if m.Image != nil {
			a.Picture = inline(m.Image.Thumbnail)
			if a.Picture == "" {
				a.Picture = inline(m.Image.Original)
			}
		}
		s.Answers = append(s.Answers, a)
	}
	return s
}

// saveSheet writes the page to a file; one that is there already is replaced.
func saveSheet(name string, s *sheet) error {
	return writeFile(name, true, s.write)
}

// saveAnswers writes the page as index.html into dir, and the pictures beside
// it, named by rank and id: originals where they are stored, else thumbnails.
func saveAnswers(dir string, s *sheet, matches []db.Match) error {
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return plainPathError(err)
	}
	width := len(fmt.Sprint(len(matches)))
	for i, m := range matches {
		if m.Image == nil {
			continue
		}
		data, ext := m.Image.Original, extensionOf(m.Image.Format)
		if data == nil {
			data, ext = m.Image.Thumbnail, ".jpg"
		}
		if data == nil {
			continue
		}
		name := fmt.Sprintf("%0*d-%s%s", width, i+1, fileNameOf(m.ID), ext)
		err := writeFile(filepath.Join(dir, name), true, func(w io.Writer) error {
			_, err := w.Write(data)
			return err
		})
		if err != nil {
			return err
		}
	}
	return saveSheet(filepath.Join(dir, "index.html"), s)
}

// fileNameOf makes a file name of an id: its last part without the extension,
// free of what some file system forbids.
func fileNameOf(id string) string {
	base := path.Base(strings.ReplaceAll(id, "\\", "/"))
	base = strings.TrimSuffix(base, path.Ext(base))
	base = strings.Map(func(r rune) rune {
		if r == unicode.ReplacementChar || !unicode.IsPrint(r) || strings.ContainsRune(`<>:"/|?*`, r) {
			return '_'
		}
		return r
	}, base)
	if len(base) > 120 {
		base = strings.ToValidUTF8(base[:120], "")
	}
	if strings.Trim(base, ". ") == "" {
		return "_"
	}
	return base
}

func extensionOf(format string) string {
	switch format {
	case "jpeg":
		return ".jpg"
	case "tiff":
		return ".tif"
	case "":
		return ""
	}
	return "." + fileNameOf(format)
}
