package proxy

import (
	"crypto"
	"crypto/hkdf"
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"
	"time"

	"crypto/ed25519"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"vneid-proxy/session"
)

// MaxAssertionLifetime is the longest that an assertion is good for.
const MaxAssertionLifetime = time.Minute

// AssertionConfig says how the assertion is signed.
type AssertionConfig struct {
	Issuer   string // "iss": the public URL; required
	Audience string // "aud"; "" is Issuer
	// Keys are Ed25519 or ECDSA P-256 private keys; required. The first signs,
	// all are published, so a new key is put last before it is put first.
	Keys []crypto.Signer
	// Lifetime is how long one is good for, at most MaxAssertionLifetime,
	// which is also the default.
	Lifetime time.Duration
	Now      func() time.Time // nil is time.Now
}

// Assertion signs a short-lived JWT (RFC 7519) that tells the portal the facts
// of a session in a form it can verify: EdDSA (RFC 8037) or ES256 (RFC 7518)
// with the key's RFC 7638 thumbprint as "kid". It is safe for concurrent use.
type Assertion struct {
	config AssertionConfig
	signer jose.Signer
	keys   keys
	kept   *kept
}

// NewAssertion checks the keys and prepares the published set.
func NewAssertion(c AssertionConfig) (*Assertion, error) {
	if c.Issuer == "" || len(c.Keys) == 0 {
		return nil, errors.New("proxy: an assertion needs an issuer and a key")
	}
	if c.Lifetime < 0 || c.Lifetime > MaxAssertionLifetime {
		return nil, fmt.Errorf("proxy: an assertion lives %s at most", MaxAssertionLifetime)
	}
	if c.Lifetime == 0 {
		c.Lifetime = MaxAssertionLifetime
	}
	if c.Audience == "" {
		c.Audience = c.Issuer
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	published, err := newKeys(c.Keys)
	if err != nil {
		return nil, err
	}
	active := published.set.Keys[0]
	signer, err := jose.NewSigner(
		jose.SigningKey{
			Algorithm: jose.SignatureAlgorithm(active.Algorithm),
			Key:       jose.JSONWebKey{Key: c.Keys[0], KeyID: active.KeyID},
		},
		(&jose.SignerOptions{}).WithType("JWT"))
	if err != nil {
		return nil, fmt.Errorf("proxy: assertion key: %w", err)
	}
	return &Assertion{config: c, signer: signer, keys: published, kept: newKept()}, nil
}

// Audience is whom the portal's tokens are for.
func (a *Assertion) Audience() string { return a.config.Audience }

// Sign signs other claims for the portal with the same key; kind is the JWT's
// "typ", by which the portal tells them from an assertion (RFC 8725, 3.11).
func (a *Assertion) Sign(kind string, claims any) (string, error) {
	active := a.keys.set.Keys[0]
	signer, err := jose.NewSigner(
		jose.SigningKey{
			Algorithm: jose.SignatureAlgorithm(active.Algorithm),
			Key:       jose.JSONWebKey{Key: a.config.Keys[0], KeyID: active.KeyID},
		},
		(&jose.SignerOptions{}).WithType(jose.ContentType(kind)))
	if err != nil {
		return "", fmt.Errorf("sign for the portal: %w", err)
	}
	return jwt.Signed(signer).Claims(claims).Serialize()
}

// DeriveKey makes an Ed25519 key of a secret (HKDF, RFC 5869), for those who
// configure no key of their own. The same secret gives the same key.
func DeriveKey(secret []byte) ed25519.PrivateKey {
	// It cannot fail: 32 bytes are far below HKDF's limit.
	seed, _ := hkdf.Key(sha256.New, secret, nil, "vneid-proxy assertion Ed25519", ed25519.SeedSize)
	return ed25519.NewKeyFromSeed(seed)
}

// claims are the assertion's payload. "sub" is the account id, as in
// X-Forwarded-User; the other facts have the names of the header fields, are
// written in raw UTF-8, and are absent where unknown.
type claims struct {
	Issuer   string `json:"iss"`
	Audience string `json:"aud"`
	Subject  string `json:"sub"`
	IssuedAt int64  `json:"iat"`
	Expires  int64  `json:"exp"`

	Username            string   `json:"username,omitempty"`
	Email               string   `json:"email,omitempty"`
	Groups              []string `json:"groups,omitempty"`
	CitizenNumber       string   `json:"citizen_number,omitempty"`
	Name                string   `json:"name,omitempty"`
	BirthDate           string   `json:"birth_date,omitempty"`
	AccountLevel        string   `json:"account_level,omitempty"`
	AuthenticationLevel string   `json:"authentication_level,omitempty"`
	Standing            string   `json:"standing,omitempty"`
	Provider            string   `json:"provider,omitempty"`
	Kind                string   `json:"kind,omitempty"`

	Acting              string `json:"acting,omitempty"`
	OrganisationID      string `json:"organisation_id,omitempty"`
	OrganisationTaxCode string `json:"organisation_tax_code,omitempty"`
	OrganisationName    string `json:"organisation_name,omitempty"`
	OrganisationRole    string `json:"organisation_role,omitempty"`
}

// of answers the session's assertion: the last one while a third of its life
// or more is left, else a new one.
func (a *Assertion) of(id session.ID, f *facts) (string, error) {
	now := a.config.Now()
	if token, ok := a.kept.find(id, f, now); ok {
		return token, nil
	}
	issued := now.Truncate(time.Second)
	c := claims{
		Issuer: a.config.Issuer, Audience: a.config.Audience, Subject: f.accountID,
		IssuedAt: issued.Unix(), Expires: issued.Add(a.config.Lifetime).Unix(),
		Username: f.username, Email: f.email,
		CitizenNumber: f.citizenNumber, Name: f.name, BirthDate: f.birthDate,
		AccountLevel: f.accountLevel, AuthenticationLevel: f.authenticationLevel,
		Standing: f.standing, Provider: f.provider, Kind: f.kind,
		Acting: f.acting, OrganisationID: f.organisationID, OrganisationTaxCode: f.organisationTaxCode,
		OrganisationName: f.organisationName, OrganisationRole: f.organisationRole,
	}
	if f.groups != "" {
		c.Groups = strings.Split(f.groups, ",")
	}
	token, err := jwt.Signed(a.signer).Claims(c).Serialize()
	if err != nil {
		return "", fmt.Errorf("sign the assertion: %w", err)
	}
	a.kept.keep(id, f, token, issued.Add(a.config.Lifetime*2/3), now)
	return token, nil
}
