package proxy_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"fmt"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vneid-proxy/identity"
	"vneid-proxy/proxy"
)

// movable is a clock that a test moves.
type movable struct {
	mu  sync.Mutex
	now time.Time
}

func (m *movable) Now() time.Time { m.mu.Lock(); defer m.mu.Unlock(); return m.now }

func (m *movable) move(d time.Duration) { m.mu.Lock(); defer m.mu.Unlock(); m.now = m.now.Add(d) }

func signedRig(t *testing.T, clock *movable, keys ...crypto.Signer) *rig {
	assertion, err := proxy.NewAssertion(proxy.AssertionConfig{
		Issuer: "https://" + publicHost, Audience: "portal", Keys: keys, Now: clock.Now,
	})
	require.NoError(t, err)
	return newRig(t, nil, func(c *proxy.Config) { c.Assertion = assertion })
}

func (r *rig) published() jose.JSONWebKeySet {
	r.t.Helper()
	answer := r.ask("GET /_vneid/jwks.json")
	require.Equal(r.t, http.StatusOK, answer.StatusCode)
	assert.Equal(r.t, "public, max-age=300", answer.Header.Get("Cache-Control"))
	assert.Equal(r.t, "application/jwk-set+json", answer.Header.Get("Content-Type"))
	var set jose.JSONWebKeySet
	body := bodyOf(r.t, answer)
	require.NoError(r.t, json.Unmarshal([]byte(body), &set))
	assert.NotContains(r.t, body, `"d"`)
	return set
}

// verified checks a token against the published keys as a portal would.
func verified(t *testing.T, token string, set jose.JSONWebKeySet, at time.Time) (map[string]any, string) {
	t.Helper()
	parsed, err := jwt.ParseSigned(token, []jose.SignatureAlgorithm{jose.EdDSA, jose.ES256})
	require.NoError(t, err)
	require.Len(t, parsed.Headers, 1)
	found := set.Key(parsed.Headers[0].KeyID)
	require.Len(t, found, 1)
	var standard jwt.Claims
	facts := make(map[string]any)
	require.NoError(t, parsed.Claims(found[0].Key, &standard, &facts))
	require.NoError(t, standard.ValidateWithLeeway(jwt.Expected{
		Issuer: "https://" + publicHost, AnyAudience: jwt.Audience{"portal"}, Time: at,
	}, 0))
	return facts, parsed.Headers[0].KeyID
}

func ecKey(t *testing.T) *ecdsa.PrivateKey {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	return key
}

func TestAssertionTellsTheFacts(t *testing.T) {
	for _, key := range []crypto.Signer{proxy.DeriveKey([]byte("a secret of thirty-two bytes....")), ecKey(t)} {
		clock := &movable{now: time.Now().Truncate(time.Second)}
		r := signedRig(t, clock, key)
		s := linked(t)
		r.ask("GET /a", "Cookie: "+r.cookie(s), "X-Identity-Assertion: forged")
		tokens := r.last().Header["X-Identity-Assertion"]
		require.Len(t, tokens, 1)
		facts, _ := verified(t, tokens[0], r.published(), clock.Now())
		iat := float64(clock.Now().Unix())
		assert.Equal(t, map[string]any{
			"iss": "https://" + publicHost, "aud": "portal", "sub": "u-17", "iat": iat, "exp": iat + 60,
			"username": "lan.nguyen", "email": "lan@portal.example", "groups": []any{"kind:citizen", "role:reader", "role:a%2Cb"},
			"citizen_number": "099203004567", "name": "Nguyễn Thị Lan", "birth_date": "2003-04-05",
			"account_level": "2", "authentication_level": "3", "standing": "linked", "provider": "vneid", "kind": "citizen", "acting": "self",
		}, facts)

		s.Citizen.Organisation = identity.Organisation{ID: "9900000015", TaxCode: "9900000015-001", Name: "Công ty Thử", Role: "Giám đốc"}
		r.ask("GET /a", "Cookie: "+r.cookie(s))
		facts, _ = verified(t, r.last().Header.Get("X-Identity-Assertion"), r.published(), clock.Now())
		for name, want := range map[string]string{
			"acting": "representative", "organisation_id": "9900000015", "organisation_tax_code": "9900000015-001",
			"organisation_name": "Công ty Thử", "organisation_role": "Giám đốc",
		} {
			assert.Equal(t, want, facts[name], "the same session, other facts")
		}
	}
}

func TestAssertionIsReusedUntilNearItsEnd(t *testing.T) {
	clock := &movable{now: time.Now().Truncate(time.Second)}
	r := signedRig(t, clock, proxy.DeriveKey([]byte("secret")))
	s, other := linked(t), linked(t)
	ask := func(cookie string) string {
		r.ask("GET /a", "Cookie: "+cookie)
		return r.last().Header.Get("X-Identity-Assertion")
	}
	first := ask(r.cookie(s))
	clock.move(39 * time.Second)
	assert.Equal(t, first, ask(r.cookie(s)))
	clock.move(time.Second)
	second := ask(r.cookie(s))
	assert.NotEqual(t, first, second)
	verified(t, second, r.published(), clock.Now().Add(59*time.Second))

	// Another session, and other facts under the same id, have their own.
	other.Account.ID = "u-18"
	facts, _ := verified(t, ask(r.cookie(other)), r.published(), clock.Now())
	assert.Equal(t, "u-18", facts["sub"])
	s.Standing = identity.StandingExempt
	facts, _ = verified(t, ask(r.cookie(s)), r.published(), clock.Now())
	assert.Equal(t, "exempt", facts["standing"])
}

func TestManySessionsAreSignedEachTheirOwn(t *testing.T) {
	clock := &movable{now: time.Now()}
	r := signedRig(t, clock, proxy.DeriveKey([]byte("secret")))
	set := r.published()
	var wait sync.WaitGroup
	for worker := range 4 {
		wait.Go(func() {
			for i := range 30 {
				s := linked(t)
				s.Account.ID = identity.AccountID(fmt.Sprintf("u-%d-%d", worker, i))
				q, err := http.NewRequest(http.MethodGet, "http://"+r.addr+"/a", nil)
				assert.NoError(t, err)
				q.Host = publicHost
				q.Header.Set("Cookie", r.cookie(s))
				answer, err := http.DefaultClient.Do(q)
				if assert.NoError(t, err) {
					_ = answer.Body.Close()
				}
			}
		})
	}
	wait.Wait()
	require.Equal(t, 120, r.count())
	for _, q := range r.received {
		facts, _ := verified(t, q.Header.Get("X-Identity-Assertion"), set, clock.Now())
		assert.Equal(t, q.Header.Get("X-Forwarded-User"), facts["sub"])
	}
}

func TestKeyRotation(t *testing.T) {
	old, next := proxy.DeriveKey([]byte("old")), ecKey(t)
	clock := &movable{now: time.Now()}
	before := signedRig(t, clock, old, next) // published last
	after := signedRig(t, clock, next, old)  // then moved first
	s := linked(t)
	before.ask("GET /a", "Cookie: "+before.cookie(s))
	after.ask("GET /a", "Cookie: "+after.cookie(s))
	// Whichever set a portal has kept, it verifies both.
	var kids []string
	for _, set := range []jose.JSONWebKeySet{before.published(), after.published()} {
		require.Len(t, set.Keys, 2)
		for _, r := range []*rig{before, after} {
			_, kid := verified(t, r.last().Header.Get("X-Identity-Assertion"), set, clock.Now())
			kids = append(kids, kid)
		}
	}
	assert.Equal(t, kids[:2], kids[2:])
	assert.NotEqual(t, kids[0], kids[1])
}

func TestJWKSMethods(t *testing.T) {
	r := signedRig(t, &movable{now: time.Now()}, proxy.DeriveKey([]byte("secret")))
	assert.Equal(t, 200, r.ask("HEAD /_vneid/jwks.json").StatusCode)
	answer := r.ask("POST /_vneid/jwks.json", "Content-Length: 0")
	assert.Equal(t, 405, answer.StatusCode)
	assert.Equal(t, "GET, HEAD", answer.Header.Get("Allow"))
	assert.Equal(t, "own /_vneid/jwks.json", bodyOf(t, newRig(t, nil).ask("GET /_vneid/jwks.json")))
}

func TestDeriveKey(t *testing.T) {
	assert.Equal(t, proxy.DeriveKey([]byte("a")), proxy.DeriveKey([]byte("a")))
	assert.NotEqual(t, proxy.DeriveKey([]byte("a")), proxy.DeriveKey([]byte("b")))
}

func TestAssertionFaults(t *testing.T) {
	good := proxy.DeriveKey([]byte("a"))
	weak, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	require.NoError(t, err)
	for name, c := range map[string]proxy.AssertionConfig{
		"no issuer": {Keys: []crypto.Signer{good}},
		"no key":    {Issuer: "https://x"},
		"long":      {Issuer: "https://x", Keys: []crypto.Signer{good}, Lifetime: 61 * time.Second},
		"rsa":       {Issuer: "https://x", Keys: []crypto.Signer{weak}},
		"p384":      {Issuer: "https://x", Keys: []crypto.Signer{good, p384}},
		"twice":     {Issuer: "https://x", Keys: []crypto.Signer{good, ed25519.PrivateKey(good)}},
	} {
		_, err := proxy.NewAssertion(c)
		assert.Error(t, err, name)
	}
}
