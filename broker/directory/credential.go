package directory

import (
	"bytes"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/go-json-experiment/json"

	"vneid-proxy/broker/outbound"
	"vneid-proxy/identity"
)

// CredentialCheck tells whose credential this is: ErrWrong, ErrLocked, or an
// error of availability.
type CredentialCheck interface {
	Check(ctx context.Context, username, password string) (identity.AccountID, error)
}

// CredentialConfig is what NewHTTPCredential needs.
type CredentialConfig struct {
	URL   string // the address of the check, in full; required
	Token string // bearer token that tells the portal who asks; required

	Timeout   time.Duration     // of one check; default outbound.DefaultTimeout
	AllowHTTP bool              // plain http beyond loopback; default false
	RootCAs   *x509.CertPool    // default the system's
	Transport http.RoundTripper // default one made from RootCAs
}

// HTTPCredential asks the portal whether a user name and password are right. It
// counts nothing: guessing is limited by whoever calls, before calling.
type HTTPCredential struct {
	address, token string
	http           *http.Client
}

// NewHTTPCredential makes a check; it asks nobody.
func NewHTTPCredential(cfg CredentialConfig) (*HTTPCredential, error) {
	if _, err := outbound.ParseAddress(cfg.URL, cfg.AllowHTTP); err != nil {
		return nil, fmt.Errorf("directory: credential URL: %w", err)
	}
	if cfg.Token == "" {
		return nil, errors.New("directory: credential Token is required")
	}
	return &HTTPCredential{
		address: cfg.URL, token: cfg.Token,
		http: outbound.New(outbound.Config{Timeout: cfg.Timeout, RootCAs: cfg.RootCAs, Transport: cfg.Transport}),
	}, nil
}

// Check posts {"username", "password"} and returns the account that the portal
// answers with: 200 and exactly {"account_id"}. 401 is ErrWrong, as is an empty name or password, which is not asked; 423 is
// ErrLocked; anything else ErrUnavailable or ErrMalformed.
func (c *HTTPCredential) Check(ctx context.Context, username, password string) (identity.AccountID, error) {
	if username == "" || password == "" {
		return "", ErrWrong
	}
	body, err := json.Marshal(struct {
		Username string `json:"username"`
		Password string `json:"password"`
	}{username, password})
	if err != nil {
		return "", ErrWrong // not UTF-8: no such credential can exist
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, c.address, bytes.NewReader(body))
	if err != nil {
		return "", ErrUnavailable
	}
	r.Header.Set("Authorization", "Bearer "+c.token)
	r.Header.Set("Content-Type", "application/json")
	return ask(c.http, r, false, map[int]error{http.StatusUnauthorized: ErrWrong, http.StatusLocked: ErrLocked})
}
