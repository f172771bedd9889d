package main_test

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"database/sql"
	"encoding/pem"
	"fmt"
	"net"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vneid-proxy/broker/ledger"
	"vneid-proxy/vneidtest"
)

func TestCheckOfWhatIsHere(t *testing.T) {
	w := newProcWorld(t, procWorldConfig{})
	write := func(name, text string) string {
		path := filepath.Join(t.TempDir(), name)
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		return path
	}
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { _ = taken.Close() }()
	file := func(path string) string { return "LEDGER_URL=" + (&url.URL{Scheme: "sqlite", Path: path}).String() }
	written := func(statements string) string { // a ledger with a link, changed afterwards
		path := filepath.Join(t.TempDir(), "ledger.db")
		l, err := ledger.Open(t.Context(), ledger.Config{
			URL: "sqlite://" + path, Keys: [][]byte{w.key(t, "LEDGER_KEYS")}, IndexKey: w.key(t, "LEDGER_INDEX_KEY"),
		})
		require.NoError(t, err)
		require.NoError(t, l.Close())
		db, err := sql.Open("sqlite", "file:"+path)
		require.NoError(t, err)
		_, err = db.Exec(statements)
		require.NoError(t, err)
		require.NoError(t, db.Close())
		return path
	}
	other := newProcWorld(t, procWorldConfig{}).keys
	day := func(from int) string { return time.Now().AddDate(0, 0, from).Format(time.DateOnly) }

	for _, test := range []struct {
		name    string
		environ []string
		others  string
		says    string
		mend    string
	}{
		{"dates past", []string{"LEGACY_SIGN_IN_UNTIL=2020-01-31", "SKIP_UNTIL=2020-01-31"}, "warning config.dates", "skipping ended on 2020-01-31", "VNEID_PROXY_SKIP_UNTIL"},
		{"dates near", []string{"LEGACY_SIGN_IN_UNTIL=" + day(5), "SKIP_UNTIL=" + day(5)}, "warning config.dates", "the sign-in by portal account ends on " + day(5), "VNEID_PROXY_LEGACY_SIGN_IN_UNTIL"},
		{"skipping outlives the sign-in", []string{"LEGACY_SIGN_IN_UNTIL=" + day(40), "SKIP_UNTIL=" + day(50)}, "warning config.dates", "who skipped can go on for longer", "VNEID_PROXY_SKIP_UNTIL"},
		{"no dates", []string{"LEGACY_SIGN_IN_UNTIL=", "SKIP_UNTIL="}, "", "no date of the policy", ""},
		{"http for browsers", []string{"PUBLIC_URL=http://portal.example", "ALLOW_HTTP=true"}, "warning config.public-url", "plain http", "VNEID_PROXY_PUBLIC_URL"},
		{"http allowed", []string{"ALLOW_HTTP=true"}, "warning config.public-url", "for trials only", "VNEID_PROXY_ALLOW_HTTP"},
		{"passwords in clear", []string{"DIRECTORY_CREDENTIAL_URL=http://portal.invalid/api/credential"}, "fault portal.credential warning config.clear-text",
			"cross the network in clear", "VNEID_PROXY_DIRECTORY_CREDENTIAL_URL"},
		{"typed numbers trusted", []string{"TRUST_DIRECTORY_NUMBER=true"}, "warning config.trust", "taken for them", "VNEID_PROXY_TRUST_DIRECTORY_NUMBER"},
		{"assertion key is none", []string{"ASSERTION_KEY_FILES=" + write("assertion.pem", checkCanary)}, "fault config.assertion-keys", "no PEM", "VNEID_PROXY_ASSERTION_KEY_FILES"},

		{"port taken", []string{"LISTEN=" + taken.Addr().String()}, "fault listener.address", "another program holds", "VNEID_PROXY_LISTEN"},
		{"admin port taken", []string{"ADMIN_LISTEN=" + taken.Addr().String()}, "fault listener.admin", "another program holds", "VNEID_PROXY_ADMIN_LISTEN"},
		{"another machine's address", []string{"LISTEN=192.0.2.7:8080"}, "fault listener.address", "does not have the address", "VNEID_PROXY_LISTEN"},

		{"no folder", []string{file("/nowhere/ledger.db")}, "fault ledger.folder", "there is no folder /nowhere", "VNEID_PROXY_LEDGER_URL"},
		{"folder not writable", []string{file("/proc/ledger.db")}, "fault ledger.folder", "may not write to the folder /proc", "VNEID_PROXY_LEDGER_URL"},
		{"ledger is none", []string{file(write("ledger.db", strings.Repeat(checkCanary, 100)))}, "fault ledger.file", "no ledger", "VNEID_PROXY_LEDGER_URL"},
		{"ledger is sound", []string{file(written("SELECT 1"))}, "", "every row's key is at hand", ""},
		{"ledger of a newer release", []string{file(written("INSERT INTO goose_db_version (version_id, is_applied) VALUES (9999, 1)"))}, "fault ledger.file", "a newer release", "release"},
		{"ledger of an older release", []string{file(written("DELETE FROM goose_db_version WHERE version_id > 1"))}, "", "serve will bring its tables", ""},
		{"ledger out of WAL mode", []string{file(written("PRAGMA journal_mode = DELETE"))}, "warning ledger.durable", "WAL", "nothing else may write"},
		{"a row's key is absent", []string{file(written("SELECT 1")), "LEDGER_KEYS=" + other["LEDGER_KEYS"]}, "fault ledger.keys", "need ledger key", "VNEID_PROXY_LEDGER_KEYS"},
		{"another index key", []string{file(written("SELECT 1")), "LEDGER_INDEX_KEY=" + other["LEDGER_INDEX_KEY"]}, "fault ledger.keys", "index key", "VNEID_PROXY_LEDGER_INDEX_KEY"},
		{"audit chain cut", []string{file(written("DELETE FROM audit_head"))}, "fault ledger.audit", "does not end as it was left", "audit verify"},

		{"no accounts", []string{"DIRECTORY_URL=embedded:/nowhere/accounts.csv"}, "fault directory.accounts", "/nowhere/accounts.csv", "VNEID_PROXY_DIRECTORY_URL"},
		{"faulty accounts", []string{"DIRECTORY_URL=embedded:" + write("accounts.csv", "id,kind\n"+strings.Repeat("tk-"+checkCanary+","+checkCanary+"\n", 9))},
			"fault directory.accounts", "9 faults; line 2, column kind", "VNEID_PROXY_DIRECTORY_URL"},
		{"empty accounts", []string{"DIRECTORY_URL=embedded:" + write("accounts.csv", "id\n")}, "warning directory.accounts", "empty", "VNEID_PROXY_DIRECTORY_URL"},
		{"accounts counted", []string{"DIRECTORY_URL=embedded:" + write("accounts.csv",
			"id,citizen_number,citizen_number_verified,status\na,099185000121,true,\nb,099185000122,false,locked\nc,,,\nd,"+checkCanary+",,\n")},
			"", "4 accounts: 1 with a verified number, 1 with one that was typed, 1 with what is no number, 1 without; 1 locked", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, found := checkRun(t, w, w.environ(test.environ...))
			assert.Equal(t, test.others, strings.Join(checkOthers(found), " "))
			checkMentions(t, found, test.says, test.mend)
		})
	}
}

// TestCheckBesideARunningProcess changes nothing there: the same configuration
// has warnings alone, and who is linked stays linked and signed in.
func TestCheckBesideARunningProcess(t *testing.T) {
	people := procPeople(1)
	w := newProcWorld(t, procWorldConfig{people: people})
	ports := procFreePorts(t, 2)
	environ := w.environ(fmt.Sprintf("LISTEN=127.0.0.1:%d", ports[0]), fmt.Sprintf("ADMIN_LISTEN=127.0.0.1:%d", ports[1]))
	serving := procServe(t, environ)
	b := newProcBrowser(t, w.public, serving.address, nil, nil)
	require.NoError(t, (&procLinker{person: people[0], browser: b}).link())

	for range 3 {
		_, found := checkRun(t, w, environ)
		assert.Equal(t, []string{"warning listener.address", "warning listener.admin"}, checkOthers(found))
		checkMentions(t, found, "a running vneid-proxy holds the address", "VNEID_PROXY_LISTEN")
	}
	page, err := b.get("/ho-so")
	require.NoError(t, err)
	assert.Equal(t, "/ho-so", page.url.Path)
	verify := procStart(t, environ, "audit", "verify")
	assert.Equal(t, 0, verify.code(t), verify.stderr.String())
	serving.signal(t, procTerm)
	assert.Equal(t, 0, serving.code(t))
}

func TestCheckOfTheEncryptedWire(t *testing.T) {
	private, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	keyFile := filepath.Join(t.TempDir(), "vneid.pem")
	require.NoError(t, os.WriteFile(keyFile, pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(private)}), 0o600))
	noKey := filepath.Join(t.TempDir(), "none.pem")
	require.NoError(t, os.WriteFile(noKey, bytes.Repeat([]byte(checkCanary), 10), 0o600))

	tap := &checkTap{}
	w := newProcWorld(t, procWorldConfig{})
	simulator, err := vneidtest.NewVNeID(vneidtest.VNeIDConfig{Issuer: w.vneid, Clients: []vneidtest.Client{{
		ID: "portal", Secret: w.keys["CLIENT_SECRET"], RedirectURIs: []string{w.public + "/_vneid/callback"}, PublicKey: &private.PublicKey,
	}}})
	require.NoError(t, err)
	server := httptest.NewServer(tap.wrap("vneid", simulator))
	defer server.Close()
	nowhere := fmt.Sprintf("http://localhost:%d", procFreePorts(t, 1)[0])
	for _, test := range []struct {
		name    string
		instead checkInstead
		environ []string
		others  string
		says    string
		mend    string
	}{
		{"good", nil, nil, "", "1 RSA keys; the first has 2048 bits", ""},
		{"what cannot be seen", nil, nil, "", "only a real sign-in shows", ""},
		{"wrong secret", nil, []string{"CLIENT_SECRET=" + checkCanary}, "fault provider.client", "our id or secret", "VNEID_PROXY_CLIENT_SECRET"},
		{"no key", nil, []string{"DECRYPTION_KEY_FILES=" + noKey}, "fault provider.decryption-keys", "want one RSA private key", "VNEID_PROXY_DECRYPTION_KEY_FILES"},
		{"token address down", nil, []string{"TOKEN_URL=" + nowhere}, "fault provider.reach", "nothing listens", "VNEID_PROXY_TOKEN_URL"},
		{"userinfo address down", nil, []string{"USERINFO_URL=" + nowhere}, "fault provider.reach", "nothing listens", "VNEID_PROXY_USERINFO_URL"},
		{"token address wrong", nil, []string{"TOKEN_URL=" + server.URL + "/v2/nowhere"}, "fault provider.client", "answers 404", "VNEID_PROXY_TOKEN_URL"},
		{"token answer garbage", checkSays("vneid", "/v2/token", 200, checkCanary), nil, "fault provider.client", "nobody issued, or is none", "VNEID_PROXY_TOKEN_URL"},
		{"clock wrong", checkSays("vneid", "/v2/token", 400, `{"error":"invalid_grant"}`, "Date: Mon, 02 Jan 2006 15:04:05 GMT"), nil, "fault provider.clock", "apart", "NTP"},
		{"envelope optional", nil, []string{"ENVELOPE=optional"}, "warning config.trust", "not encrypted", "VNEID_PROXY_ENVELOPE"},
	} {
		t.Run(test.name, func(t *testing.T) {
			tap.set(test.instead)
			_, found := checkRun(t, w, w.environ(append([]string{
				"PROVIDER=vneid-encrypted", "ISSUER_URL=", "AUTHORIZE_URL=" + server.URL + "/v2/authorize",
				"TOKEN_URL=" + server.URL + "/v2/token", "USERINFO_URL=" + server.URL + "/v2/userinfo", "DECRYPTION_KEY_FILES=" + keyFile,
			}, test.environ...)...))
			assert.Equal(t, test.others, strings.Join(checkOthers(found), " "))
			checkMentions(t, found, test.says, test.mend)
		})
	}
}
