package main

import (
	"context"
	"errors"
	"fmt"

	"vneid-proxy/broker"
	"vneid-proxy/broker/directory"
	"vneid-proxy/broker/screen"
	"vneid-proxy/broker/work"
	"vneid-proxy/config"
	"vneid-proxy/identity"
)

// openAccounts reads the accounts file, where there is one.
func openAccounts(c config.Directory) ([]identity.Account, error) {
	if c.URL == nil || servedDirectory(c) {
		return nil, nil
	}
	return directory.OpenCSV(c.URL.Path)
}

// servedDirectory reports whether the portal serves its accounts itself.
func servedDirectory(c config.Directory) bool { return c.URL != nil && c.URL.Scheme != "embedded" }

// connector is what every directory can be asked.
type connector interface {
	ByID(ctx context.Context, id identity.AccountID) (identity.Account, error)
	ByUsername(ctx context.Context, username string) ([]identity.Account, error)
	ByCitizenNumber(ctx context.Context, number identity.CitizenNumber) ([]identity.Account, error)
}

// accountDirectory is the broker's view of a directory.
type accountDirectory struct {
	connector connector
	calls     calls
}

func (d accountDirectory) ByID(ctx context.Context, id identity.AccountID) (identity.Account, error) {
	account, err := measured(d.calls, "by_id", func() (identity.Account, error) { return d.connector.ByID(ctx, id) })
	if errors.Is(err, directory.ErrNotFound) {
		return account, broker.ErrNoAccount
	}
	return account, directoryFault(err)
}

func (d accountDirectory) ByUsername(ctx context.Context, username string) ([]identity.Account, error) {
	accounts, err := measured(d.calls, "by_username", func() ([]identity.Account, error) { return d.connector.ByUsername(ctx, username) })
	return accounts, directoryFault(err)
}

func (d accountDirectory) ByCitizenNumber(ctx context.Context, n identity.CitizenNumber) ([]identity.Account, error) {
	accounts, err := measured(d.calls, "by_citizen_number", func() ([]identity.Account, error) { return d.connector.ByCitizenNumber(ctx, n) })
	return accounts, directoryFault(err)
}

// measured asks the directory and records the call.
func measured[T any](c calls, operation string, ask func() (T, error)) (T, error) {
	began := c.now()
	answer, err := ask()
	c.measure("directory", operation, began, directoryOutcome(err))
	return answer, err
}

// directoryOutcome is ok for an account that is not there: the directory has
// answered.
func directoryOutcome(err error) string {
	switch {
	case err == nil, errors.Is(err, directory.ErrNotFound):
		return "ok"
	case errors.Is(err, directory.ErrChanged):
		return "refused"
	case errors.Is(err, directory.ErrMalformed):
		return "malformed"
	}
	return "unavailable"
}

func directoryFault(err error) error {
	if err == nil {
		return nil
	}
	return &broker.Fault{Reason: screen.DirectoryDown, Err: err}
}

// newConnector is the configured directory, an empty one where there is none;
// accounts are those of the file.
func newConnector(c config.Config, accounts []identity.Account) (connector, error) {
	if !servedDirectory(c.Directory) {
		return directory.NewEmbedded(directory.EmbeddedConfig{Accounts: accounts})
	}
	return directory.NewHTTP(directory.HTTPConfig{
		URL: c.Directory.URL.String(), Token: c.Directory.Token.Reveal(), Timeout: c.Process.CallTimeout,
		AllowHTTP: true, // the portal itself, reached as requests reach it
	})
}

// versionedDirectory is the work's view of a directory that can be written to.
type versionedDirectory struct {
	http  *directory.HTTP
	calls calls
}

// writtenDirectory is where numbers are written back; nil for nowhere.
func writtenDirectory(c config.Directory, d connector, calls calls) work.Directory {
	served, ok := d.(*directory.HTTP)
	if !ok || !c.WriteBack {
		return nil
	}
	return versionedDirectory{served, calls}
}

func (d versionedDirectory) Versioned(ctx context.Context, id identity.AccountID) (account identity.Account, version string, err error) {
	account, err = measured(d.calls, "by_id", func() (identity.Account, error) {
		account, version, err = d.http.Versioned(ctx, id)
		return account, err
	})
	if errors.Is(err, directory.ErrNotFound) {
		err = work.ErrNoAccount
	}
	return account, version, err
}

// WriteCitizenNumber takes a 404 for no answer: whether there is such an
// account, the search says.
func (d versionedDirectory) WriteCitizenNumber(ctx context.Context, id identity.AccountID, n identity.CitizenNumber, version string) error {
	_, err := measured(d.calls, "write_back", func() (struct{}, error) {
		err := d.http.WriteCitizenNumber(ctx, id, n, version)
		if errors.Is(err, directory.ErrNotFound) {
			err = fmt.Errorf("%w: 404 to the write", directory.ErrUnavailable)
		}
		return struct{}{}, err
	})
	if errors.Is(err, directory.ErrChanged) {
		return work.ErrChanged
	}
	return err
}
