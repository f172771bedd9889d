package ledger

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/pressly/goose/v3"
	_ "modernc.org/sqlite" // the driver "sqlite"
)

// sqlite is one file, open twice: one connection that writes, since SQLite has
// one writer at a time anyway, and several that only read.
type sqlite struct{ writer, reader *sql.DB }

func (s *sqlite) begin(ctx context.Context, purpose work) (*sql.Tx, error) {
	if purpose == reading {
		return s.reader.BeginTx(ctx, nil)
	}
	return s.writer.BeginTx(ctx, nil)
}

func (s *sqlite) commit(t *sql.Tx) error { return t.Commit() }

// alone is what every transaction that writes is.
func (s *sqlite) alone(*transaction) error { return nil }

// again is never: who writes has the lock from the beginning.
func (s *sqlite) again(error) bool { return false }

func (s *sqlite) say(query string) string { return query }

func (s *sqlite) close() error { return errors.Join(s.reader.Close(), s.writer.Close()) }

// forget moves what the write-ahead log holds into the file and cuts it off,
// so that what was overwritten in the one is not left in the other.
func (s *sqlite) forget(ctx context.Context) error {
	var busy, logged, moved int
	err := s.writer.QueryRowContext(ctx, "PRAGMA wal_checkpoint(TRUNCATE)").Scan(&busy, &logged, &moved)
	if err == nil && busy != 0 {
		return errors.New("somebody is reading")
	}
	return err
}

func openSQLite(ctx context.Context, ledgerURL string) (*sqlite, error) {
	path, err := sqlitePath(ledgerURL)
	if err != nil {
		return nil, err
	}
	if err := ownFile(path); err != nil {
		return nil, err
	}
	pragmas := pragmas()
	pragmas.Set("_journal_mode", "WAL")
	name := "file:" + (&url.URL{Path: path}).EscapedPath()
	readPragmas := name + "?" + pragmas.Encode() + "&_query_only=1"
	// A transaction that starts as reader and then writes can fail for having
	// read too early; one that will write takes the lock first.
	pragmas.Set("_txlock", "immediate")
	writer, err := sql.Open("sqlite", name+"?"+pragmas.Encode())
	if err != nil {
		return nil, err
	}
	writer.SetMaxOpenConns(1)
	if err := migrate(ctx, writer, goose.DialectSQLite3, "sqlite"); err != nil {
		return nil, errors.Join(err, writer.Close())
	}
	reader, err := sql.Open("sqlite", readPragmas)
	if err != nil {
		return nil, errors.Join(err, writer.Close())
	}
	reader.SetMaxOpenConns(8)
	reader.SetMaxIdleConns(8)
	return &sqlite{writer, reader}, nil
}

// pragmas are those of every connection.
func pragmas() url.Values {
	// synchronous=FULL syncs the log at every commit; NORMAL could lose the
	// last ones with the power. secure_delete overwrites what is deleted.
	return url.Values{
		"_busy_timeout": {"5000"},
		"_foreign_keys": {"1"},
		"_synchronous":  {"FULL"},
		"_pragma":       {"secure_delete(1)"},
		"_defensive":    {"1"},
		"_dqs":          {"0"},
	}
}

// sqlitePath reads sqlite:///absolute or sqlite:relative.
func sqlitePath(ledgerURL string) (string, error) {
	u, err := url.Parse(ledgerURL)
	if err != nil || u.Scheme != "sqlite" || u.Host != "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		// The text is not repeated: another scheme's URL may hold a password.
		return "", Error("ledger: the URL is neither postgres://… nor sqlite:///absolute/path or sqlite:relative/path")
	}
	path := u.Path
	if u.Opaque != "" {
		if path, err = url.PathUnescape(u.Opaque); err != nil {
			return "", Error("ledger: the URL's path is not well escaped")
		}
	}
	if path == "" || strings.HasSuffix(path, "/") || strings.ContainsRune(path, 0) {
		return "", Error("ledger: the URL names no file")
	}
	return filepath.Abs(path)
}

// ownFile makes the file for its owner alone, or takes others' rights to it
// away. SQLite gives its log and index files the same mode. An existing file
// is not opened here: closing it would drop the locks that SQLite holds on it
// elsewhere in this process.
func ownFile(path string) error {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	switch {
	case err == nil:
		return file.Close()
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("the ledger's directory %s must exist: %w", filepath.Dir(path), err)
	case !errors.Is(err, fs.ErrExist):
		return err
	}
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() {
		return fmt.Errorf("the ledger %s is not a file", path)
	}
	if info.Mode().Perm()&0o077 != 0 {
		return os.Chmod(path, 0o600)
	}
	return nil
}
