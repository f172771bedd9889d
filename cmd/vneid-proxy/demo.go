package main

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"

	"vneid-proxy/broker/directory"
	"vneid-proxy/broker/vneid"
	"vneid-proxy/config"
	"vneid-proxy/identity"
	"vneid-proxy/vneidtest"
)

// demoCommand serves everything on loopback. It never reads VNEID_PROXY_*.
type demoCommand struct {
	Port           int    `default:"8080" help:"Port of the proxy, at 127.0.0.1."`
	AdminPort      int    `default:"9180" help:"Port of metrics and health, at 127.0.0.1."`
	VNeIDPort      int    `name:"vneid-port" default:"8081" help:"Port of the simulated VNeID, at localhost."`
	PopulationPort int    `default:"8082" help:"Port of the simulated population database."`
	PortalPort     int    `default:"8083" help:"Port of the simulated legacy portal."`
	Wire           string `enum:"oidc,vneid-encrypted" default:"oidc" placeholder:"WIRE" help:"How VNeID is spoken to: oidc or vneid-encrypted."`
	Data           string `type:"path" placeholder:"DIR" help:"Folder for the ledger and its keys, kept afterwards. Default: a temporary one, removed."`
}

// Run serves the demo until it is told to stop.
func (d demoCommand) Run(ctx context.Context) (err error) {
	folder := d.Data
	if folder == "" {
		if folder, err = os.MkdirTemp("", "vneid-proxy-demo-"); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, os.RemoveAll(folder)) }()
	} else if err := os.MkdirAll(folder, 0o700); err != nil {
		return err
	}
	secrets, err := demoSecrets(folder)
	if err != nil {
		return err
	}
	// Another host name than the proxy's makes them another site to the
	// browser, so that SameSite cookies are put to the test.
	addresses := map[string]string{
		"vneid":      fmt.Sprintf("http://localhost:%d", d.VNeIDPort),
		"population": fmt.Sprintf("http://localhost:%d", d.PopulationPort),
		"portal":     fmt.Sprintf("http://localhost:%d", d.PortalPort),
	}
	public := fmt.Sprintf("http://127.0.0.1:%d", d.Port)
	key, err := demoKey(folder)
	if err != nil {
		return err
	}
	simulators, err := d.simulators(addresses, public, secrets, &key.PublicKey)
	if err != nil {
		return err
	}
	if err := exportAccounts(filepath.Join(folder, demoAccountsFile), vneidtest.Accounts()); err != nil {
		return err
	}
	c, err := config.Load(d.environ(addresses, public, folder, secrets))
	if err != nil {
		return err
	}
	logger := slog.New(slog.NewJSONHandler(os.Stderr, &slog.HandlerOptions{Level: c.Process.LogLevel}))
	group, ctx := errgroup.WithContext(ctx)
	for _, server := range simulators {
		listener, err := net.Listen("tcp", server.Addr)
		if err != nil {
			return portHint(err)
		}
		defer server.Close()
		group.Go(func() error {
			if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
				return err
			}
			return nil
		})
	}
	group.Go(func() error {
		defer func() {
			for _, server := range simulators {
				_ = server.Close()
			}
		}()
		return serve(ctx, c, logger, func() { d.welcome(public, addresses) })
	})
	return portHint(group.Wait())
}

// portHint says what to do about a port that somebody else has.
func portHint(err error) error {
	if errors.Is(err, syscall.EADDRINUSE) {
		return fmt.Errorf("%w (every port of the demo can be changed: see demo --help)", err)
	}
	return err
}

func (d demoCommand) simulators(
	addresses map[string]string, public string, secrets map[string]string, key *rsa.PublicKey,
) ([]*http.Server, error) {
	personas := vneidtest.Personas()
	provider, err := vneidtest.NewVNeID(vneidtest.VNeIDConfig{
		Issuer: addresses["vneid"], Personas: personas,
		Clients: []vneidtest.Client{{
			ID: "portal", Secret: secrets["client"], PublicKey: key,
			RedirectURIs:           []string{public + "/_vneid/callback"},
			PostLogoutRedirectURIs: []string{public + "/_vneid/sign-out"},
		}},
	})
	if err != nil {
		return nil, err
	}
	population, err := vneidtest.NewPopulation(vneidtest.PopulationConfig{Token: secrets["population"], Personas: personas})
	if err != nil {
		return nil, err
	}
	portal, err := vneidtest.NewPortal(vneidtest.PortalConfig{CredentialToken: secrets["credential"], Personas: personas})
	if err != nil {
		return nil, err
	}
	var servers []*http.Server
	for port, handler := range map[int]http.Handler{d.VNeIDPort: provider, d.PopulationPort: population, d.PortalPort: portal} {
		servers = append(servers, &http.Server{
			Addr: fmt.Sprintf("127.0.0.1:%d", port), Handler: handler, ReadHeaderTimeout: 5 * time.Second,
		})
	}
	return servers, nil
}

// environ is the demo's configuration, read as any other is.
func (d demoCommand) environ(addresses map[string]string, public, folder string, secrets map[string]string) []string {
	later := time.Now().AddDate(0, 0, 30).Format("2006-01-02")
	environ := []string{
		config.Prefix + "LISTEN=" + fmt.Sprintf("127.0.0.1:%d", d.Port),
		config.Prefix + "ADMIN_LISTEN=" + fmt.Sprintf("127.0.0.1:%d", d.AdminPort),
		config.Prefix + "PUBLIC_URL=" + public,
		config.Prefix + "UPSTREAM_URL=" + addresses["portal"],
		config.Prefix + "PUBLIC_PATHS=/assets/,/gioi-thieu",
		config.Prefix + "PORTAL_LOGIN_URL=/dang-nhap",
		config.Prefix + "PORTAL_WHOAMI_URL=/api/whoami",
		config.Prefix + "PORTAL_SESSION_COOKIES=PORTAL_SID",
		config.Prefix + "CLIENT_ID=portal",
		config.Prefix + "CLIENT_SECRET=" + secrets["client"],
		config.Prefix + "SECRET_KEYS=" + secrets["cookies"],
		config.Prefix + "LEDGER_KEYS=" + secrets["ledger"],
		config.Prefix + "LEDGER_INDEX_KEY=" + secrets["index"],
		config.Prefix + "LEDGER_URL=sqlite://" + filepath.Join(folder, "ledger.db"),
		config.Prefix + "DIRECTORY_URL=embedded:" + filepath.Join(folder, demoAccountsFile),
		config.Prefix + "DIRECTORY_CREDENTIAL_URL=" + addresses["portal"] + "/api/credential",
		config.Prefix + "DIRECTORY_TOKEN=" + secrets["credential"],
		config.Prefix + "POPULATION_URL=" + addresses["population"] + "/v1/match",
		config.Prefix + "POPULATION_TOKEN=" + secrets["population"],
		config.Prefix + "LEGACY_SIGN_IN_UNTIL=" + later,
		config.Prefix + "SKIP_UNTIL=" + later,
		config.Prefix + "ORGANISATION_NAME=Cổng dịch vụ công tỉnh Minh Hà",
		config.Prefix + "DRAIN_DELAY=0s",
		config.Prefix + "DRAIN_TIMEOUT=5s",
		config.Prefix + "PROVIDER=" + d.Wire,
	}
	if d.Wire == "vneid-encrypted" {
		return append(environ,
			config.Prefix+"AUTHORIZE_URL="+addresses["vneid"]+"/v2/authorize",
			config.Prefix+"TOKEN_URL="+addresses["vneid"]+"/v2/token",
			config.Prefix+"USERINFO_URL="+addresses["vneid"]+"/v2/userinfo",
			config.Prefix+"DECRYPTION_KEY_FILES="+filepath.Join(folder, demoKeyFile),
		)
	}
	return append(environ, config.Prefix+"ISSUER_URL="+addresses["vneid"])
}

// demoSecrets are kept beside the ledger that they open, made at the first
// start.
func demoSecrets(folder string) (map[string]string, error) {
	name := filepath.Join(folder, "demo-secrets")
	secrets := make(map[string]string)
	text, err := os.ReadFile(name)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	for line := range strings.Lines(string(text)) {
		if key, value, found := strings.Cut(strings.TrimSpace(line), " "); found {
			secrets[key] = value
		}
	}
	var b strings.Builder
	for _, key := range []string{"cookies", "ledger", "index", "client", "population", "credential"} {
		if secrets[key] == "" {
			var random [32]byte
			_, _ = rand.Read(random[:]) // never fails, crypto/rand
			secrets[key] = base64.StdEncoding.EncodeToString(random[:])
		}
		fmt.Fprintln(&b, key, secrets[key])
	}
	return secrets, os.WriteFile(name, []byte(b.String()), 0o600)
}

// demoAccountsFile holds the portal's accounts, as a portal's team exports them.
const demoAccountsFile = "demo-accounts.csv"

func exportAccounts(path string, accounts []identity.Account) error {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	rows, err := directory.NewCSVWriter(file)
	for _, a := range accounts {
		if err == nil {
			err = rows.Write(a)
		}
	}
	if err == nil {
		err = rows.Flush()
	}
	return errors.Join(err, file.Close())
}

// demoKeyFile holds the key that the simulated VNeID encrypts for.
const demoKeyFile = "demo-vneid.pem"

// demoKey is made at the first start, as the secrets are.
func demoKey(folder string) (*rsa.PrivateKey, error) {
	name := filepath.Join(folder, demoKeyFile)
	text, err := os.ReadFile(name)
	if err == nil {
		return vneid.ParseDecryptionKey(text)
	}
	if !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return nil, err
	}
	text = pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)})
	return key, os.WriteFile(name, text, 0o600)
}

// welcome says where to go and whom to try.
func (d demoCommand) welcome(public string, addresses map[string]string) {
	fmt.Printf(`
The portal, behind the proxy   %s
  every header it receives     %s/headers
  metrics                      http://127.0.0.1:%d/metrics
Simulated VNeID                %s (%s)
Simulated population database  %s
The portal itself, unguarded   %s

Whom to try (all invented):
`, public, public, d.AdminPort, addresses["vneid"], d.Wire, addresses["population"], addresses["portal"])
	for _, p := range vneidtest.Personas() {
		fmt.Printf("\n  %-9s %s\n", p.Key, p.Description.English)
		for _, a := range p.Accounts {
			fmt.Printf("            portal  %s / %s\n", a.Username, a.Password)
		}
		fmt.Printf("            VNeID   %s / %s\n", p.VNeID.Username, p.VNeID.Password)
	}
	fmt.Print("\nCtrl+C stops it.\n\nready\n")
}
