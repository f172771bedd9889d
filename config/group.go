package config

import (
	"log/slog"
	"net/netip"
	"net/url"
	"time"
)

// Listen is where the proxy takes connections.
type Listen struct {
	Address     string `env:"LISTEN" envDefault:":8080" form:"listen" doc:"Where browsers, or the load balancer, connect."`
	Admin       string `env:"ADMIN_LISTEN" envDefault:"127.0.0.1:9180" form:"listen" doc:"Metrics, health and version. Never expose it."`
	TLSCertFile string `env:"TLS_CERT_FILE" form:"file" need:"with TLS_KEY_FILE" example:"/run/tls/tls.crt" doc:"Certificate chain in PEM for LISTEN. Unset: plain http, for use behind a TLS terminator."`
	Rate        int    `env:"RATE_LIMIT" envDefault:"0" form:"count" doc:"Requests a second that one session may make on average, or one address without a session where TRUSTED_PROXIES tell it; what ten seconds allow may come at once. More is answered 429. 0: no limit."`
	MaxBody     int64  `env:"MAX_BODY" envDefault:"0" form:"count" doc:"Longest body of a request, in bytes; a longer one is answered 413. 0: no limit. A rule may have another (max_body)."`
	Connections int    `env:"MAX_CONNECTIONS" envDefault:"10000" form:"count" doc:"Connections at LISTEN at once; further ones wait until one is closed. 0: no limit."`
	TLSKeyFile  string `env:"TLS_KEY_FILE" form:"file" need:"with TLS_CERT_FILE" example:"/run/tls/tls.key" doc:"Private key in PEM of TLS_CERT_FILE."`
}

// Public is the one origin that browsers see. URL has a scheme and a host in
// lower case and nothing else.
type Public struct {
	URL        *url.URL `env:"PUBLIC_URL,notEmpty" form:"origin" example:"https://dichvucong.example.gov.vn" doc:"What browsers see. Everything emitted (redirects, cookies, assertions) takes scheme and host from it, never from the request."`
	AllowHTTP  bool     `env:"ALLOW_HTTP" envDefault:"false" doc:"For trials only: lets PUBLIC_URL and the provider's addresses be http beyond loopback. Cookies are then neither Secure nor __Host-."`
	PathPrefix string   `env:"PATH_PREFIX" envDefault:"/_vneid" form:"prefix" doc:"The reserved path: what lies under it is the proxy's own and is never forwarded."`
}

// Portal is the legacy portal. LoginURL is absolute, on Public.URL; WhoamiURL
// and NotifyURL are absolute, on Upstream where only a path was given. Each is
// nil when unset.
type Portal struct {
	Upstream           *url.URL       `env:"UPSTREAM_URL,notEmpty" form:"origin" example:"http://portal.internal:8000" doc:"The portal that requests are forwarded to."`
	FurtherUpstreams   []string       `env:"UPSTREAM_FURTHER_URLS" form:"origins" example:"http://portal-2.internal:8000" doc:"More addresses of the same portal, with the scheme of UPSTREAM_URL. Requests take turns; an address that cannot be reached is left alone for 5 s. The portal's servers must share their sessions: nobody is kept at one of them."`
	UpstreamHost       string         `env:"UPSTREAM_HOST_NAME" form:"host" example:"portal.internal:8000" doc:"The Host that the portal is sent, where it insists on a name of its own: its redirects and cookies are then written back to PUBLIC_URL, and Origin and Referer for it. Unset: the host of PUBLIC_URL."`
	UpstreamProtocol   string         `env:"UPSTREAM_PROTOCOL" envDefault:"http1" choice:"http1,http2" doc:"The HTTP spoken to the portal. http2 is what gRPC needs, without TLS by prior knowledge (h2c); WebSockets still take HTTP/1.1."`
	UpstreamCAFile     string         `env:"UPSTREAM_CA_FILE" form:"file" example:"/run/tls/portal-ca.crt" doc:"Certificates in PEM of who may vouch for an https UPSTREAM_URL. Unset: the system's."`
	UpstreamCertFile   string         `env:"UPSTREAM_CERT_FILE" form:"file" need:"with UPSTREAM_KEY_FILE" example:"/run/tls/client.crt" doc:"Client certificate chain in PEM that an https portal is shown."`
	UpstreamKeyFile    string         `env:"UPSTREAM_KEY_FILE" form:"file" need:"with UPSTREAM_CERT_FILE" example:"/run/tls/client.key" doc:"Private key in PEM of UPSTREAM_CERT_FILE."`
	UpstreamServerName string         `env:"UPSTREAM_SERVER_NAME" example:"portal.internal" doc:"The name that the certificate of an https portal must bear, where it is not the host of UPSTREAM_URL."`
	PublicPaths        []string       `env:"PUBLIC_PATHS" form:"paths" example:"/assets/,/favicon.ico" doc:"Paths open to all without a session: each equals a path, or opens what lies under it at a slash."`
	RoutesFile         string         `env:"ROUTES_FILE" form:"file" example:"/etc/vneid-proxy/routes.yaml" doc:"Who may ask for what, as docs/routes.md says; read anew when it changes. Takes the place of PUBLIC_PATHS. Unset: whatever is not in PUBLIC_PATHS is for whoever is admitted."`
	IdentityHeaders    []string       `env:"IDENTITY_HEADERS" form:"headers" example:"X-Portal-User={account_id}" doc:"Extra headers to the portal, besides the default ones; docs/endpoints.md lists fields and encodings."`
	AllowedHeaderNames []string       `env:"ALLOWED_HEADER_NAMES" form:"tokens" example:"X_Legacy_Trace" doc:"Incoming header names outside [A-Za-z0-9-] that are forwarded all the same; every other one is dropped, since portals read them as look-alikes of the identity headers."`
	PassAuthorization  bool           `env:"PASS_AUTHORIZATION" envDefault:"false" doc:"Forwards the browser's own Authorization header on protected paths; otherwise it is removed."`
	TrustedProxies     []netip.Prefix `env:"TRUSTED_PROXIES" example:"10.42.0.0/16,192.0.2.7/32" doc:"Proxies in front of this one whose X-Forwarded-* headers are believed. Unset: nobody's."`
	LoginURL           *url.URL       `env:"PORTAL_LOGIN_URL" form:"page" example:"/dang-nhap" doc:"The portal's own login page, a path or an address at PUBLIC_URL, where people prove an old account. Its path is open without a session while the policy allows the portal's sign-in; a page that does more than sign in (one index.php for all) cannot be opened safely. Unset: not offered."`
	LoginPaths         []string       `env:"PORTAL_LOGIN_PATHS" form:"paths" example:"/captcha.png" doc:"Further paths that the login page needs, open just as long as it is."`
	ReturnParameter    string         `env:"PORTAL_RETURN_PARAMETER" envDefault:"next" form:"parameter" empty:"none" doc:"Query parameter that tells the portal's login page where to return. Set but empty: none is sent."`
	WhoamiURL          *url.URL       `env:"PORTAL_WHOAMI_URL" form:"page" need:"with PORTAL_LOGIN_URL" example:"/api/whoami" doc:"The portal's address that tells who is signed in there, asked by the proxy with the visitor's portal cookies; a path is taken at UPSTREAM_URL."`
	NotifyURL          *url.URL       `env:"NOTIFY_URL" form:"page" example:"/api/notices" doc:"The portal's address that is told when an account is linked, is to be unlinked or was, so that the portal can tell its people by message or mail: a signed Security Event Token (RFC 8935; docs/portal-guide.md). A path is taken at UPSTREAM_URL. Unset: people are told when they next sign in."`
	SessionCookies     []string       `env:"PORTAL_SESSION_COOKIES" form:"tokens" need:"with PORTAL_LOGIN_URL or PORTAL_WHOAMI_URL" example:"PHPSESSID" doc:"Names of the portal's own session cookies, the only ones sent to PORTAL_WHOAMI_URL."`
}

// Provider is who vouches for citizens. With oidc, addresses are nil when
// unset: the issuer's discovery document says them.
type Provider struct {
	Profile                  string   `env:"PROVIDER" envDefault:"oidc" choice:"oidc,vneid-encrypted,vneid-clear,national-portal" doc:"The way the provider is spoken to: oidc is OpenID Connect; vneid-encrypted is VNeID's own wire, where code, token answer and userinfo come encrypted for a key of ours; vneid-clear is VNeID's first wire and national-portal the national public service portal's sign-in, both in clear (docs/protocol.md)."`
	Title                    string   `env:"PROVIDER_TITLE" envDefault:"VNeID" doc:"What the sign-in button calls the provider."`
	IssuerURL                *url.URL `env:"ISSUER_URL" form:"issuer" need:"with PROVIDER=oidc" only:"oidc" example:"https://sso.example.gov.vn" doc:"The issuer; its discovery document says the addresses that are not set here."`
	AuthorizeURL             *url.URL `env:"AUTHORIZE_URL" form:"address" need:"unless PROVIDER=oidc" example:"https://sso.example.gov.vn/authorize" doc:"The authorization endpoint. Unset with oidc: what discovery says."`
	TokenURL                 *url.URL `env:"TOKEN_URL" form:"address" need:"unless PROVIDER=oidc" example:"https://sso.example.gov.vn/token" doc:"The token endpoint. Unset with oidc: what discovery says."`
	UserinfoURL              *url.URL `env:"USERINFO_URL" form:"address" need:"unless PROVIDER=oidc" example:"https://sso.example.gov.vn/userinfo" doc:"The userinfo endpoint. Unset with oidc: what discovery says."`
	UserinfoMethod           string   `env:"USERINFO_METHOD" choice:"get,post,form" only:"oidc" presets:"oidc=get" doc:"How userinfo is asked for: get and post with the token in a header, form with the token in the body."`
	EndSessionURL            *url.URL `env:"END_SESSION_URL" form:"address" only:"oidc,vneid-clear,national-portal" example:"https://sso.example.gov.vn/logout" doc:"Where a browser is sent to sign out at the provider too. Unset: what discovery says, else sign-out ends here."`
	ClientID                 string   `env:"CLIENT_ID,notEmpty" example:"dichvucong" doc:"The client that the provider registered."`
	ClientSecret             Secret   `env:"CLIENT_SECRET" doc:"Its secret; from a file it is read anew when that changes. Unset: a public client, with PKCE alone where the provider knows it."`
	ClientKeyFile            string   `env:"CLIENT_KEY_FILE" form:"file" only:"oidc" example:"/run/keys/client.pem" doc:"Private key (RSA of 2048 bits or more, P-256 or Ed25519, PEM) that proves the client instead of CLIENT_SECRET (private_key_jwt); the provider has its public half, under the thumbprint of RFC 7638 as kid. Read anew at each use."`
	ClientAssertionAudience  string   `env:"CLIENT_ASSERTION_AUDIENCE" choice:"issuer,token_endpoint" only:"oidc" presets:"oidc=issuer" doc:"Whom that proof is for: most providers take the issuer; Hydra wants its token endpoint."`
	PushedRequests           string   `env:"PUSHED_REQUESTS" choice:"offered,never" only:"oidc" presets:"oidc=offered" doc:"offered hands the authorization request to the provider itself where it takes that (RFC 9126); never sends it by the browser."`
	Scopes                   Words    `env:"SCOPES" envDefault:"openid" example:"openid profile" doc:"What is asked for; oidc requires openid."`
	DecryptionKeyFiles       []string `env:"DECRYPTION_KEY_FILES" form:"files" need:"with PROVIDER=vneid-encrypted" only:"vneid-encrypted" example:"/run/keys/vneid-2026.pem,/run/keys/vneid-2025.pem" doc:"Private RSA keys (2048 bits or more, PEM, one a file) whose public half VNeID has or had; for nothing else. Each is tried on everything, always: leave out what is no longer in use. Read anew when one of them changes."`
	Envelope                 string   `env:"ENVELOPE" choice:"required,optional" only:"vneid-encrypted" presets:"vneid-encrypted=required" doc:"required refuses answers that are not encrypted, and a callback without encrypt_key; optional accepts them, and with them whoever strips the encryption."`
	EnvelopeCipher           string   `env:"ENVELOPE_CIPHER" choice:"ecb,cbc" only:"vneid-encrypted" presets:"vneid-encrypted=ecb" doc:"How VNeID uses AES; with cbc the IV is in the first 16 bytes."`
	EnvelopeKeyBits          int      `env:"ENVELOPE_KEY_BITS" choice:"128,192,256" only:"vneid-encrypted" presets:"vneid-encrypted=256" doc:"The one length of AES keys that is accepted."`
	EnvelopeCode             string   `env:"ENVELOPE_CODE" choice:"decrypted,received" only:"vneid-encrypted" presets:"vneid-encrypted=decrypted" doc:"What the token endpoint is sent as the code: decrypted, or as the callback carried it."`
	EnvelopeEncryptKey       string   `env:"ENVELOPE_ENCRYPT_KEY" choice:"sent,omitted" only:"vneid-encrypted" presets:"vneid-encrypted=sent" doc:"Whether the token endpoint is sent encrypt_key beside the code."`
	ClaimCitizenNumber       string   `env:"CLAIM_CITIZEN_NUMBER" presets:"oidc=citizenPid vneid-encrypted=citizenPid vneid-clear=SoDinhDanh national-portal=SoDinhDanh" doc:"Claim that holds the citizen number, 12 digits as a string. With vneid-encrypted it is the subject too."`
	ClaimName                string   `env:"CLAIM_NAME" presets:"oidc=name vneid-encrypted=fullName vneid-clear=HoVaTen national-portal=HoVaTen" doc:"Claim that holds the full name."`
	ClaimBirthDate           string   `env:"CLAIM_BIRTH_DATE" presets:"oidc=birthdate vneid-encrypted=birthDate vneid-clear=NgayThangNamSinh national-portal=NgayThangNamSinh" doc:"Claim that holds the birth date."`
	ClaimAccountLevel        string   `env:"CLAIM_ACCOUNT_LEVEL" presets:"oidc=accountLevel vneid-encrypted=accountLevel vneid-clear=IAL national-portal=IAL" doc:"Claim that holds the level of the electronic identity, 1 or 2."`
	ClaimAuthenticationLevel string   `env:"CLAIM_AUTHENTICATION_LEVEL" presets:"oidc=acr vneid-encrypted=acr vneid-clear=loAs national-portal=loAs" doc:"Claim that says how this one sign-in was made; another scale than the account level."`
	ClaimAccountType         string   `env:"CLAIM_ACCOUNT_TYPE" presets:"oidc=accountType vneid-encrypted=accountType vneid-clear=LoaiTaiKhoan national-portal=LoaiTaiKhoan" doc:"Claim that tells person from organisation."`
	MinAccountLevel          int      `env:"MIN_ACCOUNT_LEVEL" envDefault:"2" choice:"0,1,2" doc:"Who has a lower account level is refused. A missing claim counts as 0."`
	File                     string   `env:"PROVIDERS_FILE" form:"file" example:"/etc/vneid-proxy/providers.yaml" doc:"Further providers beside this one, each with its own way to accounts, as docs/providers.md says. Unset: this one alone."`
}

// Keys are the keys of cookies, ledger and assertion. No two are equal.
type Keys struct {
	Cookies           Keyring  `env:"SECRET_KEYS,notEmpty" doc:"Seal the cookies, each purpose with a key derived from them; nothing at rest hangs on them."`
	Ledger            Keyring  `env:"LEDGER_KEYS,notEmpty" doc:"Seal what is personal in the ledger. Losing one loses what it sealed."`
	LedgerIndex       Keyring  `env:"LEDGER_INDEX_KEY,notEmpty" form:"key" doc:"One key alone: finds what is sealed in the ledger. It is not rotated by editing this variable."`
	AssertionFiles    []string `env:"ASSERTION_KEY_FILES" form:"files" example:"/run/keys/assertion.pem" doc:"Private keys (Ed25519 or P-256, PEM) that sign the assertion. Unset: one Ed25519 key derived from SECRET_KEYS."`
	AssertionAudience string   `env:"ASSERTION_AUDIENCE" example:"dichvucong" doc:"The aud of the assertion. Unset: PUBLIC_URL."`
}

// Session is how long a sign-in lasts and where it is kept.
type Session struct {
	Store            string        `env:"SESSION_STORE" envDefault:"sealed" choice:"sealed" later:"redis" doc:"sealed keeps the session in an encrypted cookie."`
	Lifetime         time.Duration `env:"SESSION_LIFETIME" envDefault:"8h" doc:"A session ends that long after its sign-in."`
	Idle             time.Duration `env:"SESSION_IDLE" envDefault:"30m" doc:"A session ends when unused that long; at most SESSION_LIFETIME."`
	RevocationMaxAge time.Duration `env:"REVOCATION_MAX_AGE" envDefault:"60s" doc:"How old the list of ended sessions may grow, when the ledger is away, before requests are answered 503. At least 1s."`
}

// Ledger is where the durable record is.
type Ledger struct {
	URL string `env:"LEDGER_URL" envDefault:"sqlite:///var/lib/vneid-proxy/ledger.db" form:"sqlite" later:"postgres,postgresql" doc:"The ledger: one SQLite file, for one process. Its directory must exist."`
}

// Directory is where the portal keeps its accounts. URL is nil where the
// policy needs none.
type Directory struct {
	URL           *url.URL `env:"DIRECTORY_URL" form:"directory" later:"postgres,postgresql,mysql,sqlserver,oracle,ldap,ldaps" need:"unless LINK=off" example:"embedded:/etc/vneid-proxy/accounts.csv" doc:"The accounts: embedded is a CSV file read at start; http and https is the portal's own directory, asked each time, as docs/directory-api.yaml says. Use https wherever others share the network."`
	WriteBack     bool     `env:"DIRECTORY_WRITE_BACK" envDefault:"false" doc:"Writes the citizen number of each link made from now on into the directory, as verified; needs an http or https DIRECTORY_URL. Tried again until done."`
	CredentialURL *url.URL `env:"DIRECTORY_CREDENTIAL_URL" form:"address" example:"http://portal.internal:8000/api/credential" doc:"The portal's address that checks a user name and password. Use https wherever others share the network. Unset: passwords are not asked for here."`
	Token         Secret   `env:"DIRECTORY_TOKEN" need:"with DIRECTORY_CREDENTIAL_URL or an http or https DIRECTORY_URL" doc:"Bearer token sent to DIRECTORY_URL and DIRECTORY_CREDENTIAL_URL."`
	TrustNumber   bool     `env:"TRUST_DIRECTORY_NUMBER" envDefault:"false" doc:"Takes every citizen number in the directory as verified: such an account is not asked for it. Leave it false where people could type the number themselves. A portal sign-in forwards the number itself only once it is marked verified, or linked."`
}

// Population is the population-database check. URL is nil where the policy
// needs none.
type Population struct {
	URL     *url.URL `env:"POPULATION_URL" form:"address" need:"with LINK=enforce" example:"https://lgsp.example.gov.vn/v1/match" doc:"The full address of the match."`
	Profile string   `env:"POPULATION_PROFILE" envDefault:"json" choice:"json" doc:"The way it is spoken to."`
	Token   Secret   `env:"POPULATION_TOKEN" need:"with LINK=enforce" doc:"Bearer token sent to POPULATION_URL."`
}

// Link is the policy for whoever has no citizen number yet.
type Link struct {
	Mode              string        `env:"LINK" envDefault:"enforce" choice:"enforce,observe,off" doc:"enforce shows the link screen to whoever has no citizen number. observe shows it to nobody: people sign in as they did before, or with the provider, and what enforcing would have done is counted (docs/policy.md). off is a plain OpenID Connect proxy: whoever the provider vouches for is admitted, and there are no accounts."`
	LegacySignInUntil Date          `env:"LEGACY_SIGN_IN_UNTIL" doc:"Last day on which a portal account alone signs in; its password or session stays good as proof beside VNeID. Needs PORTAL_LOGIN_URL or DIRECTORY_CREDENTIAL_URL."`
	SkipUntil         Date          `env:"SKIP_UNTIL" doc:"Last day on which the link screen may be skipped, and on which a skipped session is forwarded."`
	UnlinkAfter       time.Duration `env:"UNLINK_AFTER" envDefault:"72h" doc:"How long after a citizen has asked to unlink an account the link ends; until then they may keep it. 0s: within seconds."`
	OnNoAccount       string        `env:"ON_NO_ACCOUNT" envDefault:"refuse" choice:"refuse,pass" later:"provision" doc:"What becomes of a citizen who owns no account: refuse shows a page that says how to get one; pass admits them without one, with the provider's subject in X-Forwarded-User, unless an account may be theirs."`
	PolicyFile        string        `env:"POLICY_FILE" form:"file" example:"/etc/vneid-proxy/policy.yaml" doc:"Terms by kind of account and by cohort, as docs/policy.md says; read anew when it changes. What it does not name is as the variables above say. Unset: they hold for everybody."`
}

// Screens is what the pages show. The addresses are as written, fit for a
// link, and empty when unset.
type Screens struct {
	Organisation      string `env:"ORGANISATION_NAME" example:"Cổng dịch vụ công tỉnh" doc:"The name that the pages bear, and the controller of the personal data. Unset: neutral words."`
	Hotline           string `env:"HOTLINE" envDefault:"1900.0368" doc:"The telephone number that people are told to call."`
	ForgotPasswordURL string `env:"FORGOT_PASSWORD_URL" form:"page" example:"/quen-mat-khau" doc:"Where a forgotten portal password is reset. Unset: not offered."`
	RegisterURL       string `env:"REGISTER_URL" form:"page" example:"/dang-ky" doc:"Where a portal account is made. Unset: not offered."`
}

// Process is logs, deadlines and the end of the process.
type Process struct {
	CallTimeout  time.Duration `env:"CALL_TIMEOUT" envDefault:"5s" doc:"Total deadline of each call to the provider, the directory or the population database."`
	LogLevel     slog.Level    `env:"LOG_LEVEL" envDefault:"info" choice:"debug,info,warn,error" doc:"The least that is logged, as JSON lines."`
	DrainDelay   time.Duration `env:"DRAIN_DELAY" envDefault:"5s" doc:"After SIGTERM, how long requests are still taken while readiness already says no. May be 0s."`
	DrainTimeout time.Duration `env:"DRAIN_TIMEOUT" envDefault:"30s" doc:"After that, how long running requests may take to finish."`
	Pprof        bool          `env:"PPROF" envDefault:"false" doc:"Serves Go profiles on ADMIN_LISTEN."`
}
