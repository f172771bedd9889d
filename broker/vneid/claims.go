package vneid

import (
	"bytes"
	"cmp"
	"context"
	"io"
	"net/http"
	"net/url"
	"strings"
	"unicode"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"vneid-proxy/broker/outbound"
	"vneid-proxy/identity"
)

// maxClaim is the longest text taken from a claim, in bytes: it must fit into a
// sealed cookie and a header.
const maxClaim = 256

// Claims are the names under which a provider sends what we want to know. An
// empty name stands for the default.
type Claims struct {
	Number              string // default citizenPid: 12 digits as a string
	Name                string // default name; fullName on the encrypted wire
	BirthDate           string // default birthdate (birthDate on the encrypted wire): as identity.ParseBirthDate reads it
	AccountLevel        string // default accountLevel: 2 or "2"; missing is 0
	AuthenticationLevel string // default acr
	AccountType         string // default accountType

	// An organisation's are read only of an account that is one's.
	OrganisationID      string // default organisationId
	OrganisationTaxCode string // default organisationTaxCode
	OrganisationName    string // default organisationName
	OrganisationRole    string // default organisationRole
	// OrganisationTypes are the values of AccountType that mean an organisation;
	// default "organisation" and, as on the State's wires, 2.
	OrganisationTypes []string
}

func (c Claims) orDefault() Claims {
	return Claims{
		Number:              cmp.Or(c.Number, "citizenPid"),
		Name:                cmp.Or(c.Name, "name"),
		BirthDate:           cmp.Or(c.BirthDate, "birthdate"),
		AccountLevel:        cmp.Or(c.AccountLevel, "accountLevel"),
		AuthenticationLevel: cmp.Or(c.AuthenticationLevel, "acr"),
		AccountType:         cmp.Or(c.AccountType, "accountType"),
		OrganisationID:      cmp.Or(c.OrganisationID, "organisationId"),
		OrganisationTaxCode: cmp.Or(c.OrganisationTaxCode, "organisationTaxCode"),
		OrganisationName:    cmp.Or(c.OrganisationName, "organisationName"),
		OrganisationRole:    cmp.Or(c.OrganisationRole, "organisationRole"),
		OrganisationTypes:   orTypes(c.OrganisationTypes, "organisation", "2"),
	}
}

func orTypes(types []string, usual ...string) []string {
	if len(types) == 0 {
		return usual
	}
	return types
}

// claimSet is claims by their exact names. A null counts as absent (OpenID
// Connect Core 5.3.2).
type claimSet map[string]jsontext.Value

func (c claimSet) value(name string) (jsontext.Value, bool) {
	value, found := c[name]
	return value, found && value.Kind() != 'n'
}

// with adds what userinfo tells to what the ID token says; the latter, signed,
// wins. Two numbers, or two accounts, for one person are refused.
func (c claimSet) with(userinfo claimSet, number, account string) (claimSet, error) {
	all := claimSet{}
	for name, value := range userinfo {
		all[name] = value
	}
	for name := range c {
		value, present := c.value(name)
		if !present {
			continue
		}
		if other, too := userinfo.value(name); too && !bytes.Equal(other, value) {
			switch name {
			case number:
				return nil, fault(ReasonNumber)
			case account:
				return nil, fault(ReasonAccount)
			}
		}
		all[name] = value
	}
	return all, nil
}

// text reads a string; "" where absent. Too long, with a control character or
// of another type it is a fault.
func (c claimSet) text(name string) (string, error) {
	value, present := c.value(name)
	if !present {
		return "", nil
	}
	var text string
	if value.Kind() != '"' || json.Unmarshal(value, &text) != nil ||
		len(text) > maxClaim || strings.ContainsFunc(text, unicode.IsControl) {
		return "", fault(ReasonClaims)
	}
	return text, nil
}

// scalar reads a string or a whole number, as text: providers differ.
func (c claimSet) scalar(name string) (string, error) {
	value, present := c.value(name)
	if !present || value.Kind() != '0' {
		return c.text(name)
	}
	if len(value) > 9 || bytes.ContainsAny(value, ".eE") {
		return "", fault(ReasonClaims)
	}
	return string(value), nil
}

// userinfo asks for further claims (OpenID Connect Core 5.3). A reply about
// another subject than the ID token's is refused whole (5.3.2).
func (p *OIDC) userinfo(ctx context.Context, address, accessToken, subject string) (claimSet, error) {
	method, body := http.MethodGet, io.Reader(nil)
	switch p.cfg.UserinfoBy {
	case UserinfoPost:
		method = http.MethodPost
	case UserinfoForm:
		method, body = http.MethodPost, strings.NewReader(url.Values{"access_token": {accessToken}}.Encode())
	}
	r, err := http.NewRequestWithContext(ctx, method, address, body)
	if err != nil {
		return nil, fault(ReasonDiscovery)
	}
	if body == nil {
		r.Header.Set("Authorization", "Bearer "+accessToken)
	} else {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	claims := claimSet{}
	if _, err := outbound.JSON(p.client, r, &claims); err != nil {
		return nil, failed("userinfo", err)
	}
	if sub, err := claims.text("sub"); err != nil || sub != subject {
		return nil, fault(ReasonUserinfoSubject)
	}
	return claims, nil
}

// citizen makes the person of the claims, all but provider and subject. A birth
// date that is no date stays unknown: an unstated year ("0000-…", Core 5.1) is
// legal, and an unknown date matches nobody.
func (c claimSet) citizen(names Claims, numberOptional bool) (identity.Citizen, error) {
	var who identity.Citizen
	organisation, err := c.organisation(names)
	if err != nil {
		return identity.Citizen{}, err
	}
	who.Organisation = organisation
	number, err := c.text(names.Number)
	if err == nil && number == "" && !organisation.IsZero() && !numberOptional {
		return identity.Citizen{}, &Error{ErrRepresentative, ReasonRepresentative}
	}
	if err != nil || number == "" && !numberOptional {
		return identity.Citizen{}, fault(ReasonNumber)
	}
	if number != "" {
		if who.Number, err = identity.VouchedCitizenNumber(number); err != nil {
			return identity.Citizen{}, fault(ReasonNumber)
		}
	}
	var birthDate, level string
	for _, claim := range []struct {
		into *string
		name string
		read func(string) (string, error)
	}{
		{&who.Name, names.Name, c.text},
		{&birthDate, names.BirthDate, c.text},
		{&level, names.AccountLevel, c.scalar},
		{&who.AuthenticationLevel, names.AuthenticationLevel, c.scalar},
		{&who.AccountType, names.AccountType, c.scalar},
		{&who.PreferredUsername, "preferred_username", c.text},
		{&who.Email, "email", c.text},
	} {
		if *claim.into, err = claim.read(claim.name); err != nil {
			return identity.Citizen{}, err
		}
	}
	if birthDate != "" {
		who.BirthDate, _ = identity.ParseBirthDate(birthDate)
	}
	switch {
	case level == "":
	case len(level) == 1 && level[0] >= '0' && level[0] <= '9':
		who.AccountLevel = int(level[0] - '0')
	default:
		return identity.Citizen{}, fault(ReasonClaims)
	}
	// An address that the provider has not verified is anybody's.
	if value, _ := c.value("email_verified"); string(value) != "true" {
		who.Email = ""
	}
	return who, nil
}
