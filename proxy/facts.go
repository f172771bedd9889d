package proxy

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"vneid-proxy/identity"
	"vneid-proxy/session"
)

// facts are what the portal is told of a session, in text and before any
// encoding; "" is not told. The citizen number is in clear here: facts are
// never printed.
type facts struct {
	accountID, username, email, groups, kind    string
	citizenNumber, name, birthDate, provider    string
	accountLevel, authenticationLevel, standing string

	acting, organisationID, organisationTaxCode, organisationName, organisationRole string
}

// Whom a person acts for.
const (
	actingSelf           = "self"
	actingRepresentative = "representative"
)

var errNobody = errors.New("the session names no account and no subject")

// factsOf reads a session. The citizen's part is told only where it is vouched
// for: by a link, or by the provider in this sign-in. A session that names
// nobody is an error, for the portal would take silence for a visitor.
func factsOf(s *session.Session) (facts, error) {
	f := facts{
		accountID: string(s.Account.ID), username: s.Account.Username, email: s.Account.Email,
		groups: groups(s.Account), kind: string(s.Account.Kind), standing: string(s.Standing),
	}
	c := &s.Citizen
	if s.Standing == identity.StandingLinked || c.Provider != "" {
		f.citizenNumber, f.name, f.birthDate = c.Number.Reveal(), c.Name, c.BirthDate.String()
		f.provider, f.authenticationLevel = c.Provider, c.AuthenticationLevel
		f.actFor(c.Organisation, s.Account.Kind)
		if c.AccountLevel > 0 {
			f.accountLevel = strconv.Itoa(c.AccountLevel)
		}
		if f.username == "" {
			f.username = c.PreferredUsername
		}
		if f.email == "" {
			f.email = c.Email
		}
	}
	if f.accountID == "" && (s.Standing == identity.StandingNone || s.Standing == identity.StandingUnlinked) {
		f.accountID = c.Subject
	}
	if f.accountID == "" {
		return facts{}, errNobody
	}
	return f, nil
}

// actFor tells whom the person acts for. Of an organisation's account that was
// entered without the provider nobody knows.
func (f *facts) actFor(o identity.Organisation, kind identity.Kind) {
	switch {
	case !o.IsZero():
		f.acting = actingRepresentative
		f.organisationID, f.organisationTaxCode, f.organisationName, f.organisationRole = o.ID, o.TaxCode, o.Name, o.Role
		if f.organisationTaxCode == "" {
			f.organisationTaxCode = o.ID
		}
	case kind != identity.KindOrganisation:
		f.acting = actingSelf
	}
}

// groups is "kind:citizen,role:x". A role is free text of the directory: what
// would end or split an entry is percent-encoded, and "%" with it.
func groups(a session.AccountRef) string {
	var entries []string
	if a.Kind != "" {
		entries = append(entries, "kind:"+groupText(string(a.Kind)))
	}
	for _, role := range a.Roles {
		entries = append(entries, "role:"+groupText(role))
	}
	return strings.Join(entries, ",")
}

func groupText(s string) string {
	var b strings.Builder
	for i := range len(s) {
		c := s[i]
		edge := c == ' ' && (i == 0 || i == len(s)-1)
		if c < ' ' || c == 0x7f || c == ',' || c == '%' || edge {
			fmt.Fprintf(&b, "%%%02X", c)
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}

// fieldNames is the closed list of what a header may carry.
func fieldNames() []string {
	return []string{
		"account_id", "username", "email", "groups", "citizen_number", "name", "birth_date", "account_level",
		"authentication_level", "standing", "assertion", "provider", "kind",
		"acting", "organisation_id", "organisation_tax_code", "organisation_name", "organisation_role",
	}
}

func knownField(name string) bool { return slices.Contains(fieldNames(), name) }

// field is one fact by its name; the assertion is none.
func (f *facts) field(name string) string {
	switch name {
	case "account_id":
		return f.accountID
	case "username":
		return f.username
	case "email":
		return f.email
	case "groups":
		return f.groups
	case "citizen_number":
		return f.citizenNumber
	case "name":
		return f.name
	case "birth_date":
		return f.birthDate
	case "account_level":
		return f.accountLevel
	case "authentication_level":
		return f.authenticationLevel
	case "standing":
		return f.standing
	case "provider":
		return f.provider
	case "kind":
		return f.kind
	case "acting":
		return f.acting
	case "organisation_id":
		return f.organisationID
	case "organisation_tax_code":
		return f.organisationTaxCode
	case "organisation_name":
		return f.organisationName
	case "organisation_role":
		return f.organisationRole
	}
	return ""
}
