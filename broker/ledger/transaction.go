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
}

// change runs do in one writing transaction and returns once it is on disk.
func (l *Ledger) change(ctx context.Context, do func(*transaction) error) error {
	t, err := l.run(ctx, l.writer, do)
	if err == nil && t.revoked {
		l.tellFeeds(ctx)
	}
	return err
}

// read runs do on one snapshot.
func (l *Ledger) read(ctx context.Context, do func(*transaction) error) error {
	_, err := l.run(ctx, l.reader, do)
	return err
}

func (l *Ledger) run(ctx context.Context, db *sql.DB, do func(*transaction) error) (*transaction, error) {
	begun, err := db.BeginTx(ctx, nil)
	if err != nil {
		return nil, fault(err)
	}
	defer func() { _ = begun.Rollback() }() // no effect after Commit
	t := &transaction{ctx: ctx, sql: begun, ledger: l, at: l.now()}
	if err := do(t); err != nil {
		return nil, fault(err)
	}
	if err := begun.Commit(); err != nil {
		return nil, fault(err)
	}
	return t, nil
}

// exec returns how many rows it touched.
func (t *transaction) exec(query string, args ...any) (int64, error) {
	result, err := t.sql.ExecContext(t.ctx, query, args...)
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}

// one reads at most one row into dest and reports whether there was one.
func (t *transaction) one(query string, args []any, dest ...any) (bool, error) {
	err := t.sql.QueryRowContext(t.ctx, query, args...).Scan(dest...)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	return err == nil, err
}

// each calls row for every row of the answer. row must not start another
// statement: the connection is busy with this one.
func (t *transaction) each(query string, args []any, row func(scan func(...any) error) error) error {
	rows, err := t.sql.QueryContext(t.ctx, query, args...)
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
