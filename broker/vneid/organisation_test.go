package vneid_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vneid-proxy/broker/vneid"
	"vneid-proxy/identity"
)

// Whom somebody acts for is told by the account's type; never is one who acts
// for an organisation taken for themselves.
func TestOrganisationClaims(t *testing.T) {
	enterprise := claims{
		"accountType": "organisation", "organisationId": "9900000015", "organisationTaxCode": "9900000015-001",
		"organisationName": "Công ty TNHH Thử Nghiệm", "organisationRole": "Giám đốc",
	}
	full := identity.Organisation{ID: "9900000015", TaxCode: "9900000015-001", Name: "Công ty TNHH Thử Nghiệm", Role: "Giám đốc"}
	for name, test := range map[string]struct {
		person claims // over the enterprise's; nil members go
		types  []string
		want   identity.Organisation
		reason vneid.Reason
	}{
		"an organisation":                  {person: claims{}, want: full},
		"as the State's wires say it":      {person: claims{"accountType": 2}, want: full},
		"the tax code alone":               {person: claims{"organisationId": nil}, want: identity.Organisation{ID: "9900000015-001", Name: full.Name, Role: full.Role}},
		"one code for both":                {person: claims{"organisationTaxCode": "9900000015"}, want: identity.Organisation{ID: "9900000015", Name: full.Name, Role: full.Role}},
		"codes as numbers":                 {person: claims{"organisationId": 99000015, "organisationTaxCode": nil}, want: identity.Organisation{ID: "99000015", Name: full.Name, Role: full.Role}},
		"no type, a code":                  {person: claims{"accountType": nil}, want: full},
		"no type, a tax code":              {person: claims{"accountType": nil, "organisationId": nil}},
		"a person, with a tax code":        {person: claims{"accountType": "person"}},
		"a person, though the type is odd": {person: claims{"accountType": "", "organisationId": ""}},
		"other words for it":               {person: claims{"accountType": "to-chuc"}, types: []string{"to-chuc"}, want: full},
		"no code":                          {person: claims{"organisationId": nil, "organisationTaxCode": nil}, reason: vneid.ReasonOrganisation},
		"a code with a blank":              {person: claims{"organisationId": "99 15"}, reason: vneid.ReasonOrganisation},
		"a code with letters of ours":      {person: claims{"organisationId": "số15"}, reason: vneid.ReasonOrganisation},
		"a code too long":                  {person: claims{"organisationId": "990000001599000000159900000015990"}, reason: vneid.ReasonOrganisation},
		"a code of no shape":               {person: claims{"organisationId": []string{"9900000015"}}, reason: vneid.ReasonOrganisation},
		"a type of no shape":               {person: claims{"accountType": true}, reason: vneid.ReasonOrganisation},
		"nobody who acts":                  {person: claims{"citizenPid": nil}, reason: vneid.ReasonRepresentative},
		"somebody with a false number":     {person: claims{"citizenPid": "9900"}, reason: vneid.ReasonNumber},
	} {
		t.Run(name, func(t *testing.T) {
			p := newProvider(t)
			move(p.person, enterprise)
			move(p.person, test.person)
			got, err := p.party(t, func(c *vneid.Config) { c.Claims.OrganisationTypes = test.types }).Redeem(t.Context(), p.attempt, p.callback())
			assert.Equal(t, test.reason, vneid.ReasonOf(err))
			if test.reason == "" {
				require.NoError(t, err)
			}
			assert.Equal(t, test.want, got.Citizen.Organisation)
		})
	}
}
