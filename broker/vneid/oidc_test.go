package vneid_test

import (
	"net/http"
	"net/url"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/oauth2"

	"vneid-proxy/broker/vneid"
)

func TestAuthURL(t *testing.T) {
	p := newProvider(t)
	party := p.party(t)
	address, err := party.AuthURL(t.Context(), p.attempt)
	require.NoError(t, err)
	u, err := url.Parse(address)
	require.NoError(t, err)
	assert.Equal(t, p.URL+"/authorize", u.Scheme+"://"+u.Host+u.Path)
	assert.Equal(t, url.Values{
		"response_type": {"code"}, "client_id": {clientID}, "redirect_uri": {"https://portal.example/_vneid/callback"},
		"scope": {"openid profile"}, "state": {p.attempt.State}, "nonce": {p.attempt.Nonce},
		"code_challenge": {oauth2.S256ChallengeFromVerifier(p.attempt.Verifier)}, "code_challenge_method": {"S256"},
	}, u.Query())

	p.attempt.Verifier = ""
	_, err = party.AuthURL(t.Context(), p.attempt)
	assert.Equal(t, vneid.Reason("attempt"), vneid.ReasonOf(err))
	assert.Equal(t, "vneid", party.Name())
	assert.Equal(t, "VNeID", party.Title())
}

func TestNewOIDCAsksNobody(t *testing.T) {
	p := newProvider(t)
	party := p.party(t)
	assert.Equal(t, []string{p.URL}, party.Origins())
	assert.Zero(t, p.asked["/.well-known/openid-configuration"].Load())
}

func TestNewOIDCRefuses(t *testing.T) {
	for name, change := range map[string]func(*vneid.Config){
		"no issuer":        func(c *vneid.Config) { c.Issuer = "" },
		"plain http":       func(c *vneid.Config) { c.Issuer = "http://sso.example" },
		"issuer query":     func(c *vneid.Config) { c.Issuer = "https://sso.example/?a=b" },
		"token address":    func(c *vneid.Config) { c.TokenURL = "sso.example/token" },
		"no client":        func(c *vneid.Config) { c.ClientID = "" },
		"no redirect":      func(c *vneid.Config) { c.RedirectURL = "" },
		"no such method":   func(c *vneid.Config) { c.ClientAuthentication = "mtls" },
		"alg none":         func(c *vneid.Config) { c.Algorithms = []string{"none"} },
		"symmetric alg":    func(c *vneid.Config) { c.Algorithms = []string{"RS256", "HS256"} },
		"userinfo address": func(c *vneid.Config) { c.UserinfoURL = "https://u:p@sso.example/" },
	} {
		t.Run(name, func(t *testing.T) {
			cfg := vneid.Config{Issuer: "https://sso.example", ClientID: clientID, RedirectURL: "https://portal.example/cb"}
			_, err := vneid.NewOIDC(cfg)
			require.NoError(t, err, "what the row spoils is good")
			change(&cfg)
			_, err = vneid.NewOIDC(cfg)
			assert.Error(t, err)
		})
	}
}

func TestClientAuthentication(t *testing.T) {
	for name, test := range map[string]struct {
		methods    []string
		configured string
		secret     string
		post       bool
	}{
		"default":         {nil, "", clientSecret, false},
		"both":            {[]string{"client_secret_post", "client_secret_basic"}, "", clientSecret, false},
		"post alone":      {[]string{"client_secret_post"}, "", clientSecret, true},
		"configured post": {nil, "post", clientSecret, true},
		"public client":   {nil, "", "", true},
	} {
		t.Run(name, func(t *testing.T) {
			p := newProvider(t)
			p.metadata["token_endpoint_auth_methods_supported"] = test.methods
			var posted url.Values
			var basic bool
			p.replies["/token"] = func(w http.ResponseWriter, r *http.Request) {
				_, _, basic = r.BasicAuth()
				_ = r.ParseForm()
				posted = r.PostForm
				answer(w, p.tokenReply(p.sign([]byte(text(p.idToken)))))
			}
			_, err := p.party(t, func(c *vneid.Config) {
				c.ClientAuthentication, c.ClientSecret = test.configured, "old"
				c.Secret = func() string { return test.secret }
			}).Redeem(t.Context(), p.attempt, p.callback())
			require.NoError(t, err)
			assert.Equal(t, int32(1), p.asked["/token"].Load(), "a guess would spend the code")
			assert.Equal(t, !test.post, basic)
			if test.post {
				assert.Equal(t, clientID, posted.Get("client_id"))
				assert.Equal(t, test.secret, posted.Get("client_secret"))
			} else {
				assert.False(t, posted.Has("client_secret"))
			}
		})
	}
}

// Configured addresses go before discovered ones, and lend their hosts.
func TestOverrides(t *testing.T) {
	p, other := newProvider(t), newProvider(t)
	other.attempt = p.attempt
	p.metadata["token_endpoint"], p.metadata["userinfo_endpoint"] = "https://evil.example/a", "https://evil.example/b"
	p.metadata["end_session_endpoint"] = other.URL + "/end"
	other.replies["/t"] = func(w http.ResponseWriter, _ *http.Request) { answer(w, p.tokenReply(p.sign([]byte(text(p.idToken))))) }
	party := p.party(t, func(c *vneid.Config) {
		c.AuthorizeURL, c.TokenURL, c.UserinfoURL = other.URL+"/a?x=1", other.URL+"/t", other.URL+"/userinfo"
	})
	_, err := party.Redeem(t.Context(), p.attempt, p.callback())
	require.NoError(t, err)
	address, err := party.AuthURL(t.Context(), p.attempt)
	require.NoError(t, err)
	assert.Contains(t, address, other.URL+"/a?x=1&")
	assert.Equal(t, []string{p.URL, other.URL}, party.Origins())

	p.metadata["token_endpoint"] = other.URL + "/t"
	p.metadata["userinfo_endpoint"], p.metadata["end_session_endpoint"] = nil, nil
	_, err = p.party(t).AuthURL(t.Context(), p.attempt)
	assert.Equal(t, vneid.Reason("discovery"), vneid.ReasonOf(err))
	_, err = p.party(t, func(c *vneid.Config) { c.Hosts = []string{other.Listener.Addr().String()} }).AuthURL(t.Context(), p.attempt)
	assert.NoError(t, err)
}

func TestEndSessionURL(t *testing.T) {
	p := newProvider(t)
	party := p.party(t)
	address, ok := party.EndSessionURL(t.Context(), "i.d.t", "st")
	require.True(t, ok)
	u, err := url.Parse(address)
	require.NoError(t, err)
	assert.Equal(t, "/end", u.Path)
	assert.Equal(t, url.Values{
		"a": {"b"}, "client_id": {clientID}, "id_token_hint": {"i.d.t"}, "state": {"st"},
		"post_logout_redirect_uri": {"https://portal.example/_vneid/sign-out?done=1"},
	}, u.Query())

	address, ok = party.EndSessionURL(t.Context(), "", "")
	require.True(t, ok)
	assert.NotContains(t, address, "id_token_hint")
	assert.NotContains(t, address, "state")

	delete(p.metadata, "end_session_endpoint")
	_, ok = p.party(t).EndSessionURL(t.Context(), "", "")
	assert.False(t, ok)
}
