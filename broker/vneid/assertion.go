package vneid

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-json-experiment/json"
	"github.com/zitadel/oidc/v3/pkg/oidc"
)

// assertionLifetime is how long a client assertion is good: once, at once.
const assertionLifetime = time.Minute

// Audiences of a client assertion.
const (
	AudienceIssuer        = "issuer"         // what the standards have come to ask for
	AudienceTokenEndpoint = "token_endpoint" // what OpenID Connect Core 9 proposed; Hydra insists on it
)

// assertion proves to the provider who we are (private_key_jwt: OpenID Connect
// Core 9, RFC 7523).
func (p *OIDC) assertion(m *metadata) (string, error) {
	key, err := p.cfg.Key()
	if err != nil {
		return "", fault(ReasonClientKey)
	}
	algorithm, err := p.assertionAlgorithm(key, m.AssertionAlgorithms)
	if err != nil {
		return "", fault(ReasonClientKey)
	}
	public := jose.JSONWebKey{Key: key.Public()}
	thumbprint, err := public.Thumbprint(crypto.SHA256)
	if err != nil {
		return "", fault(ReasonClientKey)
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: algorithm, Key: jose.JSONWebKey{
		Key: key, KeyID: base64.RawURLEncoding.EncodeToString(thumbprint),
	}}, (&jose.SignerOptions{}).WithType("JWT"))
	if err != nil {
		return "", fault(ReasonClientKey)
	}
	audience := p.cfg.Issuer
	if p.cfg.AssertionAudience == AudienceTokenEndpoint {
		audience = m.Token
	}
	now := p.cfg.Now()
	claims, err := json.Marshal(struct {
		Issuer   string `json:"iss"`
		Subject  string `json:"sub"`
		Audience string `json:"aud"`
		ID       string `json:"jti"`
		IssuedAt int64  `json:"iat"`
		Expires  int64  `json:"exp"`
	}{p.cfg.ClientID, p.cfg.ClientID, audience, rand.Text(), now.Unix(), now.Add(assertionLifetime).Unix()})
	if err != nil {
		return "", fault(ReasonClientKey)
	}
	jws, err := signer.Sign(claims)
	if err != nil {
		return "", fault(ReasonClientKey)
	}
	return jws.CompactSerialize()
}

// assertionAlgorithm is the one that the key is for and that the provider
// takes, where it says so.
func (p *OIDC) assertionAlgorithm(key crypto.Signer, taken []string) (jose.SignatureAlgorithm, error) {
	var able []jose.SignatureAlgorithm
	switch public := key.Public().(type) {
	case *rsa.PublicKey:
		if public.N.BitLen() < 2048 {
			return "", errors.New("an RSA key has 2048 bits or more")
		}
		able = []jose.SignatureAlgorithm{jose.PS256, jose.RS256}
		if len(taken) == 0 {
			able = able[1:] // the one that every provider must know
		}
	case *ecdsa.PublicKey:
		if public.Curve.Params().Name != "P-256" {
			return "", errors.New("want the curve P-256")
		}
		able = []jose.SignatureAlgorithm{jose.ES256}
	case ed25519.PublicKey:
		able = []jose.SignatureAlgorithm{jose.EdDSA}
	}
	for _, algorithm := range able {
		if len(taken) == 0 || slices.Contains(taken, string(algorithm)) {
			return algorithm, nil
		}
	}
	return "", errors.New("the provider takes no algorithm that the key is for")
}

// authenticate puts the client's proof of itself into a request of ours, as the
// library does for the token endpoint (RFC 6749, 2.3.1; RFC 7523, 2.2).
func (p *OIDC) authenticate(m *metadata, form url.Values, header http.Header) error {
	form.Set("client_id", p.cfg.ClientID)
	if p.cfg.Key != nil {
		assertion, err := p.assertion(m)
		if err != nil {
			return err
		}
		form.Set("client_assertion", assertion)
		form.Set("client_assertion_type", oidc.ClientAssertionTypeJWTAssertion)
		return nil
	}
	secret := p.secret()
	switch {
	case secret == "":
	case p.inHeader(m, secret):
		pair := url.QueryEscape(p.cfg.ClientID) + ":" + url.QueryEscape(secret)
		header.Set("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(pair)))
	default:
		form.Set("client_secret", secret)
	}
	return nil
}
