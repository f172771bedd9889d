package ledger

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
)

// How many connections one process keeps at most, and for how long.
const (
	postgresWriters = 16
	postgresReaders = 8
	postgresIdle    = 5 * time.Minute
	postgresLife    = 30 * time.Minute // so that processes come back to a server that was away
)

// PostgresConnections is how many connections one process may open.
const PostgresConnections = postgresWriters + postgresReaders

// How long the server waits for us, in milliseconds. A process that was
// stopped in the midst of a change holds everybody's lock until the server
// ends its transaction.
const (
	postgresStatement = "15000" // of one statement that writes
	postgresLock      = "10000" // for a lock
	postgresAbandoned = "5000"  // between two statements of a transaction
)

// The locks of a ledger's database, held to the end of a transaction: every
// change holds changeLock, one at a time; every touch shares indexLock, which
// is held alone while the index key is switched.
const (
	changeLock  int64 = 0x766e656964_0001
	indexLock   int64 = 0x766e656964_0002
	migrateLock int64 = 0x766e656964_0003
)

// oldestPostgres is the oldest major version that the ledger runs on.
const oldestPostgres = 14

var errNotDurable = errors.New("PostgreSQL confirms commits before they are on disk: set synchronous_commit and fsync to on for this database and user")

// postgres is one database of a server. Transactions that write are READ
// COMMITTED: a change holds a lock of the whole ledger before its first
// statement looks, so each of its statements sees all that was changed before
// it, as with SQLite's one writer. The lock is let go after the commit can be
// seen, so rows become visible in the order of their numbers.
type postgres struct{ writer, reader *sql.DB }

func openPostgres(ctx context.Context, c Config) (*postgres, error) {
	config, err := postgresConfig(c)
	if err != nil {
		return nil, err
	}
	writing := config.Copy()
	writing.RuntimeParams["statement_timeout"] = postgresStatement
	if err := migratePostgres(ctx, config); err != nil {
		return nil, err
	}
	return &postgres{
		writer: postgresPool(writing, postgresWriters),
		reader: postgresPool(config, postgresReaders),
	}, nil
}

// migratePostgres lets one process at a time bring the tables up to date, for
// as long as that takes.
func migratePostgres(ctx context.Context, config *pgx.ConnConfig) (err error) {
	db := stdlib.OpenDB(*config, stdlib.OptionAfterConnect(durable))
	defer func() { err = errors.Join(err, db.Close()) }()
	lock, err := db.Conn(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, lock.Close()) }() // the lock goes with the connection
	if _, err := lock.ExecContext(ctx, "SET lock_timeout = 0"); err != nil {
		return err
	}
	if _, err := lock.ExecContext(ctx, "SELECT pg_advisory_lock($1)", migrateLock); err != nil {
		return err
	}
	return migrate(ctx, db, goose.DialectPostgres, "postgres")
}

// postgresConfig reads the URL. Its faults are not repeated: they may hold the
// password.
func postgresConfig(c Config) (*pgx.ConnConfig, error) {
	config, err := pgx.ParseConfig(c.URL)
	if err != nil {
		return nil, Error("ledger: the URL is not postgres://user@host/database with the parameters that libpq knows")
	}
	if c.Password != "" {
		config.Password = c.Password
	}
	if config.ConnectTimeout == 0 {
		config.ConnectTimeout = 5 * time.Second
	}
	config.RuntimeParams["application_name"] = "vneid-proxy"
	config.RuntimeParams["lock_timeout"] = postgresLock
	config.RuntimeParams["idle_in_transaction_session_timeout"] = postgresAbandoned
	return config, nil
}

func postgresPool(config *pgx.ConnConfig, most int) *sql.DB {
	db := stdlib.OpenDB(*config, stdlib.OptionAfterConnect(durable))
	db.SetMaxOpenConns(most)
	db.SetMaxIdleConns(most)
	db.SetConnMaxIdleTime(postgresIdle)
	db.SetConnMaxLifetime(postgresLife)
	return db
}

// durable refuses a connection whose commits are confirmed before they are on
// disk. It looks at each, since a server, a database or a role may be set
// otherwise at any time.
func durable(ctx context.Context, c *pgx.Conn) error {
	var version int
	var synchronous, fsync string
	if err := c.QueryRow(ctx, `SELECT current_setting('server_version_num')::int, current_setting('synchronous_commit'),
		current_setting('fsync')`).Scan(&version, &synchronous, &fsync); err != nil {
		return err
	}
	switch {
	case version/10000 < oldestPostgres:
		return fmt.Errorf("PostgreSQL %d is too old: it must be %d or newer", version/10000, oldestPostgres)
	case synchronous == "off" || fsync == "off":
		return errNotDurable
	}
	return nil
}

func (p *postgres) begin(ctx context.Context, purpose work) (*sql.Tx, error) {
	if purpose == reading {
		t, err := p.reader.BeginTx(ctx, &sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true})
		return t, err
	}
	t, err := p.writer.BeginTx(ctx, &sql.TxOptions{Isolation: sql.LevelReadCommitted})
	if err != nil {
		return nil, err
	}
	if purpose == changing {
		_, err = t.ExecContext(ctx, "SELECT pg_advisory_xact_lock($1)", changeLock)
	} else {
		_, err = t.ExecContext(ctx, "SELECT pg_advisory_xact_lock_shared($1)", indexLock)
	}
	if err != nil {
		return nil, errors.Join(err, t.Rollback())
	}
	return t, nil
}

func (p *postgres) alone(t *transaction) error {
	_, err := t.exec("SELECT pg_advisory_xact_lock(?)", indexLock)
	return err
}

// commit says so where nobody can know the outcome: the connection broke after
// COMMIT was sent and before it was answered.
func (p *postgres) commit(t *sql.Tx) error {
	err := t.Commit()
	var answered *pgconn.PgError
	if err != nil && !errors.As(err, &answered) {
		return fmt.Errorf("the outcome of a commit is unknown: %w", err)
	}
	return err
}

// again is for transactions that the server has undone for the sake of another
// one: serialization_failure, deadlock_detected, and unique_violation, where
// two touches made the same row.
func (p *postgres) again(err error) bool {
	var answered *pgconn.PgError
	return errors.As(err, &answered) &&
		(answered.Code == "40001" || answered.Code == "40P01" || answered.Code == "23505")
}

// say numbers the placeholders. No statement holds a ? of another meaning.
func (p *postgres) say(query string) string {
	var said strings.Builder
	for n := 1; ; n++ {
		before, after, found := strings.Cut(query, "?")
		said.WriteString(before)
		if !found {
			return said.String()
		}
		said.WriteString("$" + strconv.Itoa(n))
		query = after
	}
}

// forget frees what was overwritten. The server's own log, its archive and its
// replicas hold it for as long as they are kept.
func (p *postgres) forget(ctx context.Context) error {
	_, err := p.writer.ExecContext(ctx, "VACUUM audit_keys")
	return err
}

func (p *postgres) close() error { return errors.Join(p.reader.Close(), p.writer.Close()) }
