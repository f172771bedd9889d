package ledger

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"io/fs"
	"net/url"
	"time"

	"github.com/pressly/goose/v3"
)

// The two folders hold files of the same names, which make the same tables,
// columns and unique indexes; a test compares what they made.
//
//go:embed migrations/*/*.sql
var migrations embed.FS

// database is what differs between the two: how a transaction begins and ends,
// and how a statement is put.
type database interface {
	// begin begins a transaction that may do what it is for.
	begin(context.Context, work) (*sql.Tx, error)
	// commit returns nil once the transaction is on disk.
	commit(*sql.Tx) error
	// alone waits until no other transaction writes, and keeps it so.
	alone(*transaction) error
	// again reports whether nothing was done, and the same may succeed now.
	again(error) bool
	// say puts a statement, written with ? for each value, as the database
	// wants it.
	say(query string) string
	// forget overwrites what deleted and replaced values have left behind, as
	// far as the database lets us.
	forget(context.Context) error
	close() error
}

// openDatabase opens the database that the URL names and brings its tables up
// to date.
func openDatabase(ctx context.Context, c Config) (database, error) {
	if isPostgres(c.URL) {
		return openPostgres(ctx, c)
	}
	return openSQLite(ctx, c.URL)
}

func isPostgres(ledgerURL string) bool {
	u, err := url.Parse(ledgerURL)
	return err == nil && (u.Scheme == "postgres" || u.Scheme == "postgresql")
}

// migrate brings the tables up to date. Where two processes start at once, the
// loser of a step may find the table there; it looks again and goes on.
func migrate(ctx context.Context, db *sql.DB, dialect goose.Dialect, folder string) error {
	files, err := fs.Sub(migrations, "migrations/"+folder)
	if err != nil {
		return err
	}
	provider, err := goose.NewProvider(dialect, db, files, goose.WithDisableGlobalRegistry(true))
	if err != nil {
		return err
	}
	for tries := 1; ; tries++ {
		if _, err = provider.Up(ctx); err == nil || tries == 10 {
			return err
		}
		select {
		case <-ctx.Done():
			return errors.Join(ctx.Err(), err)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// newestVersion is that to which migrate brings the tables.
func newestVersion(folder string) (newest int64, err error) {
	files, err := fs.ReadDir(migrations, "migrations/"+folder)
	if err != nil {
		return 0, err
	}
	for _, file := range files {
		version, err := goose.NumericComponent(file.Name())
		if err != nil {
			return 0, err
		}
		newest = max(newest, version)
	}
	return newest, nil
}
