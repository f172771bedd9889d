package ledger

import (
	"context"
	"time"
)

// Raise counts one try and returns how many there were in the window, this
// one included, and when the window ends. The window begins with its first
// try and does not move. It is called before the check that it limits, so
// that tries at the same time on several replicas all count. Scope names the
// counter ("account", "citizen"); key is kept as a keyed hash.
func (l *Ledger) Raise(ctx context.Context, scope string, key []byte, window time.Duration) (tries int, until time.Time, err error) {
	err = l.touch(ctx, func(t *transaction) error {
		if scope == "" || window <= 0 {
			return ErrIncomplete
		}
		tries, until, err = t.raise(scope, key, t.at.Add(window))
		return err
	})
	return tries, until, err
}

// raise counts one try in the window that is open, or in one until a time.
func (t *transaction) raise(scope string, key []byte, until time.Time) (tries int, ends time.Time, err error) {
	counter := t.find("counter", scope, string(key))
	if err := t.adopt("counters", "scope", scope, counter); err != nil {
		return 0, time.Time{}, err
	}
	now, end := stamp(t.at), stamp(until)
	_, err = t.one(`INSERT INTO counters (scope, hmac, tries, until_at) VALUES (?, ?, 1, ?)
		ON CONFLICT (scope, hmac) DO UPDATE SET
			tries    = CASE WHEN counters.until_at <= ? THEN 1 ELSE counters.tries + 1 END,
			until_at = CASE WHEN counters.until_at <= ? THEN excluded.until_at ELSE counters.until_at END
		RETURNING tries, until_at`,
		[]any{scope, counter.now, end, now, now}, &tries, &end)
	return tries, moment(end), err
}

// Lower takes one try back after a success; until is what Raise returned for
// it, so that a try of the next window is never taken back. Other people's
// tries stay counted.
func (l *Ledger) Lower(ctx context.Context, scope string, key []byte, until time.Time) error {
	return l.touch(ctx, func(t *transaction) error {
		counter := t.find("counter", scope, string(key))
		_, err := t.exec("UPDATE counters SET tries = tries - 1 WHERE scope = ? AND hmac IN (?, ?) AND until_at = ? AND tries > 0",
			scope, counter.now, counter.old, stamp(until))
		return err
	})
}
