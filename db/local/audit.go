package local

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/clipdb/clipdb/db/engine"
	"github.com/clipdb/clipdb/storage"
)

// Audit says whether a file keeps an audit log.
type Audit uint8

// What Options.Audit can be.
const (
	AuditKeep Audit = iota // as the file has it: off in new files
	AuditOn                // from this opening on, and in later ones
	AuditOff               // no longer; what is in the log stays
)

// auditKey names the setting in the file.
const auditKey = "audit"

// auditSetting is the setting as it is stored. The key stays when the log is
// switched off, since hashes in it were made with it.
type auditSetting struct {
	On  bool   `json:"on"`
	Key []byte `json:"key"`
}

// hashSize is how many bytes of an HMAC-SHA256 take the place of an id.
const hashSize = 16

func hashID(key []byte, id string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(id))
	return h.Sum(nil)[:hashSize]
}

func readAuditSetting(tx *storage.Tx) (auditSetting, error) {
	var s auditSetting
	b := tx.Meta(auditKey)
	if err := tx.Err(); err != nil || b == nil {
		return s, err
	}
	if err := json.Unmarshal(b, &s); err != nil || len(s.Key) < hashSize {
		return s, fmt.Errorf("%w: the setting of the audit log cannot be read", engine.ErrCorrupt)
	}
	return s, nil
}

// openAudit reads the setting and changes it where the options ask for that.
func (e *Engine) openAudit() error {
	var s auditSetting
	err := e.store.View(func(tx *storage.Tx) (err error) {
		s, err = readAuditSetting(tx)
		return err
	})
	if err != nil {
		return err
	}
	on := e.opts.Audit == AuditOn || e.opts.Audit == AuditKeep && s.On
	if on != s.On && !e.opts.ReadOnly {
		if s.Key == nil {
			s.Key = make([]byte, sha256.Size)
			rand.Read(s.Key)
		}
		s.On = on
		if err := e.storeAuditSetting(s); err != nil {
			return err
		}
	}
	if on {
		e.audit = s.Key
	}
	return nil
}

// storeAuditSetting switches the log, and says so in it.
func (e *Engine) storeAuditSetting(s auditSetting) error {
	b, err := json.Marshal(s)
	if err != nil {
		return err
	}
	return e.store.Update(func(tx *storage.Tx) error {
		if err := tx.PutMeta(auditKey, b); err != nil {
			return err
		}
		op := engine.AuditOff
		if s.On {
			op = engine.AuditOn
		}
		_, err := tx.AppendAudit(storage.AuditEntry{Time: time.Now(), Op: string(op)})
		return err
	})
}

// note writes what was done to some ids into the audit log, in the transaction
// that does it.
func (e *Engine) note(tx *storage.Tx, op engine.AuditOp, model string, ids []string) error {
	if e.audit == nil {
		return nil
	}
	now := time.Now()
	for len(ids) > 0 {
		n := min(len(ids), storage.MaxAuditIDs)
		entry := storage.AuditEntry{Time: now, Op: string(op), Model: model, IDs: make([]storage.AuditID, n)}
		for i, id := range ids[:n] {
			entry.IDs[i].ID = id
		}
		if _, err := tx.AppendAudit(entry); err != nil {
			return err
		}
		ids = ids[n:]
	}
	return nil
}

// noteAll writes a change of the whole database into the audit log.
func (e *Engine) noteAll(tx *storage.Tx, op engine.AuditOp, model string) error {
	if e.audit == nil {
		return nil
	}
	_, err := tx.AppendAudit(storage.AuditEntry{Time: time.Now(), Op: string(op), Model: model})
	return err
}

// redactAudit puts hashes in the place of the ids that no record has any more,
// also when the log is switched off, and notes the compaction that follows. It
// must run under the writer token.
func (e *Engine) redactAudit() error {
	return e.store.Update(func(tx *storage.Tx) error {
		s, err := readAuditSetting(tx)
		if err != nil || s.Key == nil {
			return err
		}
		gone := func(id string) (bool, error) {
			// A damaged record is not gone.
			_, err := tx.Record(id)
			return errors.Is(err, storage.ErrNotFound), nil
		}
		if _, err := tx.RedactAudit(gone, func(id string) []byte { return hashID(s.Key, id) }); err != nil {
			return err
		}
		return e.noteAll(tx, engine.AuditCompact, "")
	})
}

// auditPage is how many entries are read in one transaction.
const auditPage = 256

// Audit implements engine.Engine.
func (e *Engine) Audit(ctx context.Context, id string) iter.Seq2[engine.AuditEntry, error] {
	return func(yield func(engine.AuditEntry, error) bool) {
		after := uint64(0)
		for {
			page, err := e.readAudit(ctx, id, &after)
			for _, entry := range page {
				if !yield(entry, nil) {
					return
				}
			}
			if err != nil {
				yield(engine.AuditEntry{}, err)
				return
			}
			if after == 0 {
				return
			}
		}
	}
}

// readAudit reads the entries after a number, which it moves on, to 0 at the
// end.
func (e *Engine) readAudit(ctx context.Context, id string, after *uint64) (page []engine.AuditEntry, err error) {
	if err := e.enter(ctx); err != nil {
		return nil, err
	}
	defer e.leave()
	err = e.store.View(func(tx *storage.Tx) error {
		s, err := readAuditSetting(tx)
		if err != nil {
			return err
		}
		hash := ""
		if id != "" && s.Key != nil {
			hash = hex.EncodeToString(hashID(s.Key, id))
		}
		n := 0
		for entry, err := range tx.Audit(*after) {
			if err != nil {
				return err
			}
			page = append(page, auditLines(entry, id, hash)...)
			if n++; n == auditPage {
				*after = entry.Seq
				return nil
			}
		}
		*after = 0
		return nil
	})
	return page, seam(err)
}

// auditLines makes a line of each id of an entry. With an id, only the lines
// of it, or of its hash, count.
func auditLines(entry storage.AuditEntry, id, hash string) (lines []engine.AuditEntry) {
	line := engine.AuditEntry{Seq: entry.Seq, Time: entry.Time, Op: engine.AuditOp(entry.Op), Model: entry.Model}
	if len(entry.IDs) == 0 && id == "" {
		return []engine.AuditEntry{line}
	}
	for _, item := range entry.IDs {
		line.ID, line.IDHash = item.ID, hex.EncodeToString(item.Hash)
		if id == "" || line.ID == id || line.IDHash != "" && line.IDHash == hash {
			lines = append(lines, line)
		}
	}
	return lines
}
