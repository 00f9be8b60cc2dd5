package engine

import "time"

// AuditOp says what was done.
type AuditOp string

// The operations of the audit log.
const (
	AuditInsert  AuditOp = "insert"    // an item was stored under a new id
	AuditReplace AuditOp = "replace"   // an item was stored in the place of another
	AuditDelete  AuditOp = "delete"    // an item was erased
	AuditModel   AuditOp = "model"     // the database took up a model, or none ("" are the caller's own vectors)
	AuditReembed AuditOp = "reembed"   // every item got a vector of another model, which is served from now on
	AuditCompact AuditOp = "compact"   // the file was rewritten without what was erased
	AuditOn      AuditOp = "audit-on"  // the log was switched on
	AuditOff     AuditOp = "audit-off" // the log was switched off
)

// AuditEntry is one line of the audit log. It was written in the same
// transaction as the change.
//
// Ids of items that are erased stand in the log until Compact, which puts a
// keyed hash in their place: who knows an id can still ask for it, and who
// does not cannot read it.
type AuditEntry struct {
	Seq    uint64    `json:"seq"` // of the change: entries of one change share it
	Time   time.Time `json:"time"`
	Op     AuditOp   `json:"op"`
	ID     string    `json:"id,omitempty"`      // "" for changes of the whole database, and once erased
	IDHash string    `json:"id_hash,omitempty"` // hex; of an erased item
	Model  string    `json:"model,omitempty"`   // fingerprint, where it applies
}
