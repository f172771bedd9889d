package directory

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"vneid-proxy/identity"
)

// Embedded is a directory in an SQLite file that Import has made. It is asked
// by its indexes, whatever its size, and never written to. Once another import
// has taken the file's place, the next question goes to that one; each answer
// and each scan is of one import.
//
// Its errors are ErrUnavailable, and those that a method names.
type Embedded struct {
	path string // "" for one in memory

	mu   sync.RWMutex // guards file; whoever asks it holds it for reading
	file *accountsFile
}

// OpenEmbedded opens the accounts that Import wrote to path. Where path ends in
// .csv it reads such a file into memory instead, once, as Import does.
func OpenEmbedded(ctx context.Context, path string) (*Embedded, error) {
	if strings.EqualFold(filepath.Ext(path), ".csv") {
		file, err := os.Open(path)
		if err != nil {
			return nil, fmt.Errorf("directory: %w", err)
		}
		defer file.Close()
		accounts, err := inMemory(ctx, file)
		if err != nil {
			return nil, fmt.Errorf("directory: %s: %w", path, err)
		}
		return &Embedded{file: accounts}, nil
	}
	file, err := openAccounts(ctx, path)
	if err != nil {
		return nil, fmt.Errorf("directory: %w", err)
	}
	return &Embedded{path: path, file: file}, nil
}

// Close closes the file. Nothing may be asked any more.
func (d *Embedded) Close() error { return d.file.Close() }

// ByID returns the account of that id, or ErrNotFound.
func (d *Embedded) ByID(ctx context.Context, id identity.AccountID) (identity.Account, error) {
	found, err := d.find(ctx, "id", string(id))
	if err != nil {
		return identity.Account{}, err
	}
	if len(found) == 0 {
		return identity.Account{}, ErrNotFound
	}
	return found[0], nil
}

// ByUsername returns the accounts of that user name, compared byte by byte; none
// is no error.
func (d *Embedded) ByUsername(ctx context.Context, username string) ([]identity.Account, error) {
	return d.find(ctx, "username", username)
}

// ByCitizenNumber returns the accounts that hold that CCCD, verified or not;
// none is no error. The zero number is nobody's.
func (d *Embedded) ByCitizenNumber(ctx context.Context, number identity.CitizenNumber) ([]identity.Account, error) {
	return d.find(ctx, "citizen_number", number.Reveal())
}

// ByIDCardNumber returns the accounts that hold that CMND; none is no error. The
// zero number is nobody's.
func (d *Embedded) ByIDCardNumber(ctx context.Context, number identity.IDCardNumber) ([]identity.Account, error) {
	return d.find(ctx, "id_card_number", number.Reveal())
}

// BySubject returns the accounts that the portal has marked with that subject
// of the provider's, compared byte by byte; none is no error.
func (d *Embedded) BySubject(ctx context.Context, subject string) ([]identity.Account, error) {
	return d.find(ctx, "subject", subject)
}

// Scan visits every account; see Record. It reads one import to its end, even
// if another takes its place meanwhile.
func (d *Embedded) Scan(ctx context.Context, visit func(Record) error) error {
	file := d.file
	if d.path != "" {
		var err error
		if file, err = openAccounts(ctx, d.path); err != nil {
			return fmt.Errorf("%w: %w", ErrUnavailable, err)
		}
		defer file.Close()
	}
	return file.scan(ctx, visit)
}

func (d *Embedded) find(ctx context.Context, column, value string) ([]identity.Account, error) {
	if value == "" || !plain(value) {
		return nil, nil
	}
	if err := d.refresh(ctx); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	d.mu.RLock()
	defer d.mu.RUnlock()
	found, err := d.file.find(ctx, column, value)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	return found, nil
}

// refresh opens the file anew where another has taken its place. A look at the
// file costs a microsecond or two.
func (d *Embedded) refresh(ctx context.Context) error {
	if d.path == "" {
		return nil
	}
	now, err := os.Stat(d.path)
	if err != nil {
		return err
	}
	d.mu.RLock()
	same := d.file.is(now)
	d.mu.RUnlock()
	if same {
		return nil
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if now, err = os.Stat(d.path); err != nil || d.file.is(now) {
		return err
	}
	file, err := openAccounts(ctx, d.path)
	if err != nil {
		return err
	}
	old := d.file
	d.file = file
	return old.Close()
}

// accountsFile is one import, open.
type accountsFile struct {
	*sql.DB
	info fs.FileInfo // as it stood before it was opened; nil in memory
	by   map[string]*sql.Stmt
}

func openAccounts(ctx context.Context, path string) (*accountsFile, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	db, err := openSQLite(path, "mode=ro&_query_only=1")
	if err != nil {
		return nil, err
	}
	if err := isImported(ctx, db); err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", path, err), db.Close())
	}
	return prepare(ctx, db, info)
}

func prepare(ctx context.Context, db *sql.DB, info fs.FileInfo) (*accountsFile, error) {
	f := &accountsFile{DB: db, info: info, by: make(map[string]*sql.Stmt)}
	for _, column := range indexed() {
		statement, err := db.PrepareContext(ctx, "SELECT "+rowFields+" FROM account WHERE "+column+" = ? ORDER BY line")
		if err != nil {
			return nil, errors.Join(err, db.Close())
		}
		f.by[column] = statement
	}
	return f, nil
}

func (f *accountsFile) is(now fs.FileInfo) bool {
	return os.SameFile(f.info, now) && f.info.ModTime().Equal(now.ModTime()) && f.info.Size() == now.Size()
}

func (f *accountsFile) find(ctx context.Context, column, value string) (found []identity.Account, err error) {
	rows, err := f.by[column].QueryContext(ctx, value)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		_, record, err := readStored(rows)
		if err != nil {
			return nil, err
		}
		found = append(found, record.Account)
	}
	return found, rows.Err()
}

// pageRows is how many accounts a scan holds in memory.
const pageRows = 500

func (f *accountsFile) scan(ctx context.Context, visit func(Record) error) error {
	// One connection: another could open the file that has taken this one's
	// place.
	connection, err := f.Conn(ctx)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	defer connection.Close()
	page := make([]Record, 0, pageRows)
	for line := int64(0); ; {
		page = page[:0]
		rows, err := connection.QueryContext(ctx, "SELECT "+rowFields+" FROM account WHERE line > ? ORDER BY line LIMIT ?", line, pageRows)
		if err != nil {
			return fmt.Errorf("%w: %w", ErrUnavailable, err)
		}
		var record Record
		for rows.Next() {
			if line, record, err = readStored(rows); err != nil {
				break
			}
			page = append(page, record)
		}
		if err = errors.Join(err, rows.Err(), rows.Close()); err != nil {
			return fmt.Errorf("%w: %w", ErrUnavailable, err)
		}
		for _, record := range page {
			if err := visit(record); err != nil {
				return err
			}
		}
		if len(page) < pageRows {
			return nil
		}
	}
}
