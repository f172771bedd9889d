package ledger

import (
	"context"
	"time"
)

// WriterPragma is a setting of the connection that writes.
func (l *Ledger) WriterPragma(name string) (value string, err error) {
	err = l.db.(*sqlite).writer.QueryRow("PRAGMA " + name).Scan(&value)
	return value, err
}

// MigratePostgres makes the tables and nothing in them.
func MigratePostgres(ctx context.Context, url string) error {
	config, err := postgresConfig(Config{URL: url})
	if err != nil {
		return err
	}
	return migratePostgres(ctx, config)
}

// AuditDetail opens the newest audit row of an event.
func (l *Ledger) AuditDetail(ctx context.Context, event string) (detail string, err error) {
	err = l.read(ctx, func(t *transaction) error {
		var r auditRow
		found, err := t.one("SELECT "+auditColumns+" FROM audit a WHERE a.event = ? ORDER BY a.seq DESC LIMIT 1", []any{event}, r.fields()...)
		if err != nil || !found {
			return ErrNotFound
		}
		var s sealed
		var citizenID string
		if _, err := t.one("SELECT citizen_id, key_id, sealed FROM audit_keys WHERE id = ?", []any{r.dataKey}, &citizenID, &s.keyID, &s.box); err != nil {
			return err
		}
		raw, err := l.keys.open("audit_keys", r.dataKey, s)
		if err != nil {
			return err
		}
		key, err := newDataKey(r.dataKey, raw)
		if err != nil {
			return err
		}
		plain, err := key.open(r)
		detail = string(plain)
		return err
	})
	return detail, err
}

// Forget makes the ledger look as one from before there was a chain.
func (l *Ledger) Forget(ctx context.Context) error {
	return l.change(ctx, func(t *transaction) error {
		var rows []auditRow
		if err := t.each("SELECT "+auditColumns+" FROM audit a", nil, func(scan func(...any) error) error {
			var r auditRow
			err := scan(r.fields()...)
			rows = append(rows, r)
			return err
		}); err != nil {
			return err
		}
		for _, r := range rows {
			s := l.keys.seal("audit", r.id, []byte(`{"actor":"`+r.event+`"}`))
			if _, err := t.exec(`UPDATE audit SET key_id = ?, sealed = ?, data_key = '', mac = NULL,
				chain_seq = NULL, prev = NULL, hash = NULL WHERE seq = ?`, s.keyID, s.box, r.seq); err != nil {
				return err
			}
		}
		for _, table := range []string{"audit_keys", "audit_checkpoints", "audit_head"} {
			if _, err := t.exec("DELETE FROM " + table); err != nil {
				return err
			}
		}
		return nil
	})
}

// Held is a transaction that waits before it commits.
type Held struct {
	release chan struct{}
	done    chan error
}

// Release lets it commit and returns how that went.
func (h Held) Release() error {
	close(h.release)
	return <-h.done
}

// HoldRevocation ends a session in a transaction that stays open.
func (l *Ledger) HoldRevocation(ctx context.Context, sessionID []byte, until time.Time) Held {
	return hold(func(do func(*transaction) error) error { return l.touch(ctx, do) }, func(t *transaction) error {
		return t.revoke(entry{kind: endedSession, value: string(sessionID)}, forever, until)
	})
}

// HoldAudit writes an audit row in a transaction that stays open.
func (l *Ledger) HoldAudit(ctx context.Context, e Event) Held {
	return hold(func(do func(*transaction) error) error { return l.touch(ctx, do) }, func(t *transaction) error { return t.audit(e) })
}

// HoldChange is a change that stays open and has one more statement to say.
func (l *Ledger) HoldChange(ctx context.Context) Held {
	h := hold(func(do func(*transaction) error) error {
		return l.change(ctx, func(t *transaction) error {
			if err := do(t); err != nil {
				return err
			}
			return t.audit(Event{Name: "too late"})
		})
	}, func(*transaction) error { return nil })
	return h
}

// hold returns once do has been run.
func hold(run func(func(*transaction) error) error, do func(*transaction) error) Held {
	h := Held{make(chan struct{}), make(chan error, 1)}
	open := make(chan struct{})
	go func() {
		h.done <- run(func(t *transaction) error {
			if err := do(t); err != nil {
				return err
			}
			close(open)
			<-h.release
			return nil
		})
	}()
	<-open
	return h
}

// Known are the tables and columns that the ledger's own lists name: whose keys
// are asked for at start, what is sealed anew, what is found anew.
func Known() (keyed, sealed, found []string) {
	for _, table := range sealedTables {
		sealed = append(sealed, table.name)
	}
	for _, f := range foundTables() {
		for _, column := range f.hash {
			found = append(found, f.name+"."+column)
		}
	}
	return keyedTables, sealed, found
}
