package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

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
	ByIDCardNumber(ctx context.Context, number identity.IDCardNumber) ([]identity.Account, error)
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

func (d accountDirectory) ByIDCardNumber(ctx context.Context, n identity.IDCardNumber) ([]identity.Account, error) {
	accounts, err := measured(d.calls, "by_id_card_number", func() ([]identity.Account, error) { return d.connector.ByIDCardNumber(ctx, n) })
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
	if config.IsDatabase(c.Directory.URL) {
		return newDatabase(c)
	}
	if !servedDirectory(c.Directory) {
		return directory.NewEmbedded(directory.EmbeddedConfig{Accounts: accounts})
	}
	return directory.NewHTTP(directory.HTTPConfig{
		URL: c.Directory.URL.String(), Token: c.Directory.Token.Reveal(), Timeout: c.Process.CallTimeout,
		AllowHTTP: true, // the portal itself, reached as requests reach it
	})
}

// newDatabase is the portal's own database, as DIRECTORY_QUERIES_FILE says.
func newDatabase(c config.Config) (*directory.SQL, error) {
	queries, err := readQueries(c.Directory)
	if err != nil {
		return nil, err
	}
	d, err := directory.NewSQL(directory.SQLConfig{
		URL: c.Directory.URL, Password: c.Directory.Password.Reveal(), Queries: queries, Timeout: c.Process.CallTimeout,
	})
	if err != nil {
		return nil, &config.Faults{List: []config.Fault{{Variable: config.Prefix + "DIRECTORY_URL", Mend: err.Error() + "; write its options as docs/directories.md says"}}}
	}
	return d, nil
}

// readQueries reads DIRECTORY_QUERIES_FILE, where there is one. What is wrong
// with it is a fault of the configuration.
func readQueries(c config.Directory) (queries directory.Queries, err error) {
	if c.QueriesFile == "" {
		return queries, nil
	}
	text, err := config.ReadFile(c.QueriesFile)
	if err == nil {
		queries, err = directory.ParseQueries(c.URL.Scheme, text)
	}
	if err == nil && c.Credential == "sql" && !queries.Has("credential") {
		err = fmt.Errorf("write queries.credential and credential, which %sDIRECTORY_CREDENTIAL=sql needs", config.Prefix)
	}
	if err == nil && c.WriteBack && !queries.Has("write_back") {
		err = fmt.Errorf("write queries.write_back, which %sDIRECTORY_WRITE_BACK=true needs", config.Prefix)
	}
	if err != nil {
		mend := strings.ReplaceAll(err.Error(), "\n", "; ")
		return queries, &config.Faults{List: []config.Fault{{Variable: config.Prefix + "DIRECTORY_QUERIES_FILE", Mend: mend}}}
	}
	return queries, nil
}

// versionedDirectory is the work's view of a directory that can be written to.
type versionedDirectory struct {
	written writableConnector
	calls   calls
}

// writableConnector is one that can write: directory.HTTP or directory.SQL.
type writableConnector interface {
	Versioned(ctx context.Context, id identity.AccountID) (account identity.Account, version string, err error)
	WriteCitizenNumber(ctx context.Context, id identity.AccountID, number identity.CitizenNumber, version string) error
}

// writtenDirectory is where numbers are written back; nil for nowhere.
func writtenDirectory(c config.Directory, d connector, calls calls) work.Directory {
	written, ok := d.(writableConnector)
	if !ok || !c.WriteBack {
		return nil
	}
	return versionedDirectory{written, calls}
}

func (d versionedDirectory) Versioned(ctx context.Context, id identity.AccountID) (account identity.Account, version string, err error) {
	account, err = measured(d.calls, "by_id", func() (identity.Account, error) {
		account, version, err = d.written.Versioned(ctx, id)
		return account, err
	})
	if errors.Is(err, directory.ErrNotFound) {
		err = work.ErrNoAccount
	}
	return account, version, err
}

// WriteCitizenNumber takes an account that is not there for no answer: whether
// there is one, the search says.
func (d versionedDirectory) WriteCitizenNumber(ctx context.Context, id identity.AccountID, n identity.CitizenNumber, version string) error {
	_, err := measured(d.calls, "write_back", func() (struct{}, error) {
		err := d.written.WriteCitizenNumber(ctx, id, n, version)
		if errors.Is(err, directory.ErrNotFound) {
			err = fmt.Errorf("%w: no such account to the write", directory.ErrUnavailable)
		}
		return struct{}{}, err
	})
	if errors.Is(err, directory.ErrChanged) {
		return work.ErrChanged
	}
	return err
}
