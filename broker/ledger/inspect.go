package ledger

import (
	"context"
	"database/sql"
	"errors"
	"io/fs"
	"net/url"
	"os"
	"slices"
	"time"
)

// Inspection is what a look at a ledger found, without changing it.
type Inspection struct {
	Path            string // the file; "" for PostgreSQL
	Absent          bool   // there is none yet: Open makes it
	Version, Newest int64  // of its tables, and that to which Open brings them
	Durable         bool   // commits are on disk before they are confirmed (WAL, synchronous=FULL)
	Keys            error  // ErrKey: Open refuses for it
	Chain           error  // ErrChain: the audit chain's end is not as it was left; the rows before it are not looked at, nor the end where a key is absent

	Server *Server // nil for SQLite
}

// Server is what a look at a PostgreSQL server found.
type Server struct {
	Version   string        // as it says it
	TooOld    bool          // for the ledger
	Standby   bool          // it only reads, or the URL's user may only read
	Forbidden []string      // what the URL's user may not do and Open or the ledger must
	Free      int           // connections that are still to be had
	Latency   time.Duration // of one question and its answer, the quickest of a few
	Clock     time.Duration // how far the server's clock is ahead of ours
}

// errForeign is the fault of a file or database that holds another program's
// tables.
var errForeign = errors.New("the tables are another program's")

// errLooked ends the transaction that looks, so that nothing of it stays.
var errLooked = errors.New("ledger: looked")

// Inspect looks at a ledger beside running processes or without one. It makes
// no file, migrates nothing and writes no row, but takes the write lock for a
// moment, so that a file that cannot be written is found out. The error is
// ErrKey where the keys are none, else a fault of storage; Path is set beside
// it where it is known.
func Inspect(ctx context.Context, c Config) (found Inspection, err error) {
	keys, err := newKeyring(c.Keys, c.IndexKey, c.NextIndexKey)
	if err != nil {
		return found, err
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	l := &Ledger{config: c, keys: keys, looking: true}
	if isPostgres(c.URL) {
		err = l.inspectPostgres(ctx, &found)
	} else {
		err = l.inspectSQLite(ctx, &found)
	}
	return found, err
}

func (l *Ledger) inspectSQLite(ctx context.Context, found *Inspection) (err error) {
	if found.Path, err = sqlitePath(l.config.URL); err != nil {
		return err
	}
	if found.Newest, err = newestVersion("sqlite"); err != nil {
		return err
	}
	if _, err := os.Stat(found.Path); errors.Is(err, fs.ErrNotExist) {
		found.Absent = true
		return nil
	}
	options := pragmas()
	options.Set("mode", "rw") // makes no file
	options.Set("_txlock", "immediate")
	db, err := sql.Open("sqlite", "file:"+(&url.URL{Path: found.Path}).EscapedPath()+"?"+options.Encode())
	if err != nil {
		return fault(err)
	}
	l.db = &sqlite{db, db}
	defer func() { err = errors.Join(err, db.Close()) }()
	return l.look(ctx, func(t *transaction) error {
		var tables []string
		if err := t.each("SELECT name FROM sqlite_master WHERE type = 'table'", nil, collect(&tables)); err != nil {
			return err
		}
		if len(tables) == 0 {
			found.Durable = true // Open has yet to begin it
			return nil
		}
		var journal string
		var synchronous int
		if _, err := t.one("SELECT journal_mode, synchronous FROM pragma_journal_mode, pragma_synchronous", nil, &journal, &synchronous); err != nil {
			return err
		}
		found.Durable = journal == "wal" && synchronous == 2 // FULL
		return t.inspect(found, tables)
	})
}

// look runs do as a change of which nothing stays.
func (l *Ledger) look(ctx context.Context, do func(*transaction) error) error {
	err := l.change(ctx, func(t *transaction) error {
		if err := do(t); err != nil {
			return err
		}
		return errLooked
	})
	if errors.Is(err, errLooked) {
		return nil
	}
	return err
}

// collect reads one text of each row.
func collect(into *[]string) func(scan func(...any) error) error {
	return func(scan func(...any) error) error {
		var text string
		err := scan(&text)
		*into = append(*into, text)
		return err
	}
}

// inspect looks at the tables, of which there are some.
func (t *transaction) inspect(found *Inspection, tables []string) error {
	if !slices.Contains(tables, "goose_db_version") || !slices.Contains(tables, "meta") {
		return errForeign
	}
	if _, err := t.one("SELECT COALESCE(MAX(version_id), 0) FROM goose_db_version WHERE is_applied", nil, &found.Version); err != nil {
		return err
	}
	if found.Version != found.Newest {
		tables = slices.DeleteFunc(tables, func(name string) bool { return name == "audit_head" }) // its form may be another
	}
	if err := t.inspectKeys(found, tables); err != nil {
		return err
	}
	if found.Keys != nil || !slices.Contains(tables, "audit_head") { // without its key no signature can be verified
		return nil
	}
	_, begun, err := t.head()
	if err != nil {
		return err
	}
	if last, err := t.checkpoint("DESC"); err != nil || !begun && last.seq < 0 {
		return err
	}
	_, _, found.Chain = t.soundEnd()
	return refusalOnly(&found.Chain)
}

func (t *transaction) inspectKeys(found *Inspection, tables []string) error {
	if found.Keys = t.readIndex(); found.Keys != nil {
		return refusalOnly(&found.Keys)
	}
	// As Open does: revocations past their time need no key. It is undone with
	// the transaction.
	if slices.Contains(tables, "revocations") {
		if _, err := t.exec("DELETE FROM revocations WHERE until_at <= ?", stamp(t.at.Add(-clockSkew))); err != nil {
			return err
		}
	}
	for _, table := range keyedTables {
		if found.Keys == nil && slices.Contains(tables, table) {
			found.Keys = t.checkTable(table)
		}
	}
	return refusalOnly(&found.Keys)
}

// refusalOnly leaves a refusal where it is and returns any other fault.
func refusalOnly(err *error) error {
	if refusal := Error(""); *err == nil || errors.As(*err, &refusal) {
		return nil
	}
	other := *err
	*err = nil
	return other
}
