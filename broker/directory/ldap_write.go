package directory

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/go-ldap/ldap/v3"

	"vneid-proxy/identity"
)

// controlAssertion has an entry changed only if it meets a filter (RFC 4528).
const controlAssertion = "1.3.6.1.1.12"

// Writable says why WriteCitizenNumber cannot work with the map: it needs
// attributes for the number and the version, and a mark verified that begins
// with a value to write.
func (m LDAPMap) Writable() error {
	var faults []error
	for _, field := range []string{"citizen_number", "version"} {
		if m.Attributes[field] == "" {
			faults = append(faults, fmt.Errorf("attributes.%s is required to write numbers back", field))
		}
	}
	if tests := m.Marks["verified"]; len(tests) == 0 || tests[0].Value == "" {
		faults = append(faults, errors.New("marks.verified: want an attribute and the value to write first, to write numbers back"))
	}
	if strings.EqualFold(m.Attributes["citizen_number"], m.Attributes["id_card_number"]) {
		faults = append(faults, errors.New("attributes.citizen_number: want another attribute than for id_card_number, to write numbers back"))
	}
	return errors.Join(faults...)
}

// CanWrite asks the server whether it has what WriteCitizenNumber needs;
// ErrUnsupported where it has not.
func (d *LDAP) CanWrite(ctx context.Context) error {
	var answer *ldap.SearchResult
	question := ldap.NewSearchRequest("", ldap.ScopeBaseObject, ldap.NeverDerefAliases, 1, d.servers.seconds(), false,
		"(objectClass=*)", []string{"supportedControl"}, nil)
	err := d.servers.do(ctx, func(c *ldap.Conn) (err error) {
		answer, err = c.Search(question)
		return err
	})
	if err != nil {
		return err
	}
	for _, e := range answer.Entries {
		if slices.Contains(e.GetEqualFoldAttributeValues("supportedControl"), controlAssertion) {
			return nil
		}
	}
	return fmt.Errorf("%w: the server has no assertion control (RFC 4528)", ErrUnsupported)
}

// WriteCitizenNumber marks the number as the account's verified one, if the
// account stands as it did when version was read; otherwise ErrChanged. What
// stands there already is no error. ErrNotFound: no such account;
// ErrUnsupported: the map or the server does not allow it.
func (d *LDAP) WriteCitizenNumber(ctx context.Context, id identity.AccountID, number identity.CitizenNumber, version string) error {
	if err := d.entries.Writable(); err != nil {
		return fmt.Errorf("%w: %w", ErrUnsupported, err)
	}
	entry, err := d.byID(ctx, id)
	switch {
	case err != nil:
		return err
	case entry.Account.Number == number && entry.Account.NumberVerified:
		return nil
	case version == "" || entry.Version != version:
		return ErrChanged
	}
	as, err := ldap.CompileFilter("(" + d.entries.Attributes["version"] + "=" + ldap.EscapeFilter(version) + ")")
	if err != nil {
		return ErrChanged
	}
	// Critical: a server that does not know it changes nothing.
	change := ldap.NewModifyRequest(entry.dn, []ldap.Control{ldap.NewControlString(controlAssertion, true, string(as.Bytes()))})
	change.Replace(d.entries.Attributes["citizen_number"], []string{number.Reveal()})
	verified := d.entries.Marks["verified"][0]
	change.Replace(verified.Attribute, []string{verified.Value})
	err = d.servers.do(ctx, func(c *ldap.Conn) error { return c.Modify(change) })
	switch LDAPResult(err) {
	case ldap.LDAPResultAssertionFailed:
		return ErrChanged
	case ldap.LDAPResultNoSuchObject:
		return ErrNotFound
	case ldap.LDAPResultUnavailableCriticalExtension:
		return fmt.Errorf("%w: the server has no assertion control (RFC 4528): set DIRECTORY_WRITE_BACK=false", ErrUnsupported)
	}
	return err
}
