package vneidtest_test

import (
	"context"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/zitadel/oidc/v3/pkg/client/rp"
	"github.com/zitadel/oidc/v3/pkg/oidc"
	"golang.org/x/oauth2"

	"vneid-proxy/vneidtest"
)

const (
	nonce = "a-nonce-of-tests"
	state = "a-state-of-tests"
)

var idField = regexp.MustCompile(`name="id" value="([^"]+)"`)

func party(t *testing.T, issuer string) rp.RelyingParty {
	t.Helper()
	p, err := rp.NewRelyingPartyOIDC(t.Context(), issuer, clientID, clientSecret, redirectURI, []string{"openid"},
		rp.WithVerifierOpts(rp.WithNonce(func(context.Context) string { return nonce }), rp.WithSupportedSigningAlgorithms("RS256")))
	require.NoError(t, err)
	return p
}

// signIn walks the login page and returns what the client's redirect URI got.
func signIn(t *testing.T, p rp.RelyingParty, verifier string, form url.Values) url.Values {
	t.Helper()
	c := browser(t)
	page, body := get(t, c, rp.AuthURL(state, p,
		rp.WithCodeChallenge(oidc.NewSHACodeChallenge(verifier)),
		rp.AuthURLOpt(rp.WithURLParam("nonce", nonce))))
	require.Equal(t, http.StatusOK, page.StatusCode, "it asks who is there")
	require.Equal(t, "/login", page.Request.URL.Path)
	form.Set("id", idField.FindStringSubmatch(body)[1])
	answer, _ := post(t, c, p.Issuer()+"/login", form)
	require.Equal(t, http.StatusFound, answer.StatusCode)
	location, err := url.Parse(answer.Header.Get("Location"))
	require.NoError(t, err)
	require.Equal(t, redirectURI, location.Scheme+"://"+location.Host+location.Path)
	return location.Query()
}

func redeem(t *testing.T, p rp.RelyingParty, code, verifier string) (*oidc.Tokens[*oidc.IDTokenClaims], error) {
	t.Helper()
	return rp.CodeExchange[*oidc.IDTokenClaims](t.Context(), code, p, rp.WithCodeVerifier(verifier))
}

func tokens(t *testing.T, p rp.RelyingParty, key string) (*oidc.Tokens[*oidc.IDTokenClaims], error) {
	t.Helper()
	verifier := oauth2.GenerateVerifier()
	return redeem(t, p, signIn(t, p, verifier, url.Values{"persona": {key}}).Get("code"), verifier)
}

func TestVNeIDSignsPeopleIn(t *testing.T) {
	_, issuer := startVNeID(t)
	p := party(t, issuer)
	for _, who := range vneidtest.Personas() {
		for way, form := range map[string]url.Values{
			"persona":             {"persona": {who.Key}},
			"number and password": {"username": {who.CitizenNumber}, "password": {who.VNeID.Password}},
		} {
			t.Run(who.Key+" by "+way, func(t *testing.T) {
				verifier := oauth2.GenerateVerifier()
				got := signIn(t, p, verifier, form)
				assert.Equal(t, state, got.Get("state"))
				assert.Equal(t, issuer, got.Get("iss"), "RFC 9207")

				answer, err := redeem(t, p, got.Get("code"), verifier)
				require.NoError(t, err)
				claims := answer.IDTokenClaims
				assert.Equal(t, who.VNeID.Subject, claims.Subject)
				assert.Equal(t, nonce, claims.Nonce)
				assert.NotEmpty(t, claims.SessionID)
				assert.Empty(t, claims.Name, "who it is stands in userinfo alone")
				assert.NotContains(t, claims.Claims, "citizenPid")

				info, err := rp.Userinfo[*oidc.UserInfo](t.Context(), answer.AccessToken, answer.TokenType, claims.Subject, p)
				require.NoError(t, err)
				assert.Equal(t, who.Name, info.Name)
				assert.Equal(t, who.BirthDate, info.Birthdate)
				assert.Equal(t, who.CitizenNumber, info.Claims["citizenPid"])
				assert.InDelta(t, who.AccountLevel, info.Claims["accountLevel"], 0)
				assert.Equal(t, "person", info.Claims["accountType"])
				assert.Empty(t, info.PreferredUsername)
			})
		}
	}
}

func TestVNeIDLoginPage(t *testing.T) {
	v, issuer := startVNeID(t)
	p := party(t, issuer)
	c := browser(t)
	authURL := rp.AuthURL(state, p)
	page, body := get(t, c, authURL)
	for _, who := range vneidtest.Personas() {
		assert.Contains(t, body, `data-persona="`+who.Key+`"`)
		assert.NotContains(t, body, who.CitizenNumber)
	}
	assert.NotContains(t, body, "<script")
	assert.Contains(t, page.Header.Get("Content-Security-Policy"), "default-src 'none'")
	id := idField.FindStringSubmatch(body)[1]

	wrong, body := post(t, c, issuer+"/login", url.Values{
		"id": {id}, "username": {`"><b>099`}, "password": {"wrong"},
	})
	assert.Equal(t, http.StatusUnprocessableEntity, wrong.StatusCode)
	assert.Contains(t, body, "không đúng")
	assert.NotContains(t, body, `"><b>099`, "what was typed is escaped")
	for name, form := range map[string]url.Values{
		"nothing":         {"id": {id}},
		"unknown persona": {"id": {id}, "persona": {"nobody"}},
		"empty password":  {"id": {id}, "username": {vneidtest.Personas()[0].CitizenNumber}},
	} {
		answer, _ := post(t, c, issuer+"/login", form)
		assert.Equal(t, http.StatusUnprocessableEntity, answer.StatusCode, name)
	}
	foreign, _ := post(t, c, issuer+"/login", url.Values{"id": {"unknown"}, "persona": {"linked"}})
	assert.Equal(t, http.StatusBadRequest, foreign.StatusCode)

	cancelled, _ := post(t, c, issuer+"/login", url.Values{"id": {id}, "cancel": {"1"}})
	location, err := url.Parse(cancelled.Header.Get("Location"))
	require.NoError(t, err)
	assert.Equal(t, "access_denied", location.Query().Get("error"))
	assert.Equal(t, state, location.Query().Get("state"))
	assert.Equal(t, issuer, location.Query().Get("iss"))
	gone, _ := post(t, c, issuer+"/login", url.Values{"id": {id}, "persona": {"linked"}})
	assert.Equal(t, http.StatusBadRequest, gone.StatusCode, "a cancelled attempt is over")
	assert.Positive(t, v.Calls("login"))
	assert.Equal(t, 1, v.Calls("authorize"))
}

func TestVNeIDAlwaysAsks(t *testing.T) {
	_, issuer := startVNeID(t)
	p := party(t, issuer)
	_, err := tokens(t, p, "linked")
	require.NoError(t, err)
	answer, _ := get(t, browser(t), rp.AuthURL(state, p, rp.WithPrompt("none")))
	location, err := url.Parse(answer.Header.Get("Location"))
	require.NoError(t, err)
	assert.Equal(t, "login_required", location.Query().Get("error"))
}

func TestVNeIDRefusesRequests(t *testing.T) {
	_, issuer := startVNeID(t)
	good := url.Values{
		"client_id": {clientID}, "redirect_uri": {redirectURI}, "response_type": {"code"}, "scope": {"openid"}, "state": {state},
	}
	for name, tc := range map[string]struct{ param, value, want string }{
		"another redirect_uri": {"redirect_uri", "http://rp.invalid/elsewhere", "400"},
		"unknown client":       {"client_id", "nobody", "400"},
		"implicit":             {"response_type", "id_token", "unauthorized_client"},
		"no openid":            {"scope", "profile", "invalid_scope"},
		"plain PKCE":           {"code_challenge", "abc", "invalid_request"},
		"form_post":            {"response_mode", "form_post", "invalid_request"},
	} {
		t.Run(name, func(t *testing.T) {
			query := url.Values{}
			for k, v := range good {
				query[k] = v
			}
			query.Set(tc.param, tc.value)
			answer, body := get(t, browser(t), issuer+"/authorize?"+query.Encode())
			if tc.want == "400" {
				assert.Equal(t, http.StatusBadRequest, answer.StatusCode, "never redirected")
				return
			}
			assert.Contains(t, answer.Header.Get("Location")+body, tc.want)
			assert.NotEqual(t, "/login", answer.Request.URL.Path)
		})
	}
}

func TestVNeIDCodes(t *testing.T) {
	_, issuer := startVNeID(t)
	p := party(t, issuer)
	verifier := oauth2.GenerateVerifier()

	code := signIn(t, p, verifier, url.Values{"persona": {"linked"}}).Get("code")
	_, err := redeem(t, p, code, oauth2.GenerateVerifier())
	require.ErrorContains(t, err, "invalid_grant", "another verifier")
	_, err = redeem(t, p, code, verifier)
	require.ErrorContains(t, err, "invalid_grant", "spent by the try before")

	code = signIn(t, p, verifier, url.Values{"persona": {"linked"}}).Get("code")
	_, err = redeem(t, p, code, verifier)
	require.NoError(t, err)
	_, err = redeem(t, p, code, verifier)
	require.ErrorContains(t, err, "invalid_grant", "good once")

	code = signIn(t, p, verifier, url.Values{"persona": {"linked"}}).Get("code")
	status, _ := do(t, http.MethodPost, issuer+"/oauth/token", url.Values{
		"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {redirectURI}, "code_verifier": {verifier},
		"client_id": {clientID}, "client_secret": {"wrong"},
	}.Encode(), http.Header{"Content-Type": {"application/x-www-form-urlencoded"}})
	assert.Equal(t, http.StatusUnauthorized, status, "the client's secret is checked")
}

func TestVNeIDCodesExpire(t *testing.T) {
	clock := newClock()
	_, issuer := startVNeID(t, func(cfg *vneidtest.VNeIDConfig) { cfg.Now = clock.now })
	p := party(t, issuer)
	verifier := oauth2.GenerateVerifier()
	code := signIn(t, p, verifier, url.Values{"persona": {"linked"}}).Get("code")
	clock.advance(time.Minute)
	_, err := redeem(t, p, code, verifier)
	require.ErrorContains(t, err, "invalid_grant")

	answer, err := tokens(t, p, "linked")
	require.NoError(t, err)
	clock.advance(5 * time.Minute)
	_, err = rp.Userinfo[*oidc.UserInfo](t.Context(), answer.AccessToken, answer.TokenType, answer.IDTokenClaims.Subject, p)
	require.Error(t, err, "the access token has expired")

	c := browser(t)
	_, body := get(t, c, rp.AuthURL(state, p))
	clock.advance(10 * time.Minute)
	late, _ := post(t, c, issuer+"/login", url.Values{
		"id": {idField.FindStringSubmatch(body)[1]}, "persona": {"linked"},
	})
	assert.Equal(t, http.StatusBadRequest, late.StatusCode, "the attempt has expired")
}

func TestVNeIDDiscovery(t *testing.T) {
	_, issuer := startVNeID(t)
	status, body := do(t, http.MethodGet, issuer+"/.well-known/openid-configuration", "", nil)
	require.Equal(t, http.StatusOK, status)
	assert.Contains(t, body, `"authorization_response_iss_parameter_supported":true`)
	assert.Contains(t, body, `"response_types_supported":["code"]`)
	assert.Contains(t, body, `"code_challenge_methods_supported":["S256"]`)
	assert.Contains(t, body, `"id_token_signing_alg_values_supported":["RS256"]`)
	assert.NotContains(t, body, "introspection")
	for _, absent := range []string{"/oauth/introspect", "/revoke", "/device_authorization"} {
		status, _ = do(t, http.MethodPost, issuer+absent, "", nil)
		assert.Equal(t, http.StatusNotFound, status, absent)
	}
}

func TestVNeIDConfig(t *testing.T) {
	clients := []vneidtest.Client{{ID: clientID}}
	for name, cfg := range map[string]vneidtest.VNeIDConfig{
		"no issuer":       {Clients: clients},
		"issuer and path": {Issuer: "http://localhost:1/realm", Clients: clients},
		"no client":       {Issuer: "http://localhost:1"},
	} {
		_, err := vneidtest.NewVNeID(cfg)
		assert.Error(t, err, name)
	}
}

func TestVNeIDPages(t *testing.T) {
	_, issuer := startVNeID(t)
	c := browser(t)
	for path, want := range map[string]string{
		"/":                 "Người dùng thử",
		"/signed-out":       "Đã đăng xuất",
		"/assets/vneid.css": "font",
	} {
		answer, body := get(t, c, issuer+path)
		assert.Equal(t, http.StatusOK, answer.StatusCode, path)
		assert.Contains(t, body, want, path)
	}
	answer, body := get(t, c, issuer+"/login?id=unknown")
	assert.Equal(t, http.StatusBadRequest, answer.StatusCode)
	assert.True(t, strings.Contains(body, "hết hạn"), body)
}
