package vneid_test

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/stretchr/testify/require"

	"vneid-proxy/broker/vneid"
	"vneid-proxy/session"
)

const (
	clientID     = "portal"
	clientSecret = "a secret: with+signs"
	subject      = "5f0c9a"
	number       = "099202000345"
	accessToken  = "an-access-token"
	code         = "a/code+with=signs"
)

type claims = map[string]any

// keys are made once: RSA keys are slow to make under the race detector.
var rsaKey, otherKey, weakKey = sync.OnceValue(makeKey(2048)), sync.OnceValue(makeKey(2048)), sync.OnceValue(makeKey(1024))

func makeKey(bits int) func() *rsa.PrivateKey {
	return func() *rsa.PrivateKey {
		key, err := rsa.GenerateKey(rand.Reader, bits)
		if err != nil {
			panic(err)
		}
		return key
	}
}

// provider is an OpenID provider that does as it is told. Its fields are set
// before the first request.
type provider struct {
	*httptest.Server
	metadata, idToken, person claims                // what it says, ready to be spoilt
	published                 atomic.Pointer[[]any] // its JSON Web Keys
	sign                      func(payload []byte) string
	replies                   map[string]http.HandlerFunc // instead of its own
	tokenReply                func(idToken string) string
	asked                     map[string]*atomic.Int32
	attempt                   session.Attempt
}

func newProvider(t testing.TB) *provider {
	p := &provider{replies: map[string]http.HandlerFunc{}, asked: map[string]*atomic.Int32{}}
	p.Server = httptest.NewServer(http.HandlerFunc(p.serve))
	t.Cleanup(p.Close)
	for _, path := range []string{"/.well-known/openid-configuration", "/jwks", "/token", "/userinfo"} {
		p.asked[path] = new(atomic.Int32)
	}
	now := time.Now()
	p.attempt = session.NewAttempt("vneid", "/", now)
	p.metadata = claims{
		"issuer": p.URL, "authorization_endpoint": p.URL + "/authorize", "token_endpoint": p.URL + "/token",
		"userinfo_endpoint": p.URL + "/userinfo", "jwks_uri": p.URL + "/jwks", "end_session_endpoint": p.URL + "/end?a=b",
		"id_token_signing_alg_values_supported":          []string{"RS256", "HS256", "none"},
		"authorization_response_iss_parameter_supported": true,
	}
	p.idToken = claims{
		"iss": p.URL, "sub": subject, "aud": clientID, "nonce": p.attempt.Nonce, "sid": "s1",
		"iat": now.Unix(), "exp": now.Add(5 * time.Minute).Unix(), "acr": "2",
	}
	p.person = claims{
		"sub": subject, "citizenPid": number, "name": "Nguyễn Thị Ví Dụ", "birthdate": "2002-03-04",
		"accountLevel": 2, "accountType": 1, "email": "vidu@example.vn", "email_verified": true, "preferred_username": "vidu",
	}
	p.published.Store(&[]any{jwk(&rsaKey().PublicKey, "k1")})
	p.sign = signer(jose.RS256, rsaKey(), "k1", nil)
	p.tokenReply = func(idToken string) string {
		return text(claims{"access_token": accessToken, "token_type": "bEARER", "id_token": idToken, "expires_in": 300})
	}
	return p
}

func jwk(key any, kid string) any {
	return jose.JSONWebKey{Key: key, KeyID: kid, Use: "sig"}
}

func signer(algorithm jose.SignatureAlgorithm, key any, kid string, header claims) func([]byte) string {
	return func(payload []byte) string {
		options := (&jose.SignerOptions{}).WithType("JWT")
		for name, value := range header {
			options.WithHeader(jose.HeaderKey(name), value)
		}
		s, err := jose.NewSigner(jose.SigningKey{Algorithm: algorithm, Key: jose.JSONWebKey{Key: key, KeyID: kid}}, options)
		if err != nil {
			panic(err)
		}
		jws, err := s.Sign(payload)
		if err != nil {
			panic(err)
		}
		compact, err := jws.CompactSerialize()
		if err != nil {
			panic(err)
		}
		return compact
	}
}

// rawSigner signs what go-jose would not: any header, RS256.
func rawSigner(header string, key *rsa.PrivateKey) func([]byte) string {
	return func(payload []byte) string {
		input := b64(header) + "." + b64(string(payload))
		sum := sha256.Sum256([]byte(input))
		signature, err := rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA256, sum[:])
		if err != nil {
			panic(err)
		}
		return input + "." + b64(string(signature))
	}
}

func b64(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }

func text(value any) string {
	b, err := json.Marshal(value)
	if err != nil {
		panic(err)
	}
	return string(b)
}

func (p *provider) serve(w http.ResponseWriter, r *http.Request) {
	if counter := p.asked[r.URL.Path]; counter != nil {
		counter.Add(1)
	}
	if reply := p.replies[r.URL.Path]; reply != nil {
		reply(w, r)
		return
	}
	switch r.URL.Path {
	case "/.well-known/openid-configuration":
		answer(w, text(p.metadata))
	case "/jwks":
		answer(w, text(claims{"keys": *p.published.Load()}))
	case "/token":
		if fault := p.checkExchange(r); fault != "" {
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(http.StatusBadRequest)
			_, _ = io.WriteString(w, text(claims{"error": fault, "error_description": number}))
			return
		}
		answer(w, p.tokenReply(p.sign([]byte(text(p.idToken)))))
	case "/userinfo":
		if r.Header.Get("Authorization") != "Bearer "+accessToken {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		answer(w, text(p.person))
	default:
		http.NotFound(w, r)
	}
}

// checkExchange is the provider's side of RFC 6749, 4.1.3 and RFC 7636, 4.6.
func (p *provider) checkExchange(r *http.Request) string {
	id, secret, _ := r.BasicAuth()
	id, _ = url.QueryUnescape(id)
	secret, _ = url.QueryUnescape(secret)
	switch {
	case id != clientID || secret != clientSecret || r.PostFormValue("client_secret") != "":
		return "invalid_client"
	case r.PostFormValue("code") != code, r.PostFormValue("code_verifier") != p.attempt.Verifier,
		r.PostFormValue("grant_type") != "authorization_code", r.PostFormValue("redirect_uri") != "https://portal.example/_vneid/callback":
		return "invalid_grant"
	}
	return ""
}

func answer(w http.ResponseWriter, body string) {
	w.Header().Set("Content-Type", "application/json")
	_, _ = io.WriteString(w, body)
}

func (p *provider) config() vneid.Config {
	return vneid.Config{
		Issuer: p.URL, ClientID: clientID, ClientSecret: clientSecret,
		RedirectURL: "https://portal.example/_vneid/callback", PostLogoutURL: "https://portal.example/_vneid/sign-out?done=1",
		Scopes: []string{"openid", "profile"}, MinAccountLevel: 2,
	}
}

func (p *provider) party(t testing.TB, change ...func(*vneid.Config)) *vneid.OIDC {
	cfg := p.config()
	for _, c := range change {
		c(&cfg)
	}
	party, err := vneid.NewOIDC(cfg)
	require.NoError(t, err)
	return party
}

func (p *provider) callback() vneid.Callback {
	return vneid.Callback{State: p.attempt.State, Code: code, Issuer: p.URL}
}
