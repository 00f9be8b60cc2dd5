package db

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/clipdb/clipdb/encoder"
)

// WarningKind says what a warning is about.
type WarningKind string

// The kinds of warnings.
const (
	// WarnScript: letters are of a script that none of the languages of the
	// model is written in. The model turned them into something all the same.
	// Languages that share a script are not told apart: French to an English
	// model gets no warning.
	WarnScript WarningKind = "script"
	// WarnUnread: the text is longer than the context of the model, which
	// did not read its end.
	WarnUnread WarningKind = "unread"
	// WarnUnknown: more than half of the text is not in the vocabulary of the
	// model.
	WarnUnknown WarningKind = "unknown"
)

// Warning tells why an answer may not be to a text as it was meant.
type Warning struct {
	Kind    WarningKind `json:"kind"`
	Message string      `json:"message"`          // for people: one sentence
	Text    string      `json:"text"`             // the text, as the model got it
	Part    string      `json:"part"`             // what of it the warning is about
	Model   string      `json:"model"`            // name of the model
	Script  string      `json:"script,omitempty"` // of WarnScript: its name in Unicode
	Models  []string    `json:"models,omitempty"` // of WarnScript: models of docs/models.md that read it
	Tokens  int         `json:"tokens,omitempty"` // of WarnUnread: what the whole text has
	Context int         `json:"context,omitempty"`
}

// String is the message.
func (w Warning) String() string { return w.Message }

// warnings tells what the model cannot take of a text.
func (e *embedder) warnings(ctx context.Context, enc encoder.Encoder, text string) ([]Warning, error) {
	text = plain(text)
	m := enc.Model()
	list := scriptWarnings(m, text)
	r, ok := enc.(encoder.Reader)
	if !ok {
		return list, nil
	}
	reading, err := r.ReadText(ctx, text)
	if err != nil {
		return nil, err
	}
	if words := reading.Tokens - reading.Marks; len(list) == 0 && 2*reading.Unknown > words {
		list = append(list, Warning{Kind: WarnUnknown, Text: text, Part: text, Model: m.Name,
			Message: fmt.Sprintf("most of %s is not in the vocabulary of the model %s, which cannot know what is meant", quoted(text), m.Name)})
	}
	if reading.Cut() {
		w := Warning{Kind: WarnUnread, Text: text, Part: reading.Unread, Model: m.Name, Tokens: reading.Tokens, Context: reading.Context}
		what := "from " + quoted(w.Part) + " on nothing was read"
		if w.Part == "" {
			what = "the end of its last word was not read"
		}
		w.Message = fmt.Sprintf("the text has %d tokens, the model %s reads %d: %s", w.Tokens, m.Name, w.Context, what)
		list = append(list, w)
	}
	return list, nil
}

// scriptWarnings returns a warning for each script that m does not read.
func scriptWarnings(m encoder.Model, text string) []Warning {
	reads, known := encoder.Scripts(m.Languages)
	if !known {
		return nil
	}
	var scripts []string           // in the order they come
	words := map[string][]string{} // that have letters of a script
	for _, word := range strings.Fields(text) {
		for _, r := range word {
			s := encoder.ScriptOf(r)
			if s == "" || slices.Contains(reads, s) {
				continue
			}
			of := words[s]
			if len(of) == 0 {
				scripts = append(scripts, s)
			}
			if len(of) == 0 || of[len(of)-1] != word {
				words[s] = append(of, word)
			}
		}
	}
	var list []Warning
	for _, s := range scripts {
		list = append(list, Warning{Kind: WarnScript, Text: text, Part: strings.Join(words[s], " "), Model: m.Name, Script: s, Models: encoder.ModelsReading(s)})
	}
	for i := range list {
		w := &list[i]
		w.Message = fmt.Sprintf("%s is in %s script, which the model %s (languages: %s) does not read: what it means has no part in the answer",
			quoted(w.Part), strings.ReplaceAll(w.Script, "_", " "), m.Name, strings.Join(m.Languages, ", "))
		if len(w.Models) > 0 {
			w.Message += "; docs/models.md has models that read it, such as " + strings.Join(w.Models, " and ")
		}
	}
	return list
}

// shownRunes is how much of a text a message shows.
const shownRunes = 60

func quoted(s string) string {
	if r := []rune(s); len(r) > shownRunes {
		s = string(r[:shownRunes]) + "…"
	}
	return `"` + s + `"`
}
