package ledger

import (
	"context"
	"time"
)

// PutDueSecret is PutSecret for a value that falls due.
func (l *Ledger) PutDueSecret(ctx context.Context, key, value []byte, due, expires time.Time) error {
	return l.change(ctx, func(t *transaction) error {
		if len(key) == 0 || len(value) == 0 || due.IsZero() {
			return ErrIncomplete
		}
		name := t.find("secret", string(key))
		if err := t.adopt("secrets", "", "", name); err != nil {
			return err
		}
		_, err := t.exec(`INSERT INTO secrets (hmac, value, expires_at, due_at) VALUES (?, ?, ?, ?)
			ON CONFLICT (hmac) DO UPDATE SET value = excluded.value, expires_at = excluded.expires_at,
				due_at = excluded.due_at, fence = secrets.fence + 1`,
			name.now, value, stamp(expires), stamp(due))
		return err
	})
}

// ClaimDueSecret gives a value that is due to one caller: whichever process
// asks, nobody else is given it until the lease has passed. fence is what
// RenewDueSecret asks for. ErrNotFound where there is none, where it is not due
// or where somebody has it.
func (l *Ledger) ClaimDueSecret(ctx context.Context, key []byte, lease time.Duration) (value []byte, fence int64, err error) {
	const due = "SELECT value, fence FROM secrets WHERE hmac IN (?, ?) AND expires_at > ? AND due_at > 0 AND due_at <= ?"
	find := func(t *transaction) error {
		found, err := t.one(due, append(t.find("secret", string(key)).both(), stamp(t.at), stamp(t.at)), &value, &fence)
		if err == nil && !found {
			return ErrNotFound
		}
		return err
	}
	// Mostly it is not, and nothing is written then.
	if err := l.read(ctx, find); err != nil {
		return nil, 0, err
	}
	err = l.change(ctx, func(t *transaction) error {
		if err := find(t); err != nil {
			return err
		}
		fence++
		name := t.find("secret", string(key))
		_, err := t.exec("UPDATE secrets SET due_at = ?, fence = ? WHERE hmac IN (?, ?)", stamp(t.at.Add(lease)), fence, name.now, name.old)
		return err
	})
	if err != nil {
		return nil, 0, err
	}
	return value, fence, nil
}

// RenewDueSecret puts another value in the place of a claimed one, and says
// when it falls due. ErrSpent where somebody else has claimed it since, or it
// is gone: then nothing has changed.
func (l *Ledger) RenewDueSecret(ctx context.Context, key []byte, fence int64, value []byte, due time.Time) error {
	return l.change(ctx, func(t *transaction) error {
		if len(value) == 0 || due.IsZero() {
			return ErrIncomplete
		}
		name := t.find("secret", string(key))
		rows, err := t.exec("UPDATE secrets SET value = ?, due_at = ? WHERE hmac IN (?, ?) AND fence = ?",
			value, stamp(due), name.now, name.old, fence)
		if err == nil && rows == 0 {
			return ErrSpent
		}
		return err
	})
}
