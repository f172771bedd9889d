package ledger

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"strconv"
	"time"
)

// AuditReport is what a verification found.
type AuditReport struct {
	// First and Last are the numbers of the rows that were verified, First
	// greater than Last where there are none yet. The rows before First are
	// past their time and gone.
	First int64 `json:"first"`
	Last  int64 `json:"last"`
	// Checkpoints counts the signatures verified on the way.
	Checkpoints int `json:"checkpoints"`
	// Unsealed counts the rows that await their place in the chain.
	Unsealed int `json:"unsealed"`
	// Since is when the oldest kept checkpoint was signed.
	Since time.Time `json:"since"`
	// Head is the chain's hash at Last, in hex. Kept elsewhere, it shows a
	// ledger that was replaced by an older copy of itself: nothing inside can.
	Head string `json:"head"`
	// Broken is the number of the first row that is missing, changed, moved or
	// not the ledger's, 0 where all is well. Rows that are not sealed count on
	// from Last.
	Broken int64 `json:"broken"`
	// Reason says what is wrong with it, for the operator; "" where all is
	// well.
	Reason string `json:"reason"`
}

// Whole reports that nothing is broken.
func (r AuditReport) Whole() bool { return r.Reason == "" }

// What can be wrong with a row.
const (
	brokenMissing    = "missing"
	brokenRow        = "not as it was sealed"
	brokenForeign    = "not written by the ledger"
	brokenCheckpoint = "its checkpoint is not signed, or says otherwise"
	brokenHead       = "the chain's end is not signed, or says otherwise"
	brokenOlder      = "older than the oldest checkpoint"
	brokenDropped    = "rows before it are gone before their time"
)

// VerifyAudit reads the whole chain from the oldest kept checkpoint on one
// snapshot and stops at the first fault. The error is a fault of storage only.
func (l *Ledger) VerifyAudit(ctx context.Context) (report AuditReport, err error) {
	err = l.read(ctx, func(t *transaction) error {
		v := &verification{transaction: t}
		if err := v.run(); err != nil {
			return err
		}
		report = v.report
		return nil
	})
	return report, err
}

// verification is one walk along the chain.
type verification struct {
	*transaction
	report  AuditReport
	seq     int64 // of the row before
	hash    []byte
	dropped int64 // the newest row that the ledger says it has dropped
}

func (v *verification) broken(seq int64, reason string) {
	if v.report.Whole() {
		v.report.Broken, v.report.Reason = seq, reason
	}
}

func (v *verification) run() error {
	anchor, err := v.checkpoint("ASC")
	if err != nil {
		return err
	}
	v.report.First = anchor.seq + 1
	if anchor.seq < 0 || !v.ledger.keys.signed(anchor) {
		v.broken(max(anchor.seq, 1), brokenCheckpoint)
		return nil
	}
	v.seq, v.hash, v.report.Since = anchor.seq, anchor.hash, moment(anchor.at)
	v.report.Checkpoints = 1
	for _, step := range []func() error{v.rows, v.end, v.unsealed} {
		if err := step(); err != nil || !v.report.Whole() {
			return err
		}
	}
	if anchor.seq > v.dropped {
		v.broken(anchor.seq+1, brokenDropped)
	}
	return nil
}

// rows walks along the chained rows, each with its checkpoint if it has one.
func (v *verification) rows() error {
	return v.each("SELECT "+chainColumns+`, c.seq IS NOT NULL, COALESCE(c.at, 0), c.hash, COALESCE(c.key_id, ''),
			COALESCE(c.signer, ''), c.signature
		FROM audit a LEFT JOIN audit_checkpoints c ON c.seq = a.chain_seq
		WHERE a.chain_seq IS NOT NULL ORDER BY a.chain_seq`, nil, func(scan func(...any) error) error {
		var r auditRow
		var hasCheckpoint bool
		c := statement{about: atCheckpoint}
		if err := scan(append(r.chainFields(), &hasCheckpoint, &c.at, &c.hash, &c.keyID, &c.signer, &c.signature)...); err != nil {
			return err
		}
		if !v.report.Whole() {
			return nil
		}
		c.seq = r.chainSeq
		switch {
		case r.chainSeq <= v.seq:
			v.broken(r.chainSeq, brokenOlder)
		case r.chainSeq > v.seq+1:
			v.broken(v.seq+1, brokenMissing)
		case !r.chained(v.hash):
			v.broken(r.chainSeq, brokenRow)
		case !v.ledger.own.wrote(r):
			v.broken(r.chainSeq, brokenForeign)
		case hasCheckpoint && (!bytes.Equal(c.hash, r.hash) || !v.ledger.keys.signed(c)):
			v.broken(r.chainSeq, brokenCheckpoint)
		default:
			v.seq, v.hash, v.report.Last = r.chainSeq, r.hash, r.chainSeq
			if hasCheckpoint {
				v.report.Checkpoints++
			}
			return v.noteDropped(r)
		}
		return nil
	})
}

// end compares where the rows end with where the sealer left off.
func (v *verification) end() error {
	v.report.Last, v.report.Head = v.seq, hex.EncodeToString(v.hash)
	head, found, err := v.head()
	if err != nil {
		return err
	}
	last, err := v.checkpoint("DESC")
	switch {
	case err != nil:
		return err
	case found && !v.ledger.keys.signed(head):
		v.broken(max(v.seq, 1), brokenHead)
	case found && head.seq > v.seq, last.seq > v.seq:
		v.broken(v.seq+1, brokenMissing)
	case !found:
		v.broken(max(v.seq, 1), brokenHead)
	case head.seq < v.seq:
		v.broken(head.seq+1, brokenForeign)
	case !bytes.Equal(head.hash, v.hash):
		v.broken(max(v.seq, 1), brokenHead)
	}
	return nil
}

// unsealed looks at the rows that the sealer has still to take.
func (v *verification) unsealed() error {
	return v.each("SELECT "+auditColumns+" FROM audit a WHERE a.chain_seq IS NULL ORDER BY a.seq", nil,
		func(scan func(...any) error) error {
			var r auditRow
			if err := scan(r.fields()...); err != nil {
				return err
			}
			v.report.Unsealed++
			if !v.ledger.own.wrote(r) {
				v.broken(v.seq+int64(v.report.Unsealed), brokenForeign)
				return nil
			}
			return v.noteDropped(r)
		})
}

// noteDropped learns from the ledger's own word which rows it has dropped.
func (v *verification) noteDropped(r auditRow) error {
	if r.event != EventAuditDropped || r.dataKey != v.ledger.own.id {
		return nil
	}
	plain, err := v.ledger.own.open(r)
	if err != nil {
		return err
	}
	var d detail
	if err := json.Unmarshal(plain, &d); err != nil {
		return err
	}
	through, err := strconv.ParseInt(d.Detail["through"], 10, 64)
	v.dropped = max(v.dropped, through)
	return err
}
