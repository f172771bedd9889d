package vneid

import (
	"cmp"
	"context"
	"crypto/rsa"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync/atomic"
	"time"

	"github.com/zitadel/oidc/v3/pkg/client/rp"
	"github.com/zitadel/oidc/v3/pkg/oidc"
	"golang.org/x/oauth2"

	"vneid-proxy/broker/outbound"
	"vneid-proxy/session"
)

// EncryptedConfig is what NewEncrypted needs. Where VNeID's own document leaves
// a choice open, the default is what a client in use does.
type EncryptedConfig struct {
	Name  string // the provider's name in our configuration and in session.Attempt; default "vneid"
	Title string // what pages call it; default "VNeID"

	AuthorizeURL, TokenURL, UserinfoURL string // required: there is no discovery
	// AllowHTTP lets plain http through beyond loopback; default false.
	AllowHTTP bool

	ClientID     string        // required
	ClientSecret string        // sent in the body; "" for a client without one
	Secret       func() string // asked at each exchange instead of ClientSecret where set
	RedirectURL  string        // our callback, as registered there; required
	Scopes       []string      // default openid
	// Claims are the names of claims; defaults citizenPid, fullName, birthDate,
	// accountLevel, accountType. The citizen number is the subject too: this
	// wire has no other.
	Claims Claims
	// MinAccountLevel is the lowest account level admitted; 0 admits all.
	MinAccountLevel int

	// Keys are the private keys whose public half VNeID has or had, RSA of 2048
	// bits or more; at least one. Each is tried on everything, so the time of a
	// sign-in grows with their number.
	Keys []*rsa.PrivateKey
	// Cipher is how AES is used: "ecb", or "cbc" with the IV in the first 16
	// bytes. Default "ecb".
	Cipher string
	// KeyBytes is the one length of AES keys that is accepted: 16, 24 or 32
	// bytes. Default 32.
	KeyBytes int
	// Optional accepts answers without an envelope, and a callback without
	// encrypt_key. Default false: they are refused as an attack.
	Optional bool
	// CodeAsReceived sends the code to the token endpoint as the callback
	// carried it; default false: decrypted.
	CodeAsReceived bool
	// OmitEncryptKey leaves the callback's encrypt_key out of the exchange;
	// default false: it is sent as received.
	OmitEncryptKey bool

	Transport http.RoundTripper // default one made from RootCAs
	RootCAs   *x509.CertPool    // default the system's
	Timeout   time.Duration     // of one call, and of a whole Redeem; default outbound.DefaultTimeout
	Counters  *Counters         // counts the work done; nil for none
}

// Encrypted is VNeID's encrypted wire (V2): OAuth 2.0 with code, token answer
// and userinfo each in an envelope, no ID token, no nonce and no PKCE. It is
// safe for use by many at once.
type Encrypted struct {
	cfg    EncryptedConfig
	client *http.Client
	opener atomic.Pointer[opener]
	outage atomic.Pointer[Error] // what the last sign-in met; nil where VNeID answered
}

// NewEncrypted checks the configuration; it asks nobody.
func NewEncrypted(cfg EncryptedConfig) (*Encrypted, error) {
	cfg.Name, cfg.Title = cmp.Or(cfg.Name, "vneid"), cmp.Or(cfg.Title, "VNeID")
	cfg.Timeout = cmp.Or(cfg.Timeout, outbound.DefaultTimeout)
	cfg.Cipher, cfg.KeyBytes = cmp.Or(cfg.Cipher, "ecb"), cmp.Or(cfg.KeyBytes, 32)
	cfg.Claims.Name = cmp.Or(cfg.Claims.Name, "fullName")
	cfg.Claims.BirthDate = cmp.Or(cfg.Claims.BirthDate, "birthDate")
	cfg.Claims = cfg.Claims.orDefault()
	if len(cfg.Scopes) == 0 {
		cfg.Scopes = []string{oidc.ScopeOpenID}
	}
	for name, text := range map[string]string{
		"AuthorizeURL": cfg.AuthorizeURL, "TokenURL": cfg.TokenURL, "UserinfoURL": cfg.UserinfoURL,
	} {
		if _, err := outbound.ParseAddress(text, cfg.AllowHTTP); err != nil {
			return nil, fmt.Errorf("vneid: %s: %w", name, err)
		}
	}
	switch {
	case cfg.ClientID == "":
		return nil, errors.New("vneid: ClientID is required")
	case cfg.RedirectURL == "":
		return nil, errors.New("vneid: RedirectURL is required")
	case cfg.Cipher != "ecb" && cfg.Cipher != "cbc":
		return nil, errors.New(`vneid: Cipher: want "ecb" or "cbc"`)
	case !slices.Contains([]int{16, 24, 32}, cfg.KeyBytes):
		return nil, errors.New("vneid: KeyBytes: want 16, 24 or 32")
	}
	p := &Encrypted{
		cfg:    cfg,
		client: outbound.New(outbound.Config{Timeout: cfg.Timeout, RootCAs: cfg.RootCAs, Transport: cfg.Transport}),
	}
	if err := p.SetKeys(cfg.Keys); err != nil {
		return nil, err
	}
	return p, nil
}

// SetKeys puts other keys in the place of EncryptedConfig.Keys, under the same
// conditions; where one is not met nothing changes. Sign-ins under way go on
// with the keys that they began with.
func (p *Encrypted) SetKeys(keys []*rsa.PrivateKey) error {
	if len(keys) == 0 {
		return errors.New("vneid: Keys: at least one is required")
	}
	if slices.ContainsFunc(keys, func(key *rsa.PrivateKey) bool { return !decrypts(key) }) {
		return errDecryptionKey
	}
	p.opener.Store(&opener{
		keys: slices.Clone(keys), aesBytes: p.cfg.KeyBytes, cbc: p.cfg.Cipher == "cbc", counters: p.cfg.Counters,
	})
	return nil
}

// Name is the provider's name in our configuration.
func (p *Encrypted) Name() string { return p.cfg.Name }

// Title is what pages call the provider.
func (p *Encrypted) Title() string { return p.cfg.Title }

// AuthURL is where the browser goes to sign in, with the attempt's state: all
// that this wire binds an answer with. It asks nobody.
func (p *Encrypted) AuthURL(_ context.Context, attempt session.Attempt) (string, error) {
	if !usable(attempt) {
		return "", fault(ReasonAttempt)
	}
	party, err := p.party(p.client)
	if err != nil {
		return "", err
	}
	return rp.AuthURL(attempt.State, party), nil
}

// EndSessionURL is none, always: the wire has no such address.
func (p *Encrypted) EndSessionURL(context.Context, string, string) (string, bool) { return "", false }

// Origins are the provider's origins that a form of ours may lead to, for the
// page's form-action.
func (p *Encrypted) Origins() []string { return []string{origin(p.cfg.AuthorizeURL)} }

// Status is ErrUnavailable if the last sign-in found VNeID away: the wire has
// no address that could be asked without one. For display: nobody's readiness
// may hang on it.
func (p *Encrypted) Status(context.Context) error {
	if outage := p.outage.Load(); outage != nil {
		return outage
	}
	return nil
}

// party is the library's relying party for one exchange, as OAuth 2.0 alone.
// The way of the secret is settled: guessing would try Basic first and may
// spend the code on it.
func (p *Encrypted) party(client *http.Client) (rp.RelyingParty, error) {
	secret := p.cfg.ClientSecret
	if p.cfg.Secret != nil {
		secret = p.cfg.Secret()
	}
	party, err := rp.NewRelyingPartyOAuth(&oauth2.Config{
		ClientID: p.cfg.ClientID, ClientSecret: secret, RedirectURL: p.cfg.RedirectURL, Scopes: p.cfg.Scopes,
		Endpoint: oauth2.Endpoint{AuthURL: p.cfg.AuthorizeURL, TokenURL: p.cfg.TokenURL},
	}, rp.WithHTTPClient(client), rp.WithAuthStyle(oauth2.AuthStyleInParams))
	if err != nil {
		return nil, fault(ReasonDiscovery)
	}
	return party, nil
}
