package ledger

import (
	"context"
	"time"
)

// claimBatch is how many rows one claim takes: few enough to be asked about
// one after the other within a lease.
const claimBatch = 8

// ClaimPending takes a few open checks that are due, the longest due first.
// Nobody else is given them until the lease has passed, or PostponePending
// gives them back.
func (l *Ledger) ClaimPending(ctx context.Context, lease time.Duration) ([]Pending, error) {
	return claim(ctx, l, "pending", lease, func(t *transaction, id string) (Pending, error) {
		found, err := t.checks("id = ?", id)
		if err != nil || len(found) == 0 {
			return Pending{}, err
		}
		return found[0], nil
	})
}

// PostponePending gives a claimed check back, to be claimed again from a time
// on. A check that was answered meanwhile stays answered.
func (l *Ledger) PostponePending(ctx context.Context, id string, until time.Time) error {
	return l.postpone(ctx, "pending", id, until)
}

// claim takes a few open rows that are due of a table that others wait in, and
// has read read each.
func claim[T any](ctx context.Context, l *Ledger, table string, lease time.Duration, read func(t *transaction, id string) (T, error)) (claimed []T, err error) {
	// Most seconds nothing is due, and nothing is written then.
	due := false
	if err := l.read(ctx, func(t *transaction) (err error) {
		var one int
		due, err = t.one("SELECT 1 FROM "+table+" WHERE closed_at IS NULL AND next_at <= ? LIMIT 1", []any{stamp(t.at)}, &one)
		return err
	}); err != nil || !due {
		return nil, err
	}
	err = l.change(ctx, func(t *transaction) error {
		claimed = nil
		var ids []string
		if err := t.each("SELECT id FROM "+table+" WHERE closed_at IS NULL AND next_at <= ? ORDER BY next_at, id LIMIT ?",
			[]any{stamp(t.at), claimBatch}, func(scan func(...any) error) error {
				var id string
				err := scan(&id)
				ids = append(ids, id)
				return err
			}); err != nil {
			return err
		}
		for _, id := range ids {
			if _, err := t.exec("UPDATE "+table+" SET tries = tries + 1, next_at = ? WHERE id = ?", stamp(t.at.Add(lease)), id); err != nil {
				return err
			}
			one, err := read(t, id)
			if err != nil {
				return err
			}
			claimed = append(claimed, one)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return claimed, nil
}

func (l *Ledger) postpone(ctx context.Context, table, id string, until time.Time) error {
	return l.touch(ctx, func(t *transaction) error {
		_, err := t.exec("UPDATE "+table+" SET next_at = ? WHERE id = ? AND closed_at IS NULL", stamp(until), id)
		return err
	})
}
