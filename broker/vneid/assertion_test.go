package vneid_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vneid-proxy/broker/vneid"
)

// asserted has the provider ask for a client assertion, and notes it.
func asserted(p *provider) *[]url.Values {
	var seen []url.Values
	p.replies["/token"] = func(w http.ResponseWriter, r *http.Request) {
		_ = r.ParseForm()
		seen = append(seen, r.PostForm)
		if r.Header.Get("Authorization") != "" || r.PostForm.Has("client_secret") {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		answer(w, p.tokenReply(p.sign([]byte(text(p.idToken)))))
	}
	return &seen
}

func keyed(key crypto.Signer) func(*vneid.Config) {
	return func(c *vneid.Config) {
		c.ClientSecret = ""
		c.Key = func() (crypto.Signer, error) { return key, nil }
	}
}

func TestPrivateKeyJWT(t *testing.T) {
	ec, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	_, ed, err := ed25519.GenerateKey(rand.Reader)
	require.NoError(t, err)
	for name, test := range map[string]struct {
		key    crypto.Signer
		taken  []string // by the provider; nil says nothing
		change func(*vneid.Config)
		want   jose.SignatureAlgorithm
		aud    string // below the issuer
	}{
		"RSA":                    {rsaKey(), nil, nil, jose.RS256, ""},
		"RSA, PS256 taken":       {rsaKey(), []string{"ES256", "PS256", "RS256"}, nil, jose.PS256, ""},
		"RSA, RS256 taken":       {rsaKey(), []string{"RS256"}, nil, jose.RS256, ""},
		"P-256":                  {ec, nil, nil, jose.ES256, ""},
		"Ed25519":                {ed, []string{"EdDSA"}, nil, jose.EdDSA, ""},
		"for the token endpoint": {ec, nil, func(c *vneid.Config) { c.AssertionAudience = vneid.AudienceTokenEndpoint }, jose.ES256, "/token"},
	} {
		t.Run(name, func(t *testing.T) {
			p := newProvider(t)
			if test.taken != nil {
				p.metadata["token_endpoint_auth_signing_alg_values_supported"] = test.taken
			}
			seen := asserted(p)
			changes := []func(*vneid.Config){keyed(test.key)}
			if test.change != nil {
				changes = append(changes, test.change)
			}
			party := p.party(t, changes...)
			ids := map[string]bool{}
			for range 2 {
				_, err := party.Redeem(t.Context(), p.attempt, p.callback())
				require.NoError(t, err)
			}
			for _, form := range *seen {
				assert.Equal(t, clientID, form.Get("client_id"))
				assert.Equal(t, "urn:ietf:params:oauth:client-assertion-type:jwt-bearer", form.Get("client_assertion_type"))
				jws, err := jose.ParseSignedCompact(form.Get("client_assertion"), []jose.SignatureAlgorithm{test.want})
				require.NoError(t, err)
				payload, err := jws.Verify(test.key.Public())
				require.NoError(t, err)
				var c struct {
					Iss, Sub, Aud, Jti string
					Iat, Exp           int64
				}
				require.NoError(t, json.Unmarshal(payload, &c))
				assert.Equal(t, []string{clientID, clientID, p.URL + test.aud}, []string{c.Iss, c.Sub, c.Aud})
				assert.False(t, ids[c.Jti], "each is another")
				ids[c.Jti] = true
				assert.InDelta(t, time.Now().Unix(), c.Iat, 30)
				assert.Equal(t, int64(60), c.Exp-c.Iat)
				thumbprint, err := (&jose.JSONWebKey{Key: test.key.Public()}).Thumbprint(crypto.SHA256)
				require.NoError(t, err)
				assert.Equal(t, b64(string(thumbprint)), jws.Signatures[0].Header.KeyID)
			}
		})
	}
}

// A key that cannot be used is a fault of ours, told as one, and nothing is sent.
func TestPrivateKeyJWTRefuses(t *testing.T) {
	p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	require.NoError(t, err)
	for name, change := range map[string]func(*vneid.Config){
		"a file gone": func(c *vneid.Config) { c.Key = func() (crypto.Signer, error) { return nil, errors.New("gone") } },
		"weak RSA":    keyed(weakKey()),
		"P-384":       keyed(p384),
	} {
		t.Run(name, func(t *testing.T) {
			p := newProvider(t)
			_, err := p.party(t, change).Redeem(t.Context(), p.attempt, p.callback())
			assert.Equal(t, vneid.ReasonClientKey, vneid.ReasonOf(err))
			assert.Zero(t, p.asked["/token"].Load())
		})
	}
	t.Run("an algorithm that the provider does not take", func(t *testing.T) {
		p := newProvider(t)
		p.metadata["token_endpoint_auth_signing_alg_values_supported"] = []string{"ES256"}
		_, err := p.party(t, keyed(rsaKey())).Redeem(t.Context(), p.attempt, p.callback())
		assert.Equal(t, vneid.ReasonClientKey, vneid.ReasonOf(err))
	})
}

// Pushed requests (RFC 9126).
func TestPushedRequest(t *testing.T) {
	const uri = "urn:ietf:params:oauth:request_uri:6esc_11ACC5bwc014ltc14eY22c"
	pushing := func(t *testing.T, reply http.HandlerFunc) (*provider, *url.Values) {
		p := newProvider(t)
		p.metadata["pushed_authorization_request_endpoint"] = p.URL + "/par"
		pushed := &url.Values{}
		p.replies["/par"] = func(w http.ResponseWriter, r *http.Request) {
			_ = r.ParseForm()
			*pushed = r.PostForm
			if id, secret, _ := r.BasicAuth(); id != clientID || secret != url.QueryEscape(clientSecret) {
				w.WriteHeader(http.StatusUnauthorized)
				return
			}
			reply(w, r)
		}
		return p, pushed
	}
	for name, code := range map[string]int{"201": http.StatusCreated, "200, as some say": http.StatusOK} {
		t.Run(name, func(t *testing.T) {
			p, pushed := pushing(t, status(code, text(claims{"request_uri": uri, "expires_in": 60})))
			address, err := p.party(t).AuthURL(t.Context(), p.attempt)
			require.NoError(t, err)
			u, err := url.Parse(address)
			require.NoError(t, err)
			assert.Equal(t, url.Values{"client_id": {clientID}, "request_uri": {uri}}, u.Query())
			for name, want := range map[string]string{
				"client_id": clientID, "response_type": "code", "scope": "openid profile", "state": p.attempt.State, "nonce": p.attempt.Nonce,
				"redirect_uri": "https://portal.example/_vneid/callback", "code_challenge_method": "S256",
			} {
				assert.Equal(t, want, pushed.Get(name), name)
			}
			assert.NotEmpty(t, pushed.Get("code_challenge"))
			assert.Empty(t, pushed.Get("request_uri"), "2.1: never in a pushed request")
		})
	}
	for name, test := range map[string]struct {
		reply http.HandlerFunc
		kind  error
		want  vneid.Reason
	}{
		"refused":        {status(400, `{"error":"invalid_request","error_description":"x"}`), vneid.ErrProtocol, vneid.ReasonPushed},
		"client unknown": {status(401, `{"error":"invalid_client"}`), vneid.ErrProtocol, vneid.ReasonClient},
		"down":           {status(503, `{}`), vneid.ErrUnavailable, "pushed_unavailable"},
		"no request_uri": {status(201, `{"expires_in":60}`), vneid.ErrProtocol, vneid.ReasonPushed},
		"a line end":     {status(201, `{"request_uri":"a\r\nb"}`), vneid.ErrProtocol, vneid.ReasonPushed},
		"no JSON":        {as("text/html", "<p>"), vneid.ErrProtocol, "pushed_malformed"},
		"a redirect":     {func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/par2", http.StatusFound) }, vneid.ErrProtocol, "pushed_refused"},
	} {
		t.Run(name, func(t *testing.T) {
			p, _ := pushing(t, test.reply)
			_, err := p.party(t).AuthURL(t.Context(), p.attempt)
			assert.ErrorIs(t, err, test.kind)
			assert.Equal(t, test.want, vneid.ReasonOf(err))
		})
	}
	t.Run("never", func(t *testing.T) {
		p, pushed := pushing(t, status(500, ""))
		address, err := p.party(t, func(c *vneid.Config) { c.NeverPush = true }).AuthURL(t.Context(), p.attempt)
		require.NoError(t, err)
		assert.Contains(t, address, "code_challenge=")
		assert.Empty(t, *pushed)
	})
	t.Run("elsewhere", func(t *testing.T) {
		p := newProvider(t)
		p.metadata["pushed_authorization_request_endpoint"] = "https://another.example/par"
		_, err := p.party(t).AuthURL(t.Context(), p.attempt)
		assert.Equal(t, vneid.ReasonDiscovery, vneid.ReasonOf(err))
	})
}
