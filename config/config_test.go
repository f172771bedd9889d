package config_test

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"flag"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vneid-proxy/config"
)

var update = flag.Bool("update", false, "write the generated document and the expected messages")

// environment reads NAME=value lines.
func environment(t testing.TB, path string) []string {
	t.Helper()
	file, err := os.Open(path)
	require.NoError(t, err)
	defer file.Close()
	var lines []string
	for scan := bufio.NewScanner(file); scan.Scan(); {
		if line := scan.Text(); line != "" && line[0] != '#' {
			lines = append(lines, line)
		}
	}
	return lines
}

// minimal is a good environment with more lines after it; the last of a name
// counts.
func minimal(t testing.TB, more ...string) []string {
	t.Helper()
	lines := environment(t, filepath.Join("testdata", "good", "minimal.env"))
	for _, line := range more {
		lines = append(lines, config.Prefix+line)
	}
	return lines
}

// key is a key in base64 that repeats one byte.
func key(b byte) string { return base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{b}, 32)) }

func load(t *testing.T, more ...string) config.Config {
	t.Helper()
	c, err := config.Load(minimal(t, more...))
	require.NoError(t, err)
	return c
}

func TestDefaults(t *testing.T) {
	c := load(t)
	assert.Equal(t, ":8080", c.Listen.Address)
	assert.Equal(t, "127.0.0.1:9180", c.Listen.Admin)
	assert.Equal(t, "https://portal.example", c.Public.URL.String())
	assert.Equal(t, "/_vneid", c.Public.PathPrefix)
	assert.Equal(t, "next", c.Portal.ReturnParameter)
	assert.Nil(t, c.Portal.LoginURL)
	assert.Nil(t, c.Portal.WhoamiURL)
	assert.Empty(t, c.Portal.TrustedProxies)
	assert.Empty(t, c.Portal.PublicPaths)
	assert.Equal(t, "oidc", c.Provider.Profile)
	assert.Equal(t, config.Words{"openid"}, c.Provider.Scopes)
	assert.Equal(t, 2, c.Provider.MinAccountLevel)
	assert.Nil(t, c.Provider.TokenURL)
	assert.True(t, c.Provider.ClientSecret.IsZero())
	assert.Equal(t, "name", c.Provider.ClaimName)
	assert.Equal(t, "birthdate", c.Provider.ClaimBirthDate)
	assert.Empty(t, c.Provider.Envelope)
	assert.Equal(t, "https://portal.example", c.Keys.AssertionAudience)
	assert.Equal(t, 8*time.Hour, c.Session.Lifetime)
	assert.Equal(t, 30*time.Minute, c.Session.Idle)
	assert.Equal(t, time.Minute, c.Session.RevocationMaxAge)
	assert.Equal(t, "sqlite:///var/lib/vneid-proxy/ledger.db", c.Ledger.URL.Reveal())
	assert.Equal(t, "/etc/vneid-proxy/accounts.csv", c.Directory.URL.Path)
	assert.False(t, c.Directory.TrustNumber)
	assert.False(t, c.Directory.WriteBack)
	assert.Equal(t, "enforce", c.Link.Mode)
	assert.True(t, c.Link.SkipUntil.IsZero())
	assert.True(t, c.Link.SkipUntil.Time().IsZero())
	assert.Equal(t, "1900.0368", c.Screens.Hotline)
	assert.Equal(t, 5*time.Second, c.Process.CallTimeout)
	assert.Equal(t, slog.LevelInfo, c.Process.LogLevel)
	assert.Empty(t, c.Files())
}

func TestValues(t *testing.T) {
	c := load(t,
		"PUBLIC_URL=https://Portal.Example:8443/",
		"PUBLIC_PATHS= /assets/ , /favicon.ico,",
		"IDENTITY_HEADERS=X-Portal-User={account_id},X-Portal-Name={name}",
		"TRUSTED_PROXIES=10.42.0.0/16, 2001:db8::/32",
		"PORTAL_LOGIN_URL=/dang-nhap?kieu=cu",
		"PORTAL_WHOAMI_URL=/api/whoami",
		"PORTAL_SESSION_COOKIES=PHPSESSID",
		"PORTAL_RETURN_PARAMETER=",
		"SCOPES=openid  profile",
		"SECRET_KEYS="+key(7)+", "+strings.TrimRight(key(0xfb), "="),
		"LEGACY_SIGN_IN_UNTIL=2026-12-31",
		"LOG_LEVEL=debug",
		"PPROF=true",
		"ORGANISATION_NAME=Cổng dịch vụ công",
		"TLS_CERT_FILE=/run/tls.crt", "TLS_KEY_FILE=/run/tls.key",
	)
	assert.Equal(t, "https://portal.example:8443", c.Public.URL.String())
	assert.Equal(t, []string{"/assets/", "/favicon.ico"}, c.Portal.PublicPaths)
	assert.Equal(t, []string{"X-Portal-User={account_id}", "X-Portal-Name={name}"}, c.Portal.IdentityHeaders)
	assert.Equal(t, []netip.Prefix{netip.MustParsePrefix("10.42.0.0/16"), netip.MustParsePrefix("2001:db8::/32")}, c.Portal.TrustedProxies)
	assert.Equal(t, "https://portal.example:8443/dang-nhap?kieu=cu", c.Portal.LoginURL.String())
	assert.Equal(t, "http://portal.internal:8000/api/whoami", c.Portal.WhoamiURL.String())
	assert.Empty(t, c.Portal.ReturnParameter)
	assert.Equal(t, config.Words{"openid", "profile"}, c.Provider.Scopes)
	assert.Equal(t, [][]byte{bytes.Repeat([]byte{7}, 32), bytes.Repeat([]byte{0xfb}, 32)}, c.Keys.Cookies.Reveal())
	assert.Equal(t, "2026-12-31", c.Link.LegacySignInUntil.String())
	assert.Equal(t, "2026-12-30T17:00:00Z", c.Link.LegacySignInUntil.Time().UTC().Format(time.RFC3339))
	assert.Equal(t, slog.LevelDebug, c.Process.LogLevel)
	assert.True(t, c.Process.Pprof)
	assert.Equal(t, "Cổng dịch vụ công", c.Screens.Organisation)
	assert.Equal(t, []string{"/run/tls.crt", "/run/tls.key"}, c.Files())
}

// encrypted is what PROVIDER=vneid-encrypted needs.
func encrypted(more ...string) []string {
	return append([]string{
		"PROVIDER=vneid-encrypted", "ISSUER_URL=", "DECRYPTION_KEY_FILES=/run/a.pem,/run/b.pem",
		"AUTHORIZE_URL=https://sso.example/a", "TOKEN_URL=https://sso.example/t", "USERINFO_URL=https://sso.example/u",
	}, more...)
}

func TestEncrypted(t *testing.T) {
	p := load(t, encrypted()...).Provider
	assert.Equal(t, "required", p.Envelope)
	assert.Equal(t, "ecb", p.EnvelopeCipher)
	assert.Equal(t, 256, p.EnvelopeKeyBits)
	assert.Equal(t, "decrypted", p.EnvelopeCode)
	assert.Equal(t, "sent", p.EnvelopeEncryptKey)
	assert.Equal(t, "citizenPid", p.ClaimCitizenNumber)
	assert.Equal(t, "fullName", p.ClaimName)
	assert.Equal(t, "birthDate", p.ClaimBirthDate)
	assert.Equal(t, []string{"/run/a.pem", "/run/b.pem"}, p.DecryptionKeyFiles)
	assert.Nil(t, p.IssuerURL)

	c := load(t, encrypted("ENVELOPE=optional", "ENVELOPE_CIPHER=cbc", "ENVELOPE_KEY_BITS=128", "ENVELOPE_CODE=received",
		"ENVELOPE_ENCRYPT_KEY=omitted", "CLAIM_NAME=hoTen", "SCOPES=profile")...)
	assert.Equal(t, "optional", c.Provider.Envelope)
	assert.Equal(t, "cbc", c.Provider.EnvelopeCipher)
	assert.Equal(t, 128, c.Provider.EnvelopeKeyBits)
	assert.Equal(t, "received", c.Provider.EnvelopeCode)
	assert.Equal(t, "omitted", c.Provider.EnvelopeEncryptKey)
	assert.Equal(t, "hoTen", c.Provider.ClaimName)
	assert.Equal(t, config.Words{"profile"}, c.Provider.Scopes)
	assert.Equal(t, []string{"/run/a.pem", "/run/b.pem"}, c.Files())
}

// What is refused by default must still be possible where it is meant to be.
func TestAccepted(t *testing.T) {
	for name, lines := range map[string][]string{
		"loopback http":        {"PUBLIC_URL=http://127.0.0.1:8080", "ISSUER_URL=http://localhost:8081"},
		"loopback IPv6":        {"PUBLIC_URL=http://[::1]:8080"},
		"http on purpose":      {"PUBLIC_URL=http://portal.example", "ISSUER_URL=http://sso.example", "ALLOW_HTTP=true"},
		"endpoints overridden": {"AUTHORIZE_URL=https://sso.example/a?x=1", "TOKEN_URL=https://sso.example/t", "USERINFO_URL=https://sso.example/u"},
		"URL alphabet keys":    {"SECRET_KEYS=" + strings.NewReplacer("+", "-", "/", "_").Replace(key(0xfb))},
		"login by address":     {"PORTAL_LOGIN_URL=https://PORTAL.example:443/dang-nhap", "PORTAL_WHOAMI_URL=http://who.internal/me?x=1", "PORTAL_SESSION_COOKIES=SID"},
		"legacy by password":   {"LEGACY_SIGN_IN_UNTIL=2026-12-31", "DIRECTORY_CREDENTIAL_URL=http://portal.internal/credential", "DIRECTORY_TOKEN=an-invented-token"},
		"database":             {"DIRECTORY_URL=postgres://reader@db.internal:5433/portal?sslmode=disable", "DIRECTORY_QUERIES_FILE=/q.yaml"},
		"named instance":       {"DIRECTORY_URL=sqlserver://reader@db.internal/dvc?database=portal", "DIRECTORY_QUERIES_FILE=/q.yaml"},
		"legacy by hash":       {"LEGACY_SIGN_IN_UNTIL=2026-12-31", "DIRECTORY_URL=mysql://reader@[::1]/portal", "DIRECTORY_QUERIES_FILE=/q.yaml", "DIRECTORY_CREDENTIAL=sql"},
		"LDAP server":          {"LEGACY_SIGN_IN_UNTIL=2026-12-31", "DIRECTORY_URL=ldaps://directory.internal:1636/ou=people,dc=example", "DIRECTORY_QUERIES_FILE=/q.yaml", "DIRECTORY_USER=cn=a,dc=example", "DIRECTORY_PASSWORD=p", "DIRECTORY_CREDENTIAL=ldap", "DIRECTORY_WRITE_BACK=true", "DIRECTORY_CA_FILE=/ca.pem"},
		"relative ledger":      {"LEDGER_URL=sqlite:ledger.db"},
		"two free ports":       {"LISTEN=127.0.0.1:0", "ADMIN_LISTEN=127.0.0.1:0"},
		"no delay":             {"DRAIN_DELAY=0s"},
		"other people's":       {"SERVICE_HOST=10.0.0.1", "PORT=tcp://10.0.0.1:8080", "PORT_8080_TCP_ADDR=10.0.0.1", "ADMIN_SERVICE_PORT_HTTP=9180"},
	} {
		t.Run(name, func(t *testing.T) { load(t, lines...) })
	}
	_, err := config.Load(append(minimal(t), "PATH=/bin", "VNEID_OTHER=1", "no equals sign"))
	assert.NoError(t, err, "only names under the prefix are ours")
}

func TestServedDirectory(t *testing.T) {
	c := load(t, "DIRECTORY_URL=http://portal.internal:8000/api/directory", "DIRECTORY_TOKEN=t", "DIRECTORY_WRITE_BACK=true")
	assert.Equal(t, "http://portal.internal:8000/api/directory", c.Directory.URL.String())
	assert.True(t, c.Directory.WriteBack)
}
