package keyword

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/blevesearch/snowballstem"
	"github.com/blevesearch/snowballstem/arabic"
	"github.com/blevesearch/snowballstem/danish"
	"github.com/blevesearch/snowballstem/dutch"
	"github.com/blevesearch/snowballstem/english"
	"github.com/blevesearch/snowballstem/finnish"
	"github.com/blevesearch/snowballstem/french"
	"github.com/blevesearch/snowballstem/german"
	"github.com/blevesearch/snowballstem/italian"
	"github.com/blevesearch/snowballstem/norwegian"
	"github.com/blevesearch/snowballstem/portuguese"
	"github.com/blevesearch/snowballstem/russian"
	"github.com/blevesearch/snowballstem/spanish"
	"github.com/blevesearch/snowballstem/swedish"
)

// Language is the ISO 639-1 code of the language whose stemmer and stop words
// serve Latin script. "" is English; "none" neither stems nor stops, in any
// script.
type Language string

// None is the language without stemmer and stop words.
const None Language = "none"

// stemmer cuts the word in env down to its stem.
type stemmer func(env *snowballstem.Env) bool

var latin = map[Language]stemmer{
	"da": danish.Stem, "de": german.Stem, "en": english.Stem, "es": spanish.Stem, "fi": finnish.Stem, "fr": french.Stem,
	"it": italian.Stem, "nl": dutch.Stem, "no": norwegian.Stem, "pt": portuguese.Stem, "sv": swedish.Stem,
}

// Stemmers of scripts that tell enough about the language.
var (
	cyrillic stemmer = russian.Stem
	arab     stemmer = arabic.Stem
)

// Languages lists what Check takes, in rising order.
func Languages() []Language { return slices.Sorted(maps.Keys(latin)) }

// Check returns an error that names the languages there are for another one.
func (l Language) Check() error {
	if _, ok := latin[l]; ok || l == "" || l == None {
		return nil
	}
	names := make([]string, 0, len(latin)+1)
	for _, n := range append(Languages(), None) {
		names = append(names, string(n))
	}
	return fmt.Errorf("no caption language is called %q; there are %s", string(l), strings.Join(names, ", "))
}

// Function words, folded: articles, short prepositions, conjunctions and forms
// of "to be". No list holds a word that names something to be seen.
var stopWords = map[Language]map[string]bool{
	"da": set("af at da de den der det du en er et for fra han har hun i og om på som til ved var vi"),
	"de": set("als am an auf aus bei bin bist das dem den der des die du ein eine einem einen einer eines er es fur hat ich ihr im in ist mit nach sie sind so und vom von vor war waren wie wir wird zu zum zur"),
	"en": set("a about am an and are as at be been being by for from had has have he her his i in into is it its my of on or our she that the their them there these they this those to was we were which who with you your"),
	"es": set("a al como con de del e el ella ellos en era es esta este ha hay la las lo los mi o para por que se ser su sus un una unas unos y"),
	"fi": set("ei en etta han ja joka jos kun me mina mutta ne on oli ovat se sina tai te"),
	"fr": set("a au aux avec ce ces cette d dans de des du elle en est et il ils j je l la le les leur lui m n nous ou par pas pour qu que qui s sa se ses son sont sur un une vous y"),
	"it": set("a ai al alla alle allo anche che chi con da dai dal dalla de degli dei del della delle di e ed gli ha i il in io la le lo ma nei nel nella o per piu si sono su sul sulla un una uno"),
	"nl": set("aan als bij dat de der deze die dit door een en er haar het hij ik in is je met na naar niet nog of om onder op te tot uit van voor was ze zij zijn"),
	"no": set("av de den der det du en er et for fra han har hun i med og om på som til var ved vi"),
	"pt": set("a ao aos as com como da das de do dos e ela ele em era esta este eu foi ha mais mas na nas no nos o os ou para pela pelo por que se sem ser seu sua suas um uma"),
	"sv": set("att av de den det du en ett for fran han har hon i med och om på som till var vi ar"),
	"ru": set("а без бы в вы да для до его ее же за и из или их к как ко мы на не ни но о об он она они от по под при с со так то ты у что это я"),
}

func set(list string) map[string]bool {
	m := map[string]bool{}
	for w := range strings.FieldsSeq(list) {
		m[Fold(w)] = true
	}
	return m
}
