package directory

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	_ "modernc.org/sqlite" // the driver "sqlite"

	"vneid-proxy/identity"
)

// Imported is what an import has kept.
type Imported struct {
	Accounts   int // in all
	Unreadable int // of them, with a number or a birth date that could only be kept as text
}

// maxFaults is how many faults an error names; it counts all.
const maxFaults = 20

// Import reads accounts from comma-separated values and puts them into the
// file at path, which OpenEmbedded opens, in the place of what was there: whole
// or, on any error, not at all. Whoever has the file open reads the former
// accounts to the end of the answer. It holds one row in memory; what SQLite
// sorts is in files of the system's temporary folder.
//
// The first line names the columns; see columns. A number or birth date that
// is none is kept as text, for a scan to find; any other fault, an id that
// occurs twice included, refuses the file, and the error names the first 20
// with line and column. amend, if not nil, has the last word on what is kept of
// a row, such as a number with its lost zeros put back. The file is its owner's
// alone, and holds in clear what the portal itself does.
func Import(ctx context.Context, path string, from io.Reader, amend func(Record) Record) (kept Imported, err error) {
	// Nothing but accounts is replaced.
	if _, err := os.Stat(path); err == nil {
		old, err := openAccounts(ctx, path)
		if err != nil {
			return Imported{}, fmt.Errorf("directory: %w", err)
		}
		_ = old.Close()
	}
	folder, prefix := filepath.Dir(path), filepath.Base(path)+".import-"
	if err := removeLeftovers(folder, prefix); err != nil {
		return Imported{}, fmt.Errorf("directory: %w", err)
	}
	file, err := os.CreateTemp(folder, prefix+"*") // mode 0600
	if err != nil {
		return Imported{}, fmt.Errorf("directory: %w", err)
	}
	defer func() {
		if err != nil {
			_ = os.Remove(file.Name())
		}
	}()
	// A crash leaves a file that nobody opens, so nothing is journalled or
	// synced on the way.
	db, err := openSQLite(file.Name(), "_journal_mode=OFF&_synchronous=OFF&_locking_mode=EXCLUSIVE")
	if err == nil {
		kept, err = fill(ctx, db, from, amend)
		err = errors.Join(err, db.Close())
	}
	if err = errors.Join(err, file.Sync(), file.Close()); err != nil {
		return Imported{}, fmt.Errorf("directory: %w", err)
	}
	if err = errors.Join(os.Rename(file.Name(), path), syncFolder(folder)); err != nil {
		return Imported{}, fmt.Errorf("directory: %w", err)
	}
	return kept, nil
}

// removeLeftovers removes what a killed import has left: it holds personal
// data. One that runs at the same time loses its file so, and fails.
func removeLeftovers(folder, prefix string) error {
	entries, err := os.ReadDir(folder)
	for _, entry := range entries {
		if strings.HasPrefix(entry.Name(), prefix) {
			err = errors.Join(err, os.Remove(filepath.Join(folder, entry.Name())))
		}
	}
	return err
}

func syncFolder(folder string) error {
	opened, err := os.Open(folder)
	if err != nil {
		return err
	}
	err = opened.Sync()
	if errors.Is(err, errors.ErrUnsupported) || errors.Is(err, fs.ErrPermission) {
		err = nil // not every system syncs a folder
	}
	return errors.Join(err, opened.Close())
}

// inMemory is an import that nobody else sees.
func inMemory(ctx context.Context, from io.Reader) (*accountsFile, error) {
	db, err := openSQLite("/"+rand.Text(), "vfs=memdb&_pragma=temp_store(MEMORY)")
	if err != nil {
		return nil, err
	}
	if _, err := fill(ctx, db, from, nil); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return prepare(ctx, db, nil)
}

func openSQLite(path, options string) (*sql.DB, error) {
	db, err := sql.Open("sqlite", "file:"+(&url.URL{Path: path}).EscapedPath()+"?_busy_timeout=5000&_dqs=0&"+options)
	if err == nil {
		db.SetMaxOpenConns(8)
		db.SetMaxIdleConns(8) // what is in memory lasts as long as a connection to it
	}
	return db, err
}

// fill makes the table and its rows, in one transaction.
func fill(ctx context.Context, db *sql.DB, from io.Reader, amend func(Record) Record) (kept Imported, err error) {
	t, err := db.BeginTx(ctx, nil)
	if err != nil {
		return Imported{}, err
	}
	defer func() {
		if err != nil {
			_ = t.Rollback()
		}
	}()
	if _, err := t.ExecContext(ctx, table); err != nil {
		return Imported{}, err
	}
	insert, err := t.PrepareContext(ctx, "INSERT INTO account ("+rowFields+") VALUES (?"+strings.Repeat(", ?", strings.Count(rowFields, ","))+")")
	if err != nil {
		return Imported{}, err
	}
	var faults RowErrors
	total := 0
	fault := func(e RowError) {
		if total++; total <= maxFaults {
			faults = append(faults, e)
		}
	}
	if err := readCSV(ctx, from, fault, func(line int, r Record) error {
		if amend != nil {
			r = amend(r)
		}
		kept.Accounts++
		if r.unreadable() {
			kept.Unreadable++
		}
		if total > 0 {
			return nil // it only looks for further faults by now
		}
		_, err := insert.ExecContext(ctx, storedRow(line, r)...)
		return err
	}); err != nil {
		var last RowErrors
		if !errors.As(err, &last) {
			return Imported{}, err
		}
		return Imported{}, faulty(total+len(last), append(faults, last...))
	}
	if total > 0 {
		return Imported{}, faulty(total, faults)
	}
	for _, column := range indexed() {
		if _, err := t.ExecContext(ctx, "CREATE INDEX account_by_"+column+" ON account ("+column+") WHERE "+column+" IS NOT NULL"); err != nil {
			return Imported{}, err
		}
	}
	if total, faults, err = twice(ctx, t); err != nil {
		return Imported{}, err
	}
	if total > 0 {
		return Imported{}, faulty(total, faults)
	}
	return kept, t.Commit()
}

func faulty(total int, named RowErrors) error {
	text := fmt.Sprintf("%d faults\n%v", total, named)
	if more := total - len(named); more > 0 {
		text += fmt.Sprintf("\nand %d more", more)
	}
	return errors.New(text)
}

// twice finds ids that several rows have, by the index.
func twice(ctx context.Context, t *sql.Tx) (total int, faults RowErrors, err error) {
	rows, err := t.QueryContext(ctx, "SELECT max(line) FROM account WHERE id IS NOT NULL GROUP BY id HAVING count(*) > 1")
	if err != nil {
		return 0, nil, err
	}
	defer rows.Close()
	for ; rows.Next(); total++ {
		fault := RowError{Column: "id", Problem: "occurs twice"}
		if err := rows.Scan(&fault.Line); err != nil {
			return 0, nil, err
		}
		if total < maxFaults {
			faults = append(faults, fault)
		}
	}
	return total, faults, rows.Err()
}

// application marks our files among SQLite's (PRAGMA application_id); the
// version tells a later table.
const (
	application = 0x564e4964
	version     = 1
)

func isImported(ctx context.Context, db *sql.DB) error {
	var ours, made int
	if err := errors.Join(
		db.QueryRowContext(ctx, "PRAGMA application_id").Scan(&ours), db.QueryRowContext(ctx, "PRAGMA user_version").Scan(&made),
	); err != nil || ours != application {
		return errors.Join(errors.New("no accounts that were imported: run vneid-proxy accounts import"), err)
	}
	if made != version {
		return errors.New("imported by another release: run vneid-proxy accounts import anew")
	}
	return nil
}

// A row's key is the line that it had in the file. What is not there is NULL,
// and in no index.
const table = `
	CREATE TABLE account (
		line INTEGER PRIMARY KEY, id TEXT NOT NULL, username TEXT, kind TEXT NOT NULL, locked INTEGER NOT NULL,
		citizen_number TEXT, citizen_number_verified INTEGER NOT NULL, id_card_number TEXT, name TEXT, birth_date TEXT,
		email TEXT, phone TEXT, roles TEXT, "group" TEXT, subject TEXT, created_by TEXT,
		citizen_number_text TEXT, id_card_number_text TEXT, birth_date_text TEXT
	) STRICT;
	PRAGMA application_id = 0x564e4964;
	PRAGMA user_version = 1;`

const rowFields = `line, id, username, kind, locked, citizen_number, citizen_number_verified, id_card_number, name, birth_date,
	email, phone, roles, "group", subject, created_by, citizen_number_text, id_card_number_text, birth_date_text`

func indexed() []string {
	return []string{"id", "username", "citizen_number", "id_card_number", "subject"}
}

// storedRow is a record as its row, in the order of rowFields.
func storedRow(line int, r Record) []any {
	a := r.Account
	row := []any{int64(line), string(a.ID), a.Username, string(a.Kind), a.Locked, a.Number.Reveal(), a.NumberVerified, a.IDCard.Reveal(),
		a.Name, a.BirthDate.String(), a.Email, a.Phone, strings.Join(a.Roles, ";"), a.Group, a.Subject, string(a.CreatedBy),
		r.NumberText.Reveal(), r.IDCardText.Reveal(), r.BirthDateText}
	for i, value := range row {
		if value == "" {
			row[i] = nil
		}
	}
	return row
}

// readStored is the record of a row that storedRow has made.
func readStored(rows *sql.Rows) (line int64, r Record, err error) {
	a := &r.Account
	var id, kind string
	var username, number, card, name, born, email, phone, roles, group, subject, creator, numberText, cardText, bornText sql.NullString
	if err := rows.Scan(&line, &id, &username, &kind, &a.Locked, &number, &a.NumberVerified, &card, &name, &born,
		&email, &phone, &roles, &group, &subject, &creator, &numberText, &cardText, &bornText); err != nil {
		return 0, Record{}, err
	}
	a.ID, a.Username, a.Kind, a.Name, a.Email, a.Phone = identity.AccountID(id), username.String, identity.Kind(kind), name.String, email.String, phone.String
	a.Group, a.Subject, a.CreatedBy = group.String, subject.String, identity.Creator(creator.String)
	if roles.String != "" {
		a.Roles = strings.Split(roles.String, ";")
	}
	if number.Valid {
		a.Number, err = identity.VouchedCitizenNumber(number.String)
	}
	if card.Valid && err == nil {
		a.IDCard, err = identity.ParseIDCardNumber(card.String)
	}
	if born.Valid && err == nil {
		a.BirthDate, err = identity.ParseBirthDate(born.String)
	}
	r.NumberText, r.IDCardText, r.BirthDateText = identity.NumberTextOf(numberText.String), identity.NumberTextOf(cardText.String), bornText.String
	return line, r, err
}
