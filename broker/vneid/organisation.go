package vneid

import (
	"slices"

	"vneid-proxy/identity"
)

// maxOrganisation is the longest code of an organisation, in bytes. A tax code
// has 10 digits, or 13 and a dash; a household's may be a citizen number.
const maxOrganisation = 32

// organisation is whom the claims say that the person acts for, zero for
// themselves. The account's type decides: a person has a tax code too. Where
// there is no type, a code of an organisation is taken at its word, for whoever
// acts for one must never pass for themselves. An account of an organisation's
// type without a code is refused.
func (c claimSet) organisation(names Claims) (o identity.Organisation, err error) {
	kind, err := c.scalar(names.AccountType)
	if err != nil {
		return o, fault(ReasonOrganisation)
	}
	typed := slices.Contains(names.OrganisationTypes, kind)
	if !typed && kind != "" {
		return o, nil
	}
	for _, claim := range []struct {
		into *string
		name string
		read func(string) (string, error)
	}{
		{&o.ID, names.OrganisationID, c.scalar},
		{&o.TaxCode, names.OrganisationTaxCode, c.scalar},
		{&o.Name, names.OrganisationName, c.text},
		{&o.Role, names.OrganisationRole, c.text},
	} {
		if *claim.into, err = claim.read(claim.name); err != nil {
			return identity.Organisation{}, fault(ReasonOrganisation)
		}
	}
	if !typed && o.ID == "" {
		return identity.Organisation{}, nil
	}
	if o.ID == "" {
		o.ID = o.TaxCode
	}
	if o.TaxCode == o.ID {
		o.TaxCode = ""
	}
	for _, code := range []string{o.ID, o.TaxCode} {
		if len(code) > maxOrganisation || !printable(code) {
			return identity.Organisation{}, fault(ReasonOrganisation)
		}
	}
	if o.ID == "" {
		return identity.Organisation{}, fault(ReasonOrganisation)
	}
	return o, nil
}
