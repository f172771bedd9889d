package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vneid-proxy/broker/ledger"
	"vneid-proxy/config"
	"vneid-proxy/identity"
	"vneid-proxy/session"
	"vneid-proxy/vneidtest"
)

// rig is the wired product on real sockets, with the world around it: the
// portal at 127.0.0.1, the simulators at localhost, another site.
type rig struct {
	t             *testing.T
	origin, admin string // of the product, without a slash at the end
	wire          wire
	vneid         *vneidtest.VNeID
	vneidURL      string // its address
	population    *vneidtest.Population
	portal        *vneidtest.Portal
	people        []vneidtest.Persona
	accounts      []identity.Account
	env           map[string]string // without the prefix of the names
	stop          func()            // ends the product; the simulators go on
}

// rigWorld is what a test may have otherwise than usual.
type rigWorld struct {
	wire     wire                      // to VNeID; wireOIDC unless told otherwise
	way      populationWay             // to the population database; "" is json
	env      map[string]string         // over the usual environment; "" unsets
	people   []vneidtest.Persona       // nil is vneidtest.Personas
	accounts []vneidtest.PortalAccount // of nobody's, in the portal and the directory
	further  func(r *rig) string       // the text of PROVIDERS_FILE; nil for none
}

func rigKey(b byte) []byte { return bytes.Repeat([]byte{b}, 32) }

func base64Key(b byte) string { return base64.StdEncoding.EncodeToString(rigKey(b)) }

// day is a date so many days from now, as the configuration writes it.
func day(from int) string {
	return time.Now().Add(time.Duration(from) * 24 * time.Hour).Format(time.DateOnly)
}

func newRig(t *testing.T, world rigWorld) *rig {
	t.Helper()
	if world.people == nil {
		world.people = vneidtest.Personas()
	}
	if world.wire.profile == "" {
		world.wire = wireOIDC()
	}
	r := &rig{t: t, people: world.people, wire: world.wire}
	port := freePort(t)
	r.origin = fmt.Sprintf("http://127.0.0.1:%d", port)
	admin := freePort(t)
	for admin == port {
		admin = freePort(t)
	}
	r.admin = fmt.Sprintf("http://127.0.0.1:%d", admin)

	key, err := wireKey()
	require.NoError(t, err)
	r.vneidURL = r.simulate(func(address string) http.Handler {
		r.vneid, err = vneidtest.NewVNeID(vneidtest.VNeIDConfig{Issuer: address, Personas: world.people, Clients: []vneidtest.Client{{
			ID: "portal", Secret: "client-secret", RedirectURIs: []string{r.origin + "/_vneid/callback"},
			PostLogoutRedirectURIs: []string{r.origin + "/_vneid/sign-out"}, BackChannelLogoutURI: r.origin + "/_vneid/logout/backchannel", PublicKey: &key.PublicKey,
		}}})
		require.NoError(t, err)
		return r.vneid
	})
	population := r.simulate(func(address string) http.Handler {
		r.population, err = vneidtest.NewPopulation(populationConfig(address, world.people))
		require.NoError(t, err)
		return r.population
	})
	portal := r.simulate(func(string) http.Handler {
		r.portal, err = vneidtest.NewPortal(vneidtest.PortalConfig{
			CredentialToken: "credential-token", Personas: world.people, Accounts: world.accounts,
		})
		require.NoError(t, err)
		return r.portal
	})
	for _, p := range world.people {
		for _, a := range p.Accounts {
			r.accounts = append(r.accounts, directoryRow(t, a))
		}
	}
	for _, a := range world.accounts {
		r.accounts = append(r.accounts, directoryRow(t, a))
	}
	r.env = map[string]string{
		"LISTEN": fmt.Sprintf("127.0.0.1:%d", port), "ADMIN_LISTEN": fmt.Sprintf("127.0.0.1:%d", admin),
		"PUBLIC_URL": r.origin, "UPSTREAM_URL": portal, "PUBLIC_PATHS": "/assets/,/gioi-thieu",
		"PORTAL_LOGIN_URL": "/dang-nhap", "PORTAL_WHOAMI_URL": "/api/whoami", "PORTAL_SESSION_COOKIES": "PORTAL_SID",
		"CLIENT_ID": "portal", "CLIENT_SECRET": "client-secret",
		"SECRET_KEYS": base64Key(1), "LEDGER_KEYS": base64Key(2), "LEDGER_INDEX_KEY": base64Key(3),
		"LEDGER_URL":    "sqlite://" + filepath.Join(t.TempDir(), "ledger.db"),
		"DIRECTORY_URL": "embedded:" + filepath.Join(t.TempDir(), "accounts.csv"), "DIRECTORY_TOKEN": "credential-token",
		"DIRECTORY_CREDENTIAL_URL": portal + "/api/credential",
		"POPULATION_URL":           population + "/v1/match", "POPULATION_TOKEN": "population-token",
		"LEGACY_SIGN_IN_UNTIL": day(30), "SKIP_UNTIL": day(30),
		"CALL_TIMEOUT": "20s", // a busy machine is no outage
		"DRAIN_DELAY":  "0s", "DRAIN_TIMEOUT": "5s",
	}
	maps.Copy(r.env, world.wire.environ(t, r.vneidURL))
	if world.further != nil {
		r.env["PROVIDERS_FILE"] = filepath.Join(t.TempDir(), "providers.yaml")
		require.NoError(t, os.WriteFile(r.env["PROVIDERS_FILE"], []byte(world.further(r)), 0o600))
	}
	maps.Copy(r.env, world.way.environ(population))
	maps.Copy(r.env, world.env)
	r.start()
	t.Cleanup(func() { r.stop() })
	return r
}

// start serves; it returns once the product takes requests.
func (r *rig) start() {
	r.t.Helper()
	var environ []string
	for name, value := range r.env {
		environ = append(environ, config.Prefix+name+"="+value)
	}
	c, err := config.Load(environ)
	require.NoError(r.t, err)
	if !servedDirectory(c.Directory) {
		require.NoError(r.t, exportAccounts(c.Directory.URL.Path, r.accounts))
	}
	ctx, cancel := context.WithCancel(context.Background())
	ready, ended := make(chan struct{}), make(chan error, 1)
	logger := slog.New(slog.NewTextHandler(r.t.Output(), nil))
	go func() { ended <- serve(ctx, c, logger, func() { close(ready) }) }()
	select {
	case <-ready:
	case err := <-ended:
		cancel()
		require.NoError(r.t, err)
	}
	r.stop = func() {
		r.stop = func() {} // the cleanup must not wait a second time for what ended badly
		cancel()
		require.NoError(r.t, <-ended)
	}
}

// restart serves anew on the same ledger, with other settings.
func (r *rig) restart(env map[string]string) {
	r.t.Helper()
	r.stop()
	maps.Copy(r.env, env)
	r.start()
}

func (r *rig) simulate(handler func(address string) http.Handler) string {
	server := httptest.NewUnstartedServer(nil)
	_, port, err := net.SplitHostPort(server.Listener.Addr().String())
	require.NoError(r.t, err)
	address := "http://localhost:" + port
	server.Config.Handler = handler(address)
	server.Start()
	r.t.Cleanup(server.Close)
	return address
}

// freePort is below the range from which the system gives ports by itself, so
// that no connection takes it in between.
func freePort(t *testing.T) int {
	t.Helper()
	for range 100 {
		port := 20000 + rand.IntN(12000)
		if l, err := net.Listen("tcp", "127.0.0.1:"+strconv.Itoa(port)); err == nil {
			require.NoError(t, l.Close())
			return port
		}
	}
	require.FailNow(t, "no free port")
	return 0
}

func directoryRow(t *testing.T, a vneidtest.PortalAccount) identity.Account {
	t.Helper()
	row := identity.Account{
		ID: identity.AccountID(a.ID), Username: a.Username, Kind: identity.Kind(kind(a)), Locked: a.Locked,
		NumberVerified: a.CitizenNumberVerified, Name: a.Name,
	}
	var err error
	row.BirthDate, err = identity.ParseBirthDate(a.BirthDate)
	require.NoError(t, err)
	if a.CitizenNumber != "" {
		row.Number, err = identity.VouchedCitizenNumber(a.CitizenNumber)
		require.NoError(t, err)
	}
	if a.IDCardNumber != "" {
		row.IDCard, err = identity.ParseIDCardNumber(a.IDCardNumber)
		require.NoError(t, err)
	}
	return row
}

// persona is one of the people by key.
func (r *rig) persona(key string) vneidtest.Persona {
	r.t.Helper()
	for _, p := range r.people {
		if p.Key == key {
			return p
		}
	}
	require.FailNow(r.t, "no persona "+key)
	return vneidtest.Persona{}
}

// turn sets a knob of a simulator and turns it back when the test ends.
func turn(t *testing.T, c *vneidtest.Controls, knob, value string) {
	t.Helper()
	require.NoError(t, c.Set(knob, value))
	t.Cleanup(func() { _ = c.Set(knob, "") })
}

// metric reads one series from /metrics, 0 where it is not there yet.
func (r *rig) metric(series string) float64 {
	r.t.Helper()
	answer, err := http.Get(r.admin + "/metrics")
	require.NoError(r.t, err)
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	require.NoError(r.t, err)
	for line := range strings.Lines(string(text)) {
		if rest, found := strings.CutPrefix(line, series+" "); found {
			value, err := strconv.ParseFloat(strings.TrimSpace(rest), 64)
			require.NoError(r.t, err)
			return value
		}
	}
	return 0
}

// links are the active links of an account, read beside the running product.
func (r *rig) links(account string) []ledger.Link {
	r.t.Helper()
	l, err := ledger.Open(r.t.Context(), ledger.Config{URL: r.env["LEDGER_URL"], Keys: [][]byte{rigKey(2)}, IndexKey: rigKey(3)})
	require.NoError(r.t, err)
	defer func() { require.NoError(r.t, l.Close()) }()
	active, err := l.ActiveByAccount(r.t.Context(), identity.AccountID(account))
	if err != nil {
		require.ErrorIs(r.t, err, ledger.ErrNotFound)
		return nil
	}
	all, err := l.ActiveOf(r.t.Context(), active.CitizenID)
	require.NoError(r.t, err)
	return all
}

// oldJar seals as the product did a while ago.
func (r *rig) oldJar(ago time.Duration) *session.Jar {
	jar, err := session.NewJar(session.Config{
		Keys: [][]byte{rigKey(1)}, Lifetime: 8 * time.Hour, Idle: 30 * time.Minute,
		Now: func() time.Time { return time.Now().Add(-ago) },
	})
	require.NoError(r.t, err)
	return jar
}
