package directory

import (
	"context"

	"vneid-proxy/identity"
)

// WriteCitizenNumber marks the number as the account's verified one, by the
// operator's statement, if the account stands as it did when version was read;
// otherwise ErrChanged, or ErrNotFound where there is none. What stands there
// already is no error. Nothing is kept unless exactly one row was written, and
// by_id then shows the number as verified; otherwise it is ErrMalformed.
func (d *SQL) WriteCitizenNumber(ctx context.Context, id identity.AccountID, number identity.CitizenNumber, version string) error {
	if !d.queries.Has("write_back") {
		return malformed("the queries file has no write_back")
	}
	ctx, cancel := context.WithTimeout(ctx, d.timeout)
	defer cancel()
	tx, err := d.db.BeginTx(ctx, nil)
	if err != nil {
		return sqlFault(ctx, err)
	}
	defer func() { _ = tx.Rollback() }() // after a commit it does nothing
	given := arguments("account_id", string(id))
	for name, value := range arguments("citizen_number", number.Reveal()) {
		given[name] = value
	}
	given["version"] = version
	s := d.queries.statements["write_back"]
	result, err := tx.ExecContext(ctx, s.text, s.arguments(given)...)
	if err != nil {
		return sqlFault(ctx, err)
	}
	written, err := result.RowsAffected()
	if err != nil {
		return sqlFault(ctx, err)
	}
	rows, err := d.records(ctx, tx, "by_id", given, maxRows)
	if err != nil {
		return err
	}
	stands, found := false, false
	for _, row := range rows {
		if row.Account.ID == id {
			found, stands = true, row.Account.Number == number && row.Account.NumberVerified
		}
	}
	switch {
	case written > 1:
		return malformed("write_back changes more than one row")
	case written == 1 && !stands:
		return malformed("write_back does not make the number the account's verified one")
	case written == 1:
		if err := tx.Commit(); err != nil {
			return sqlFault(ctx, err)
		}
	case !found:
		return ErrNotFound
	case !stands:
		return ErrChanged
	}
	return nil
}
