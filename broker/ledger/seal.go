package ledger

import (
	"bytes"
	"context"
	"fmt"
	"time"
)

const (
	sealBatch = 500              // rows a transaction, so that others need not wait long for theirs
	sealLease = 10 * time.Second // how long a sealer that has died keeps others from sealing
)

// SealAudit chains the audit rows that are not chained yet, in the order in
// which they were written, and returns how many it did. Of several processes
// one seals, which holds a lease; the others return 0. Every
// Config.CheckpointRows rows, or every Config.CheckpointEvery if there are
// rows, it signs a checkpoint. ErrChain: the chain's end is not as it was
// left, and nothing is built on it; VerifyAudit says more.
func (l *Ledger) SealAudit(ctx context.Context) (sealed int, err error) {
	for {
		due, done := false, 0
		// Most seconds nothing has happened, and nothing is written then.
		err := l.read(ctx, func(t *transaction) (err error) {
			due, err = t.sealDue()
			return err
		})
		if err != nil || !due {
			return sealed, err
		}
		err = l.change(ctx, func(t *transaction) error {
			done = 0
			rows, err := t.exec("UPDATE audit_head SET holder = ?, until_at = ? WHERE holder = ? OR until_at <= ?",
				l.holder, stamp(t.at.Add(sealLease)), l.holder, stamp(t.at))
			if err == nil && rows > 0 {
				done, err = t.seal()
				return err
			}
			if _, found, headErr := t.head(); err == nil && headErr == nil && !found {
				return fmt.Errorf("%w: its end is gone", ErrChain)
			}
			return err
		})
		if err != nil {
			return sealed, err
		}
		if sealed += done; done < sealBatch {
			return sealed, nil
		}
	}
}

func (t *transaction) sealDue() (bool, error) {
	var one int
	if unsealed, err := t.one("SELECT 1 FROM audit WHERE chain_seq IS NULL LIMIT 1", nil, &one); err != nil || unsealed {
		return unsealed, err
	}
	head, _, err := t.head()
	if err != nil {
		return false, err
	}
	last, err := t.checkpoint("DESC")
	return t.checkpointDue(last, head.seq), err
}

// checkpointDue reports whether it is time for a checkpoint at seq.
func (t *transaction) checkpointDue(last statement, seq int64) bool {
	c := t.ledger.config
	return seq-last.seq >= c.CheckpointRows || seq > last.seq && t.at.Sub(moment(last.at)) >= c.CheckpointEvery
}

// seal chains one batch.
func (t *transaction) seal() (int, error) {
	head, last, err := t.soundEnd()
	if err != nil {
		return 0, err
	}
	var rows []auditRow
	if err := t.each("SELECT "+auditColumns+" FROM audit a WHERE a.chain_seq IS NULL ORDER BY a.seq LIMIT ?",
		[]any{sealBatch}, func(scan func(...any) error) error {
			var r auditRow
			err := scan(r.fields()...)
			rows = append(rows, r)
			return err
		}); err != nil {
		return 0, err
	}
	seq, hash := head.seq, head.hash
	for _, r := range rows {
		seq++
		r.chainSeq, r.prev = seq, hash
		hash = r.link(r.prev)
		if _, err := t.exec("UPDATE audit SET chain_seq = ?, prev = ?, hash = ? WHERE seq = ?", seq, r.prev, hash, r.seq); err != nil {
			return 0, err
		}
		if t.checkpointDue(last, seq) {
			if last, err = t.signCheckpoint(seq, hash); err != nil {
				return 0, err
			}
		}
	}
	if len(rows) == 0 && t.checkpointDue(last, seq) {
		if _, err := t.signCheckpoint(seq, hash); err != nil {
			return 0, err
		}
	}
	return len(rows), t.setHead(seq, hash)
}

// soundEnd is the chain's end and its last checkpoint, where they are as the
// sealer left them: what was forged without a key must not be signed with one.
func (t *transaction) soundEnd() (head, last statement, err error) {
	if head, _, err = t.head(); err != nil {
		return head, last, err
	}
	if last, err = t.checkpoint("DESC"); err != nil {
		return head, last, err
	}
	seq, hash := last.seq, last.hash // where all rows are past their time
	_, err = t.one("SELECT chain_seq, hash FROM audit WHERE chain_seq IS NOT NULL ORDER BY chain_seq DESC LIMIT 1", nil, &seq, &hash)
	switch {
	case err != nil:
	case !t.ledger.keys.signed(head):
		err = fmt.Errorf("%w: its end is not signed", ErrChain)
	case seq != head.seq || last.seq > head.seq || !bytes.Equal(hash, head.hash):
		err = fmt.Errorf("%w: it ends at row %d, not at %d as it was left", ErrChain, seq, head.seq)
	}
	return head, last, err
}

func (t *transaction) signCheckpoint(seq int64, hash []byte) (statement, error) {
	s := t.ledger.keys.state(atCheckpoint, seq, stamp(t.at), hash)
	return s, t.putCheckpoint(s)
}

func (t *transaction) setHead(seq int64, hash []byte) error {
	s := t.ledger.keys.state(atHead, seq, stamp(t.at), hash)
	_, err := t.exec("UPDATE audit_head SET seq = ?, at = ?, hash = ?, key_id = ?, signer = ?, signature = ?",
		s.seq, s.at, s.hash, s.keyID, s.signer, s.signature)
	return err
}
