package main

import (
	"context"
	_ "embed"
	"html/template"
	"io"
	"path/filepath"

	"github.com/clipdb/clipdb/db"
)

// groupSheet is a contact sheet of groups of duplicates. It is written group by
// group, so that a long one needs no memory.
type groupSheet struct {
	w  io.Writer
	db string
}

//go:embed groupsheet.html
var groupSheetPage string

var groupSheetTemplate = page("groups", groupSheetPage)

func (s *groupSheet) begin(ctx context.Context, d *db.DB) error {
	st, err := d.Stats(ctx)
	if err != nil {
		return err
	}
	return groupSheetTemplate.ExecuteTemplate(s.w, "begin", filepath.Base(s.db)+" · "+plural(st.Records, "item"))
}

// groupShown is an item of a group on the page.
type groupShown struct {
	ID, Facts, Why, Caption string
	Picture                 template.URL // "" when no picture is stored
}

func (s *groupSheet) group(number int, g db.DuplicateGroup) error {
	shown := struct {
		Number int
		Items  []groupShown
	}{Number: number}
	for i, m := range g.Items {
		it := groupShown{ID: m.ID, Facts: pictureFacts(m), Why: evidence(m), Caption: m.Caption}
		if i == 0 {
			it.Why = "keep"
		}
		if m.Image != nil {
			it.Picture = inline(m.Image.Thumbnail)
		}
		shown.Items = append(shown.Items, it)
	}
	return groupSheetTemplate.ExecuteTemplate(s.w, "group", shown)
}

func (s *groupSheet) end() error { return groupSheetTemplate.ExecuteTemplate(s.w, "end", nil) }
