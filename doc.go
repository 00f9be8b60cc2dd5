// Package clipdb finds pictures by meaning: an embedded vector database with
// an image-text model inside, in one process and one file.
//
//	db, err := clipdb.Open("photos.clipdb", nil)
//	if err != nil {
//		return err
//	}
//	defer db.Close()
//	_, err = db.Insert(ctx, clipdb.Item{ID: "beach.jpg", Image: clipdb.File("beach.jpg"), Caption: "our summer"})
//	...
//	matches, err := db.SearchByText(ctx, "two dogs running in the snow", nil)
//
// # Opening
//
// [Open] makes the file when it does not exist, loads the index and is ready.
// The model is loaded by the first call that needs it; DB.Warm does so
// beforehand. It runs on ONNX Runtime, which `clipdb runtime install` puts in
// place. Where that is missing the database opens all the same: calls that
// need the model return [ErrNoRuntime], whose message says what to do, and
// vectors of your own work.
//
// One process opens a file for writing. A second one gets [ErrLocked] after
// Options.LockTimeout; several may open it with Options.ReadOnly.
//
// # Storing
//
// An [Item] has a picture (JPEG, PNG, GIF, WebP, TIFF or BMP), a caption and
// typed attributes. DB.Insert returns when the item is durable and found by
// searches; an id that exists is [ErrExists]. DB.Upsert replaces. Items
// without an id are named by the sha256 of their picture, so that the same
// picture is stored once.
//
// DB.InsertAll takes a sequence of items, of a hundred or of a million. It
// decodes pictures beside the model's work, commits in groups, passes over
// what is stored already, reports and remembers what fails, and can be stopped
// at any moment and called again. Its [BatchReport] tells how much of the time
// the model was at work, and so whether the model is the limit. [File] gives it pictures of the disk without
// holding many files open:
//
//	report, err := db.InsertAll(ctx, func(yield func(clipdb.Item) bool) {
//		for _, path := range paths {
//			if !yield(clipdb.Item{ID: path, Image: clipdb.File(path)}) {
//				return
//			}
//		}
//	}, &clipdb.BatchOptions{Progress: func(p clipdb.Progress) { fmt.Println(p.Done, p.Rate, p.ETA) }})
//
// # Searching
//
// DB.SearchByText and DB.SearchByImage are the common searches. DB.Search
// takes a [Query], a weighted sum of texts, pictures, stored items and
// vectors:
//
//	db.Search(ctx, clipdb.Text("horse").Plus(2, clipdb.Image(r)).Minus(0.5, clipdb.Text("fence")), nil)
//
// A [Match] is the stored record with its score, the cosine between item and
// query. [SearchOptions] say how many are wanted, which filter they must pass,
// the least score, how hard to try (Ef, Exact) and what to bring along.
//
// # Classifying
//
// DB.Classify tells which of some labels fits a picture best. Each label is put
// into captions, those of the model's family or ClassifyOptions.Templates, and
// stands for the mean of their vectors. A [LabelScore] has the cosine and a
// probability: most models share 1 among the labels given, models with a sigmoid
// score (SigLIP) judge each label alone. [ClassifyOptions] take a temperature.
//
// For many pictures among the same labels, DB.Classifier and [NewClassifier],
// which needs no database, hold the labels' vectors; from several goroutines the
// model takes pictures together. Stored items are classified by their vectors:
//
//	c, err := db.Classifier([]string{"cat", "dog", "neither"}, nil)
//	...
//	rec, err := db.GetWith(ctx, "beach.jpg", clipdb.Fetch{Vector: true})
//	...
//	scores, err := c.ClassifyVector(ctx, rec.Vector)
//
// # Filters
//
// Attributes are typed: [String], [Int], [Float], [Bool], [Time] and lists of
// [Strings]. Filters are values made by [Eq], [In], [Range], [Less], [AtMost],
// [Greater], [AtLeast], [Exists], [And], [Or] and [Not]. They are applied
// inside the search: K matches come back whenever K items pass.
//
//	clipdb.And(clipdb.Eq("tags", clipdb.String("dog")), clipdb.AtLeast("taken", clipdb.Time(lastYear)))
//
// # Duplicates
//
// DB.Duplicates yields groups of items that are the same or nearly the same:
// files of the same bytes, pictures that look alike (by a perceptual hash), and,
// when asked for, items whose vectors are near. The first item of a group is the
// largest picture; each of the others is a duplicate of it, and says why.
// docs/duplicates.md has what is found and what is not:
//
//	for group, err := range db.Duplicates(ctx, nil) {
//		if err != nil {
//			return err
//		}
//		for _, m := range group.Items[1:] {
//			fmt.Println(m.ID, "is", group.Items[0].ID, m.Kinds, m.Distance)
//		}
//	}
//
// # Vectors and models of your own
//
// An Item with a Vector is stored under that vector and the model is not
// asked; [Vector] searches by one. With Options.Encoder the database uses a
// model of yours; programs that import package db instead of this one do not
// link the built-in model.
//
// The first item decides whose vectors the database holds. Vectors of another
// model are [ErrModelMismatch] from then on, when it is opened and when items
// come in, because scores between two models mean nothing. A database without
// items takes any model.
//
// # Looking after a file
//
// DB.WriteTo makes a backup while the database is used. DB.Compact gives
// unused space back and erases what was deleted for good. DB.Verify reads
// everything and reports what is wrong; it also measures the index's recall.
// DB.Stats tells where the space goes.
//
// The index in the file is a checkpoint that can be made again: when it cannot
// be trusted, Open builds it anew from the stored vectors, which takes time
// and loses nothing.
//
// # Errors
//
// Errors wrap one of this package's sentinels where a program may want to tell
// them apart; test with errors.Is. [DimensionError] and [MismatchError] hold
// details, for errors.As. Input that is refused leaves the database as it was.
//
// # Caveats
//
// Scores are cosines, not probabilities. Even good matches between a text and
// a picture score low, how low differs from model to model and from query to
// query, and something is always nearest: a search for what is not there
// returns what is least far from it. SearchOptions.Cut leaves out what is
// probably unrelated, MinScore cuts if you know your model and your pictures.
//
// The built-in model is small, knows English only, and is not OpenAI's CLIP.
// docs/models.md tells how well it does and what it is bad at.
//
// Vectors are those of pictures: captions are not part of them. Their words are
// searched by SearchOptions.Hybrid, beside the vectors, and by SearchByKeywords.
//
// Answers are approximate above 2,000 items (IndexOptions), unless
// SearchOptions.Exact is set. docs/recall.md has the numbers.
//
// Deleted items are out of every answer at once. Traces of them may stay in
// the file, unreachable, until Compact, and stay in backups made before it.
//
// The file grows and does not shrink by itself. Originals take most of it:
// Options.Images keeps thumbnails alone, or nothing, and the pictures where
// they are.
//
// HEIC and RAW pictures are not decoded. Of animations the first frame counts.
// Transparent pictures are laid on white.
//
// Do not put the file on a network file system: its locks and its memory map
// cannot be relied on there.
package clipdb
