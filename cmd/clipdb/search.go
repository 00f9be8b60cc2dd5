package main

import (
	"errors"
	"fmt"
	"math"
	"strings"

	"github.com/clipdb/clipdb"
	"github.com/clipdb/clipdb/cmd/clipdb/filterexpr"
	"github.com/clipdb/clipdb/db"
)

// searchCmd finds pictures by words.
type searchCmd struct {
	DB   string `arg:"" name:"db" help:"Database file."`
	Text string `arg:"" optional:"" help:"What the picture shows, in words."`
	partFlags
	searchFlags
	wordFlags `group:"Words of captions"`
}

// searchFlags are shared by the commands that rank items.
type searchFlags struct {
	K        int      `name:"k" short:"k" default:"10" placeholder:"N" help:"How many answers (default ${default})."`
	Filter   string   `name:"filter" short:"f" placeholder:"EXPR" help:"Only items whose attributes pass, e.g. 'year>=2020 and place in (Oslo, \"New York\")'."`
	MinScore *float32 `name:"min-score" placeholder:"S" help:"Leave out answers with a lower score. Scores are cosines, and differ from model to model."`
	Cut      float64  `name:"cut" placeholder:"N" help:"Leave out what is probably not about the query at all: about N unrelated answers may come through, such as 0.1."`
	Ef       int      `name:"ef" placeholder:"N" help:"Effort of the index: more finds more of the true nearest, and takes longer."`
	Recall   float32  `name:"recall" placeholder:"R" help:"Share of the nearest to find, on average, such as 0.95, in place of an effort."`
	Exact    bool     `name:"exact" help:"Compare with every item instead of asking the index."`
	HTML     string   `name:"html" placeholder:"FILE" help:"Write the answers with their pictures as one page to look at."`
	Save     string   `name:"save" placeholder:"DIR" help:"Write the page and the pictures found into a folder."`
}

// Help is shown by --help.
func (*searchCmd) Help() string {
	return `The answers come best first, a line each: rank, score, id, caption. With --json a line is
{"id","score","caption","attrs"}, with --hybrid or --keywords also "keyword" and "fused". What the
model cannot read of a text is told on standard error, with --json as {"warning":{...}}.

A query may have several parts: --plus and --minus add words and take them away, --like adds an item
by its id, --image a picture file. Each may be repeated and end in ^ and a weight: --minus 'fence^0.5'.
What is written without a flag is the first part; it may be left out where another one adds something.

With --hybrid the words are looked for in the captions too, and the two orders are joined by their
ranks; the scores shown are still cosines. With --keywords captions alone decide, no model is needed,
and the scores shown are BM25.

A filter compares attributes: = != < <= > >=, in (a, b), between x and y, exists, not, and, or,
brackets. Text with spaces goes in quotation marks, a key with odd letters in backquotes, a date is
2024-05-01. add gives each item file.path, file.size and file.mtime.`
}

// Run searches.
func (c *searchCmd) Run(a *app) error {
	if strings.TrimSpace(c.Text) == "" && !c.adds() {
		return usagef("the text to search for is empty")
	}
	opts, err := c.options()
	if err != nil {
		return err
	}
	query, err := c.apply(c.Text, opts)
	if err != nil {
		return err
	}
	if query, err = c.join(a, c.Text, query, &c.wordFlags); err != nil {
		return err
	}
	d, err := a.openExisting(c.DB, clipdb.Options{ReadOnly: true, NoModel: c.Keywords, Language: c.Language})
	if err != nil {
		return err
	}
	defer d.Close()
	answer, err := d.Ask(a.ctx, query, opts)
	if err != nil {
		return err
	}
	for _, w := range answer.Warnings {
		if err := a.warn(w); err != nil {
			return err
		}
	}
	return a.answer(d.DB, &c.searchFlags, asked{text: c.partFlags.name(c.Text), db: c.DB, words: opts.Hybrid != nil || c.Keywords, alone: c.Keywords}, answer.Matches)
}

// options checks the flags and turns them into what db takes.
func (f *searchFlags) options() (*db.SearchOptions, error) {
	if f.K < 1 || f.K > db.MaxK {
		return nil, usagef("-k is %d; it goes from 1 to %s", f.K, thousands(db.MaxK))
	}
	if f.Ef < 0 {
		return nil, usagef("--ef is %d; it cannot be below 0", f.Ef)
	}
	if !(f.Cut >= 0) || math.IsInf(f.Cut, 0) {
		return nil, usagef("--cut is %v; it is a number of unrelated answers, such as 0.1", f.Cut)
	}
	if !(f.Recall >= 0 && f.Recall <= 1) {
		return nil, usagef("--recall is %v; it goes from 0 to 1", f.Recall)
	}
	filter, err := filterFlag(f.Filter)
	if err != nil {
		return nil, err
	}
	o := &db.SearchOptions{K: f.K, Filter: filter, Ef: f.Ef, Recall: f.Recall, Exact: f.Exact, Cut: f.Cut,
		WithThumbnail: f.HTML != "" || f.Save != "", WithImage: f.Save != ""}
	if f.MinScore != nil {
		if s := float64(*f.MinScore); math.IsNaN(s) || s < -1 || s > 1 {
			return nil, usagef("--min-score is %v; scores are cosines, from -1 to 1", s)
		}
		o.MinScore = *f.MinScore
	}
	return o, nil
}

// filterFlag reads a filter, and shows the place of what is wrong with it.
func filterFlag(text string) (db.Filter, error) {
	filter, err := filterexpr.Parse(text)
	if err == nil {
		return filter, nil
	}
	var at *filterexpr.Error
	if errors.As(err, &at) {
		return filter, &usageError{err: err, more: indent(at.Show())}
	}
	return filter, &usageError{err: err}
}

func indent(s string) string { return "  " + strings.ReplaceAll(s, "\n", "\n  ") }

// asked is what a search was for.
type asked struct {
	text    string // the words, or the name of the picture
	picture []byte // what the page shows of the picture asked for
	db      string
	words   bool // captions were searched too
	alone   bool // and nothing else
}

// matchLine is an answer as --json prints it.
type matchLine struct {
	ID      string   `json:"id"`
	Score   float32  `json:"score"`
	Caption string   `json:"caption"`
	Attrs   db.Attrs `json:"attrs"`

	// Of searches in the words of captions.
	Keyword *float32 `json:"keyword,omitempty"`
	Fused   *float32 `json:"fused,omitempty"`
}

// answer prints the matches and writes the pages asked for.
func (a *app) answer(d *db.DB, f *searchFlags, q asked, matches []db.Match) error {
	if err := a.printMatches(d, q, matches); err != nil {
		return err
	}
	if f.HTML != "" {
		if err := saveSheet(f.HTML, newSheet(d, q, matches)); err != nil {
			return fmt.Errorf("the page %s: %w", f.HTML, err)
		}
	}
	if f.Save != "" {
		if err := saveAnswers(f.Save, newSheet(d, q, matches), matches); err != nil {
			return fmt.Errorf("the folder %s: %w", f.Save, err)
		}
	}
	return nil
}

func (a *app) printMatches(d *db.DB, q asked, matches []db.Match) error {
	if a.json {
		for _, m := range matches {
			line := matchLine{ID: m.ID, Score: m.Score, Caption: m.Caption, Attrs: orNone(m.Attrs)}
			if q.words {
				line.Keyword, line.Fused = &m.Keyword, &m.Fused
			}
			if err := a.emit(line); err != nil {
				return err
			}
		}
		return nil
	}
	if len(matches) == 0 {
		if st, err := d.Stats(a.ctx); err == nil && st.Records == 0 {
			a.remark("the database is empty; add pictures with clipdb add")
		} else if q.alone {
			a.remark("no caption has these words; try others, a wider --filter, or --hybrid instead of --keywords")
		} else {
			a.remark("nothing found; try other words, a wider --filter, a lower --min-score or a larger --cut")
		}
		return nil
	}
	rankWidth := len(fmt.Sprint(len(matches)))
	idWidth := 0
	for _, m := range matches {
		idWidth = max(idWidth, displayWidth(printable(m.ID)))
	}
	if a.width > 0 {
		idWidth = min(idWidth, max(16, (a.width-rankWidth-12)/2))
	}
	for i, m := range matches {
		id := printable(m.ID)
		line := fmt.Sprintf("%s  %s  ",
			a.paint(dim, fmt.Sprintf("%*d", rankWidth, i+1)), a.paint(cyan, fmt.Sprintf("%6.3f", q.shown(m))))
		caption := printable(m.Caption)
		if a.width > 0 {
			id = clip(id, idWidth)
			caption = clip(caption, max(8, a.width-rankWidth-2-6-2-idWidth-2))
		}
		if caption != "" {
			id = a.paint(bold, id) + strings.Repeat(" ", max(0, idWidth-displayWidth(id))) + "  " + caption
		} else {
			id = a.paint(bold, id)
		}
		if err := a.printf("%s%s\n", line, id); err != nil {
			return err
		}
	}
	return nil
}

// orNone gives no attributes as an empty object, not as null.
func orNone(attrs db.Attrs) db.Attrs {
	if attrs == nil {
		return db.Attrs{}
	}
	return attrs
}
