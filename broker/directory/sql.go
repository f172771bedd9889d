package directory

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"net/url"
	"time"

	"vneid-proxy/broker/outbound"
	"vneid-proxy/identity"
)

// maxConnections is how many questions a database is asked at once by one
// process; the rest wait, within their deadline.
const maxConnections = 10

// SQLConfig is what NewSQL needs.
type SQLConfig struct {
	URL      *url.URL // postgres, mysql, sqlserver or oracle, without a password; required
	Password string   // "" where the server asks none
	Queries  Queries  // as ParseQueries read them for this URL's scheme; required

	Timeout time.Duration // of one question, or one page of a scan; default outbound.DefaultTimeout
}

// SQL is a directory in a database, asked by the operator's own statements,
// in which values are parameters alone. PostgreSQL and MariaDB or MySQL are
// asked in transactions that cannot write.
//
// Its errors are ErrUnavailable and ErrMalformed, and those that a method
// names; their texts hold the database's code at most, never a value, an
// address or what it said. What an account cannot have is not asked about: it
// is nobody's.
type SQL struct {
	db      *sql.DB
	queries Queries
	timeout time.Duration
	checks  passwordChecks
}

// NewSQL makes a directory; it asks nobody.
func NewSQL(cfg SQLConfig) (*SQL, error) {
	if cfg.URL == nil || cfg.Queries.dialect.scheme == "" || cfg.Queries.dialect.scheme != cfg.URL.Scheme {
		return nil, errors.New("directory: want a URL, and Queries that were read for its scheme")
	}
	connector, err := connect(cfg.URL, cfg.Password)
	if err != nil {
		return nil, err
	}
	db := sql.OpenDB(connector)
	db.SetMaxOpenConns(maxConnections)
	db.SetMaxIdleConns(maxConnections)
	db.SetConnMaxIdleTime(time.Minute)
	db.SetConnMaxLifetime(15 * time.Minute) // so that a moved server is found
	return &SQL{
		db: db, queries: cfg.Queries, timeout: cmp.Or(max(cfg.Timeout, 0), outbound.DefaultTimeout), checks: newPasswordChecks(),
	}, nil
}

// Close ends the connections.
func (d *SQL) Close() error { return d.db.Close() }

// Can reports that the operator's file has a statement for the purpose; see
// Queries.Has.
func (d *SQL) Can(purpose string) bool { return d.queries.Has(purpose) }

// ByID returns the account of that id, or ErrNotFound.
func (d *SQL) ByID(ctx context.Context, id identity.AccountID) (identity.Account, error) {
	account, _, err := d.Versioned(ctx, id)
	return account, err
}

// Versioned is ByID with the version of the row, which WriteCitizenNumber
// needs.
func (d *SQL) Versioned(ctx context.Context, id identity.AccountID) (identity.Account, string, error) {
	found, err := d.search(ctx, "by_id", "account_id", string(id), sameText(func(a identity.Account) string { return string(a.ID) }, string(id)))
	if err != nil {
		return identity.Account{}, "", err
	}
	if len(found) == 0 {
		return identity.Account{}, "", ErrNotFound
	}
	return found[0].Account, found[0].Version, nil
}

// ByUsername returns the accounts of that user name, compared byte by byte
// whatever the database's collation; none is no error.
func (d *SQL) ByUsername(ctx context.Context, username string) ([]identity.Account, error) {
	return accountsOf(d.search(ctx, "by_username", "username", username, sameText(func(a identity.Account) string { return a.Username }, username)))
}

// ByCitizenNumber returns the accounts that hold that CCCD, verified or not;
// none is no error. The zero number is nobody's.
func (d *SQL) ByCitizenNumber(ctx context.Context, number identity.CitizenNumber) ([]identity.Account, error) {
	return accountsOf(d.search(ctx, "by_citizen_number", "citizen_number", number.Reveal(), func(a identity.Account) match {
		return exactly(a.Number == number)
	}))
}

// ByIDCardNumber returns the accounts that hold that CMND; none is no error. The
// zero number is nobody's.
func (d *SQL) ByIDCardNumber(ctx context.Context, number identity.IDCardNumber) ([]identity.Account, error) {
	return accountsOf(d.search(ctx, "by_id_card_number", "id_card_number", number.Reveal(), func(a identity.Account) match {
		return exactly(a.IDCard == number)
	}))
}

// BySubject returns the accounts that the portal has marked with that subject
// of the provider's, compared byte by byte; none is no error.
func (d *SQL) BySubject(ctx context.Context, subject string) ([]identity.Account, error) {
	return accountsOf(d.search(ctx, "by_subject", "subject", subject, sameText(func(a identity.Account) string { return a.Subject }, subject)))
}

// match is how a row answers a question.
type match int

const (
	matches match = iota
	passes        // another one, which the database holds to be the same
	spoils        // one that was not asked for
)

// sameText compares what names an account byte by byte. A database compares by
// its collation, in which case, accents and blanks at the end may count for
// nothing: such rows are passed over.
func sameText(of func(identity.Account) string, asked string) func(identity.Account) match {
	return func(a identity.Account) match {
		if of(a) == asked {
			return matches
		}
		return passes
	}
}

// exactly is for numbers, which no collation touches: whoever mixes them up is
// not believed about the others either.
func exactly(same bool) match {
	if same {
		return matches
	}
	return spoils
}

// search returns the rows that answer the question; none where the operator's
// file has no statement for it.
func (d *SQL) search(ctx context.Context, purpose, parameter, value string, asked func(identity.Account) match) ([]Record, error) {
	if value == "" || !plain(value) || !d.queries.Has(purpose) {
		return nil, nil
	}
	ctx, cancel := context.WithTimeout(ctx, d.timeout)
	defer cancel()
	var found []Record
	err := d.reading(ctx, func(from asker) error {
		rows, err := d.records(ctx, from, purpose, arguments(parameter, value), maxRows)
		if err != nil {
			return err
		}
		seen := map[identity.AccountID]bool{}
		for _, row := range rows {
			switch asked(row.Account) {
			case spoils:
				return malformed("a row of %s was not asked for", purpose)
			case matches:
				if seen[row.Account.ID] {
					return malformed("an account is twice in the answer to %s", purpose)
				}
				seen[row.Account.ID] = true
				found = append(found, row)
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return found, nil
}

// asker is a transaction or a connection of its own.
type asker interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// reading calls ask within a transaction that cannot write, where the driver
// knows such.
func (d *SQL) reading(ctx context.Context, ask func(asker) error) error {
	if !d.queries.dialect.readOnly {
		return ask(d.db)
	}
	tx, err := d.db.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return sqlFault(ctx, err)
	}
	defer func() { _ = tx.Rollback() }() // nothing to keep
	return ask(tx)
}

func accountsOf(records []Record, err error) ([]identity.Account, error) {
	var all []identity.Account
	for _, record := range records {
		all = append(all, record.Account)
	}
	return all, err
}
