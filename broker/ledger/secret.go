package ledger

import (
	"context"
	"time"
)

// PutSecret keeps a value until it expires, replacing an earlier one of the
// same key. The value must come sealed under something that only the session
// cookie yields; the ledger keeps it as it is, and the key as a keyed hash.
func (l *Ledger) PutSecret(ctx context.Context, key, value []byte, expires time.Time) error {
	return l.touch(ctx, func(t *transaction) error {
		if len(key) == 0 || len(value) == 0 {
			return ErrIncomplete
		}
		name := t.find("secret", string(key))
		if err := t.adopt("secrets", "", "", name); err != nil {
			return err
		}
		_, err := t.exec(`INSERT INTO secrets (hmac, value, expires_at) VALUES (?, ?, ?)
			ON CONFLICT (hmac) DO UPDATE SET value = excluded.value, expires_at = excluded.expires_at`,
			name.now, value, stamp(expires))
		return err
	})
}

// GetSecret returns the value; ErrNotFound where there is none or it expired.
func (l *Ledger) GetSecret(ctx context.Context, key []byte) (value []byte, err error) {
	err = l.read(ctx, func(t *transaction) error {
		found, err := t.one("SELECT value FROM secrets WHERE hmac IN (?, ?) AND expires_at > ?",
			append(t.find("secret", string(key)).both(), stamp(t.at)), &value)
		if err == nil && !found {
			return ErrNotFound
		}
		return err
	})
	return value, err
}

// DeleteSecret forgets the value; nil where there was none.
func (l *Ledger) DeleteSecret(ctx context.Context, key []byte) error {
	return l.touch(ctx, func(t *transaction) error {
		_, err := t.exec("DELETE FROM secrets WHERE hmac IN (?, ?)", t.find("secret", string(key)).both()...)
		return err
	})
}
