package directory

import (
	"context"
	"crypto/rand"
	"crypto/x509"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/go-ldap/ldap/v3"

	"vneid-proxy/broker/outbound"
	"vneid-proxy/identity"
)

// LDAPConfig is what NewLDAP needs.
type LDAPConfig struct {
	// URL is ldap:// or ldaps://, a host, a port where it is not the usual one,
	// and the DN under which the accounts lie (RFC 4516); required.
	URL string
	// User is the DN that asks, Password its password; both required.
	User, Password string
	Map            LDAPMap // required

	Timeout time.Duration  // of one call; default outbound.DefaultTimeout
	RootCAs *x509.CertPool // default the system's
}

// LDAP is a directory in an LDAP server (RFC 4511): it is searched under one DN
// by one user. Referrals are not followed. Beyond loopback ldap:// begins with
// StartTLS, and nothing is said without it.
//
// LDAP compares most texts without regard to case and blanks; an entry that
// answers only so was not asked for. Its errors are ErrUnavailable and
// ErrMalformed, and those that a method names; they hold a result code at most,
// and nothing that the server said.
type LDAP struct {
	servers ldapServers
	base    string
	entries LDAPMap
	decoy   string // the DN of nobody
}

// NewLDAP makes a directory; it asks nobody. All faults of the configuration
// are in the error.
func NewLDAP(cfg LDAPConfig) (*LDAP, error) {
	var faults []error
	fault := func(format string, args ...any) { faults = append(faults, fmt.Errorf("directory: "+format, args...)) }
	address, base, err := parseLDAPURL(cfg.URL)
	if err != nil {
		fault("URL: %w", err)
	}
	if _, err := ldap.ParseDN(cfg.User); err != nil || cfg.User == "" {
		fault("User: want the DN that asks")
	}
	if cfg.Password == "" {
		fault("Password is required: without one a server lets everybody in as nobody")
	}
	for _, wrong := range cfg.Map.faults() {
		fault("%s", wrong)
	}
	if len(faults) > 0 {
		return nil, errors.Join(faults...)
	}
	if cfg.Timeout <= 0 {
		cfg.Timeout = outbound.DefaultTimeout
	}
	return &LDAP{
		servers: newLDAPServers(address, cfg), base: base, entries: cfg.Map, decoy: "cn=" + rand.Text() + "," + base,
	}, nil
}

var errLDAPURL = errors.New("want ldap:// or ldaps://, a host and after one / the DN under which the accounts lie")

func parseLDAPURL(text string) (address *url.URL, base string, err error) {
	address, err = url.Parse(text)
	if err != nil || address.Scheme != "ldap" && address.Scheme != "ldaps" || address.Hostname() == "" ||
		address.User != nil || address.RawQuery != "" || address.ForceQuery || address.Fragment != "" {
		return nil, "", errLDAPURL
	}
	base = strings.TrimPrefix(address.Path, "/")
	if _, err := ldap.ParseDN(base); err != nil || base == "" {
		return nil, "", errLDAPURL
	}
	return address, base, nil
}

// Close closes the connections.
func (d *LDAP) Close() error { return d.servers.close() }

// ByID returns the account of that id, or ErrNotFound.
func (d *LDAP) ByID(ctx context.Context, id identity.AccountID) (identity.Account, error) {
	account, _, err := d.Versioned(ctx, id)
	return account, err
}

// Versioned is ByID with the version of the entry, which WriteCitizenNumber
// needs.
func (d *LDAP) Versioned(ctx context.Context, id identity.AccountID) (identity.Account, string, error) {
	entry, err := d.byID(ctx, id)
	return entry.Account, entry.Version, err
}

func (d *LDAP) byID(ctx context.Context, id identity.AccountID) (ldapEntry, error) {
	found, err := d.find(ctx, "id", string(id), func(e ldapEntry) bool { return e.Account.ID == id })
	switch {
	case err != nil:
		return ldapEntry{}, err
	case len(found) == 0:
		return ldapEntry{}, ErrNotFound
	}
	return found[0], nil // an id occurs once in an answer
}

// ByUsername returns the accounts of that user name, compared byte by byte; none
// is no error.
func (d *LDAP) ByUsername(ctx context.Context, username string) ([]identity.Account, error) {
	return ldapAccounts(d.byUsername(ctx, username))
}

func (d *LDAP) byUsername(ctx context.Context, username string) ([]ldapEntry, error) {
	return d.find(ctx, "username", username, func(e ldapEntry) bool { return e.Account.Username == username })
}

// ByCitizenNumber returns the accounts that hold that CCCD, verified or not;
// none is no error. The zero number is nobody's.
func (d *LDAP) ByCitizenNumber(ctx context.Context, number identity.CitizenNumber) ([]identity.Account, error) {
	return ldapAccounts(d.find(ctx, "citizen_number", number.Reveal(), func(e ldapEntry) bool { return e.Account.Number == number }))
}

// ByIDCardNumber returns the accounts that hold that CMND, as one of several
// too; none is no error. The zero number is nobody's.
func (d *LDAP) ByIDCardNumber(ctx context.Context, number identity.IDCardNumber) ([]identity.Account, error) {
	return ldapAccounts(d.find(ctx, "id_card_number", number.Reveal(), func(e ldapEntry) bool { return e.Account.IDCard == number }))
}

// BySubject returns the accounts that the portal has marked with that subject
// of the provider's, compared byte by byte; none is no error.
func (d *LDAP) BySubject(ctx context.Context, subject string) ([]identity.Account, error) {
	return ldapAccounts(d.find(ctx, "subject", subject, func(e ldapEntry) bool { return e.Account.Subject == subject }))
}

// find returns the entries that hold the value. An id that occurs twice spoils
// the answer.
func (d *LDAP) find(ctx context.Context, field, value string, asked func(ldapEntry) bool) ([]ldapEntry, error) {
	if value == "" || !plain(value) {
		return nil, nil
	}
	base, scope, filter := d.base, ldap.ScopeWholeSubtree, d.entries.filter(field, value)
	if field == "id" && d.entries.byDN() {
		if !d.under(value) {
			return nil, nil
		}
		base, scope = value, ldap.ScopeBaseObject
	}
	if filter == "" {
		return nil, nil
	}
	var answer *ldap.SearchResult
	err := d.servers.do(ctx, func(c *ldap.Conn) (err error) {
		answer, err = c.Search(d.question(base, scope, filter))
		return err
	})
	switch {
	case LDAPResult(err) == ldap.LDAPResultNoSuchObject && scope == ldap.ScopeBaseObject:
		return nil, nil
	case err != nil:
		return nil, err
	case len(answer.Entries) > maxRows:
		return nil, ErrMalformed
	}
	seen := make(map[identity.AccountID]bool)
	var found []ldapEntry
	for _, e := range answer.Entries {
		entry, ok := d.entries.read(e, value)
		if !ok || seen[entry.Account.ID] {
			return nil, ErrMalformed
		}
		seen[entry.Account.ID] = true
		if asked(entry) {
			found = append(found, entry)
		}
	}
	return found, nil
}

// question asks for the attributes that are read, of so many entries at most.
func (d *LDAP) question(base string, scope int, filter string, controls ...ldap.Control) *ldap.SearchRequest {
	return ldap.NewSearchRequest(base, scope, ldap.NeverDerefAliases, maxRows, d.servers.seconds(), false, filter, d.entries.wanted(), controls)
}

// under reports whether a DN lies under the one that is searched.
func (d *LDAP) under(dn string) bool {
	parsed, err := ldap.ParseDN(dn)
	base, baseErr := ldap.ParseDN(d.base)
	return err == nil && baseErr == nil && (base.AncestorOfFold(parsed) || base.EqualFold(parsed))
}

func ldapAccounts(entries []ldapEntry, err error) ([]identity.Account, error) {
	var all []identity.Account
	for _, entry := range entries {
		all = append(all, entry.Account)
	}
	return slices.Clip(all), err
}
