package directory

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
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

// records asks one statement and reads its answer, of at most most rows.
func (d *SQL) records(ctx context.Context, from asker, purpose string, given map[string]any, most int) ([]Record, error) {
	answers, err := d.answers(ctx, from, purpose, given, most, slices.Collect(maps.Keys(d.queries.columns)))
	if err != nil {
		return nil, err
	}
	var records []Record
	for _, answer := range answers {
		record, problem := d.queries.record(answer)
		if problem != "" {
			return nil, malformed("%s of a row of %s cannot be read", problem, purpose)
		}
		records = append(records, record)
	}
	return records, nil
}

// complete holds the names of an answer's columns to those that the fields
// stand in.
func (q Queries) complete(purpose string, names, fields []string) error {
	for i, name := range names {
		if slices.Contains(names[:i], name) {
			return malformed("%s answers with two columns of one name", purpose)
		}
	}
	slices.Sort(fields)
	for _, field := range fields {
		column := strings.ToLower(q.columns[field].column)
		if field == fieldHash {
			column = strings.ToLower(q.hash)
		}
		if column != "" && !slices.Contains(names, column) {
			return malformed("%s answers without the column of %s", purpose, field)
		}
	}
	return nil
}

// fieldHash is the stored password among the fields of an account.
const fieldHash = "credential.hash"

// answers asks one statement and returns its rows, by the names of their
// columns in lower case, for databases change it as they like. Those of the
// fields must be there, even if no row is.
func (d *SQL) answers(ctx context.Context, from asker, purpose string, given map[string]any, most int, fields []string) ([]map[string]cell, error) {
	s := d.queries.statements[purpose]
	rows, err := from.QueryContext(ctx, s.text, s.arguments(given)...)
	if err != nil {
		return nil, sqlFault(ctx, err)
	}
	defer func() { _ = rows.Close() }()
	names, err := rows.Columns()
	if err != nil {
		return nil, sqlFault(ctx, err)
	}
	for i, name := range names {
		names[i] = strings.ToLower(name)
	}
	if err := d.queries.complete(purpose, names, fields); err != nil {
		return nil, err
	}
	var all []map[string]cell
	size := 0
	for rows.Next() {
		if len(all) == most {
			return nil, malformed("%s answers with more than %d rows", purpose, most)
		}
		values := make([]any, len(names))
		into := make([]any, len(names))
		for i := range values {
			into[i] = &values[i]
		}
		if err := rows.Scan(into...); err != nil {
			return nil, sqlFault(ctx, err)
		}
		row := make(map[string]cell, len(names))
		for i, name := range names {
			row[name] = cellOf(values[i])
			size += len(row[name].text)
		}
		if size > maxAnswer {
			return nil, malformed("%s answers with more than %d bytes", purpose, maxAnswer)
		}
		all = append(all, row)
	}
	if err := rows.Err(); err != nil {
		return nil, sqlFault(ctx, err)
	}
	return all, nil
}

// maxAnswer bounds an answer, in bytes; a page of a scan is the largest.
const maxAnswer = 4 << 20

// arguments are a value and what is derived from it: a number without its
// leading zeros, and as an integer, for columns that have lost them.
func arguments(parameter, value string) map[string]any {
	return map[string]any{
		parameter: value, parameter + "_trimmed": trimmed(value), parameter + "_integer": integer(parameter, value),
	}
}

// integer is NULL, which equals nothing, where the value is no integer. An id
// that would be written otherwise is another's.
func integer(parameter, value string) any {
	n, err := strconv.ParseInt(value, 10, 64)
	if err != nil || parameter == "account_id" && strconv.FormatInt(n, 10) != value {
		return sql.NullInt64{}
	}
	return n
}

func (s statement) arguments(given map[string]any) []any {
	list := make([]any, len(s.parameters))
	for i, name := range s.parameters {
		list[i] = given[name]
	}
	return list
}

func malformed(format string, args ...any) error {
	return fmt.Errorf("%w: "+format, append([]any{ErrMalformed}, args...)...)
}

func accountsOf(records []Record, err error) ([]identity.Account, error) {
	var all []identity.Account
	for _, record := range records {
		all = append(all, record.Account)
	}
	return all, err
}
