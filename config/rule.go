package config

import (
	"net/url"
	"slices"
	"strings"
	"time"
)

// check holds the variables to each other. It may meet values that are
// already at fault: those are zero.
func check(c *Config, l loader) {
	checkPublic(c, l)
	checkPortal(c, l)
	checkProvider(c, l)
	checkKeys(c, l)
	checkTimes(c, l)
	checkPolicy(c, l)

	if c.Listen.Address == c.Listen.Admin && !strings.HasSuffix(c.Listen.Admin, ":0") {
		l.fault("ADMIN_LISTEN", "write another address than LISTEN: it must not be exposed")
	}
	l.need(l.has("TLS_CERT_FILE"), "with TLS_CERT_FILE", "TLS_KEY_FILE")
	l.need(l.has("TLS_KEY_FILE"), "with TLS_KEY_FILE", "TLS_CERT_FILE")
}

// need faults the named variables that were not given, where condition holds.
func (l loader) need(condition bool, when string, names ...string) {
	for _, v := range l.all {
		if condition && slices.Contains(names, v.name) && !l.has(v.name) {
			l.fault(v.name, "is required %s: %s", when, v.mend())
		}
	}
}

func checkPublic(c *Config, l loader) {
	u := c.Public.URL
	if u == nil {
		return
	}
	if isClear(u) && !c.Public.AllowHTTP {
		l.fault("PUBLIC_URL", "write it with https; http beyond loopback is for trials, with ALLOW_HTTP=true")
	}
	if c.Portal.Upstream != nil && sameOrigin(u, c.Portal.Upstream) {
		l.fault("UPSTREAM_URL", "write the portal's inner address: at PUBLIC_URL the proxy would call itself")
	}
}

func checkPortal(c *Config, l loader) {
	login, whoami := l.has("PORTAL_LOGIN_URL"), l.has("PORTAL_WHOAMI_URL")
	l.need(login, "with PORTAL_LOGIN_URL", "PORTAL_WHOAMI_URL")
	if l.has("ROUTES_FILE") && l.has("PUBLIC_PATHS") {
		l.fault("PUBLIC_PATHS", "write them as rules with access: public in ROUTES_FILE; the two do not go together")
	}
	l.need(login || whoami, "with PORTAL_LOGIN_URL or PORTAL_WHOAMI_URL", "PORTAL_SESSION_COOKIES")

	l.need(l.has("UPSTREAM_CERT_FILE"), "with UPSTREAM_CERT_FILE", "UPSTREAM_KEY_FILE")
	l.need(l.has("UPSTREAM_KEY_FILE"), "with UPSTREAM_KEY_FILE", "UPSTREAM_CERT_FILE")
	if upstream := c.Portal.Upstream; upstream != nil {
		for _, further := range c.Portal.FurtherUpstreams {
			if !strings.HasPrefix(further, upstream.Scheme+"://") {
				l.fault("UPSTREAM_FURTHER_URLS", "write each with the scheme of UPSTREAM_URL")
			}
		}
	}

	u := c.Portal.LoginURL
	if u == nil || c.Public.URL == nil || c.Public.URL.Host == "" {
		return
	}
	if u.Host != "" && !sameOrigin(u, c.Public.URL) {
		l.fault("PORTAL_LOGIN_URL", "write a path of the portal, or an address at PUBLIC_URL: people reach the page through the proxy")
	}
	if !isPlainPath(u.EscapedPath()) || isUnder(u.EscapedPath(), c.Public.PathPrefix) {
		l.fault("PORTAL_LOGIN_URL", "write a plain path (letters, digits and . _ ~ @ - between slashes) that is neither / nor under PATH_PREFIX: the proxy opens it to all")
	}
}

func checkProvider(c *Config, l loader) {
	profile := c.Provider.Profile
	oidc, encrypted := profile == "oidc", profile == "vneid-encrypted"
	clear := profile == "vneid-clear" || profile == "national-portal"
	l.need(clear, "with PROVIDER="+profile, "AUTHORIZE_URL", "TOKEN_URL", "USERINFO_URL")
	l.need(oidc, "with PROVIDER=oidc", "ISSUER_URL")
	l.need(encrypted, "with PROVIDER=vneid-encrypted", "AUTHORIZE_URL", "TOKEN_URL", "USERINFO_URL", "DECRYPTION_KEY_FILES")
	for _, v := range l.all {
		only := split(v.tag("only"))
		if (oidc || encrypted || clear) && only != nil && !slices.Contains(only, profile) && l.has(v.name) {
			l.fault(v.name, "remove it: it has a meaning only with PROVIDER=%s", choiceOf(only).words)
		}
	}
	// OpenID Connect Core 1.0 sections 3.1.2 and 3.1.3: these must use TLS.
	for name, u := range map[string]*url.URL{
		"ISSUER_URL": c.Provider.IssuerURL, "AUTHORIZE_URL": c.Provider.AuthorizeURL, "TOKEN_URL": c.Provider.TokenURL,
		"USERINFO_URL": c.Provider.UserinfoURL, "END_SESSION_URL": c.Provider.EndSessionURL,
	} {
		if u != nil && isClear(u) && !c.Public.AllowHTTP {
			l.fault(name, "write it with https; http beyond loopback is for trials, with ALLOW_HTTP=true")
		}
	}
	if oidc && !slices.Contains(c.Provider.Scopes, "openid") {
		l.fault("SCOPES", "add openid: without it this is no OpenID Connect")
	}
}

func checkKeys(c *Config, l loader) {
	if len(c.Keys.LedgerIndex.keys) > 1 {
		l.fault("LEDGER_INDEX_KEY", "write exactly one key")
	}
	if len(c.Keys.LedgerIndexNext.keys) > 1 {
		l.fault("LEDGER_INDEX_KEY_NEXT", "write exactly one key")
	}
	if !c.Ledger.Password.IsZero() && !isPostgreSQL(c.Ledger.URL.Reveal()) {
		l.fault("LEDGER_PASSWORD", "remove it, or write a PostgreSQL database in LEDGER_URL: a file has no password")
	}
	var seen [][]byte
	var owners []string
	for _, ring := range []struct {
		name string
		keys [][]byte
	}{
		{"SECRET_KEYS", c.Keys.Cookies.keys},
		{"LEDGER_KEYS", c.Keys.Ledger.keys},
		{"LEDGER_INDEX_KEY", c.Keys.LedgerIndex.keys},
		{"LEDGER_INDEX_KEY_NEXT", c.Keys.LedgerIndexNext.keys},
	} {
		for _, key := range ring.keys {
			at := slices.IndexFunc(seen, func(have []byte) bool { return string(have) == string(key) })
			if at >= 0 {
				l.fault(ring.name, "write another key than in %s: each serves one purpose", owners[at])
			}
			seen, owners = append(seen, key), append(owners, Prefix+ring.name)
		}
	}
}

func checkTimes(c *Config, l loader) {
	for _, bound := range []struct {
		name         string
		value, least time.Duration
	}{
		{"SESSION_LIFETIME", c.Session.Lifetime, time.Second},
		{"SESSION_IDLE", c.Session.Idle, time.Second},
		{"REVOCATION_MAX_AGE", c.Session.RevocationMaxAge, time.Second},
		{"AUDIT_RETENTION", c.Ledger.AuditRetention, 24 * time.Hour},
		{"CALL_TIMEOUT", c.Process.CallTimeout, time.Millisecond},
		{"POPULATION_WAIT", c.Population.Wait, time.Millisecond},
		{"DRAIN_DELAY", c.Process.DrainDelay, 0},
		{"DRAIN_TIMEOUT", c.Process.DrainTimeout, time.Second},
	} {
		if bound.value < bound.least {
			l.fault(bound.name, "write a duration of at least %v with its unit (s, m, h)", bound.least)
		}
	}
	if c.Session.Idle > c.Session.Lifetime && c.Session.Lifetime > 0 {
		l.fault("SESSION_IDLE", "write at most SESSION_LIFETIME: the session ends then in any case")
	}
}

// checkPolicy asks for what linking stands on.
func checkPolicy(c *Config, l loader) {
	mode := c.Link.Mode
	if mode == "off" {
		for _, name := range []string{
			"DIRECTORY_URL", "DIRECTORY_CREDENTIAL_URL", "POPULATION_URL", "POPULATION_TOKEN", "PORTAL_LOGIN_URL", "PORTAL_WHOAMI_URL",
			"LEGACY_SIGN_IN_UNTIL", "SKIP_UNTIL", "POLICY_FILE",
		} {
			if l.has(name) {
				l.fault(name, "remove it: with LINK=off there are no accounts to sign in to or to link")
			}
		}
		return
	}
	l.need(mode == "enforce", "with LINK=enforce", "POPULATION_URL")
	l.need(mode == "enforce" || mode == "observe", "unless LINK=off", "DIRECTORY_URL")
	checkDirectory(c, l)
	if mode == "enforce" || l.has("POPULATION_URL") {
		checkPopulation(c, l)
	}
	if !c.Link.LegacySignInUntil.IsZero() && !l.has("PORTAL_LOGIN_URL") && !l.has("DIRECTORY_CREDENTIAL_URL") && c.Directory.Credential == "http" {
		l.fault("LEGACY_SIGN_IN_UNTIL", "remove it, or set PORTAL_LOGIN_URL, DIRECTORY_CREDENTIAL_URL or DIRECTORY_CREDENTIAL=sql or ldap: nothing checks a portal account")
	}
}

func checkDirectory(c *Config, l loader) {
	u := c.Directory.URL
	served := u != nil && (u.Scheme == "http" || u.Scheme == "https")
	l.need(served || l.has("DIRECTORY_CREDENTIAL_URL"), "with DIRECTORY_CREDENTIAL_URL or an http or https DIRECTORY_URL", "DIRECTORY_TOKEN")
	database, server := u != nil && slices.Contains(databases(), u.Scheme), u != nil && IsLDAP(u)
	l.need(database || server, "with a database or LDAP server as DIRECTORY_URL", "DIRECTORY_QUERIES_FILE")
	l.need(server, "with an LDAP server as DIRECTORY_URL", "DIRECTORY_USER", "DIRECTORY_PASSWORD")
	for _, only := range []struct {
		there bool
		words string
		names []string
	}{
		{database || server, "a database or LDAP server", []string{"DIRECTORY_QUERIES_FILE", "DIRECTORY_PASSWORD"}},
		{server, "an LDAP server", []string{"DIRECTORY_USER", "DIRECTORY_CA_FILE"}},
	} {
		for _, name := range only.names {
			if u != nil && !only.there && l.has(name) {
				l.fault(name, "remove it: it has a meaning only with %s as DIRECTORY_URL", only.words)
			}
		}
	}
	if c.Directory.WriteBack && u != nil && !served && !database && !server {
		l.fault("DIRECTORY_WRITE_BACK", "remove it, or let the portal serve its accounts at an http or https DIRECTORY_URL, or name its database or LDAP server: a file is read alone")
	}
	credential := c.Directory.Credential
	if credential != "sql" && credential != "ldap" {
		return
	}
	if u != nil && (credential == "sql" && !database || credential == "ldap" && !server) {
		l.fault("DIRECTORY_CREDENTIAL", "remove it, or name the portal's %s in DIRECTORY_URL", map[string]string{"sql": "database", "ldap": "LDAP server"}[credential])
	}
	if l.has("DIRECTORY_CREDENTIAL_URL") {
		l.fault("DIRECTORY_CREDENTIAL_URL", "remove it: with DIRECTORY_CREDENTIAL=%s nobody is asked there", credential)
	}
}

// checkPopulation asks for what the profile stands on.
func checkPopulation(c *Config, l loader) {
	p := c.Population
	token := []string{"json", "lgsp-bearer", "lgsp-string"}
	user := []string{"ndxp", "ndxp-plain", "lgsp-keys"}
	l.need(slices.Contains(token, p.Profile), "with POPULATION_PROFILE="+p.Profile, "POPULATION_TOKEN")
	l.need(slices.Contains(user, p.Profile), "with POPULATION_PROFILE="+p.Profile, "POPULATION_USER", "POPULATION_SECRET")
	l.need(p.Profile == "ndxp", "with POPULATION_PROFILE=ndxp", "POPULATION_API_KEY", "POPULATION_CLIENT")
	l.need(p.Profile == "lgsp-keys", "with POPULATION_PROFILE=lgsp-keys", "POPULATION_ACCESS_KEY", "POPULATION_PASSWORD")
	known := slices.Contains(token, p.Profile) || slices.Contains(user, p.Profile)
	l.need(known && p.Profile != "json", "with POPULATION_PROFILE="+p.Profile, "POPULATION_PROCEDURE", "POPULATION_OFFICIAL")
	for _, v := range l.all {
		if only := v.profiles(); known && only != nil && !slices.Contains(only, p.Profile) && l.has(v.name) {
			l.fault(v.name, "remove it: it has a meaning only with POPULATION_PROFILE=%s", choiceOf(only).words)
		}
	}
	lookup := p.Lookup == "on"
	l.need(lookup && (p.Profile == "lgsp-bearer" || p.Profile == "lgsp-string"),
		"with POPULATION_LOOKUP=on and POPULATION_PROFILE="+p.Profile, "POPULATION_LOOKUP_URL")
	if lookup && p.Profile == "json" {
		l.fault("POPULATION_LOOKUP", "remove it: POPULATION_PROFILE=json has no record lookup")
	}
	if l.has("POPULATION_LOOKUP_URL") && !lookup {
		l.fault("POPULATION_LOOKUP_URL", "remove it, or set POPULATION_LOOKUP=on")
	}
	if p.TrustIDCard && !lookup {
		l.fault("TRUST_POPULATION_ID_CARD", "remove it, or set POPULATION_LOOKUP=on: nothing says whose an ID-card number is")
	}
	if p.AtOnce < 1 && l.has("POPULATION_CALLS_AT_ONCE") {
		l.fault("POPULATION_CALLS_AT_ONCE", "write a whole number, 1 or more")
	}
	if p.Reserve > 100 {
		l.fault("POPULATION_RESERVE_PERCENT", "write a whole number of at most 100")
	}
}
