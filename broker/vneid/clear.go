package vneid

import (
	"cmp"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"sync/atomic"
	"time"

	"github.com/zitadel/oidc/v3/pkg/client/rp"
	"github.com/zitadel/oidc/v3/pkg/oidc"
	"golang.org/x/oauth2"

	"vneid-proxy/broker/outbound"
	"vneid-proxy/session"
)

// The wires that Clear speaks.
const (
	WireVNeIDClear     = "vneid-clear"     // VNeID's first, as provincial portals use it (V1)
	WireNationalPortal = "national-portal" // the sign-in of the national public service portal, a WSO2
)

// ClearConfig is what NewClear needs.
type ClearConfig struct {
	Wire  string // WireVNeIDClear or WireNationalPortal; required
	Name  string // the provider's name in our configuration and in session.Attempt; default "vneid"
	Title string // what pages call it; default "VNeID"

	AuthorizeURL, TokenURL, UserinfoURL string // required: there is no discovery
	EndSessionURL                       string // "" for none
	// AllowHTTP lets plain http through beyond loopback; default false.
	AllowHTTP bool

	ClientID      string        // required
	ClientSecret  string        // sent in the body; "" for a client without one
	Secret        func() string // asked at each exchange instead of ClientSecret where set
	RedirectURL   string        // our callback, as registered there; required
	PostLogoutURL string        // where the provider sends people after sign-out
	Scopes        []string      // default openid
	// Claims are the names of claims; defaults SoDinhDanh, HoVaTen,
	// NgayThangNamSinh, IAL, loAs, LoaiTaiKhoan, MaSoDoanhNghiep, MaSoThue,
	// TenDoanhNghiep, none for the role; the type of an organisation is 2.
	Claims Claims
	// MinAccountLevel is the lowest account level admitted; 0 admits all.
	MinAccountLevel int

	Transport http.RoundTripper // default one made from RootCAs
	RootCAs   *x509.CertPool    // default the system's
	Timeout   time.Duration     // of one call, and of a whole Redeem; default outbound.DefaultTimeout
}

// Clear is OAuth 2.0 with userinfo in clear: who the person is stands in what
// the provider itself answers over TLS. An ID token is kept for sign-out and
// never believed, as neither wire publishes keys. It is safe for use by many at
// once.
type Clear struct {
	cfg     ClearConfig
	subject string // the claim that stays the same for a person
	method  string // of userinfo
	client  *http.Client
	outage  atomic.Pointer[Error] // what the last sign-in met; nil where the provider answered
}

// NewClear checks the configuration; it asks nobody.
func NewClear(cfg ClearConfig) (*Clear, error) {
	cfg.Name, cfg.Title = cmp.Or(cfg.Name, "vneid"), cmp.Or(cfg.Title, "VNeID")
	cfg.Timeout = cmp.Or(cfg.Timeout, outbound.DefaultTimeout)
	cfg.Claims = Claims{
		Number: cmp.Or(cfg.Claims.Number, "SoDinhDanh"), Name: cmp.Or(cfg.Claims.Name, "HoVaTen"),
		BirthDate: cmp.Or(cfg.Claims.BirthDate, "NgayThangNamSinh"), AccountLevel: cmp.Or(cfg.Claims.AccountLevel, "IAL"),
		AuthenticationLevel: cmp.Or(cfg.Claims.AuthenticationLevel, "loAs"), AccountType: cmp.Or(cfg.Claims.AccountType, "LoaiTaiKhoan"),
		OrganisationID: cmp.Or(cfg.Claims.OrganisationID, "MaSoDoanhNghiep"), OrganisationTaxCode: cmp.Or(cfg.Claims.OrganisationTaxCode, "MaSoThue"),
		OrganisationName: cmp.Or(cfg.Claims.OrganisationName, "TenDoanhNghiep"), OrganisationRole: cfg.Claims.OrganisationRole,
		OrganisationTypes: orTypes(cfg.Claims.OrganisationTypes, "2"),
	}
	if len(cfg.Scopes) == 0 {
		cfg.Scopes = []string{oidc.ScopeOpenID}
	}
	for name, text := range map[string]string{
		"AuthorizeURL": cfg.AuthorizeURL, "TokenURL": cfg.TokenURL, "UserinfoURL": cfg.UserinfoURL, "EndSessionURL": cfg.EndSessionURL,
	} {
		if text == "" && name == "EndSessionURL" {
			continue
		}
		if _, err := outbound.ParseAddress(text, cfg.AllowHTTP); err != nil {
			return nil, fmt.Errorf("vneid: %s: %w", name, err)
		}
	}
	p := &Clear{cfg: cfg, client: outbound.New(outbound.Config{Timeout: cfg.Timeout, RootCAs: cfg.RootCAs, Transport: cfg.Transport})}
	switch {
	case cfg.ClientID == "":
		return nil, errors.New("vneid: ClientID is required")
	case cfg.RedirectURL == "":
		return nil, errors.New("vneid: RedirectURL is required")
	case cfg.Wire == WireVNeIDClear:
		p.subject, p.method = "sub", http.MethodGet
	case cfg.Wire == WireNationalPortal:
		// Its sub is a user name that people change; TechID stays.
		p.subject, p.method = "TechID", http.MethodPost
	default:
		return nil, errors.New(`vneid: Wire: want "vneid-clear" or "national-portal"`)
	}
	return p, nil
}

// Name is the provider's name in our configuration.
func (p *Clear) Name() string { return p.cfg.Name }

// Title is what pages call the provider.
func (p *Clear) Title() string { return p.cfg.Title }

// Origins are the provider's origins that a form of ours may lead to.
func (p *Clear) Origins() []string {
	origins := []string{origin(p.cfg.AuthorizeURL)}
	if end := origin(p.cfg.EndSessionURL); end != "" && end != origins[0] {
		origins = append(origins, end)
	}
	return origins
}

// Status is ErrUnavailable if the last sign-in found the provider away. For
// display: nobody's readiness may hang on it.
func (p *Clear) Status(context.Context) error {
	if outage := p.outage.Load(); outage != nil {
		return outage
	}
	return nil
}

// AuthURL is where the browser goes to sign in, with the attempt's state and a
// PKCE challenge, which a provider that does not know it ignores (RFC 6749,
// 3.1). It asks nobody.
func (p *Clear) AuthURL(_ context.Context, attempt session.Attempt) (string, error) {
	if !usable(attempt) {
		return "", fault(ReasonAttempt)
	}
	party, err := p.party()
	if err != nil {
		return "", err
	}
	options := []rp.AuthURLOpt{rp.WithCodeChallenge(oidc.NewSHACodeChallenge(attempt.Verifier))}
	if p.cfg.Wire == WireNationalPortal {
		options = append(options, rp.AuthURLOpt(rp.WithURLParam("acr_values", cmp.Or(attempt.Demand.Level, "LoA1"))))
	}
	return rp.AuthURL(attempt.State, party, options...), nil
}

// EndSessionURL is where the browser goes to end the provider's session too;
// false where none is configured. Each wire has its own words for it.
func (p *Clear) EndSessionURL(_ context.Context, idToken, state string) (string, bool) {
	u, err := url.Parse(p.cfg.EndSessionURL)
	if err != nil || p.cfg.EndSessionURL == "" {
		return "", false
	}
	told := map[string]string{"client_id": p.cfg.ClientID, "redirect_uri": p.cfg.PostLogoutURL}
	if p.cfg.Wire == WireNationalPortal {
		told = map[string]string{"id_token_hint": idToken, "post_logout_redirect_uri": p.cfg.PostLogoutURL, "state": state}
	}
	query := u.Query()
	for name, value := range told {
		if value != "" {
			query.Set(name, value)
		}
	}
	u.RawQuery = query.Encode()
	return u.String(), true
}

// RedeemQuery turns the raw query of a callback into a citizen, as OIDC.Redeem
// does, but for what only an ID token could prove.
func (p *Clear) RedeemQuery(ctx context.Context, attempt session.Attempt, rawQuery string) (Identity, error) {
	ctx, cancel := context.WithTimeout(ctx, p.cfg.Timeout)
	defer cancel()
	callback, err := ParseCallback(rawQuery)
	switch {
	case err != nil:
		return Identity{}, err
	case !answers(callback, attempt, p.cfg.Name):
		return Identity{}, fault(ReasonAttempt)
	case callback.Error != "":
		return Identity{}, told(callback.Error)
	case callback.Code == "":
		return Identity{}, fault(ReasonCallback)
	}
	who, err := p.redeem(ctx, attempt, callback.Code)
	outage := (*Error)(nil)
	if errors.Is(err, ErrUnavailable) {
		errors.As(err, &outage)
	}
	p.outage.Store(outage)
	return who, err
}

func (p *Clear) redeem(ctx context.Context, attempt session.Attempt, code string) (Identity, error) {
	party, err := p.party()
	if err != nil {
		return Identity{}, err
	}
	tokens, err := rp.CodeExchange[*oidc.IDTokenClaims](ctx, code, party, rp.WithCodeVerifier(attempt.Verifier))
	if err != nil {
		return Identity{}, failed("token", err)
	}
	r, err := http.NewRequestWithContext(ctx, p.method, p.cfg.UserinfoURL, nil)
	if err != nil {
		return Identity{}, fault(ReasonDiscovery)
	}
	r.Header.Set("Authorization", "Bearer "+tokens.AccessToken)
	claims := claimSet{}
	if _, err := outbound.JSON(p.client, r, &claims); err != nil {
		return Identity{}, failed("userinfo", err)
	}
	subject, err := claims.text(p.subject)
	if err != nil || subject == "" || len(subject) > maxSubject || !printable(subject) {
		return Identity{}, fault(ReasonSubject)
	}
	citizen, err := claims.citizen(p.cfg.Claims, false)
	if err != nil {
		return Identity{}, err
	}
	citizen.Provider, citizen.Subject = p.cfg.Name, subject
	if citizen.AccountLevel < p.cfg.MinAccountLevel {
		return Identity{}, &Error{ErrLevel, ReasonLevel}
	}
	idToken, _ := tokens.Extra("id_token").(string)
	return Identity{Citizen: citizen, IDToken: idToken}, nil
}

func (p *Clear) party() (rp.RelyingParty, error) {
	secret := p.cfg.ClientSecret
	if p.cfg.Secret != nil {
		secret = p.cfg.Secret()
	}
	client := *p.client
	client.Transport = tokenReply{next: client.Transport}
	party, err := rp.NewRelyingPartyOAuth(&oauth2.Config{
		ClientID: p.cfg.ClientID, ClientSecret: secret, RedirectURL: p.cfg.RedirectURL, Scopes: p.cfg.Scopes,
		Endpoint: oauth2.Endpoint{AuthURL: p.cfg.AuthorizeURL, TokenURL: p.cfg.TokenURL},
	}, rp.WithHTTPClient(&client), rp.WithAuthStyle(oauth2.AuthStyleInParams))
	if err != nil {
		return nil, fault(ReasonDiscovery)
	}
	return party, nil
}
