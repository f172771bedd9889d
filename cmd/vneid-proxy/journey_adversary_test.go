package main

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vneid-proxy/vneidtest"
)

// Whatever a provider does wrong, the person gets a page of ours that says
// nothing of it, the metric says what it was, and nobody is signed in.
func TestAdversary(t *testing.T) {
	t.Parallel()
	want := map[string]string{ // attack → reason
		"iss of another": "iss", "iss missing": "iss", "aud of another": "aud", "aud with another": "aud", "aud missing": "aud",
		"azp of another": "azp", "nonce of another": "nonce", "nonce missing": "nonce", "exp in the past": "exp", "exp missing": "exp",
		"iat in the future": "iat", "iat a week ago": "iat", "iat missing": "iat", "nbf in the future": "nbf", "at_hash of another": "at_hash",
		"sub missing": "sub", "sub a number": "id_token_malformed", "sub too long": "token_too_large", "sub twice": "id_token_malformed",
		"alg none": "algorithm", "alg HS256 with the public key": "algorithm", "alg PS256, not offered": "algorithm",
		"kid unknown": "key", "kid of another key": "signature", "kid twice": "signature", "kid missing, two keys": "key",
		"key in the header": "key", "key by jku": "key", "crit unknown": "signature",
		"userinfo of another": "userinfo_sub", "userinfo of nobody": "userinfo_sub", "userinfo with sub twice": "userinfo_malformed",
		"userinfo with number twice": "userinfo_malformed", "userinfo with a false number": "number", "userinfo no JSON": "userinfo_malformed",
		"userinfo huge": "userinfo_too_large", "userinfo endless": "userinfo_too_large", "userinfo dripping": "userinfo_timeout",
		"userinfo redirecting": "userinfo_refused",
		"token twice":          "token_malformed", "token of another type": "token_malformed", "token missing": "id_token_missing",
		"token endless": "token_too_large", "token dripping": "token_timeout", "token redirecting": "token_refused",
		"token inflating": "token_malformed", "token refused in its own words": "code",
		"signature missing": "signature", "signature of noughts": "signature", "key for encryption": "key",
		"auth_time a text": "id_token_malformed", "auth_time ahead": "auth_time", "userinfo inflating": "userinfo_malformed",
		"keys twice": "keys_malformed", "keys dripping": "keys_timeout", "metadata inflating": "discovery_malformed",
		"keys endless": "keys_too_large", "keys redirecting": "keys_refused", "keys private": "algorithm",
		"metadata of another": "discovery", "metadata to another host": "discovery", "metadata to a file": "discovery",
		"metadata twice": "discovery_malformed", "metadata endless": "discovery_too_large", "metadata redirecting": "discovery_refused",
		"metadata with no algorithm": "discovery",
		"callback of another issuer": "response_issuer", "callback of no issuer": "response_issuer", "callback with two codes": "callback",
		"callback without a code": "callback", "callback with an error of its own": "callback", "callback with an unknown error": "provider_error",
	}
	for _, name := range vneidtest.AdversaryAttacks() {
		assert.Contains(t, want, name, "no expectation")
	}
	adversary := func(t *testing.T, attack string) (*rig, *person, page) {
		r := newRig(t, rigWorld{env: map[string]string{"CALL_TIMEOUT": "3s"}})
		issuer := r.simulate(func(address string) http.Handler {
			a, err := vneidtest.NewAdversary(vneidtest.AdversaryConfig{
				Issuer: address, ClientID: "portal", Persona: r.persona("linked"),
			}, attack)
			require.NoError(t, err)
			return a
		})
		r.restart(map[string]string{"ISSUER_URL": issuer})
		p := r.person(t)
		return r, p, p.visit(p.visit(wanted).link("/_vneid/start?provider=vneid"))
	}
	t.Run("no attack", func(t *testing.T) {
		_, p, at := adversary(t, "")
		require.Equal(t, http.StatusOK, at.status, at.body)
		assert.Equal(t, wanted, at.url.RequestURI())
		assert.Contains(t, p.cookies(), "vneid_session", "else the refusals below would show nothing")
	})
	for name, reason := range want {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, p, at := adversary(t, name)
			assert.Contains(t, []int{http.StatusBadRequest, http.StatusForbidden, http.StatusServiceUnavailable}, at.status, at.body)
			assert.Equal(t, 1.0, r.metric(`vneid_proxy_provider_faults_total{provider="vneid",reason="`+reason+`"}`))
			for _, theirs := range []string{"KẺ-XẤU", "another.invalid", "passwd", "127.0.0.2"} {
				assert.NotContains(t, at.body, theirs)
				for _, values := range at.header {
					assert.NotContains(t, strings.Join(values, " "), theirs)
				}
			}
			assert.NotContains(t, p.cookies(), "vneid_session")
			assert.NotContains(t, p.cookies(), "vneid_proof")
		})
	}
}
