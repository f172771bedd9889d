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
	ClaimOrganisationID      string   `env:"CLAIM_ORGANISATION_ID" presets:"oidc=organisationId vneid-encrypted=organisationId vneid-clear=MaSoDoanhNghiep national-portal=MaSoDoanhNghiep" doc:"Claim that holds the code of the organisation that the person acts for; without it the tax code stands in. The claims of an organisation are read only where CLAIM_ACCOUNT_TYPE says that the account is one's, or is missing."`
	ClaimOrganisationTaxCode string   `env:"CLAIM_ORGANISATION_TAX_CODE" presets:"oidc=organisationTaxCode vneid-encrypted=organisationTaxCode vneid-clear=MaSoThue national-portal=MaSoThue" doc:"Claim that holds its tax code."`
	ClaimOrganisationName    string   `env:"CLAIM_ORGANISATION_NAME" presets:"oidc=organisationName vneid-encrypted=organisationName vneid-clear=TenDoanhNghiep national-portal=TenDoanhNghiep" doc:"Claim that holds its name."`
	ClaimOrganisationRole    string   `env:"CLAIM_ORGANISATION_ROLE" presets:"oidc=organisationRole vneid-encrypted=organisationRole" doc:"Claim that says what the person is there."`
	OrganisationTypes        []string `env:"ORGANISATION_ACCOUNT_TYPES" presets:"oidc=organisation,2 vneid-encrypted=organisation,2 vneid-clear=2 national-portal=2" doc:"The values of CLAIM_ACCOUNT_TYPE that mean an organisation's account."`
	AuthTime                 string   `env:"AUTH_TIME" choice:"unknown,sign_in" only:"vneid-encrypted,vneid-clear,national-portal" presets:"vneid-encrypted=unknown vneid-clear=unknown national-portal=unknown" doc:"When a person proved who they are, on a wire that does not tell: unknown meets no max_age of ROUTES_FILE; sign_in takes the sign-in itself, where it is known that the provider asks people each time."`
	LoginHint                string   `env:"LOGIN_HINT" choice:"none,last" only:"oidc" presets:"oidc=none" doc:"last tells the provider the user name (preferred_username) that the browser's last session had from it, so that its page can be filled in; never a value with nine digits or more. Whoever uses the computer next sees it there."`
	Refresh                  bool     `env:"REFRESH" envDefault:"false" only:"oidc" doc:"true keeps the provider's refresh token, where SCOPES bring one (often offline_access), sealed in the ledger, and asks with it whether the session still holds there: beside a person's pages, once the access token has expired and at most every fifth of SESSION_IDLE. Where the provider says that it is over, the session ends; where it does not answer, the session goes on."`
	MinAccountLevel          int      `env:"MIN_ACCOUNT_LEVEL" envDefault:"2" choice:"0,1,2" doc:"Who has a lower account level is refused. A missing claim counts as 0."`
	File                     string   `env:"PROVIDERS_FILE" form:"file" example:"/etc/vneid-proxy/providers.yaml" doc:"Further providers beside this one, each with its own way to accounts, as docs/providers.md says. Unset: this one alone."`
}

// Keys are the keys of cookies, ledger and assertion. No two are equal.
type Keys struct {
	Cookies           Keyring  `env:"SECRET_KEYS,notEmpty" doc:"Seal the cookies, each purpose with a key derived from them; nothing at rest hangs on them."`
	Ledger            Keyring  `env:"LEDGER_KEYS,notEmpty" doc:"Seal what is personal in the ledger. Losing one loses what it sealed."`
	LedgerIndex       Keyring  `env:"LEDGER_INDEX_KEY,notEmpty" form:"key" doc:"One key alone: finds what is sealed in the ledger. It is not rotated by editing this variable, but by vneid-proxy ledger rekey --index."`
	LedgerIndexNext   Keyring  `env:"LEDGER_INDEX_KEY_NEXT" form:"key" doc:"The key that is to follow LEDGER_INDEX_KEY: given to every process while vneid-proxy ledger rekey --index runs, as docs/operations.md tells. Unset: none."`
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
	URL            Secret        `env:"LEDGER_URL" envDefault:"sqlite:///var/lib/vneid-proxy/ledger.db" form:"ledger" doc:"The ledger: one SQLite file, for one process, in a directory that exists; or a PostgreSQL database (14 or newer), for any number of processes: postgres://user@host/database?sslmode=verify-full, with the parameters of libpq."`
	Password       Secret        `env:"LEDGER_PASSWORD" doc:"The password of LEDGER_URL's user, where that is PostgreSQL and does not hold it itself."`
	AuditRetention time.Duration `env:"AUDIT_RETENTION" envDefault:"8760h" doc:"How long audit rows and answered checks are kept; 8760h is 12 months, and the least is 24h. Verification begins at the oldest checkpoint that is kept."`
}

// Directory is where the portal keeps its accounts. URL is nil where the
// policy needs none.
type Directory struct {
	URL           *url.URL `env:"DIRECTORY_URL" form:"directory" need:"unless LINK=off" example:"embedded:/etc/vneid-proxy/accounts.csv" doc:"The accounts: embedded is a file that vneid-proxy accounts import has made, or, where its name ends in .csv, a CSV file read at start; http and https is the portal's own directory, asked each time, as docs/directory-api.yaml says; postgres, mysql (MariaDB too), sqlserver and oracle is the portal's database, as DIRECTORY_QUERIES_FILE says; ldap and ldaps is a directory server, likewise. Beyond loopback ldap begins with StartTLS, and a database is reached over TLS and its certificate checked, unless the address says otherwise in its driver's words. See docs/directories.md."`
	QueriesFile   string   `env:"DIRECTORY_QUERIES_FILE" form:"file" need:"with a database or LDAP server as DIRECTORY_URL" example:"/etc/vneid-proxy/queries.yaml" doc:"How the accounts are found in the portal's database or LDAP server, in YAML, as docs/directories.md says."`
	User          string   `env:"DIRECTORY_USER" need:"with an LDAP server as DIRECTORY_URL" example:"cn=vneid-proxy,ou=services,dc=example,dc=vn" doc:"The DN that asks an LDAP server. It needs to read the accounts, and to write two attributes with DIRECTORY_WRITE_BACK=true."`
	Password      Secret   `env:"DIRECTORY_PASSWORD" need:"with an LDAP server as DIRECTORY_URL" doc:"Password of the user in DIRECTORY_URL, where that is a database, or of DIRECTORY_USER."`
	CAFile        string   `env:"DIRECTORY_CA_FILE" form:"file" example:"/run/tls/ldap-ca.crt" doc:"Certificates in PEM of who may vouch for an LDAP server. Unset: the system's."`
	WriteBack     bool     `env:"DIRECTORY_WRITE_BACK" envDefault:"false" doc:"Writes the citizen number of each link made from now on into the directory, as verified; needs an http or https DIRECTORY_URL, or a database and write_back in DIRECTORY_QUERIES_FILE, or an LDAP server with the assertion control (OpenLDAP; not Active Directory). Tried again until done."`
	Credential    string   `env:"DIRECTORY_CREDENTIAL" envDefault:"http" choice:"http,sql,ldap" doc:"Who checks a user name and password: http asks DIRECTORY_CREDENTIAL_URL, where that is set; sql compares with what the portal's database stores, as credential in DIRECTORY_QUERIES_FILE says; ldap binds at the LDAP server with them."`
	CredentialURL *url.URL `env:"DIRECTORY_CREDENTIAL_URL" form:"address" example:"http://portal.internal:8000/api/credential" doc:"The portal's address that checks a user name and password. Use https wherever others share the network. Unset: passwords are not asked for here."`
	Token         Secret   `env:"DIRECTORY_TOKEN" need:"with DIRECTORY_CREDENTIAL_URL or an http or https DIRECTORY_URL" doc:"Bearer token sent to DIRECTORY_URL and DIRECTORY_CREDENTIAL_URL."`
	TrustNumber   bool     `env:"TRUST_DIRECTORY_NUMBER" envDefault:"false" doc:"Takes every citizen number in the directory as verified: such an account is not asked for it. Leave it false where people could type the number themselves. A portal sign-in forwards the number itself only once it is marked verified, or linked."`
}

// Population is the population-database check. URL is nil where the policy
// needs none.
type Population struct {
	URL            *url.URL      `env:"POPULATION_URL" form:"address" need:"with LINK=enforce" example:"https://lgsp.example.gov.vn/v1/match" doc:"The full address of the match; of SOAP, that of the service."`
	Profile        string        `env:"POPULATION_PROFILE" envDefault:"json" choice:"json,ndxp,ndxp-plain,lgsp-bearer,lgsp-keys,lgsp-string" doc:"The way it is spoken to, as docs/population.md says: json is our own; ndxp the national platform's SOAP with signed headers, ndxp-plain its older form; the others are those of provinces (LGSP)."`
	Token          Secret        `env:"POPULATION_TOKEN" need:"with POPULATION_PROFILE=json, lgsp-bearer or lgsp-string" profiles:"json,lgsp-bearer,lgsp-string" doc:"Bearer token sent to it."`
	User           string        `env:"POPULATION_USER" need:"with POPULATION_PROFILE=ndxp, ndxp-plain or lgsp-keys" profiles:"ndxp,ndxp-plain,lgsp-keys" doc:"The user of the signature (ndxp), or of AuthHash (lgsp-keys)."`
	Secret         Secret        `env:"POPULATION_SECRET" need:"with POPULATION_PROFILE=ndxp, ndxp-plain or lgsp-keys" profiles:"ndxp,ndxp-plain,lgsp-keys" doc:"The secret of the signature (ndxp), or SecretKey (lgsp-keys)."`
	APIKey         Secret        `env:"POPULATION_API_KEY" need:"with POPULATION_PROFILE=ndxp" profiles:"ndxp" doc:"The header ApiKey."`
	Client         string        `env:"POPULATION_CLIENT" need:"with POPULATION_PROFILE=ndxp" profiles:"ndxp" example:"VN/GOV/000.00.00.H99/dvc" doc:"The header X-Road-Client."`
	SignedURL      string        `env:"POPULATION_SIGNED_URL" form:"address" profiles:"ndxp,ndxp-plain" doc:"The service's address as the signature has it, where it is called at another one. Unset: POPULATION_URL."`
	Timestamp      string        `env:"POPULATION_TIMESTAMP" choice:"ms,s" profiles:"ndxp,ndxp-plain" doc:"Unit of the header Timestamp. Unset: ms with ndxp, s with ndxp-plain."`
	AccessKey      Secret        `env:"POPULATION_ACCESS_KEY" need:"with POPULATION_PROFILE=lgsp-keys" profiles:"lgsp-keys" doc:"AccessKey in lgspaccesstoken."`
	Password       Secret        `env:"POPULATION_PASSWORD" need:"with POPULATION_PROFILE=lgsp-keys" profiles:"lgsp-keys" doc:"The password of POPULATION_USER in AuthHash."`
	AppName        string        `env:"POPULATION_APP_NAME" profiles:"lgsp-keys" doc:"AppName in lgspaccesstoken."`
	PartnerCode    string        `env:"POPULATION_PARTNER_CODE" profiles:"lgsp-keys" doc:"PartnerCode in it."`
	PartnerCodeCus string        `env:"POPULATION_PARTNER_CODE_CUS" profiles:"lgsp-keys" doc:"PartnerCodeCus in it."`
	TokenURL       *url.URL      `env:"POPULATION_TOKEN_URL" form:"address" profiles:"lgsp-keys" doc:"Where an access token is fetched that goes with each question. Unset: none does."`
	Procedure      string        `env:"POPULATION_PROCEDURE" need:"unless POPULATION_PROFILE=json" profiles:"ndxp,ndxp-plain,lgsp-bearer,lgsp-keys,lgsp-string" example:"1.009999" doc:"MaDVC: the procedure that is licensed to ask."`
	Official       Secret        `env:"POPULATION_OFFICIAL" need:"unless POPULATION_PROFILE=json" profiles:"ndxp,ndxp-plain,lgsp-bearer,lgsp-keys,lgsp-string" doc:"MaCanBo: the official in whose name is asked, by the personal number that is registered."`
	MatchCode      string        `env:"POPULATION_MATCH_CODE" envDefault:"003" profiles:"ndxp,ndxp-plain,lgsp-keys,lgsp-string" doc:"MaTichHop of the match."`
	LookupCode     string        `env:"POPULATION_LOOKUP_CODE" envDefault:"037" profiles:"ndxp,ndxp-plain,lgsp-keys,lgsp-string" doc:"MaTichHop of the record lookup."`
	Unit           string        `env:"POPULATION_UNIT" profiles:"ndxp,ndxp-plain,lgsp-keys" doc:"MaDonVi, which newer platforms ask for."`
	Account        string        `env:"POPULATION_ACCOUNT" profiles:"ndxp,ndxp-plain,lgsp-keys" doc:"TaiKhoan, likewise."`
	Phone          string        `env:"POPULATION_PHONE" profiles:"ndxp,ndxp-plain,lgsp-keys" doc:"SoDienThoai, likewise."`
	ServiceUser    string        `env:"POPULATION_SERVICE_USER" profiles:"lgsp-bearer" doc:"userNameService of that form."`
	NameForm       string        `env:"POPULATION_NAME_FORM" envDefault:"ascii" choice:"ascii,marks" profiles:"ndxp,ndxp-plain,lgsp-bearer,lgsp-keys,lgsp-string" doc:"How names are sent: ascii is NGUYENVANDO, marks is NGUYỄN VĂN ĐỖ."`
	DateForm       string        `env:"POPULATION_DATE_FORM" envDefault:"yyyymmdd" choice:"yyyymmdd,yyyy-mm-dd" profiles:"ndxp,ndxp-plain,lgsp-bearer,lgsp-keys,lgsp-string" doc:"How full birth dates are sent; a year alone is four digits."`
	ReplySpace     string        `env:"POPULATION_REPLY_NAMESPACE" envDefault:"http://www.mic.gov.vn/dancu/1.0" profiles:"ndxp,ndxp-plain,lgsp-keys,lgsp-string" doc:"The namespace that answers in XML must have."`
	Lookup         string        `env:"POPULATION_LOOKUP" envDefault:"off" choice:"off,on" doc:"on asks for a citizen's record too, where an ID-card number (CMND) must be tied to a citizen number, and keeps of it that number alone; the licence must cover it. Not with POPULATION_PROFILE=json."`
	LookupURL      *url.URL      `env:"POPULATION_LOOKUP_URL" form:"address" need:"with POPULATION_LOOKUP=on and POPULATION_PROFILE=lgsp-bearer or lgsp-string" doc:"The full address of the record lookup. Unset: POPULATION_URL."`
	TrustIDCard    bool          `env:"TRUST_POPULATION_ID_CARD" envDefault:"false" doc:"Whoever comes by VNeID may link, without a password, an account whose ID-card number the record lookup says is theirs and whose name and full birth date agree; needs POPULATION_LOOKUP=on."`
	PerSecond      int           `env:"POPULATION_CALLS_PER_SECOND" envDefault:"0" form:"count" doc:"Calls a second that were agreed, by this process. 0: no limit."`
	AtOnce         int           `env:"POPULATION_CALLS_AT_ONCE" envDefault:"8" form:"count" doc:"Calls at once, by this process. At least 1."`
	PerDay         int           `env:"POPULATION_CALLS_PER_DAY" envDefault:"0" form:"count" doc:"Calls a day that were agreed, by all processes on one ledger. 0: no limit."`
	Reserve        int           `env:"POPULATION_RESERVE_PERCENT" envDefault:"20" form:"count" doc:"The part of POPULATION_CALLS_PER_DAY that pending checks and bulk work leave to people who wait. At most 100."`
	Wait           time.Duration `env:"POPULATION_WAIT" envDefault:"2s" doc:"How long a person's question waits for its turn; then it is pending, as in an outage."`
}

// Link is the policy for whoever has no citizen number yet.
type Link struct {
	Mode              string        `env:"LINK" envDefault:"enforce" choice:"enforce,observe,off" doc:"enforce shows the link screen to whoever has no citizen number. observe shows it to nobody: people sign in as they did before, or with the provider, and what enforcing would have done is counted (docs/policy.md). off is a plain OpenID Connect proxy: whoever the provider vouches for is admitted, and there are no accounts."`
	LegacySignInUntil Date          `env:"LEGACY_SIGN_IN_UNTIL" doc:"Last day on which a portal account alone signs in; its password or session stays good as proof beside VNeID. Needs PORTAL_LOGIN_URL, DIRECTORY_CREDENTIAL_URL or DIRECTORY_CREDENTIAL=sql or ldap."`
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
