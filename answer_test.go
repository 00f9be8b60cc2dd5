package clipdb_test

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/clipdb/clipdb"
	"github.com/clipdb/clipdb/encoder/builtin"
)

// album opens a database of the bundled photos.
func album(t testing.TB) *clipdb.DB {
	t.Helper()
	db := withModel(t)
	report, err := db.InsertAll(ctx, func(yield func(clipdb.Item) bool) {
		for _, p := range photos(t) {
			if !yield(clipdb.Item{ID: strings.TrimSuffix(filepath.Base(p), ".jpg"), Image: clipdb.File(p)}) {
				return
			}
		}
	}, nil)
	if err != nil || report.Failed > 0 {
		t.Fatalf("%+v, %v", report, err)
	}
	return db
}

func TestWarnings(t *testing.T) {
	db := album(t)
	long := strings.Repeat("a very long story about dogs ", 30)
	type want struct {
		kind   clipdb.WarningKind
		part   string
		script string
	}
	for _, c := range []struct {
		query clipdb.Query
		want  []want
	}{
		{clipdb.Text("a cat"), nil},
		{clipdb.Text("un château français, ça?"), nil}, // French is not told from English
		{clipdb.Text("cat 🐱 no. 7 – “quoted” ±3 €"), nil},
		{clipdb.Text("кошка на траве"), []want{{clipdb.WarnScript, "кошка на траве", "Cyrillic"}}},
		{clipdb.Text("a 猫 on the grass"), []want{{clipdb.WarnScript, "猫", "Han"}}},
		{clipdb.Text("猫とкот"), []want{{clipdb.WarnScript, "猫とкот", "Han"}, {clipdb.WarnScript, "猫とкот", "Hiragana"}, {clipdb.WarnScript, "猫とкот", "Cyrillic"}}},
		{clipdb.Text("cat").Minus(0.5, clipdb.Text("قط")), []want{{clipdb.WarnScript, "قط", "Arabic"}}},
		{clipdb.Text("🐶"), []want{{clipdb.WarnUnknown, "🐶", ""}}},
		{clipdb.Text(long), []want{{clipdb.WarnUnread, "", ""}}},
		{clipdb.Like("cat"), nil},
		{clipdb.Keywords("кошка"), nil},
	} {
		a, err := db.Ask(ctx, c.query, nil)
		if err != nil {
			t.Fatal(err)
		}
		plain, err := db.Search(ctx, c.query, nil)
		if err != nil || !slices.EqualFunc(plain, a.Matches, func(a, b clipdb.Match) bool { return a.ID == b.ID && a.Score == b.Score }) {
			t.Errorf("%v: Search and Ask differ: %v", c.query, err)
		}
		if len(a.Warnings) != len(c.want) {
			t.Errorf("%v: %d warnings, want %d: %v", c.query, len(a.Warnings), len(c.want), a.Warnings)
			continue
		}
		for i, w := range a.Warnings {
			if w.Kind != c.want[i].kind || w.Script != c.want[i].script || c.want[i].part != "" && w.Part != c.want[i].part {
				t.Errorf("%v: %+v, want %v", c.query, w, c.want[i])
			}
			if w.Model != "clipdb-mini-1" || w.Message == "" || w.String() != w.Message {
				t.Errorf("%v: %+v", c.query, w)
			}
		}
	}
	a, err := db.Ask(ctx, clipdb.Text("кошка"), nil)
	if err != nil {
		t.Fatal(err)
	}
	// The models named are in the document that the message names.
	doc, err := os.ReadFile("docs/models.md")
	if err != nil {
		t.Fatal(err)
	}
	if w := a.Warnings[0]; !slices.Equal(w.Models, []string{"siglip2-base-patch16-224"}) || !strings.Contains(w.Message, w.Models[0]) || !bytes.Contains(doc, []byte(w.Models[0])) {
		t.Errorf("%+v", w)
	}
}

// What is cut makes no difference to the answer, and all else does.
func TestUnreadIsUnread(t *testing.T) {
	db := album(t)
	text := strings.Repeat("a dog runs on the beach while it rains ", 20)
	a, err := db.Ask(ctx, clipdb.Text(text), nil)
	if err != nil || len(a.Warnings) != 1 {
		t.Fatal(a, err)
	}
	w := a.Warnings[0]
	if w.Tokens <= w.Context || w.Context == 0 || !strings.HasSuffix(w.Text, w.Part) || w.Part == "" {
		t.Fatalf("%+v", w)
	}
	read := strings.TrimSuffix(w.Text, w.Part)
	other, err := db.Ask(ctx, clipdb.Text(read+"a rocket at night"), nil)
	if err != nil || other.Matches[0].Score != a.Matches[0].Score {
		t.Errorf("another ending changes the answer: %v", err)
	}
	shorter, err := db.Ask(ctx, clipdb.Text(read[:strings.LastIndex(strings.TrimSpace(read), " ")]), nil)
	if err != nil || shorter.Matches[0].Score == a.Matches[0].Score || len(shorter.Warnings) != 0 {
		t.Errorf("a word less changes nothing: %v, %v", shorter.Warnings, err)
	}
}

func TestSearchLogsWarnings(t *testing.T) {
	var out bytes.Buffer
	db := open(t, filepath.Join(t.TempDir(), "test.clipdb"), &clipdb.Options{Logger: slog.New(slog.NewTextHandler(&out, nil))})
	if _, err := db.SearchByText(ctx, "кошка", nil); err != nil {
		t.Skip(err) // no ONNX Runtime
	}
	if !strings.Contains(out.String(), "Cyrillic") {
		t.Errorf("the log says %q", out.String())
	}
}

func TestClassifierWarnings(t *testing.T) {
	enc, err := builtin.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer enc.Close()
	c, err := clipdb.NewClassifier(enc, []string{"cat", "собака", "house"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	list, err := c.Warnings(ctx)
	if err != nil || len(list) != 1 || list[0].Kind != clipdb.WarnScript || list[0].Text != "собака" {
		t.Errorf("%v, %v", list, err)
	}
}
