package main_test

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vneid-proxy/vneidtest"
)

// procPatience is how long anything may take that should be quick. Machines
// are shared, and the race detector slows everything down.
const procPatience = 60 * time.Second

// procBuilt is the product, built once with the race detector. The file is
// unlinked while it is open and run by its descriptor, so that nothing is left
// however the run ends.
var procBuilt = sync.OnceValues(func() (*os.File, error) {
	folder, err := os.MkdirTemp("", "vneid-proxy-built-")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(folder) }()
	name := filepath.Join(folder, "vneid-proxy")
	if said, err := exec.Command("go", "build", "-race", "-o", name, ".").CombinedOutput(); err != nil {
		return nil, fmt.Errorf("%w: %s", err, said)
	}
	return os.Open(name)
})

// procOutput collects what a process says.
type procOutput struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (o *procOutput) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(p)
}

func (o *procOutput) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// procChild is a process of the product.
type procChild struct {
	cmd            *exec.Cmd
	stdout, stderr procOutput
	ended          chan struct{} // closed once it has ended and said everything
	address, admin string        // of serve, once it serves
}

// procStart starts the product with this environment and no other, in an empty
// folder. It ends with the test at the latest, and without a data race.
func procStart(t *testing.T, environ []string, args ...string) *procChild {
	t.Helper()
	return procStartWith(t, environ, "", args...)
}

// procStartWith also gives it something to read.
func procStartWith(t *testing.T, environ []string, stdin string, args ...string) *procChild {
	t.Helper()
	binary, err := procBuilt()
	require.NoError(t, err)
	c := &procChild{ended: make(chan struct{})}
	c.cmd = exec.Command(fmt.Sprintf("/proc/%d/fd/%d", os.Getpid(), binary.Fd()), args...)
	c.cmd.Dir, c.cmd.Env = t.TempDir(), environ
	c.cmd.Stdin, c.cmd.Stdout, c.cmd.Stderr = strings.NewReader(stdin), &c.stdout, &c.stderr
	require.NoError(t, c.cmd.Start())
	go func() {
		defer close(c.ended)
		_ = c.cmd.Wait() // the code is in ProcessState
	}()
	t.Cleanup(func() {
		c.kill()
		assert.NotContains(t, c.stderr.String(), "DATA RACE")
		if t.Failed() {
			t.Logf("%s said:\n%s", strings.Join(args, " "), c.stderr.String())
		}
	})
	return c
}

func (c *procChild) kill() {
	_ = c.cmd.Process.Kill() // it may have ended already
	<-c.ended
}

func (c *procChild) signal(t *testing.T, s syscall.Signal) {
	t.Helper()
	require.NoError(t, c.cmd.Process.Signal(s))
}

func (c *procChild) over() bool {
	select {
	case <-c.ended:
		return true
	default:
		return false
	}
}

// code waits for the end and returns the exit code.
func (c *procChild) code(t *testing.T) int {
	t.Helper()
	select {
	case <-c.ended:
		return c.cmd.ProcessState.ExitCode()
	case <-time.After(procPatience):
		require.Fail(t, "the process does not end")
		return -1
	}
}

// procServe starts serve and waits until it says where it listens.
func procServe(t *testing.T, environ []string) *procChild {
	t.Helper()
	c := procStart(t, environ, "serve")
	serving := func() bool {
		for line := range strings.Lines(c.stderr.String()) {
			var said struct{ Msg, Listen, Admin string }
			if json.Unmarshal([]byte(line), &said) == nil && said.Msg == "serving" {
				c.address, c.admin = said.Listen, "http://"+said.Admin
				return true
			}
		}
		return false
	}
	require.Eventually(t, func() bool { return serving() || c.over() }, procPatience, 5*time.Millisecond)
	require.True(t, serving(), "serve ended: %s", c.stderr.String())
	return c
}

// procDemo starts demo on free ports and waits until it is ready. Where
// somebody takes a port in between, it tries others.
func procDemo(t *testing.T, environ []string, args ...string) (c *procChild, ports []int) {
	t.Helper()
	for range 5 {
		ports = procFreePorts(t, 5)
		all := append([]string{"demo"}, args...)
		for i, name := range []string{"--port", "--admin-port", "--vneid-port", "--population-port", "--portal-port"} {
			all = append(all, name, strconv.Itoa(ports[i]))
		}
		c = procStart(t, environ, all...)
		ready := func() bool { return strings.HasSuffix(c.stdout.String(), "\nready\n") }
		require.Eventually(t, func() bool { return ready() || c.over() }, procPatience, 5*time.Millisecond)
		if ready() {
			c.admin = fmt.Sprintf("http://127.0.0.1:%d", ports[1])
			return c, ports
		}
		require.Contains(t, c.stderr.String(), "address already in use")
	}
	require.Fail(t, "no free ports")
	return nil, nil
}

// procFreePorts holds all of them at once, so that none is given twice.
func procFreePorts(t *testing.T, count int) (ports []int) {
	t.Helper()
	for range count {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		require.NoError(t, err)
		defer func() { _ = l.Close() }()
		ports = append(ports, l.Addr().(*net.TCPAddr).Port)
	}
	return ports
}

// procPlain asks without cookies and without following anything.
func procPlain(t *testing.T, address string) (status int, body string) {
	t.Helper()
	r, err := http.NewRequestWithContext(context.Background(), http.MethodGet, address, nil)
	require.NoError(t, err)
	answer, err := http.DefaultTransport.RoundTrip(r)
	require.NoError(t, err)
	defer func() { _ = answer.Body.Close() }()
	text, err := io.ReadAll(answer.Body)
	require.NoError(t, err)
	return answer.StatusCode, string(text)
}

// procReady is what /readyz says.
func procReady(t *testing.T, c *procChild) (status int, components map[string]string) {
	t.Helper()
	status, body := procPlain(t, c.admin+"/readyz")
	require.NoError(t, json.Unmarshal([]byte(body), &components))
	return status, components
}

// procHost is the portal's public name. Browsers reach it wherever the process
// listens, which then needs no port agreed on beforehand.
const procHost = "portal.localhost"

// procWorld is what serve stands among, in this process.
type procWorld struct {
	vneid, population, portal string            // addresses
	data                      string            // the folder of the ledger
	accounts                  string            // the directory's file
	public                    string            // the portal's public URL
	keys                      map[string]string // "NEXT" is a further one
}

// procWorldConfig changes a world from the usual one.
type procWorldConfig struct {
	people   []vneidtest.Persona       // default vneidtest.Personas
	accounts []vneidtest.PortalAccount // further ones of nobody's
	portal   http.Handler              // instead of the simulated portal
	// tap sees what a simulator receives and answers; default nobody.
	tap    func(simulator string, next http.Handler) http.Handler
	scheme string // of the public URL; default http
}

func newProcWorld(t *testing.T, c procWorldConfig) *procWorld {
	t.Helper()
	if c.people == nil {
		c.people = vneidtest.Personas()
	}
	if c.tap == nil {
		c.tap = func(_ string, next http.Handler) http.Handler { return next }
	}
	if c.scheme == "" {
		c.scheme = "http"
	}
	w := &procWorld{data: t.TempDir(), keys: map[string]string{}, public: c.scheme + "://" + procHost}
	for _, name := range []string{"SECRET_KEYS", "LEDGER_KEYS", "LEDGER_INDEX_KEY", "NEXT", "CLIENT_SECRET", "POPULATION_TOKEN", "DIRECTORY_TOKEN"} {
		var key [32]byte
		_, _ = rand.Read(key[:]) // never fails, crypto/rand
		w.keys[name] = base64.StdEncoding.EncodeToString(key[:])
	}
	serve := func(name string, handler func(address string) (http.Handler, error)) string {
		server := httptest.NewUnstartedServer(nil)
		// Another host name than the portal's: another site to a browser.
		address := fmt.Sprintf("http://localhost:%d", server.Listener.Addr().(*net.TCPAddr).Port)
		h, err := handler(address)
		require.NoError(t, err)
		server.Config.Handler = c.tap(name, h)
		server.Start()
		t.Cleanup(func() {
			server.CloseClientConnections()
			server.Close()
		})
		return address
	}
	w.vneid = serve("vneid", func(address string) (http.Handler, error) {
		return vneidtest.NewVNeID(vneidtest.VNeIDConfig{Issuer: address, Personas: c.people, Clients: []vneidtest.Client{{
			ID: "portal", Secret: w.keys["CLIENT_SECRET"], RedirectURIs: []string{w.public + "/_vneid/callback"},
			PostLogoutRedirectURIs: []string{w.public + "/_vneid/sign-out"},
		}}})
	})
	w.population = serve("population", func(address string) (http.Handler, error) {
		return vneidtest.NewPopulation(vneidtest.PopulationConfig{
			Token: w.keys["POPULATION_TOKEN"], Personas: c.people, Procedures: []string{"1.009999"},
			Platform: vneidtest.PlatformConfig{URL: address + "/soap", User: "dvc", Secret: "population-secret"},
		})
	})
	w.portal = serve("portal", func(string) (http.Handler, error) {
		if c.portal != nil {
			return c.portal, nil
		}
		return vneidtest.NewPortal(vneidtest.PortalConfig{
			CredentialToken: w.keys["DIRECTORY_TOKEN"], Personas: c.people, Accounts: c.accounts,
		})
	})
	w.accounts = filepath.Join(t.TempDir(), "accounts.csv")
	all := slices.Clone(c.accounts)
	for _, p := range c.people {
		all = append(all, p.Accounts...)
	}
	require.NoError(t, os.WriteFile(w.accounts, procCSV(t, all), 0o600))
	return w
}

func procCSV(t *testing.T, accounts []vneidtest.PortalAccount) []byte {
	t.Helper()
	var b bytes.Buffer
	rows := csv.NewWriter(&b)
	all := [][]string{{"id", "username", "citizen_number", "citizen_number_verified", "id_card_number", "name", "birth_date", "kind", "status"}}
	for _, a := range accounts {
		status := "active"
		if a.Locked {
			status = "locked"
		}
		all = append(all, []string{a.ID, a.Username, a.CitizenNumber, strconv.FormatBool(a.CitizenNumberVerified), a.IDCardNumber, a.Name, a.BirthDate, cmp.Or(a.Kind, "citizen"), status})
	}
	require.NoError(t, rows.WriteAll(all))
	return b.Bytes()
}

// ledger is the ledger's file.
func (w *procWorld) ledger() string { return filepath.Join(w.data, "ledger.db") }

// environ is a configuration that serves; changes are "NAME=value" without the
// prefix, and win.
func (w *procWorld) environ(changes ...string) []string {
	later := time.Now().AddDate(0, 0, 30).Format(time.DateOnly)
	all := []string{
		"LISTEN=127.0.0.1:0", "ADMIN_LISTEN=127.0.0.1:0", "PUBLIC_URL=" + w.public,
		"UPSTREAM_URL=" + w.portal, "PUBLIC_PATHS=/assets/,/gioi-thieu",
		"PORTAL_LOGIN_URL=/dang-nhap", "PORTAL_WHOAMI_URL=/api/whoami", "PORTAL_SESSION_COOKIES=PORTAL_SID",
		"ISSUER_URL=" + w.vneid, "CLIENT_ID=portal", "LEDGER_URL=sqlite://" + w.ledger(),
		"DIRECTORY_URL=embedded:" + w.accounts, "DIRECTORY_CREDENTIAL_URL=" + w.portal + "/api/credential",
		"POPULATION_URL=" + w.population + "/v1/match",
		"LEGACY_SIGN_IN_UNTIL=" + later, "SKIP_UNTIL=" + later, "DRAIN_DELAY=0s", "DRAIN_TIMEOUT=20s",
	}
	for _, name := range []string{"SECRET_KEYS", "LEDGER_KEYS", "LEDGER_INDEX_KEY", "CLIENT_SECRET", "POPULATION_TOKEN", "DIRECTORY_TOKEN"} {
		all = append(all, name+"="+w.keys[name])
	}
	var environ []string
	for _, pair := range append(all, changes...) {
		environ = append(environ, "VNEID_PROXY_"+pair)
	}
	return environ
}

func (w *procWorld) key(t *testing.T, name string) []byte {
	t.Helper()
	key, err := base64.StdEncoding.DecodeString(w.keys[name])
	require.NoError(t, err)
	return key
}

var errProcForm = errors.New("the page has no such form")
