package vneidtest_test

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vneid-proxy/vneidtest"
)

// logoutReceiver takes logout tokens as a client would.
func logoutReceiver(t *testing.T, status int) (address string, tokens chan string) {
	t.Helper()
	tokens = make(chan string, 10)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		tokens <- r.PostFormValue("logout_token")
		w.WriteHeader(status)
	}))
	t.Cleanup(server.Close)
	return server.URL, tokens
}

func withBackChannel(address string) func(*vneidtest.VNeIDConfig) {
	return func(cfg *vneidtest.VNeIDConfig) { cfg.Clients[0].BackChannelLogoutURI = address }
}

func part(t *testing.T, token string, i int) map[string]any {
	t.Helper()
	parts := strings.Split(token, ".")
	require.Len(t, parts, 3)
	raw, err := base64.RawURLEncoding.DecodeString(parts[i])
	require.NoError(t, err)
	var members map[string]any
	require.NoError(t, json.Unmarshal(raw, &members))
	return members
}

func TestVNeIDEndSession(t *testing.T) {
	address, logoutTokens := logoutReceiver(t, http.StatusOK)
	_, issuer := startVNeID(t, withBackChannel(address))
	p := party(t, issuer)
	got, err := tokens(t, p, "linked")
	require.NoError(t, err)
	query := url.Values{
		"id_token_hint": {got.IDToken}, "post_logout_redirect_uri": {signedOutURI}, "state": {state},
	}
	answer, _ := get(t, browser(t), issuer+"/end_session?"+query.Encode())
	assert.Equal(t, signedOutURI+"?state="+state, answer.Header.Get("Location"))

	logout := <-logoutTokens
	assert.Equal(t, "logout+jwt", part(t, logout, 0)["typ"])
	claims := part(t, logout, 1)
	assert.Equal(t, got.IDTokenClaims.SessionID, claims["sid"])
	assert.Equal(t, got.IDTokenClaims.Subject, claims["sub"])
	assert.Equal(t, issuer, claims["iss"])
	assert.Contains(t, claims["events"], "http://schemas.openid.net/event/backchannel-logout")
	assert.NotEmpty(t, claims["jti"])
	assert.NotContains(t, claims, "nonce")

	again, _ := get(t, browser(t), issuer+"/end_session?"+query.Encode())
	assert.Equal(t, signedOutURI+"?state="+state, again.Header.Get("Location"), "signing out twice is no error")
	assert.Empty(t, logoutTokens, "but the client is told once")
}

func TestVNeIDEndSessionRefuses(t *testing.T) {
	_, issuer := startVNeID(t)
	p := party(t, issuer)
	got, err := tokens(t, p, "linked")
	require.NoError(t, err)
	for name, query := range map[string]url.Values{
		"another address": {"id_token_hint": {got.IDToken}, "post_logout_redirect_uri": {"http://rp.invalid/elsewhere"}},
		"forged hint":     {"id_token_hint": {got.IDToken[:len(got.IDToken)-8] + "AAAAAAAA"}, "post_logout_redirect_uri": {signedOutURI}},
		"unknown client":  {"client_id": {"nobody"}, "post_logout_redirect_uri": {signedOutURI}},
	} {
		answer, _ := get(t, browser(t), issuer+"/end_session?"+query.Encode())
		assert.GreaterOrEqual(t, answer.StatusCode, http.StatusBadRequest, name)
		assert.Empty(t, answer.Header.Get("Location"), name)
	}
	page, body := get(t, browser(t), issuer+"/end_session")
	assert.Equal(t, http.StatusOK, page.StatusCode)
	assert.Contains(t, body, "Đã đăng xuất")
}

func TestVNeIDEndSessions(t *testing.T) {
	address, logoutTokens := logoutReceiver(t, http.StatusOK)
	v, issuer := startVNeID(t, withBackChannel(address))
	p := party(t, issuer)
	for _, key := range []string{"linked", "linked", "cmnd"} {
		_, err := tokens(t, p, key)
		require.NoError(t, err)
	}
	require.NoError(t, v.EndSessions(t.Context(), "linked"))
	assert.Len(t, logoutTokens, 2, "one a session, nobody else's")
	require.NoError(t, v.EndSessions(t.Context(), "linked"))
	assert.Len(t, logoutTokens, 2)
	require.Error(t, v.EndSessions(t.Context(), "nobody"))
}

func TestVNeIDEndSessionsTellsOfFailure(t *testing.T) {
	address, _ := logoutReceiver(t, http.StatusBadRequest)
	v, issuer := startVNeID(t, withBackChannel(address))
	_, err := tokens(t, party(t, issuer), "linked")
	require.NoError(t, err)
	require.ErrorContains(t, v.EndSessions(t.Context(), "linked"), "400")
}
