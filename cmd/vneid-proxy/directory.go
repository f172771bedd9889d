package main

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"strings"

	"vneid-proxy/broker"
	"vneid-proxy/broker/directory"
	"vneid-proxy/broker/screen"
	"vneid-proxy/broker/work"
	"vneid-proxy/config"
	"vneid-proxy/identity"
)

// servedDirectory reports whether the portal serves its accounts itself.
func servedDirectory(c config.Directory) bool { return c.URL != nil && c.URL.Scheme != "embedded" }

// connector is what every directory can be asked.
type connector interface {
	ByID(ctx context.Context, id identity.AccountID) (identity.Account, error)
	ByUsername(ctx context.Context, username string) ([]identity.Account, error)
	ByCitizenNumber(ctx context.Context, number identity.CitizenNumber) ([]identity.Account, error)
	ByIDCardNumber(ctx context.Context, number identity.IDCardNumber) ([]identity.Account, error)
	Scan(ctx context.Context, visit func(directory.Record) error) error
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

// newConnector is the configured directory, an empty one where there is none.
// Only a file is opened; nobody is asked.
func newConnector(ctx context.Context, c config.Config) (connector, error) {
	if c.Directory.URL == nil {
		return noAccounts{}, nil
	}
	if config.IsDatabase(c.Directory.URL) {
		return newDatabase(c)
	}
	if config.IsLDAP(c.Directory.URL) {
		return newLDAP(c)
	}
	if !servedDirectory(c.Directory) {
		return directory.OpenEmbedded(ctx, c.Directory.URL.Path)
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
		return nil, directoryUnusable("DIRECTORY_URL", fmt.Errorf("%w; write its options as docs/directories.md says", err))
	}
	return d, nil
}

// newLDAP is the portal's LDAP server, as DIRECTORY_QUERIES_FILE says.
func newLDAP(c config.Config) (*directory.LDAP, error) {
	entries, err := readLDAPMap(c.Directory)
	if err != nil {
		return nil, err
	}
	roots, err := authorities("DIRECTORY_CA_FILE", c.Directory.CAFile)
	if err != nil {
		return nil, err
	}
	d, err := directory.NewLDAP(directory.LDAPConfig{
		URL: c.Directory.URL.String(), User: c.Directory.User, Password: c.Directory.Password.Reveal(), Map: entries,
		Timeout: c.Process.CallTimeout, RootCAs: roots,
	})
	if err != nil {
		return nil, directoryUnusable("DIRECTORY_URL", err)
	}
	return d, nil
}

// authorities are those of a file in PEM; nil, the system's, where none is
// named.
func authorities(name, file string) (*x509.CertPool, error) {
	if file == "" {
		return nil, nil
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, directoryUnusable(name, err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(text) {
		return nil, directoryUnusable(name, errors.New("write certificates in PEM into the file; it holds none"))
	}
	return roots, nil
}

// readQueries reads DIRECTORY_QUERIES_FILE of a database.
func readQueries(c config.Directory) (queries directory.Queries, err error) {
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
	return queries, directoryUnusable("DIRECTORY_QUERIES_FILE", err)
}

// readLDAPMap reads DIRECTORY_QUERIES_FILE of an LDAP server.
func readLDAPMap(c config.Directory) (entries directory.LDAPMap, err error) {
	text, err := config.ReadFile(c.QueriesFile)
	if err == nil {
		entries, err = directory.ParseLDAPMap(text)
	}
	if err == nil && c.WriteBack {
		err = entries.Writable()
	}
	return entries, directoryUnusable("DIRECTORY_QUERIES_FILE", err)
}

// checkQueries says what is wrong with DIRECTORY_QUERIES_FILE, where there is
// one.
func checkQueries(c config.Directory) (err error) {
	switch {
	case c.QueriesFile == "":
	case config.IsLDAP(c.URL):
		_, err = readLDAPMap(c)
	default:
		_, err = readQueries(c)
	}
	return err
}

// directoryUnusable makes an error a fault of the configuration; nil of nil.
func directoryUnusable(name string, err error) error {
	if err == nil {
		return nil
	}
	return &config.Faults{List: []config.Fault{{Variable: config.Prefix + name, Mend: strings.ReplaceAll(err.Error(), "\n", "; ")}}}
}

// versionedDirectory is the work's view of a directory that can be written to.
type versionedDirectory struct {
	written writableConnector
	calls   calls
}

// writableConnector is one that can write: directory.HTTP, SQL or LDAP.
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

// noAccounts is the directory of a portal without accounts (LINK=off).
type noAccounts struct{}

func (noAccounts) ByID(context.Context, identity.AccountID) (identity.Account, error) {
	return identity.Account{}, directory.ErrNotFound
}

func (noAccounts) ByUsername(context.Context, string) ([]identity.Account, error) { return nil, nil }

func (noAccounts) ByCitizenNumber(context.Context, identity.CitizenNumber) ([]identity.Account, error) {
	return nil, nil
}

func (noAccounts) ByIDCardNumber(context.Context, identity.IDCardNumber) ([]identity.Account, error) {
	return nil, nil
}

func (noAccounts) Scan(context.Context, func(directory.Record) error) error { return nil }
