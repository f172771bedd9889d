package main_test

import (
	"encoding/json"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestVersionOfTheBinary(t *testing.T) {
	c := procStart(t, nil, "version")
	assert.Equal(t, 0, c.code(t))
	assert.Regexp(t, `^vneid-proxy \S+\n$`, c.stdout.String())
	assert.Empty(t, c.stderr.String())
}

// TestRefusedAtStart holds the exit code and the words of what keeps serve from
// starting. No message repeats a value.
func TestRefusedAtStart(t *testing.T) {
	w := newProcWorld(t, procWorldConfig{})
	const value = "not-to-be-repeated"
	broken := filepath.Join(t.TempDir(), "broken.csv")
	require.NoError(t, os.WriteFile(broken, []byte("id,kind,created_by\ntk-1,"+value+",\ntk-2,,"+value+"\n"), 0o600))
	providers := filepath.Join(t.TempDir(), "providers.yaml")
	require.NoError(t, os.WriteFile(providers, []byte("providers: [{name: 1, title: Cán bộ, client_id: a, client_secret: "+value+"}]"), 0o600))
	routes := filepath.Join(t.TempDir(), "routes.yaml")
	require.NoError(t, os.WriteFile(routes, []byte("rules: [{path: /a, access: protected, provider: noi-bo}]"), 0o600))
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { _ = taken.Close() }()

	for _, test := range []struct {
		name    string
		args    []string
		environ []string
		code    int
		says    []string // all of them
	}{
		{"no command", []string{}, nil, 2, []string{"serve", "demo", "check"}},
		{"unknown command", []string{"server"}, nil, 2, []string{"server"}},
		{"nothing configured", []string{"serve"}, nil, 2, []string{
			"VNEID_PROXY_PUBLIC_URL", "VNEID_PROXY_UPSTREAM_URL", "VNEID_PROXY_ISSUER_URL", "VNEID_PROXY_CLIENT_ID",
			"VNEID_PROXY_SECRET_KEYS", "VNEID_PROXY_LEDGER_KEYS", "VNEID_PROXY_LEDGER_INDEX_KEY",
			"VNEID_PROXY_DIRECTORY_URL", "VNEID_PROXY_POPULATION_URL",
		}},
		{"every fault at once", []string{"serve"}, w.environ(
			"PUBLIC_URL=ftp://"+value, "SECRET_KEYS="+value, "SESSION_IDLE=9h", "UPSTREAM_ADDRESS="+value, "LINK=sometimes", "DRAIN_DELAY=-1s",
		), 2, []string{
			"6 of the variables", "VNEID_PROXY_PUBLIC_URL: ", "VNEID_PROXY_SECRET_KEYS: ", "VNEID_PROXY_SESSION_IDLE: ",
			"VNEID_PROXY_UPSTREAM_ADDRESS: ", "VNEID_PROXY_LINK: ", "VNEID_PROXY_DRAIN_DELAY: ",
		}},
		{"identity headers", []string{"serve"}, w.environ("IDENTITY_HEADERS=X-Portal-User={nobody},Cookie={username}"), 2, []string{
			"VNEID_PROXY_IDENTITY_HEADERS", `"X-Portal-User"`, `"Cookie"`, "account_id",
		}},
		{"further providers", []string{"serve"}, w.environ("PROVIDERS_FILE=" + providers), 2, []string{
			"VNEID_PROXY_PROVIDERS_FILE: provider 1, line 1: client_secret: no such name", "name: write a short name", "issuer_url: is required",
		}},
		{"a rule for a provider that is not there", []string{"serve"}, w.environ("PUBLIC_PATHS=", "ROUTES_FILE="+routes), 2, []string{
			"VNEID_PROXY_ROUTES_FILE: rule 1: no provider is called \"noi-bo\"; there are vneid",
		}},
		{"no accounts", []string{"serve"}, w.environ("DIRECTORY_URL=embedded:/nowhere/accounts.csv"), 1, []string{
			"/nowhere/accounts.csv", "no such file",
		}},
		{"faulty accounts", []string{"serve"}, w.environ("DIRECTORY_URL=embedded:" + broken), 1, []string{
			broken, "2 faults", "line 2, column kind: want citizen,", "line 3, column created_by: want",
		}},
		{"no folder for the ledger", []string{"serve"}, w.environ("LEDGER_URL=sqlite:///nowhere/ledger.db"), 1, []string{
			"/nowhere", "must exist",
		}},
		{"no certificate", []string{"serve"}, w.environ("TLS_CERT_FILE=/nowhere/tls.crt", "TLS_KEY_FILE=/nowhere/tls.key"), 1, []string{
			"/nowhere/tls.crt", "no such file",
		}},
		{"port taken", []string{"serve"}, w.environ("LISTEN=" + taken.Addr().String()), 1, []string{
			taken.Addr().String(), "address already in use",
		}},
		{"admin port taken", []string{"serve"}, w.environ("ADMIN_LISTEN=" + taken.Addr().String()), 1, []string{
			taken.Addr().String(), "address already in use",
		}},
		{"simulator's port taken", procDemoArgs(t, 2, taken), nil, 1, []string{
			"address already in use", "demo --help",
		}},
		{"demo's port taken", procDemoArgs(t, 0, taken), nil, 1, []string{
			"address already in use", "demo --help",
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := procStart(t, append(test.environ, "TMPDIR="+t.TempDir()), test.args...)
			assert.Equal(t, test.code, c.code(t))
			said := c.stderr.String()
			for _, text := range test.says {
				assert.Contains(t, said+c.stdout.String(), text)
			}
			assert.NotContains(t, said, value)
			assert.NotContains(t, said, "goroutine ", "a panic")
			for _, name := range []string{"SECRET_KEYS", "LEDGER_KEYS", "LEDGER_INDEX_KEY", "CLIENT_SECRET", "POPULATION_TOKEN", "DIRECTORY_TOKEN"} {
				assert.NotContains(t, said, w.keys[name])
			}
		})
	}
}

// procDemoArgs asks for a demo on free ports but for one.
func procDemoArgs(t *testing.T, which int, taken net.Listener) []string {
	t.Helper()
	ports := procFreePorts(t, 5)
	ports[which] = taken.Addr().(*net.TCPAddr).Port
	args := []string{"demo"}
	for i, name := range []string{"port", "admin-port", "vneid-port", "population-port", "portal-port"} {
		args = append(args, fmt.Sprintf("--%s=%d", name, ports[i]))
	}
	return args
}

func TestLedgerOfOtherKeysIsRefused(t *testing.T) {
	w := newProcWorld(t, procWorldConfig{})
	procServe(t, w.environ()).kill()
	other := newProcWorld(t, procWorldConfig{}).keys["LEDGER_INDEX_KEY"]
	c := procStart(t, w.environ("LEDGER_INDEX_KEY="+other), "serve")
	assert.Equal(t, 1, c.code(t))
	assert.Contains(t, c.stderr.String(), "index key")
	assert.NotContains(t, c.stderr.String(), other)
}

// TestLogIsOneJSONObjectALine: from the first line to the last, whatever
// library speaks.
func TestLogIsOneJSONObjectALine(t *testing.T) {
	w := newProcWorld(t, procWorldConfig{})
	c := procServe(t, w.environ("LOG_LEVEL=debug"))
	status, _ := procPlain(t, "http://"+c.address+"/ho-so") // another Host
	assert.Equal(t, 421, status)
	c.signal(t, procTerm)
	require.Equal(t, 0, c.code(t))
	for line := range strings.Lines(c.stderr.String()) {
		assert.True(t, json.Valid([]byte(line)), line)
	}
	assert.Contains(t, c.stderr.String(), `"decision":"misdirected"`)
	assert.Empty(t, c.stdout.String())
}
