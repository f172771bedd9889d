package vneid

import (
	"cmp"
	"context"
	"crypto"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/zitadel/oidc/v3/pkg/client/rp"
	"github.com/zitadel/oidc/v3/pkg/oidc"
	"golang.org/x/oauth2"

	"vneid-proxy/broker/outbound"
	"vneid-proxy/session"
)

// Config is what NewOIDC needs.
type Config struct {
	Name  string // the provider's name in our configuration and in session.Attempt; default "vneid"
	Title string // what pages call it; default "VNeID"

	// Issuer is the provider's identifier, compared exactly; required, with an
	// OpenID Connect discovery document under it.
	Issuer string
	// These override what discovery says; default: discovery.
	AuthorizeURL, TokenURL, UserinfoURL, EndSessionURL string
	// Hosts are further hosts (host or host:port) that discovery may name
	// beside those of the addresses above; default none.
	Hosts []string
	// AllowHTTP lets plain http through beyond loopback; default false.
	AllowHTTP bool

	ClientID     string // required
	ClientSecret string // "" for a public client
	// Secret is asked at each exchange instead of ClientSecret where set, so
	// that a changed secret needs no restart.
	Secret func() string
	// Key, where set, signs client assertions instead of a secret
	// (private_key_jwt): RSA, P-256 or Ed25519, whose public half the provider
	// has, its kid the thumbprint of RFC 7638. It is asked each time.
	Key func() (crypto.Signer, error)
	// AssertionAudience is AudienceIssuer (default) or AudienceTokenEndpoint.
	AssertionAudience string
	// NeverPush sends the authorization request by the browser even where the
	// provider takes pushed ones (RFC 9126).
	NeverPush bool
	// ClientAuthentication is "basic" or "post"; default what discovery
	// lists, Basic if both or neither (RFC 6749, 2.3.1).
	ClientAuthentication string

	RedirectURL   string   // our callback, as registered there; required
	PostLogoutURL string   // where the provider sends people after sign-out; "" lets it decide
	Scopes        []string // default openid; openid is added where missing
	Claims        Claims   // names of claims; each has a default
	// UserinfoBy is how userinfo is asked for: UserinfoGet (default),
	// UserinfoPost or UserinfoForm.
	UserinfoBy string

	// Refresh keeps what a refresh needs of a sign-in (Identity.Grant), where the
	// provider gives a refresh token. Default false.
	Refresh bool

	// NumberOptional admits a person for whom the provider states no citizen
	// number, as a plain OpenID Connect proxy does; an invalid one is refused
	// all the same. Default false.
	NumberOptional bool
	// AccountClaim is the claim that names the person's account at the portal,
	// a text or a whole number; where set, a sign-in without it is refused, and
	// neither citizen number nor account level is read. "" reads none.
	AccountClaim string
	// MinAccountLevel is the lowest account level admitted; 0 admits all.
	MinAccountLevel int
	// Algorithms that ID tokens may be signed with; default those of RS256,
	// ES256, PS256 and EdDSA that discovery lists. Name the one in use.
	Algorithms []string

	Transport http.RoundTripper // default one made from RootCAs
	RootCAs   *x509.CertPool    // default the system's
	Timeout   time.Duration     // of one call, and of a whole Redeem; default outbound.DefaultTimeout
	Skew      time.Duration     // how far clocks may differ, for iat, nbf and exp alike; default 60 s
	Now       func() time.Time  // default time.Now
}

// Ways to ask for userinfo (OpenID Connect Core 5.3.1; RFC 6750, 2).
const (
	UserinfoGet  = "get"  // the token in a header
	UserinfoPost = "post" // the same by POST, with no body
	UserinfoForm = "form" // the token in a form
)

// OIDC is a standard OpenID provider. It is safe for use by many at once.
type OIDC struct {
	cfg      Config
	client   *http.Client
	hosts    []string // those that discovery may name
	metadata kept[*metadata]
}

// NewOIDC checks the configuration; it asks nobody. The provider is read when
// it is first needed.
func NewOIDC(cfg Config) (*OIDC, error) {
	cfg.Name, cfg.Title = cmp.Or(cfg.Name, "vneid"), cmp.Or(cfg.Title, "VNeID")
	cfg.Timeout, cfg.Skew = cmp.Or(cfg.Timeout, outbound.DefaultTimeout), cmp.Or(cfg.Skew, time.Minute)
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if !slices.Contains(cfg.Scopes, oidc.ScopeOpenID) {
		cfg.Scopes = append([]string{oidc.ScopeOpenID}, cfg.Scopes...)
	}
	cfg.Claims = cfg.Claims.orDefault()
	p := &OIDC{cfg: cfg, hosts: slices.Clone(cfg.Hosts)}
	for name, text := range map[string]string{
		"Issuer": cfg.Issuer, "AuthorizeURL": cfg.AuthorizeURL, "TokenURL": cfg.TokenURL,
		"UserinfoURL": cfg.UserinfoURL, "EndSessionURL": cfg.EndSessionURL,
	} {
		if text == "" && name != "Issuer" {
			continue
		}
		address, err := outbound.ParseAddress(text, cfg.AllowHTTP)
		if err != nil {
			return nil, fmt.Errorf("vneid: %s: %w", name, err)
		}
		p.hosts = append(p.hosts, address.Host)
	}
	switch {
	case strings.Contains(cfg.Issuer, "?"):
		return nil, errors.New("vneid: Issuer: must have no query")
	case cfg.ClientID == "":
		return nil, errors.New("vneid: ClientID is required")
	case cfg.RedirectURL == "":
		return nil, errors.New("vneid: RedirectURL is required")
	case cfg.UserinfoBy != "" && cfg.UserinfoBy != UserinfoGet && cfg.UserinfoBy != UserinfoPost && cfg.UserinfoBy != UserinfoForm:
		return nil, errors.New(`vneid: UserinfoBy: want "get", "post" or "form"`)
	case cfg.AssertionAudience != "" && cfg.AssertionAudience != AudienceIssuer && cfg.AssertionAudience != AudienceTokenEndpoint:
		return nil, errors.New(`vneid: AssertionAudience: want "issuer" or "token_endpoint"`)
	case cfg.ClientAuthentication != "" && cfg.ClientAuthentication != "basic" && cfg.ClientAuthentication != "post":
		return nil, errors.New(`vneid: ClientAuthentication: want "basic" or "post"`)
	}
	for _, algorithm := range cfg.Algorithms {
		if !slices.Contains([]string{"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"}, algorithm) {
			return nil, errors.New("vneid: Algorithms: want asymmetric ones (RS256, PS256, ES256, EdDSA and their like)")
		}
	}
	p.client = outbound.New(outbound.Config{Timeout: cfg.Timeout, RootCAs: cfg.RootCAs, Transport: cfg.Transport})
	p.metadata = kept[*metadata]{read: p.discover, now: cfg.Now}
	return p, nil
}

// Name is the provider's name in our configuration.
func (p *OIDC) Name() string { return p.cfg.Name }

// Title is what pages call the provider.
func (p *OIDC) Title() string { return p.cfg.Title }

// AuthURL is where the browser goes to sign in, with the attempt's state, nonce
// and PKCE challenge (S256), and with what the attempt demands; pushed to the
// provider beforehand where it takes that. ErrUnavailable or ErrProtocol where the provider
// has not told its address.
func (p *OIDC) AuthURL(ctx context.Context, attempt session.Attempt) (string, error) {
	if !usable(attempt) {
		return "", fault(ReasonAttempt)
	}
	ctx, cancel := context.WithTimeout(ctx, p.cfg.Timeout)
	defer cancel()
	m, err := p.read(ctx)
	if err != nil {
		return "", err
	}
	party, err := p.party(m, false)
	if err != nil {
		return "", err
	}
	options := []rp.AuthURLOpt{
		rp.WithCodeChallenge(oidc.NewSHACodeChallenge(attempt.Verifier)), rp.AuthURLOpt(rp.WithURLParam("nonce", attempt.Nonce)),
	}
	demand := attempt.Demand
	maxAge := ""
	if demand.MaxAge > 0 {
		maxAge = strconv.FormatInt(int64(demand.MaxAge/time.Second), 10)
	}
	for name, value := range map[string]string{
		"acr_values": demand.Level, "max_age": maxAge, "prompt": demand.Prompt, "login_hint": attempt.Hint,
	} {
		if value != "" {
			options = append(options, rp.AuthURLOpt(rp.WithURLParam(name, value)))
		}
	}
	address := rp.AuthURL(attempt.State, party, options...)
	if m.Pushed == "" || p.cfg.NeverPush {
		return address, nil
	}
	return p.push(ctx, m, address)
}

// EndSessionURL is where the browser goes to end the provider's session too
// (OpenID Connect RP-Initiated Logout 1.0, 2); false where the provider has no
// such address or cannot tell it now. idToken and state may be empty.
func (p *OIDC) EndSessionURL(ctx context.Context, idToken, state string) (string, bool) {
	address := p.cfg.EndSessionURL
	if address == "" {
		m, err := p.read(ctx)
		if err != nil {
			// Sign-out should not depend on the provider's health.
			var known bool
			if m, known = p.metadata.last(); !known {
				return "", false
			}
		}
		address = m.EndSession
	}
	u, err := url.Parse(address)
	if err != nil || address == "" {
		return "", false
	}
	query := u.Query()
	for name, value := range map[string]string{
		"client_id": p.cfg.ClientID, "id_token_hint": idToken,
		"post_logout_redirect_uri": p.cfg.PostLogoutURL, "state": state,
	} {
		if value != "" {
			query.Set(name, value)
		}
	}
	u.RawQuery = query.Encode()
	return u.String(), true
}

// Origins are the provider's origins that a form of ours may lead to, for the
// page's form-action. It asks nobody: until the provider was first read it
// knows the configured ones and the issuer's.
func (p *OIDC) Origins() []string {
	addresses := []string{p.cfg.Issuer, p.cfg.AuthorizeURL, p.cfg.EndSessionURL}
	if m, known := p.metadata.last(); known {
		addresses = append(addresses, m.Authorize, m.EndSession)
	}
	var origins []string
	for _, address := range addresses {
		if o := origin(address); o != "" && !slices.Contains(origins, o) {
			origins = append(origins, o)
		}
	}
	return origins
}

// Status reports whether the provider's metadata could be read in the last 30
// seconds. For display: nobody's readiness may hang on it.
func (p *OIDC) Status(ctx context.Context) error {
	if _, err := p.metadata.within(ctx, statusAge); err != nil {
		return failed("discovery", err)
	}
	return nil
}

func (p *OIDC) read(ctx context.Context) (*metadata, error) {
	m, err := p.metadata.within(ctx, metadataAge)
	if err != nil {
		return nil, failed("discovery", err)
	}
	return m, nil
}

// party is the library's relying party for one exchange. It is made without
// OpenID Connect, because the library's own checks of the ID token are not
// ours; verify does them. refresh is whether it is for a refresh token.
func (p *OIDC) party(m *metadata, refresh bool) (rp.RelyingParty, error) {
	secret := p.secret()
	if p.cfg.Key != nil {
		secret = "" // the assertion takes its place
	}
	client := *p.client
	client.Transport = tokenReply{next: client.Transport, refresh: refresh}
	party, err := rp.NewRelyingPartyOAuth(&oauth2.Config{
		ClientID: p.cfg.ClientID, ClientSecret: secret, RedirectURL: p.cfg.RedirectURL, Scopes: p.cfg.Scopes,
		Endpoint: oauth2.Endpoint{AuthURL: m.Authorize, TokenURL: m.Token},
	}, rp.WithHTTPClient(&client), rp.WithAuthStyle(p.authStyle(m, secret)))
	if err != nil {
		return nil, fault(ReasonDiscovery)
	}
	return party, nil
}

func usable(a session.Attempt) bool {
	return !a.Spent && a.State != "" && a.Nonce != "" && a.Verifier != ""
}
