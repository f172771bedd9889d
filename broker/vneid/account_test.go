package vneid_test

import (
	"crypto/rsa"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vneid-proxy/broker/vneid"
)

// The claim that names the account is one text, under its exact name, and the
// same wherever it is told; number and level are then nobody's business.
func TestAccountClaim(t *testing.T) {
	person := func(name string, value any) func(*provider) { return func(p *provider) { p.person[name] = value } }
	for name, test := range map[string]struct {
		change func(*provider)
		want   string // "" is refused
	}{
		"in userinfo":                {person("staff", "lqbao"), "lqbao"},
		"in the ID token":            {with("staff", "lqbao"), "lqbao"},
		"in both":                    {func(p *provider) { with("staff", "a")(p); person("staff", "a")(p) }, "a"},
		"a whole number":             {person("staff", 4711), "4711"},
		"beside a bad number":        {func(p *provider) { person("staff", "a")(p); person("citizenPid", "12")(p) }, "a"},
		"beside a bad level":         {func(p *provider) { person("staff", "a")(p); person("accountLevel", "high")(p) }, "a"},
		"missing":                    {func(*provider) {}, ""},
		"in another case":            {person("Staff", "lqbao"), ""},
		"empty":                      {person("staff", ""), ""},
		"null":                       {person("staff", nil), ""},
		"two that differ":            {func(p *provider) { with("staff", "a")(p); person("staff", "b")(p) }, ""},
		"two types":                  {func(p *provider) { with("staff", "1")(p); person("staff", 1)(p) }, ""},
		"a list":                     {person("staff", []string{"a"}), ""},
		"a fraction":                 {person("staff", 1.5), ""},
		"control characters":         {person("staff", "a\u0000b"), ""},
		"longer than a cookie takes": {person("staff", strings.Repeat("x", 300)), ""},
	} {
		t.Run(name, func(t *testing.T) {
			p := newProvider(t)
			test.change(p)
			party := p.party(t, func(c *vneid.Config) { c.AccountClaim, c.MinAccountLevel = "staff", 0 })
			got, err := party.Redeem(t.Context(), p.attempt, p.callback())
			if test.want == "" {
				require.ErrorIs(t, err, vneid.ErrProtocol)
				assert.Equal(t, vneid.Reason("account"), vneid.ReasonOf(err))
				return
			}
			require.NoError(t, err)
			assert.Equal(t, test.want, got.Account)
			assert.True(t, got.Citizen.Number.IsZero())
			assert.Zero(t, got.Citizen.AccountLevel)
		})
	}
}

// A token's own word chooses who verifies it, and nothing more.
func TestAddresses(t *testing.T) {
	p := newProvider(t)
	party := p.party(t)
	token := func(spoil func(claims)) string {
		c := p.logoutClaims()
		spoil(c)
		return signer(jose.RS256, otherKey(), "k1", nil)([]byte(text(c))) // by a stranger's key
	}
	assert.True(t, party.Addresses(token(func(claims) {})))
	assert.True(t, party.Addresses(token(func(c claims) { c["aud"] = []string{clientID} })))
	for name, raw := range map[string]string{
		"another issuer": token(func(c claims) { c["iss"] = p.URL + "/" }),
		"another client": token(func(c claims) { c["aud"] = "another" }),
		"two clients":    token(func(c claims) { c["aud"] = []string{clientID, "another"} }),
		"no audience":    token(func(c claims) { delete(c, "aud") }),
		"two parts":      "e30.e30", "no base64": "e30.*.x", "no JSON": "e30.YQ.x", "nothing": "", "dots": "..",
	} {
		assert.False(t, party.Addresses(raw), name)
	}
	_, err := party.VerifyLogout(t.Context(), token(func(claims) {}))
	assert.ErrorIs(t, err, vneid.ErrProtocol, "addressed, and not believed")
}

// Keys are replaced whole or not at all.
func TestSetKeysRefuses(t *testing.T) {
	w := newWire(t)
	party := w.party(t)
	for name, keys := range map[string][]*rsa.PrivateKey{
		"none": nil, "a nil one": {nil}, "a short one": {rsaKey(), weakKey()},
	} {
		assert.Error(t, party.SetKeys(keys), name)
	}
	_, err := party.Redeem(t.Context(), w.attempt, w.callback)
	require.NoError(t, err, "the keys before hold")
	require.NoError(t, party.SetKeys([]*rsa.PrivateKey{otherKey()}))
	_, err = party.Redeem(t.Context(), w.attempt, w.callback)
	assert.ErrorIs(t, err, vneid.ErrProtocol, "and now they are gone")
}
