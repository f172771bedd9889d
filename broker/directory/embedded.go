package directory

import (
	"context"
	"errors"
	"slices"

	"vneid-proxy/identity"
)

// CredentialCheck tells whose credential this is: ErrWrong, ErrLocked, or an
// error of availability.
type CredentialCheck interface {
	Check(ctx context.Context, username, password string) (identity.AccountID, error)
}

// EmbeddedConfig is what NewEmbedded needs.
type EmbeddedConfig struct {
	Accounts []identity.Account // as ReadCSV or OpenCSV returns them; none is legal
	Check    CredentialCheck    // nil: every credential is ErrUnavailable
}

// Embedded is a directory held in memory. It never changes once made.
type Embedded struct {
	check      CredentialCheck
	byID       map[identity.AccountID]identity.Account
	byUsername map[string][]identity.AccountID
	byNumber   map[identity.CitizenNumber][]identity.AccountID
	byIDCard   map[identity.IDCardNumber][]identity.AccountID
	bySubject  map[string][]identity.AccountID
}

// NewEmbedded makes a directory. An account without an id, or two with one, are
// an error.
func NewEmbedded(cfg EmbeddedConfig) (*Embedded, error) {
	d := &Embedded{
		check:      cfg.Check,
		byID:       make(map[identity.AccountID]identity.Account, len(cfg.Accounts)),
		byUsername: make(map[string][]identity.AccountID),
		byNumber:   make(map[identity.CitizenNumber][]identity.AccountID),
		byIDCard:   make(map[identity.IDCardNumber][]identity.AccountID),
		bySubject:  make(map[string][]identity.AccountID),
	}
	for _, account := range cfg.Accounts {
		if _, twice := d.byID[account.ID]; twice || !validID(account.ID) {
			return nil, errors.New("directory: an account without a usable id, or two with one")
		}
		d.byID[account.ID] = account
		if account.Username != "" {
			d.byUsername[account.Username] = append(d.byUsername[account.Username], account.ID)
		}
		if !account.Number.IsZero() {
			d.byNumber[account.Number] = append(d.byNumber[account.Number], account.ID)
		}
		if !account.IDCard.IsZero() {
			d.byIDCard[account.IDCard] = append(d.byIDCard[account.IDCard], account.ID)
		}
		if account.Subject != "" {
			d.bySubject[account.Subject] = append(d.bySubject[account.Subject], account.ID)
		}
	}
	return d, nil
}

// ByID returns the account of that id, or ErrNotFound.
func (d *Embedded) ByID(_ context.Context, id identity.AccountID) (identity.Account, error) {
	account, found := d.byID[id]
	if !found {
		return identity.Account{}, ErrNotFound
	}
	account.Roles = slices.Clone(account.Roles)
	return account, nil
}

// ByUsername returns the accounts of that user name, compared byte by byte; none
// is no error.
func (d *Embedded) ByUsername(ctx context.Context, username string) ([]identity.Account, error) {
	return d.all(ctx, d.byUsername[username])
}

// ByCitizenNumber returns the accounts that hold that CCCD, verified or not;
// none is no error. The zero number is nobody's.
func (d *Embedded) ByCitizenNumber(ctx context.Context, number identity.CitizenNumber) ([]identity.Account, error) {
	return d.all(ctx, d.byNumber[number])
}

// ByIDCardNumber returns the accounts that hold that CMND; none is no error. The
// zero number is nobody's.
func (d *Embedded) ByIDCardNumber(ctx context.Context, number identity.IDCardNumber) ([]identity.Account, error) {
	return d.all(ctx, d.byIDCard[number])
}

// BySubject returns the accounts that the portal has marked with that subject
// of the provider's, compared byte by byte; none is no error.
func (d *Embedded) BySubject(ctx context.Context, subject string) ([]identity.Account, error) {
	return d.all(ctx, d.bySubject[subject])
}

// Check asks the configured credential check.
func (d *Embedded) Check(ctx context.Context, username, password string) (identity.AccountID, error) {
	if d.check == nil {
		return "", ErrUnavailable
	}
	return d.check.Check(ctx, username, password)
}

func (d *Embedded) all(ctx context.Context, ids []identity.AccountID) ([]identity.Account, error) {
	var accounts []identity.Account
	for _, id := range ids {
		account, err := d.ByID(ctx, id)
		if err != nil {
			return nil, err
		}
		accounts = append(accounts, account)
	}
	return accounts, nil
}

// validID reports whether an account's id can be carried in a header and a
// sealed cookie.
func validID(id identity.AccountID) bool { return id != "" && plain(string(id)) }

// Scan calls visit once for each account, as Record says.
func (d *Embedded) Scan(ctx context.Context, visit func(Record) error) error {
	for _, account := range d.byID {
		if err := ctx.Err(); err != nil {
			return err
		}
		account.Roles = slices.Clone(account.Roles)
		if err := visit(Record{Account: account}); err != nil {
			return err
		}
	}
	return nil
}

// Count is how many accounts there are.
func (d *Embedded) Count(context.Context) (int, error) { return len(d.byID), nil }
