package vneidtest_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/zitadel/oidc/v3/pkg/client/rp"
	"github.com/zitadel/oidc/v3/pkg/oidc"

	"vneid-proxy/vneidtest"
)

func TestKnobsOverHTTP(t *testing.T) {
	v, address := startVNeID(t)
	form := http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}
	asJSON := http.Header{"Content-Type": {"application/json; charset=utf-8"}}
	steps := []struct {
		name, body string
		header     http.Header
		status     int
		want       string
	}{
		{"form", "token_slow=2s&wrong_nonce=on", form, 200, `{"token_slow":"2s","wrong_nonce":"on"}`},
		{"json adds", `{"userinfo_down":true,"account_level":1}`, asJSON, 200, `{"account_level":"1","token_slow":"2s","userinfo_down":"true","wrong_nonce":"on"}`},
		{"off", "token_slow=off&account_level=&wrong_nonce=false", form, 200, `{"userinfo_down":"true"}`},
		{"reset", "reset=on&token_huge=on", form, 200, `{"token_huge":"on"}`},
		{"unknown", "token_huge=off&no_such=on", form, 400, "no_such"},
		{"bad duration", "token_slow=soon", form, 400, "token_slow"},
		{"bad number", "account_level=high", form, 400, "account_level"},
		{"bad switch", "token_down=perhaps", form, 400, "token_down"},
		{"no JSON", `{"token_down":`, asJSON, 400, "error"},
	}
	for _, s := range steps {
		status, body := do(t, http.MethodPost, address+"/sim/knobs", s.body, s.header)
		assert.Equal(t, s.status, status, s.name)
		assert.Contains(t, body, s.want, s.name)
	}
	_, body := do(t, http.MethodGet, address+"/sim/knobs", "", nil)
	assert.JSONEq(t, `{"token_huge":"on"}`, body, "a refused request changes nothing")

	foreign := form.Clone()
	foreign.Set("Sec-Fetch-Site", "cross-site")
	status, _ := do(t, http.MethodPost, address+"/sim/knobs", "reset=on", foreign)
	assert.Equal(t, http.StatusForbidden, status, "another site's page")

	require.ErrorIs(t, v.Set("no_such", "on"), vneidtest.ErrKnob)
	v.Reset()
	_, body = do(t, http.MethodGet, address+"/sim/knobs", "", nil)
	assert.JSONEq(t, `{}`, body)
}

// TestFaults tries each fault on each simulator's endpoints.
func TestFaults(t *testing.T) {
	v, vneid := startVNeID(t)
	pop, population := startForms(t)
	por, portal := startPortal(t)
	for _, e := range []struct {
		controls          *vneidtest.Controls
		name, method, url string
	}{
		{v.Controls, "discovery", http.MethodGet, vneid + "/.well-known/openid-configuration"},
		{v.Controls, "keys", http.MethodGet, vneid + "/keys"},
		{v.Controls, "token", http.MethodPost, vneid + "/oauth/token"},
		{v.Controls, "userinfo", http.MethodGet, vneid + "/userinfo"},
		{v.Controls, "v2_token", http.MethodPost, vneid + "/v2/token"},
		{v.Controls, "v2_userinfo", http.MethodGet, vneid + "/v2/userinfo"},
		{pop.Controls, "match", http.MethodPost, population + "/v1/match"},
		{pop.Controls, "soap", http.MethodPost, population + "/soap"},
		{pop.Controls, "lgsp_json", http.MethodPost, population + "/lgsp/json/" + opMatch},
		{pop.Controls, "lgsp_text", http.MethodPost, population + "/lgsp/text/" + opMatch},
		{pop.Controls, "lgsp_token", http.MethodPost, population + "/lgsp/token"},
		{pop.Controls, "lgsp_soap", http.MethodPost, population + "/lgsp/soap"},
		{por.Controls, "whoami", http.MethodGet, portal + "/api/whoami"},
		{por.Controls, "credential", http.MethodPost, portal + "/api/credential"},
		{por.Controls, "directory", http.MethodPost, portal + "/api/directory/search"},
		{por.Controls, "write_back", http.MethodPost, portal + "/api/directory/citizen-number"},
		{por.Controls, "scan", http.MethodPost, portal + "/api/directory/scan"},
	} {
		t.Run(e.name, func(t *testing.T) {
			e.controls.Reset()
			before := e.controls.Calls(e.name)

			require.NoError(t, e.controls.Set(e.name+"_down", "on"))
			status, _ := do(t, e.method, e.url, "", nil)
			assert.Equal(t, http.StatusServiceUnavailable, status)
			e.controls.Reset()

			require.NoError(t, e.controls.Set(e.name+"_garbage", "on"))
			status, body := do(t, e.method, e.url, "", nil)
			assert.Equal(t, http.StatusOK, status)
			assert.False(t, json.Valid([]byte(body)), body)
			e.controls.Reset()

			require.NoError(t, e.controls.Set(e.name+"_huge", "on"))
			r, err := http.NewRequestWithContext(t.Context(), e.method, e.url, nil)
			require.NoError(t, err)
			answer, err := http.DefaultClient.Do(r)
			require.NoError(t, err)
			n, err := io.CopyN(io.Discard, answer.Body, 4<<20)
			require.NoError(t, err, "it goes on")
			assert.EqualValues(t, 4<<20, n)
			require.NoError(t, answer.Body.Close())
			e.controls.Reset()

			require.NoError(t, e.controls.Set(e.name+"_slow", "1h"))
			ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
			defer cancel()
			r, err = http.NewRequestWithContext(ctx, e.method, e.url, strings.NewReader("{}"))
			require.NoError(t, err)
			_, err = http.DefaultClient.Do(r) //nolint:bodyclose // there is no answer
			require.ErrorIs(t, err, context.DeadlineExceeded)

			require.NoError(t, e.controls.Set(e.name+"_slow", "1ms"))
			status, _ = do(t, e.method, e.url, "", nil)
			assert.NotEqual(t, http.StatusServiceUnavailable, status, "late, but answered")
			assert.Equal(t, 5, e.controls.Calls(e.name)-before, "failed calls count")
			e.controls.Reset()
		})
	}
}

func TestVNeIDLiesInTheIDToken(t *testing.T) {
	v, issuer := startVNeID(t)
	p := party(t, issuer)
	for knob, want := range map[string]error{
		"wrong_nonce":    oidc.ErrNonceInvalid,
		"wrong_audience": oidc.ErrAudience,
		"alg_none":       oidc.ErrSignatureUnsupportedAlg,
	} {
		t.Run(knob, func(t *testing.T) {
			_, err := tokens(t, p, "cmnd")
			require.NoError(t, err)
			require.NoError(t, v.Set(knob, "on"))
			defer v.Reset()
			_, err = tokens(t, p, "cmnd")
			require.ErrorIs(t, err, want)
		})
	}
	// The library's relying party lets this one pass; ours must not.
	require.NoError(t, v.Set("extra_audience", "on"))
	got, err := tokens(t, p, "cmnd")
	require.NoError(t, err)
	assert.ElementsMatch(t, []string{clientID, "another-client"}, got.IDTokenClaims.Audience)
}

func TestVNeIDLiesInUserinfo(t *testing.T) {
	v, issuer := startVNeID(t)
	p := party(t, issuer)
	got, err := tokens(t, p, "cmnd")
	require.NoError(t, err)
	info := func() (*oidc.UserInfo, error) {
		return rp.Userinfo[*oidc.UserInfo](t.Context(), got.AccessToken, got.TokenType, got.IDTokenClaims.Subject, p)
	}
	require.NoError(t, v.Set("wrong_sub", "on"))
	_, err = info()
	require.ErrorIs(t, err, rp.ErrUserInfoSubNotMatching)
	v.Reset()

	require.NoError(t, v.Set("no_citizen_number", "on"))
	require.NoError(t, v.Set("account_level", "1"))
	answer, err := info()
	require.NoError(t, err)
	assert.NotContains(t, answer.Claims, "citizenPid")
	assert.InDelta(t, 1, answer.Claims["accountLevel"], 0)

	require.NoError(t, v.Set("wrong_response_iss", "on"))
	back := signIn(t, p, "verifier", url.Values{"persona": {"cmnd"}})
	assert.NotEqual(t, issuer, back.Get("iss"))
	assert.NotEmpty(t, back.Get("iss"))
}

func TestVNeIDSkewsItsClock(t *testing.T) {
	v, issuer := startVNeID(t)
	p := party(t, issuer)
	honest, err := tokens(t, p, "cmnd")
	require.NoError(t, err)
	require.NoError(t, v.Set("clock_skew", "-2m"))
	slow, err := tokens(t, p, "cmnd")
	require.NoError(t, err, "five minutes minus two")
	assert.InDelta(t, -120, slow.IDTokenClaims.IssuedAt.AsTime().Sub(honest.IDTokenClaims.IssuedAt.AsTime()).Seconds(), 60)
	assert.InDelta(t, -120, slow.IDTokenClaims.Expiration.AsTime().Sub(honest.IDTokenClaims.Expiration.AsTime()).Seconds(), 60)
	assert.InDelta(t, -120, slow.IDTokenClaims.AuthTime.AsTime().Sub(honest.IDTokenClaims.AuthTime.AsTime()).Seconds(), 60)
	assert.Equal(t, honest.IDTokenClaims.Subject, slow.IDTokenClaims.Subject)

	require.NoError(t, v.Set("clock_skew", "-1h"))
	_, err = tokens(t, p, "cmnd")
	require.ErrorIs(t, err, oidc.ErrExpired)
	require.NoError(t, v.Set("clock_skew", "1h"))
	_, err = tokens(t, p, "cmnd")
	require.ErrorIs(t, err, oidc.ErrIatInFuture)
	answer, _ := get(t, http.DefaultClient, issuer+"/keys")
	at, err := http.ParseTime(answer.Header.Get("Date"))
	require.NoError(t, err)
	assert.Greater(t, time.Until(at), 55*time.Minute)
}
