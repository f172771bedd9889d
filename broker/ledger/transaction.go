package ledger

import (
	"context"
	"database/sql"
	"errors"
	"time"
)

// transaction is where every statement passes, with ? for each value: the one
// place that knows of another database's placeholders.
type transaction struct {
	ctx     context.Context
	sql     *sql.Tx
	ledger  *Ledger
	at      time.Time // one moment for all that the transaction writes
	revoked bool      // the feeds have something to read
	index   index     // what finds rows
}

// work is what a transaction is for.
type work int

const (
	reading  work = iota // one snapshot, nothing written
	changing             // looks at several rows before it writes: one at a time in the whole ledger
	touching             // each statement decides by itself, by the index it meets: many at a time
)

// change runs do in one writing transaction and returns once it is on disk. No
// other change runs meanwhile, in whichever process, so what do has read holds
// until it is done. do may be run again from the beginning: what it sets
// outside, it sets anew.
func (l *Ledger) change(ctx context.Context, do func(*transaction) error) error {
	return l.write(ctx, changing, do)
}

// touch is change for a transaction of which every statement is right by
// itself, whatever is written beside it: several run at once where the
// database lets them.
func (l *Ledger) touch(ctx context.Context, do func(*transaction) error) error {
	return l.write(ctx, touching, do)
}

func (l *Ledger) write(ctx context.Context, purpose work, do func(*transaction) error) error {
	t, err := l.run(ctx, purpose, do)
	if err == nil && t.revoked {
		l.tellFeeds(ctx)
	}
	return err
}

// read runs do on one snapshot.
func (l *Ledger) read(ctx context.Context, do func(*transaction) error) error {
	_, err := l.run(ctx, reading, do)
	return err
}

// mostTries is how often a transaction is begun that the database gave up for
// the sake of another.
const mostTries = 5

func (l *Ledger) run(ctx context.Context, purpose work, do func(*transaction) error) (t *transaction, err error) {
	for tries := 1; ; tries++ {
		if t, err = l.runOnce(ctx, purpose, do); err == nil || tries == mostTries || !l.db.again(err) {
			return t, fault(err)
		}
	}
}

func (l *Ledger) runOnce(ctx context.Context, purpose work, do func(*transaction) error) (*transaction, error) {
	begun, err := l.db.begin(ctx, purpose)
	if err != nil {
		return nil, err
	}
	defer func() { _ = begun.Rollback() }() // no effect after Commit
	t := &transaction{ctx: ctx, sql: begun, ledger: l, at: l.now()}
	if !l.looking {
		if err := t.readIndex(); err != nil {
			return nil, err
		}
	}
	if err := do(t); err != nil {
		return nil, err
	}
	return t, l.db.commit(begun)
}

// exec returns how many rows it touched.
func (t *transaction) exec(query string, args ...any) (int64, error) {
	result, err := t.sql.ExecContext(t.ctx, t.ledger.db.say(query), args...)
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}

// one reads at most one row into dest and reports whether there was one.
func (t *transaction) one(query string, args []any, dest ...any) (bool, error) {
	err := t.sql.QueryRowContext(t.ctx, t.ledger.db.say(query), args...).Scan(dest...)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	return err == nil, err
}

// each calls row for every row of the answer. row must not start another
// statement: the connection is busy with this one.
func (t *transaction) each(query string, args []any, row func(scan func(...any) error) error) error {
	rows, err := t.sql.QueryContext(t.ctx, t.ledger.db.say(query), args...)
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		if err := row(rows.Scan); err != nil {
			return err
		}
	}
	return rows.Err()
}

func stamp(t time.Time) int64 { return t.UnixMilli() }

func moment(stamp int64) time.Time { return time.UnixMilli(stamp) }
