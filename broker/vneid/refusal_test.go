package vneid_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vneid-proxy/broker/vneid"
)

// A provider that keeps silent anywhere costs the timeout, once.
func TestRedeemSlow(t *testing.T) {
	for path, reason := range map[string]vneid.Reason{
		"/.well-known/openid-configuration": "discovery_timeout", "/jwks": "keys_timeout",
		"/token": "token_timeout", "/userinfo": "userinfo_timeout",
	} {
		t.Run(path, func(t *testing.T) {
			t.Parallel()
			p := newProvider(t)
			over := make(chan struct{})
			defer close(over)
			p.replies[path] = func(http.ResponseWriter, *http.Request) { <-over }
			_, err := p.party(t, func(c *vneid.Config) { c.Timeout = 2 * time.Second }).Redeem(t.Context(), p.attempt, p.callback())
			require.ErrorIs(t, err, vneid.ErrUnavailable)
			assert.Equal(t, reason, vneid.ReasonOf(err))
		})
	}
}

func TestRedeemProviderDown(t *testing.T) {
	p := newProvider(t)
	party := p.party(t)
	p.Close()
	_, err := party.Redeem(t.Context(), p.attempt, p.callback())
	require.ErrorIs(t, err, vneid.ErrUnavailable)
	assert.Equal(t, vneid.Reason("discovery_unavailable"), vneid.ReasonOf(err))
	_, err = party.AuthURL(t.Context(), p.attempt)
	require.ErrorIs(t, err, vneid.ErrUnavailable)
}

// What the callback or the attempt decides alone: nothing is redeemed.
func TestRedeemAsksForNothing(t *testing.T) {
	for name, test := range map[string]struct {
		change func(*provider, *vneid.Callback)
		kind   error
		reason vneid.Reason
	}{
		"iss of another":       {func(_ *provider, c *vneid.Callback) { c.Issuer = "https://evil.example" }, vneid.ErrProtocol, "response_issuer"},
		"iss missing":          {func(_ *provider, c *vneid.Callback) { c.Issuer = "" }, vneid.ErrProtocol, "response_issuer"},
		"iss before the error": {func(_ *provider, c *vneid.Callback) { c.Issuer, c.Code, c.Error = "", "", "access_denied" }, vneid.ErrProtocol, "response_issuer"},
		"iss unadvertised, wrong": {func(p *provider, c *vneid.Callback) {
			delete(p.metadata, "authorization_response_iss_parameter_supported")
			c.Issuer = "x"
		}, vneid.ErrProtocol, "response_issuer"},
		"cancelled":             {func(_ *provider, c *vneid.Callback) { c.Code, c.Error = "", "access_denied" }, vneid.ErrCancelled, "access_denied"},
		"provider busy":         {func(_ *provider, c *vneid.Callback) { c.Code, c.Error = "", "temporarily_unavailable" }, vneid.ErrUnavailable, "provider_error"},
		"provider complains":    {func(_ *provider, c *vneid.Callback) { c.Code, c.Error = "", number }, vneid.ErrProtocol, "provider_error"},
		"nothing":               {func(_ *provider, c *vneid.Callback) { c.Code = "" }, vneid.ErrProtocol, "callback"},
		"state of another":      {func(_ *provider, c *vneid.Callback) { c.State += "x" }, vneid.ErrProtocol, "attempt"},
		"attempt spent":         {func(p *provider, _ *vneid.Callback) { p.attempt.Spent = true }, vneid.ErrProtocol, "attempt"},
		"attempt without nonce": {func(p *provider, _ *vneid.Callback) { p.attempt.Nonce = ""; delete(p.idToken, "nonce") }, vneid.ErrProtocol, "attempt"},
		"attempt elsewhere":     {func(p *provider, _ *vneid.Callback) { p.attempt.Provider = "other" }, vneid.ErrProtocol, "attempt"},
	} {
		t.Run(name, func(t *testing.T) {
			p := newProvider(t)
			callback := p.callback()
			test.change(p, &callback)
			_, err := p.party(t).Redeem(t.Context(), p.attempt, callback)
			require.ErrorIs(t, err, test.kind)
			assert.Equal(t, test.reason, vneid.ReasonOf(err))
			assert.NotContains(t, err.Error(), number)
			assert.Zero(t, p.asked["/token"].Load(), "the code was redeemed")
		})
	}
}

func TestPinnedAlgorithm(t *testing.T) {
	p := newProvider(t)
	_, err := p.party(t, func(c *vneid.Config) { c.Algorithms = []string{"ES256"} }).Redeem(t.Context(), p.attempt, p.callback())
	assert.Equal(t, vneid.Reason("algorithm"), vneid.ReasonOf(err))
	_, err = p.party(t, func(c *vneid.Config) { c.Algorithms = []string{"RS256"} }).Redeem(t.Context(), p.attempt, p.callback())
	assert.NoError(t, err)
}

func TestUnverifiedEmailIsNobodys(t *testing.T) {
	for _, verified := range []any{nil, false, "true"} {
		p := newProvider(t)
		p.person["email_verified"] = verified
		got, err := p.party(t).Redeem(t.Context(), p.attempt, p.callback())
		require.NoError(t, err)
		assert.Empty(t, got.Citizen.Email)
	}
}

func TestNumberOptional(t *testing.T) {
	p := newProvider(t)
	party := p.party(t, func(c *vneid.Config) { c.NumberOptional = true; c.Claims.Name = "fullName"; c.Claims.Number = "pid" })
	got, err := party.Redeem(t.Context(), p.attempt, p.callback())
	require.NoError(t, err)
	assert.True(t, got.Citizen.Number.IsZero())
	assert.Empty(t, got.Citizen.Name, "claim names are the configured ones")

	p.person["pid"] = "123"
	_, err = party.Redeem(t.Context(), p.attempt, p.callback())
	assert.Equal(t, vneid.Reason("number"), vneid.ReasonOf(err))
}
