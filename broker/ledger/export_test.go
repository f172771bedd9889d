package ledger

import "context"

// WriterPragma is a setting of the connection that writes.
func (l *Ledger) WriterPragma(name string) (value string, err error) {
	err = l.writer.QueryRow("PRAGMA " + name).Scan(&value)
	return value, err
}

// AuditDetail opens the newest audit row of an event.
func (l *Ledger) AuditDetail(ctx context.Context, event string) (detail string, err error) {
	err = l.read(ctx, func(t *transaction) error {
		var id string
		var s sealed
		found, err := t.one("SELECT id, key_id, sealed FROM audit WHERE event = ? ORDER BY seq DESC LIMIT 1",
			[]any{event}, &id, &s.keyID, &s.box)
		if err != nil || !found {
			return ErrNotFound
		}
		plain, err := l.keys.open("audit", id, s)
		detail = string(plain)
		return err
	})
	return detail, err
}
