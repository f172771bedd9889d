package ledger

import (
	"fmt"
	"strconv"
	"time"
)

// dropAudit deletes rows before a checkpoint that is older than
// Config.AuditKeep, and says so in a row of its own, for rows that go without
// such a row are missing. It waits for a day's worth or for many, since each
// time leaves one.
func (t *transaction) dropAudit() error {
	c := t.ledger.config
	oldest, err := t.checkpoint("ASC")
	if err != nil {
		return err
	}
	most := 10 * c.CheckpointRows // a transaction, so that others need not wait long for theirs
	s := statement{about: atCheckpoint}
	found, err := t.one(`SELECT seq, at, hash, key_id, signer, signature FROM audit_checkpoints
		WHERE at <= ? AND seq > ? AND seq <= ? ORDER BY seq DESC LIMIT 1`,
		[]any{stamp(t.at.Add(-c.AuditKeep)), oldest.seq, oldest.seq + most}, s.fields()...)
	if err != nil || !found || s.seq-oldest.seq < most/2 && moment(s.at).Sub(moment(oldest.at)) < 24*time.Hour {
		return err
	}
	if !t.ledger.keys.signed(s) {
		return fmt.Errorf("%w: checkpoint %d is not signed", ErrChain, s.seq)
	}
	for _, statement := range []string{
		"DELETE FROM audit WHERE chain_seq <= ?",
		"DELETE FROM audit_checkpoints WHERE seq < ?",
	} {
		if _, err := t.exec(statement, s.seq); err != nil {
			return err
		}
	}
	return t.audit(Event{Name: EventAuditDropped, Detail: map[string]string{"through": strconv.FormatInt(s.seq, 10)}})
}
