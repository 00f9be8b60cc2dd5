package main

import (
	"fmt"
	"iter"
	"strings"

	"github.com/clipdb/clipdb/db"
)

// duplicatesReport prints groups of duplicates.
type duplicatesReport struct {
	a   *app
	ids bool // print ids alone, at the end

	bar       *progress
	comparing bool
	noHash    int // pictures that were not looked at

	kept   []string // ids to print
	odd    int      // ids that do not go on a line
	number int      // groups
	extra  int      // items but the first of each group
	bytes  int64    // of their pictures
}

// progress follows the search with a bar.
func (r *duplicatesReport) progress(p db.DuplicateProgress) {
	if r.bar == nil || p.Comparing != r.comparing {
		r.bar.done()
		what := "reading"
		if r.comparing = p.Comparing; p.Comparing {
			what = "comparing"
		}
		r.bar = r.a.newProgress(p.Total, what, "items")
	}
	r.bar.set(int64(p.Done))
	r.noHash = p.NoHash
}

// groups prints each group and gives it to also.
func (r *duplicatesReport) groups(all iter.Seq2[db.DuplicateGroup, error], also func(n int, g db.DuplicateGroup) error) error {
	for g, err := range all {
		if err != nil {
			return err
		}
		r.number++
		for _, m := range g.Items[1:] {
			r.extra++
			if m.Image != nil {
				r.bytes += m.Image.Size
			}
		}
		if r.bar == nil {
			err = r.print(g)
		} else {
			r.bar.above(func() { err = r.print(g) })
		}
		if err == nil {
			err = also(r.number, g)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (r *duplicatesReport) print(g db.DuplicateGroup) error {
	switch {
	case r.ids:
		for _, m := range g.Items[1:] {
			if strings.ContainsAny(m.ID, "\r\n") {
				r.odd++
				continue
			}
			r.kept = append(r.kept, m.ID)
		}
		return nil
	case r.a.json:
		l := groupLine{Keep: newDuplicateLine(g.Items[0])}
		for _, m := range g.Items[1:] {
			l.Duplicates = append(l.Duplicates, newDuplicateLine(m))
		}
		return r.a.emit(l)
	}
	return r.a.printGroup(g, r.number)
}

// printGroup prints a group for people: the first item, and the others below
// it with what they have in common with it.
func (a *app) printGroup(g db.DuplicateGroup, number int) error {
	var ids, facts []string
	idWidth, factWidth := 0, 0
	for i, m := range g.Items {
		id := printable(m.ID)
		if a.width > 0 {
			id = clip(id, max(16, a.width/2-2))
		}
		if i > 0 {
			id = "  " + id
		}
		ids, facts = append(ids, id), append(facts, pictureFacts(m))
		idWidth, factWidth = max(idWidth, displayWidth(id)), max(factWidth, displayWidth(facts[i]))
	}
	if number > 1 {
		if err := a.printf("\n"); err != nil {
			return err
		}
	}
	for i, m := range g.Items {
		id, why := pad(ids[i], idWidth), evidence(m)
		if i == 0 {
			id = a.paint(bold, id)
		}
		line := strings.TrimRight(id+"  "+a.paint(dim, pad(facts[i], factWidth))+"  "+why, " ")
		if err := a.printf("%s\n", line); err != nil {
			return err
		}
	}
	return nil
}

// pictureFacts tells how large a picture is.
func pictureFacts(m db.Duplicate) string {
	im := m.Image
	if im == nil {
		return "no picture"
	}
	return fmt.Sprintf("%d x %d, %s, %s", im.Width, im.Height, byteCount(im.Size), printable(im.Format))
}

// evidence says in words what makes an item a duplicate.
func evidence(m db.Duplicate) string {
	var all []string
	if m.Kinds&db.DuplicateExact != 0 {
		all = append(all, "same bytes")
	} else if m.Kinds&db.DuplicatePerceptual != 0 {
		all = append(all, fmt.Sprintf("looks alike, %d of 64 bits differ", m.Distance))
	}
	if m.Kinds&db.DuplicateCosine != 0 {
		all = append(all, fmt.Sprintf("cosine %.3f", m.Score))
	}
	return strings.Join(all, ", ")
}

// end prints the ids, and sums up.
func (r *duplicatesReport) end(kinds db.DuplicateKind) error {
	for _, id := range r.kept {
		if err := r.a.printf("%s\n", id); err != nil {
			return err
		}
	}
	if r.odd > 0 {
		r.a.remark("left out %s with a line break; --json has them", plural(r.odd, "id"))
	}
	if r.noHash > 0 && (kinds == 0 || kinds&db.DuplicatePerceptual != 0) {
		r.a.remark("%s could not be compared by looks: not stored, not readable or all but blank", plural(r.noHash, "picture"))
	}
	if r.number == 0 {
		r.a.remark("no duplicates found")
		return nil
	}
	size := ""
	if r.bytes > 0 {
		size = ", " + byteCount(r.bytes) + " of pictures"
	}
	r.a.remark("%s, %s beside the best%s", plural(r.number, "group"), plural(r.extra, "item"), size)
	return nil
}
