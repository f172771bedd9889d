package vneid_test

import (
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vneid-proxy/broker/vneid"
)

func refreshing(c *vneid.Config) { c.Refresh = true }

// granting has the provider give a refresh token, and another at each refresh.
func granting(p *provider) {
	p.tokenReply = func(idToken string) string {
		return text(claims{"access_token": accessToken, "token_type": "Bearer", "id_token": idToken, "expires_in": 300, "refresh_token": "first"})
	}
	p.replies["/token"] = func(w http.ResponseWriter, r *http.Request) {
		user, secret, _ := r.BasicAuth()
		secret, _ = url.QueryUnescape(secret)
		switch {
		case r.PostFormValue("grant_type") == "authorization_code" && p.checkExchange(r) == "":
			answer(w, p.tokenReply(p.sign([]byte(text(p.idToken)))))
		case user != clientID || secret != clientSecret || r.PostFormValue("grant_type") != "refresh_token":
			w.WriteHeader(http.StatusUnauthorized)
		case r.PostFormValue("refresh_token") != "first":
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(http.StatusBadRequest)
			_, _ = w.Write([]byte(`{"error":"invalid_grant"}`))
		default:
			answer(w, text(claims{
				"access_token": "another", "token_type": "Bearer", "id_token": p.sign([]byte(text(p.idToken))), "expires_in": 60, "refresh_token": "second",
			}))
		}
	}
}

// The plan "Refresh", by the modules' own names, and what lies around it.
func TestConformanceRefresh(t *testing.T) {
	for name, test := range map[string]struct {
		change func(*provider) // between sign-in and refresh
		kind   error
		reason vneid.Reason
	}{
		"refresh-token":                {},
		"refresh-token-invalid-issuer": {with("iss", "https://another.example"), vneid.ErrProtocol, vneid.ReasonIssuer},
		"refresh-token-invalid-sub":    {with("sub", "another"), vneid.ErrProtocol, vneid.ReasonSubject},
		"another audience":             {with("aud", "another"), vneid.ErrProtocol, vneid.ReasonAudience},
		"another nonce":                {with("nonce", "another"), vneid.ErrProtocol, vneid.ReasonNonce},
		"no nonce":                     {change: without("nonce")},
		"an old token":                 {with("iat", time.Now().Add(-5*time.Minute).Unix()), vneid.ErrProtocol, vneid.ReasonIssuedAt},
		"signed by another": {func(p *provider) {
			p.sign = func(b []byte) string { return b64(`{"alg":"none"}`) + "." + b64(string(b)) + "." }
		},
			vneid.ErrProtocol, vneid.ReasonAlgorithm},
		"the provider is away": {func(p *provider) {
			p.replies["/token"] = func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) }
		}, vneid.ErrUnavailable, "token_unavailable"},
	} {
		t.Run(name, func(t *testing.T) {
			p := newProvider(t)
			granting(p)
			party := p.party(t, refreshing)
			got, err := party.Redeem(t.Context(), p.attempt, p.callback())
			require.NoError(t, err)
			assert.Equal(t, vneid.Grant{Token: "first", Subject: subject, Nonce: p.attempt.Nonce, After: 5 * time.Minute}, got.Grant)
			if test.change != nil {
				test.change(p)
			}
			next, err := party.Refresh(t.Context(), got.Grant)
			if test.kind != nil {
				assert.ErrorIs(t, err, test.kind)
				assert.Equal(t, test.reason, vneid.ReasonOf(err))
				assert.Zero(t, next)
				return
			}
			require.NoError(t, err)
			assert.Equal(t, vneid.Grant{Token: "second", Subject: subject, Nonce: p.attempt.Nonce, After: time.Minute}, next)
			_, err = party.Refresh(t.Context(), next)
			assert.ErrorIs(t, err, vneid.ErrOver, "the provider has ended it")
			assert.Equal(t, vneid.ReasonGrant, vneid.ReasonOf(err))
		})
	}
}

// A provider may give neither another refresh token nor an ID token, and need
// not tell how long anything lives.
func TestRefreshWithLittleInTheAnswer(t *testing.T) {
	p := newProvider(t)
	granting(p)
	party := p.party(t, refreshing)
	got, err := party.Redeem(t.Context(), p.attempt, p.callback())
	require.NoError(t, err)
	for name, expires := range map[string]any{"none": nil, "a text": "300", "a fraction": 1.5, "too much": 1e12, "negative": -1} {
		p.replies["/token"] = func(w http.ResponseWriter, _ *http.Request) {
			answer(w, text(claims{"access_token": "another", "token_type": "Bearer", "expires_in": expires}))
		}
		next, err := party.Refresh(t.Context(), got.Grant)
		require.NoError(t, err, name)
		assert.Equal(t, vneid.Grant{Token: "first", Subject: subject, Nonce: p.attempt.Nonce, After: time.Hour}, next, name)
	}
}

// Nothing is kept that nobody asked for.
func TestNoGrantUnlessWanted(t *testing.T) {
	p := newProvider(t)
	granting(p)
	got, err := p.party(t).Redeem(t.Context(), p.attempt, p.callback())
	require.NoError(t, err)
	assert.Zero(t, got.Grant)
}
