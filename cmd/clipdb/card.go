package main

import (
	"fmt"
	"strings"

	"github.com/clipdb/clipdb/encoder"
	"github.com/clipdb/clipdb/encoder/model/store"
)

// cardFacts writes a model card as facts. A short card leaves out what only
// those who choose a model want to know.
func cardFacts(c encoder.Card, short bool) []string {
	var facts []string
	add := func(name string, texts ...string) {
		for _, t := range texts {
			if t != "" {
				facts = append(facts, name, printable(t))
				name = ""
			}
		}
	}
	if !short {
		add("about", c.About)
		add("good at", c.GoodAt)
	}
	add("trained on", c.Training)
	if c.OfFamily {
		add("", "(said of the family: whose weights these are, their files do not tell)")
	}
	add("biases", c.Biases...)
	add("limits", c.Limits...)
	add("read more", c.ReadMore...)
	return facts
}

// languageNames are the English names of the languages that models of the
// registry know.
var languageNames = map[string]string{
	"ar": "Arabic", "de": "German", "en": "English", "es": "Spanish", "fr": "French", "hi": "Hindi", "it": "Italian", "ja": "Japanese",
	"ko": "Korean", "mul": "and many more", "nl": "Dutch", "pl": "Polish", "pt": "Portuguese", "ru": "Russian", "tr": "Turkish", "zh": "Chinese",
}

// languageText names languages for people.
func languageText(tags []string) string {
	if len(tags) == 0 {
		return "languages not told"
	}
	names := make([]string, len(tags))
	for i, t := range tags {
		if names[i] = languageNames[t]; names[i] == "" {
			names[i] = t
		}
	}
	return strings.Join(names, ", ")
}

// licenceText names a licence for people.
func licenceText(l string) string {
	if l == "" || strings.EqualFold(l, encoder.UnknownLicence) {
		return "licence not told"
	}
	return "licence " + l
}

// knownShown is a model that clipdb knows by name and that is not installed.
type knownShown struct {
	modelLine
	Repo  string            `json:"repo"`
	Files []store.KnownFile `json:"pinned_files"`
	Card  encoder.Card      `json:"card"`
}

// isInstalled reports whether the store has a model of the name.
func (a *app) isInstalled(name string) bool {
	s, err := store.Open("")
	if err != nil {
		return false
	}
	_, err = s.Find(name)
	return err == nil
}

// showKnown shows what is known of a model before it is here.
func (a *app) showKnown(k store.Known) error {
	s := knownShown{Repo: k.Repo, Files: k.Files, Card: k.Card(), modelLine: modelLine{Name: k.Name, Family: k.Family, Dim: k.Dim,
		Licence: k.Licence, Languages: k.Languages, ImageSize: k.ImageSize, Bytes: k.Bytes, GoodAt: k.GoodAt, Pull: howToGet(k), Pinned: len(k.Files)}}
	if s.Files == nil {
		s.Files = []store.KnownFile{}
	}
	if a.json {
		return a.emit(s)
	}
	size := "not known"
	if s.Bytes > 0 {
		size = byteCount(s.Bytes)
	}
	facts := []string{"name", s.Name, "family", s.Family, "where", "not installed; " + s.Pull, "licence", s.Licence,
		"languages", languageText(s.Languages), "dimension", fmt.Sprint(s.Dim), "pictures", fmt.Sprintf("%d pixels", s.ImageSize),
		"size", size, "source", s.Card.Source}
	for i, f := range s.Files {
		name := ""
		if i == 0 {
			name = "files"
		}
		facts = append(facts, name, fmt.Sprintf("%s  sha256 %s (pinned)", f.Name, f.SHA256))
	}
	if len(s.Files) == 0 {
		facts = append(facts, "files", "no hash is known beforehand: they are recorded when they first come, and compared ever after")
	}
	for i := range facts {
		facts[i] = printable(facts[i])
	}
	return a.facts(append(facts, cardFacts(s.Card, false)...)...)
}
