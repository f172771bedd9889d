package vneid_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"maps"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vneid-proxy/broker/vneid"
)

const logoutEvent = "http://schemas.openid.net/event/backchannel-logout"

func (p *provider) logoutClaims() claims {
	return claims{
		"iss": p.URL, "aud": clientID, "sub": subject, "sid": "s1", "jti": "j1", "iat": time.Now().Unix(),
		"exp": time.Now().Add(2 * time.Minute).Unix(), "events": claims{logoutEvent: claims{}},
	}
}

func TestVerifyLogoutAccepts(t *testing.T) {
	for name, test := range map[string]struct {
		header claims
		spoil  func(claims)
		want   vneid.Logout
	}{
		"rp-backchannel-rpinitlogout": {nil, func(claims) {}, vneid.Logout{Subject: subject, SID: "s1", ID: "j1"}},
		"sid alone":                   {nil, func(c claims) { delete(c, "sub") }, vneid.Logout{SID: "s1", ID: "j1"}},
		"sub alone":                   {nil, func(c claims) { delete(c, "sid") }, vneid.Logout{Subject: subject, ID: "j1"}},
		"no exp, as Hydra":            {nil, func(c claims) { delete(c, "exp") }, vneid.Logout{Subject: subject, SID: "s1", ID: "j1"}},
		"typ logout+jwt":              {claims{"typ": "logout+jwt"}, func(claims) {}, vneid.Logout{Subject: subject, SID: "s1", ID: "j1"}},
		"unknown claims":              {nil, func(c claims) { c["further"] = []int{1} }, vneid.Logout{Subject: subject, SID: "s1", ID: "j1"}},
		"audience as an array":        {nil, func(c claims) { c["aud"] = []string{clientID} }, vneid.Logout{Subject: subject, SID: "s1", ID: "j1"}},
		"a further event":             {nil, func(c claims) { c["events"] = claims{logoutEvent: claims{}, "other": 1} }, vneid.Logout{Subject: subject, SID: "s1", ID: "j1"}},
		"clock a little ahead":        {nil, func(c claims) { c["iat"] = time.Now().Add(30 * time.Second).Unix() }, vneid.Logout{Subject: subject, SID: "s1", ID: "j1"}},
		"told five minutes late":      {nil, func(c claims) { c["iat"] = time.Now().Add(-5 * time.Minute).Unix() }, vneid.Logout{Subject: subject, SID: "s1", ID: "j1"}},
	} {
		t.Run(name, func(t *testing.T) {
			p := newProvider(t)
			c := p.logoutClaims()
			test.spoil(c)
			got, err := p.party(t).VerifyLogout(t.Context(), signer(jose.RS256, rsaKey(), "k1", test.header)([]byte(text(c))))
			require.NoError(t, err)
			assert.True(t, got.Expires.After(time.Now().Add(vneid.LogoutAge/2-time.Minute)), "remembered for as long as it could be replayed")
			got.Expires = time.Time{}
			assert.Equal(t, test.want, got)
		})
	}
}

// The refusals of the conformance suite's back-channel plan are among them, by
// their names there.
func TestVerifyLogoutRefuses(t *testing.T) {
	good := func(spoil func(claims)) func(p *provider) string {
		return func(p *provider) string {
			c := p.logoutClaims()
			spoil(c)
			return p.sign([]byte(text(c)))
		}
	}
	signed := func(sign func(p *provider) func([]byte) string) func(p *provider) string {
		return func(p *provider) string { return sign(p)([]byte(text(p.logoutClaims()))) }
	}
	ecKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	for name, test := range map[string]struct {
		token func(p *provider) string
		want  vneid.Reason
	}{
		"rp-backchannel-rpinitlogout-alg-none": {func(p *provider) string {
			return b64(`{"alg":"none"}`) + "." + b64(text(p.logoutClaims())) + "."
		}, vneid.ReasonAlgorithm},
		"rp-backchannel-rpinitlogout-no-event":    {good(func(c claims) { delete(c, "events") }), vneid.ReasonLogout},
		"rp-backchannel-rpinitlogout-wrong-event": {good(func(c claims) { c["events"] = claims{"http://schemas.openid.net/event/other": claims{}} }), vneid.ReasonLogout},
		"rp-backchannel-rpinitlogout-with-nonce":  {good(func(c claims) { c["nonce"] = "n" }), vneid.ReasonNonce},
		"rp-backchannel-rpinitlogout-wrong-alg": {signed(func(*provider) func([]byte) string {
			return signer(jose.ES256, ecKey, "k1", nil)
		}), vneid.ReasonAlgorithm},
		"rp-backchannel-rpinitlogout-wrong-aud": {good(func(c claims) { c["aud"] = "another" }), vneid.ReasonAudience},
		"rp-backchannel-rpinitlogout-wrong-iss": {good(func(c claims) { c["iss"] = "https://another.example" }), vneid.ReasonIssuer},
		"an algorithm of ours alone": {signed(func(*provider) func([]byte) string {
			return signer(jose.HS256, []byte("a shared secret of thirty-two by"), "k1", nil)
		}), vneid.ReasonAlgorithm},
		"an audience too many": {good(func(c claims) { c["aud"] = []string{clientID, "another"} }), vneid.ReasonAudience},
		"a null nonce":         {good(func(c claims) { c["nonce"] = nil }), vneid.ReasonNonce},
		"event no object":      {good(func(c claims) { c["events"] = claims{logoutEvent: true} }), vneid.ReasonLogout},
		"events an array":      {good(func(c claims) { c["events"] = []string{logoutEvent} }), vneid.ReasonLogout},
		"neither sub nor sid":  {good(func(c claims) { delete(c, "sub"); delete(c, "sid") }), vneid.ReasonSubject},
		"no jti":               {good(func(c claims) { delete(c, "jti") }), vneid.ReasonLogout},
		"no iat":               {good(func(c claims) { delete(c, "iat") }), vneid.ReasonIssuedAt},
		"iat ahead":            {good(func(c claims) { c["iat"] = time.Now().Add(2 * time.Minute).Unix() }), vneid.ReasonIssuedAt},
		"iat long ago":         {good(func(c claims) { c["iat"] = time.Now().Add(-20 * time.Minute).Unix() }), vneid.ReasonIssuedAt},
		"expired":              {good(func(c claims) { c["exp"] = time.Now().Add(-2 * time.Minute).Unix() }), vneid.ReasonExpired},
		"an ID token": {func(p *provider) string {
			c := maps.Clone(p.idToken)
			c["jti"] = "j1"
			return p.sign([]byte(text(c)))
		}, vneid.ReasonLogout},
		"an access token": {signed(func(*provider) func([]byte) string {
			return signer(jose.RS256, rsaKey(), "k1", claims{"typ": "at+jwt"})
		}), vneid.ReasonLogout},
		"another's key": {signed(func(*provider) func([]byte) string { return signer(jose.RS256, otherKey(), "k1", nil) }), vneid.ReasonSignature},
		"unknown key":   {signed(func(*provider) func([]byte) string { return signer(jose.RS256, otherKey(), "k9", nil) }), vneid.ReasonKey},
		"no token":      {func(*provider) string { return "abc" }, vneid.ReasonIDToken},
		"a member twice": {func(p *provider) string {
			return p.sign([]byte(`{"iss":"x",` + text(p.logoutClaims())[1:]))
		}, vneid.ReasonLogout},
	} {
		t.Run(name, func(t *testing.T) {
			p := newProvider(t)
			_, err := p.party(t).VerifyLogout(t.Context(), test.token(p))
			require.Error(t, err)
			assert.Equal(t, test.want, vneid.ReasonOf(err))
			assert.ErrorIs(t, err, vneid.ErrProtocol)
		})
	}
}

func TestVerifyLogoutWithoutKeysMayBeAskedAgain(t *testing.T) {
	p := newProvider(t)
	party := p.party(t)
	p.Close()
	_, err := party.VerifyLogout(t.Context(), p.sign([]byte(text(p.logoutClaims()))))
	assert.ErrorIs(t, err, vneid.ErrUnavailable)
}
