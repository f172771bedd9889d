package ledger

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"slices"
	"time"

	"github.com/pressly/goose/v3"
)

// Inspection is what a look at a ledger found, without changing it.
type Inspection struct {
	Path            string // the file
	Absent          bool   // there is none yet: Open makes it
	Version, Newest int64  // of its tables, and that to which Open brings them
	Durable         bool   // commits are on disk before they are confirmed (WAL, synchronous=FULL)
	Keys            error  // ErrKey: Open refuses for it
	Chain           error  // ErrChain: the audit chain's end is not as it was left; the rows before it are not looked at, nor the end where a key is absent
}

// errLooked ends the transaction that looks, so that nothing of it stays.
var errLooked = errors.New("ledger: looked")

// Inspect looks at a ledger beside running processes or without one. It makes
// no file, migrates nothing and writes no row, but takes the write lock for a
// moment, so that a file that cannot be written is found out. The error is
// ErrKey where the keys are none, else a fault of storage; Path is set beside
// it where it is known.
func Inspect(ctx context.Context, c Config) (found Inspection, err error) {
	keys, err := newKeyring(c.Keys, c.IndexKey)
	if err != nil {
		return found, err
	}
	if found.Path, err = sqlitePath(c.URL); err != nil {
		return found, err
	}
	if found.Newest, err = newestVersion(); err != nil {
		return found, err
	}
	if _, err := os.Stat(found.Path); errors.Is(err, fs.ErrNotExist) {
		found.Absent = true
		return found, nil
	}
	options := pragmas()
	options.Set("mode", "rw") // makes no file
	options.Set("_txlock", "immediate")
	db, err := sql.Open("sqlite", "file:"+(&url.URL{Path: found.Path}).EscapedPath()+"?"+options.Encode())
	if err != nil {
		return found, fault(err)
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	if c.Now == nil {
		c.Now = time.Now
	}
	l := &Ledger{config: c, keys: keys}
	_, err = l.run(ctx, db, func(t *transaction) error {
		if err := t.inspect(&found); err != nil {
			return err
		}
		return errLooked
	})
	if errors.Is(err, errLooked) {
		err = nil
	}
	return found, err
}

func newestVersion() (newest int64, err error) {
	files, err := fs.ReadDir(migrations, "migrations")
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

func (t *transaction) inspect(found *Inspection) error {
	var tables []string
	if err := t.each("SELECT name FROM sqlite_master WHERE type = 'table'", nil, func(scan func(...any) error) error {
		var name string
		err := scan(&name)
		tables = append(tables, name)
		return err
	}); err != nil {
		return err
	}
	if len(tables) == 0 {
		found.Durable = true // Open has yet to begin it
		return nil
	}
	if !slices.Contains(tables, "goose_db_version") || !slices.Contains(tables, "meta") {
		return errors.New("the file is another program's")
	}
	if _, err := t.one("SELECT COALESCE(MAX(version_id), 0) FROM goose_db_version WHERE is_applied", nil, &found.Version); err != nil {
		return err
	}
	var journal string
	var synchronous int
	if _, err := t.one("SELECT journal_mode, synchronous FROM pragma_journal_mode, pragma_synchronous", nil, &journal, &synchronous); err != nil {
		return err
	}
	found.Durable = journal == "wal" && synchronous == 2 // FULL
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
	var index string
	known, err := t.one("SELECT value FROM meta WHERE name = 'index_key'", nil, &index)
	if err != nil {
		return err
	}
	if known && index != t.ledger.keys.indexID {
		found.Keys = fmt.Errorf("%w: the ledger was made with index key %s, the configured one is %s", ErrKey, index, t.ledger.keys.indexID)
		return nil
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
