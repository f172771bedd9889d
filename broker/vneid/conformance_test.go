package vneid_test

import (
	"net/http"
	"net/url"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vneid-proxy/broker/vneid"
)

// conforms is one module of the OpenID Foundation's relying-party plans: what
// the provider there does, and whether a sign-in must succeed.
type conforms struct {
	change func(*provider)
	config func(*vneid.Config)
	accept bool
}

func (c conforms) run(t *testing.T) {
	p := newProvider(t)
	if c.change != nil {
		c.change(p)
	}
	var changes []func(*vneid.Config)
	if c.config != nil {
		changes = append(changes, c.config)
	}
	got, err := p.party(t, changes...).Redeem(t.Context(), p.attempt, p.callback())
	if c.accept {
		require.NoError(t, err)
		assert.Equal(t, subject, got.Citizen.Subject)
		return
	}
	assert.ErrorIs(t, err, vneid.ErrProtocol)
	assert.Zero(t, got)
}

// The plan "Basic", by the modules' own names. Where a module leaves a choice
// (the two with several keys, and alg none), ours is to refuse.
func TestConformanceBasic(t *testing.T) {
	seen := func(want func(*http.Request) bool) func(*provider) {
		return func(p *provider) {
			p.replies["/userinfo"] = func(w http.ResponseWriter, r *http.Request) {
				if !want(r) {
					w.WriteHeader(http.StatusUnauthorized)
					return
				}
				answer(w, text(p.person))
			}
		}
	}
	for name, module := range map[string]conforms{
		"oidcc-client-test":      {accept: true},
		"invalid-iss":            {change: with("iss", "https://another.example")},
		"missing-sub":            {change: without("sub")},
		"invalid-aud":            {change: with("aud", "another")},
		"missing-iat":            {change: without("iat")},
		"kid-absent-single-jwks": {change: func(p *provider) { p.sign = signer(jose.RS256, rsaKey(), "", nil) }, accept: true},
		"kid-absent-multiple-jwks": {change: func(p *provider) {
			p.published.Store(&[]any{jwk(&rsaKey().PublicKey, "a"), jwk(&otherKey().PublicKey, "b")})
			p.sign = signer(jose.RS256, rsaKey(), "", nil)
		}},
		"idtoken-sig-rs256": {accept: true},
		"idtoken-sig-none": {change: func(p *provider) {
			p.sign = func(b []byte) string { return b64(`{"alg":"none"}`) + "." + b64(string(b)) + "." }
		}},
		"invalid-sig-rs256":    {change: func(p *provider) { p.sign = signer(jose.RS256, otherKey(), "k1", nil) }},
		"nonce-invalid":        {change: with("nonce", "another")},
		"userinfo-invalid-sub": {change: person("sub", "another")},
		"userinfo-bearer-header": {change: seen(func(r *http.Request) bool {
			return r.Method == http.MethodGet && r.Header.Get("Authorization") == "Bearer "+accessToken
		}), accept: true},
		"userinfo-bearer-body": {config: func(c *vneid.Config) { c.UserinfoBy = vneid.UserinfoForm }, change: seen(func(r *http.Request) bool {
			return r.Method == http.MethodPost && r.Header.Get("Authorization") == "" && r.PostFormValue("access_token") == accessToken && len(r.URL.RawQuery) == 0
		}), accept: true},
		"userinfo by POST, with a header": {config: func(c *vneid.Config) { c.UserinfoBy = vneid.UserinfoPost }, change: seen(func(r *http.Request) bool {
			return r.Method == http.MethodPost && r.Header.Get("Authorization") == "Bearer "+accessToken && r.ContentLength == 0
		}), accept: true},
		"client-secret-basic": {config: func(c *vneid.Config) { c.ClientAuthentication = "basic" }, accept: true}, // the provider takes no other
	} {
		t.Run(name, module.run)
	}
	t.Run("scope-userinfo-claims", func(t *testing.T) {
		p := newProvider(t)
		address, err := p.party(t, func(c *vneid.Config) { c.Scopes = []string{"profile", "email", "phone", "address"} }).AuthURL(t.Context(), p.attempt)
		require.NoError(t, err)
		u, err := url.Parse(address)
		require.NoError(t, err)
		assert.Equal(t, "openid profile email phone address", u.Query().Get("scope"))
		got, err := p.party(t).Redeem(t.Context(), p.attempt, p.callback())
		require.NoError(t, err)
		assert.Equal(t, "vidu@example.vn", got.Citizen.Email)
	})
}

// The plan "Config".
func TestConformanceConfig(t *testing.T) {
	for name, module := range map[string]conforms{
		"discovery-openid-config": {accept: true},
		"discovery-jwks-uri-keys": {change: func(p *provider) {
			p.metadata["jwks_uri"] = p.URL + "/keys-of-this-run"
			p.replies["/keys-of-this-run"] = func(w http.ResponseWriter, _ *http.Request) { answer(w, text(claims{"keys": *p.published.Load()})) }
			p.replies["/jwks"] = func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusGone) }
		}, accept: true},
		"discovery-issuer-mismatch": {change: metadata("issuer", "https://another.example")},
		"idtoken-sig-none": {change: func(p *provider) {
			p.sign = func(b []byte) string { return b64(`{"alg":"none"}`) + "." + b64(string(b)) + "." }
		}},
	} {
		t.Run(name, module.run)
	}
	t.Run("signing-key-rotation", func(t *testing.T) {
		p := newProvider(t)
		party := p.party(t)
		_, err := party.Redeem(t.Context(), p.attempt, p.callback())
		require.NoError(t, err)
		p.published.Store(&[]any{jwk(&otherKey().PublicKey, "k2")})
		p.sign = signer(jose.RS256, otherKey(), "k2", nil)
		_, err = party.Redeem(t.Context(), p.attempt, p.callback())
		require.NoError(t, err)
	})
	// The key changes after its set was read for this very sign-in.
	t.Run("signing-key-rotation-just-before-signing", func(t *testing.T) {
		p := newProvider(t)
		party := p.party(t)
		_, err := party.Redeem(t.Context(), p.attempt, p.callback())
		require.NoError(t, err)
		var rotated atomic.Bool
		p.sign = func(payload []byte) string {
			if rotated.CompareAndSwap(false, true) {
				p.published.Store(&[]any{jwk(&rsaKey().PublicKey, "k1"), jwk(&otherKey().PublicKey, "k2")})
			}
			return signer(jose.RS256, otherKey(), "k2", nil)(payload)
		}
		_, err = party.Redeem(t.Context(), p.attempt, p.callback())
		require.NoError(t, err)
	})
}

// What FAPI 2 asks of relying parties beyond, where it costs nothing.
func TestConformanceFAPI2(t *testing.T) {
	for name, module := range map[string]conforms{
		"valid-aud-as-array":    {change: with("aud", []string{clientID}), accept: true},
		"invalid-secondary-aud": {change: with("aud", []string{clientID, "another"})},
		"invalid-alternate-alg": {change: func(p *provider) { p.sign = signer(jose.PS256, rsaKey(), "k1", nil) }},
		"invalid-null-alg":      {change: func(p *provider) { p.sign = rawSigner(`{"alg":null,"kid":"k1"}`, rsaKey()) }},
		"invalid-expired-exp":   {change: with("exp", time.Now().Add(-6*time.Minute).Unix())},
		"invalid-missing-exp":   {change: without("exp")},
		"iat-is-week-in-past":   {change: with("iat", time.Now().Add(-7*24*time.Hour).Unix())},
		"invalid-missing-aud":   {change: without("aud")},
		"invalid-missing-iss":   {change: without("iss")},
		"invalid-missing-nonce": {change: without("nonce")},
		"no-scope-in-token-endpoint-response": {change: func(p *provider) {
			p.tokenReply = func(idToken string) string {
				return text(claims{"access_token": accessToken, "token_type": "Bearer", "id_token": idToken})
			}
		}, accept: true},
		"token-type-case-insensitivity": {accept: true}, // the provider says bEARER
	} {
		t.Run(name, module.run)
	}
	for name, change := range map[string]func(*vneid.Callback){
		"invalid-authorization-response-iss":                             func(c *vneid.Callback) { c.Issuer = "https://another.example" },
		"remove-authorization-response-iss":                              func(c *vneid.Callback) { c.Issuer = "" },
		"ensure-authorization-response-with-invalid-state-fails":         func(c *vneid.Callback) { c.State = "another" },
		"ensure-authorization-response-with-invalid-missing-state-fails": func(c *vneid.Callback) { c.State = "" },
	} {
		t.Run(name, func(t *testing.T) {
			p := newProvider(t)
			callback := p.callback()
			change(&callback)
			_, err := p.party(t).Redeem(t.Context(), p.attempt, callback)
			assert.ErrorIs(t, err, vneid.ErrProtocol)
			assert.Zero(t, p.asked["/token"].Load(), "nothing more is asked")
		})
	}
}
