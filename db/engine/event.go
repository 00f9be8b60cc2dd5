package engine

import "time"

// EventKind says what an Event is about.
type EventKind string

// Kinds of events.
const (
	EventRestore    EventKind = "restore"    // the index was loaded from its checkpoint
	EventReplay     EventKind = "replay"     // changes after the checkpoint are being applied
	EventRebuild    EventKind = "rebuild"    // the index is being built from the vectors; Reason says why
	EventCheckpoint EventKind = "checkpoint" // the index was written to the file
	EventCompact    EventKind = "compact"    // the file was rewritten
	EventColumns    EventKind = "columns"    // attributes were loaded for filtering
	EventCaptions   EventKind = "captions"   // captions are being read for keywords
	EventReembed    EventKind = "reembed"    // the index of the vectors of another model is being built
)

// Event tells a program about work that takes time or deserves a note.
type Event struct {
	Kind        EventKind
	Reason      string
	Done, Total int           // progress, in records
	Took        time.Duration // since the work began
	Finished    bool          // the last event of this piece of work
	Err         error         // why it failed, on the last event
}

// Listener receives events. It is called from the goroutine that does the
// work, so it must be quick and must not call the database.
type Listener func(Event)
