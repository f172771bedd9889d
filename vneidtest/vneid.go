package vneidtest

import (
	"crypto/rand"
	"crypto/rsa"
	"embed"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"
)

//go:embed pages
var files embed.FS

// VNeIDConfig is what a simulated VNeID needs.
type VNeIDConfig struct {
	// Issuer is its address as clients and browsers see it, without a path;
	// http is allowed. Required.
	Issuer string
	// Clients are the relying parties. At least one is required.
	Clients []Client
	// Personas are the people who have an account; default [Personas].
	Personas []Persona
	// Claims adds further claims to what userinfo says of a person; nil adds
	// none.
	Claims func(Persona) map[string]any
	// Now is the clock for attempts, codes, access tokens and sessions;
	// default time.Now. iat and exp of ID tokens follow the real clock.
	Now func() time.Time
}

// Client is a relying party.
type Client struct {
	ID                     string // required
	Secret                 string // "" makes it a public client: PKCE is then demanded
	RedirectURIs           []string
	PostLogoutRedirectURIs []string
	BackChannelLogoutURI   string // "" for none
	// PublicKey lets the client use the encrypted wire, and is what envelopes
	// for it are made with; nil keeps the client off that wire.
	PublicKey *rsa.PublicKey
}

// VNeID is a simulated VNeID: a real OpenID provider over maps.
type VNeID struct {
	*Controls
	issuer   string
	provider *op.Provider
	storage  *storage
	pages    pages
	mux      *http.ServeMux
	otherKey func() (*rsa.PrivateKey, error) // belongs to no client; made when first wanted
}

// NewVNeID makes a provider with a fresh RS256 key. An incomplete
// configuration is an error.
func NewVNeID(cfg VNeIDConfig) (*VNeID, error) {
	issuer, err := url.Parse(cfg.Issuer)
	if err != nil || issuer.Host == "" || issuer.Path != "" || issuer.RawQuery != "" {
		return nil, errors.New("vneidtest: vneid: Issuer must be an address without a path")
	}
	if len(cfg.Clients) == 0 {
		return nil, errors.New("vneidtest: vneid: a client is required")
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	knobs := map[string]knobKind{
		"wrong_nonce": knobSwitch, "wrong_audience": knobSwitch, "extra_audience": knobSwitch, "alg_none": knobSwitch,
		"wrong_sub": knobSwitch, "no_citizen_number": knobSwitch, "account_level": knobNumber,
		"wrong_response_iss": knobSwitch, "clock_skew": knobDuration, "acting": knobSwitch,
	}
	maps.Copy(knobs, sealKnobs())
	controls := newControls(cfg.Personas, []string{"discovery", "keys", "token", "userinfo", "v2_token", "v2_userinfo"}, knobs)
	v := &VNeID{Controls: controls, issuer: cfg.Issuer, mux: http.NewServeMux()}
	v.otherKey = sync.OnceValues(func() (*rsa.PrivateKey, error) { return rsa.GenerateKey(rand.Reader, 2048) })
	if v.storage, err = newStorage(cfg, controls); err != nil {
		return nil, err
	}
	if v.pages, err = newPages(files, "pages/vneid"); err != nil {
		return nil, err
	}
	settings := &op.Config{CodeMethodS256: true, AuthMethodPost: true, DefaultLogoutRedirectURI: "/signed-out"}
	if _, err := rand.Read(settings.CryptoKey[:]); err != nil {
		return nil, err
	}
	v.provider, err = op.NewProvider(settings, v.storage, op.StaticIssuer(cfg.Issuer),
		op.WithAllowInsecure(), op.WithCORSOptions(nil))
	if err != nil {
		return nil, fmt.Errorf("vneidtest: vneid: %w", err)
	}
	v.routes()
	return v, nil
}

func (v *VNeID) routes() {
	v.mount(v.mux)
	v.mux.HandleFunc("GET /.well-known/openid-configuration", v.endpoint("discovery", v.discovery))
	v.mux.HandleFunc("GET /keys", v.endpoint("keys", v.provider.ServeHTTP))
	v.mux.HandleFunc("/authorize", v.endpoint("authorize", v.withIssuer(v.provider.ServeHTTP)))
	v.mux.HandleFunc("GET /authorize/callback", v.withIssuer(v.provider.ServeHTTP))
	v.mux.HandleFunc("POST /oauth/token", v.endpoint("token", v.forged(v.provider.ServeHTTP)))
	v.mux.HandleFunc("/userinfo", v.endpoint("userinfo", v.provider.ServeHTTP))
	v.mux.HandleFunc("/end_session", v.endpoint("end_session", v.provider.ServeHTTP))
	v.mux.HandleFunc("GET /login", v.login)
	v.mux.HandleFunc("POST /login", v.endpoint("login", v.signIn))
	v.mux.HandleFunc("GET /v2/authorize", v.endpoint("v2_authorize", v.sealedAuthorize))
	v.mux.HandleFunc("POST /v2/token", v.endpoint("v2_token", v.sealedToken))
	v.mux.HandleFunc("GET /v2/userinfo", v.endpoint("v2_userinfo", v.sealedUserinfo))
	v.mux.HandleFunc("GET /signed-out", v.plain("signed-out.html"))
	v.mux.HandleFunc("GET /{$}", v.plain("index.html"))
	v.mux.HandleFunc("GET /assets/vneid.css", func(w http.ResponseWriter, r *http.Request) {
		http.ServeFileFS(w, r, files, "pages/vneid/vneid.css")
	})
}

// ServeHTTP serves the endpoints that the package comment lists.
func (v *VNeID) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	// No form-action: Chromium holds it against the redirect to the client too.
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; frame-ancestors 'none'; base-uri 'none'")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("X-Content-Type-Options", "nosniff")
	if v.on("clock_skew") {
		h.Set("Date", time.Now().Add(v.duration("clock_skew")).UTC().Format(http.TimeFormat))
	}
	v.mux.ServeHTTP(w, r)
}

// discovery answers with what is really there; the library's own document
// names endpoints and flows that this provider does not have.
func (v *VNeID) discovery(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, http.StatusOK, struct {
		oidc.DiscoveryConfiguration
		ResponseIssuer bool `json:"authorization_response_iss_parameter_supported"` // RFC 9207, section 3
	}{oidc.DiscoveryConfiguration{
		Issuer:                            v.issuer,
		AuthorizationEndpoint:             v.issuer + "/authorize",
		TokenEndpoint:                     v.issuer + "/oauth/token",
		UserinfoEndpoint:                  v.issuer + "/userinfo",
		EndSessionEndpoint:                v.issuer + "/end_session",
		JwksURI:                           v.issuer + "/keys",
		ScopesSupported:                   []string{oidc.ScopeOpenID, oidc.ScopeProfile},
		ResponseTypesSupported:            []string{string(oidc.ResponseTypeCode)},
		ResponseModesSupported:            []string{string(oidc.ResponseModeQuery)},
		GrantTypesSupported:               []oidc.GrantType{oidc.GrantTypeCode},
		SubjectTypesSupported:             []string{"public"},
		IDTokenSigningAlgValuesSupported:  []string{"RS256"},
		TokenEndpointAuthMethodsSupported: []oidc.AuthMethod{oidc.AuthMethodBasic, oidc.AuthMethodPost, oidc.AuthMethodNone},
		CodeChallengeMethodsSupported:     []oidc.CodeChallengeMethod{oidc.CodeChallengeMethodS256},
		ClaimsSupported: strings.Fields("sub iss aud exp iat auth_time nonce sid name birthdate " +
			"citizenPid accountLevel accountType"),
		BackChannelLogoutSupported:        true,
		BackChannelLogoutSessionSupported: true,
	}, true})
}
