package ledger

import (
	"context"
	"time"
)

// claimBatch is how many checks one claim takes: few enough to be asked one
// after the other within a lease.
const claimBatch = 8

// ClaimPending takes a few open checks that are due, the longest due first.
// Nobody else is given them until the lease has passed, or PostponePending
// gives them back.
func (l *Ledger) ClaimPending(ctx context.Context, lease time.Duration) (claimed []Pending, err error) {
	// Most seconds nothing is due, and nothing is written then.
	due := false
	if err := l.read(ctx, func(t *transaction) (err error) {
		var one int
		due, err = t.one("SELECT 1 FROM pending WHERE closed_at IS NULL AND next_at <= ? LIMIT 1", []any{stamp(t.at)}, &one)
		return err
	}); err != nil || !due {
		return nil, err
	}
	err = l.change(ctx, func(t *transaction) error {
		if claimed, err = t.checks("closed_at IS NULL AND next_at <= ? ORDER BY next_at, id LIMIT ?", stamp(t.at), claimBatch); err != nil {
			return err
		}
		for i := range claimed {
			claimed[i].Tries++
			if _, err := t.exec("UPDATE pending SET tries = tries + 1, next_at = ? WHERE id = ?",
				stamp(t.at.Add(lease)), claimed[i].ID); err != nil {
				return err
			}
		}
		return nil
	})
	return claimed, err
}

// PostponePending gives a claimed check back, to be claimed again from a time
// on. A check that was answered meanwhile stays answered.
func (l *Ledger) PostponePending(ctx context.Context, id string, until time.Time) error {
	return l.change(ctx, func(t *transaction) error {
		_, err := t.exec("UPDATE pending SET next_at = ? WHERE id = ? AND closed_at IS NULL", stamp(until), id)
		return err
	})
}
