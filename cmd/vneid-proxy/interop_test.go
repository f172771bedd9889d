package main

import (
	"bufio"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/zitadel/oidc/v3/example/server/exampleop"
	"github.com/zitadel/oidc/v3/example/server/storage"
	"github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"

	"vneid-proxy/vneidtest"
)

// The providers here were written by others: what we and our simulator might
// have misread in the same way does not pass.

// claimsOf is what a provider that knows the State's claims says of a persona.
func claimsOf(who vneidtest.Persona) map[string]any {
	return map[string]any{
		"name": who.Name, "birthdate": who.BirthDate, "citizenPid": who.CitizenNumber, "accountLevel": who.AccountLevel,
	}
}

// certified is oidc-provider, which is certified for every profile used here.
type certified struct {
	issuer string
	log    *strings.Builder
}

// node is the Node that runs it, with its packages.
func node(t *testing.T) string {
	program := os.Getenv("NODE")
	if program == "" {
		shipped, _ := filepath.Glob("../../e2e/node_modules/node-linux-*/bin/node")
		program = "node"
		for _, one := range shipped {
			if abs, err := filepath.Abs(one); err == nil {
				program = abs
			}
		}
	}
	_, missing := os.Stat("../../e2e/node_modules/oidc-provider/package.json")
	if _, err := exec.LookPath(program); err != nil || missing != nil {
		if os.Getenv("CI") != "" {
			require.FailNow(t, "no Node, or e2e's packages are not installed: tools/packages")
		}
		t.Skip("no Node, or e2e's packages are not installed: tools/packages")
	}
	return program
}

func startCertified(t *testing.T, r *rig, pushed bool, client map[string]any) *certified {
	program, port := node(t), freePort(t)
	c := &certified{issuer: fmt.Sprintf("http://localhost:%d", port), log: &strings.Builder{}}
	people := map[string]any{}
	for _, who := range r.people {
		people[who.Key] = claimsOf(who)
	}
	settings, err := json.Marshal(map[string]any{
		"issuer": c.issuer, "port": port, "cookie_key": rand.Text(), "people": people, "client": client, "pushed": pushed,
	})
	require.NoError(t, err)
	file := filepath.Join(t.TempDir(), "settings.json")
	require.NoError(t, os.WriteFile(file, settings, 0o600))
	ctx, cancel := context.WithCancel(context.Background())
	command := exec.CommandContext(ctx, program, "provider.mjs", file)
	command.Dir = "../../e2e"
	command.Stderr = c.log
	stdin, err := command.StdinPipe() // it ends with us, whatever becomes of us
	require.NoError(t, err)
	stdout, err := command.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, command.Start())
	t.Cleanup(func() {
		_ = stdin.Close()
		_, _ = io.Copy(io.Discard, stdout)
		_ = command.Wait()
		cancel()
		if t.Failed() {
			t.Log(c.log.String())
		}
	})
	line, err := bufio.NewReader(stdout).ReadString('\n')
	require.NoError(t, err, "%s", c.log)
	require.Equal(t, "ready\n", line)
	return c
}

// signIn fills in the provider's own pages: the login, then the consent.
func (c *certified) signIn(p *person, chooser page, key string) page {
	p.t.Helper()
	login := p.visit(chooser.link("/_vneid/start?provider=vneid"))
	require.Equal(p.t, http.StatusOK, login.status, login.body)
	consent := p.follow(p.submit(login, login.url.Path, "login", key, "password", "any"))
	return p.follow(p.submit(consent, consent.url.Path))
}

func clientKeyFile(t *testing.T, key crypto.Signer) string {
	text, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(t, err)
	folder, err := os.MkdirTemp("", "client-key-")
	require.NoError(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(folder) })
	name := filepath.Join(folder, "client.pem")
	require.NoError(t, os.WriteFile(name, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: text}), 0o600))
	return name
}

func publicJWK(t *testing.T, key crypto.Signer) jose.JSONWebKey {
	public := jose.JSONWebKey{Key: key.Public(), Use: "sig"}
	thumbprint, err := public.Thumbprint(crypto.SHA256)
	require.NoError(t, err)
	public.KeyID = base64.RawURLEncoding.EncodeToString(thumbprint)
	return public
}

func TestInteropCertifiedProvider(t *testing.T) {
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	ecKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	for name, test := range map[string]struct {
		key    crypto.Signer
		pushed bool // the provider insists on it
		client map[string]any
		env    map[string]string
	}{
		"private_key_jwt, RSA, pushed": {key: rsaKey, pushed: true, client: map[string]any{"token_endpoint_auth_method": "private_key_jwt"}},
		"private_key_jwt, P-256, for the token endpoint": {
			key: ecKey, client: map[string]any{"token_endpoint_auth_method": "private_key_jwt", "token_endpoint_auth_signing_alg": "ES256"},
			env: map[string]string{"CLIENT_ASSERTION_AUDIENCE": "token_endpoint", "PUSHED_REQUESTS": "never"},
		},
		"secret in the header, pushed": {pushed: true, client: map[string]any{"token_endpoint_auth_method": "client_secret_basic", "client_secret": "client+secret:/%41"}},
		"ID token by ES256":            {client: map[string]any{"client_secret": "client-secret", "id_token_signed_response_alg": "ES256"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, rigWorld{})
			client := map[string]any{
				"client_id": "portal", "redirect_uris": []string{r.origin + "/_vneid/callback"},
				"post_logout_redirect_uris": []string{r.origin + "/_vneid/sign-out"},
				"backchannel_logout_uri":    r.origin + "/_vneid/logout/backchannel", "backchannel_logout_session_required": true,
				"response_types": []string{"code"}, "grant_types": []string{"authorization_code"},
			}
			env := map[string]string{"SCOPES": "openid profile"}
			if test.key != nil {
				client["jwks"] = map[string]any{"keys": []any{publicJWK(t, test.key)}}
				env["CLIENT_KEY_FILE"], env["CLIENT_SECRET"] = clientKeyFile(t, test.key), ""
			} else {
				env["CLIENT_SECRET"], _ = test.client["client_secret"].(string)
			}
			for name, value := range test.client {
				client[name] = value
			}
			for name, value := range test.env {
				env[name] = value
			}
			c := startCertified(t, r, test.pushed, client)
			env["ISSUER_URL"] = c.issuer
			r.restart(env)

			p := r.person(t)
			start := p.get(p.visit(wanted).link("/_vneid/start?provider=vneid"))
			to, err := url.Parse(start.location)
			require.NoError(t, err)
			if env["PUSHED_REQUESTS"] == "never" {
				assert.Equal(t, "S256", to.Query().Get("code_challenge_method"))
			} else {
				assert.Len(t, to.Query(), 2, "client_id and request_uri, nothing else by the browser")
				assert.NotEmpty(t, to.Query().Get("request_uri"))
			}

			at := c.signIn(p, p.visit(wanted), "linked")
			require.Equal(t, http.StatusOK, at.status, at.body)
			assert.Equal(t, wanted, at.url.RequestURI(), "the page first asked for")
			require.Equal(t, http.StatusOK, p.program("/ping").status)

			// The same person at another browser: two sessions there, so that one's
			// sign-out leaves the other's.
			other := r.person(t)
			c.signIn(other, other.visit(wanted), "linked")
			stolen := p.copied("vneid_session")
			question := p.follow(p.submit(p.get("/_vneid/sign-out"), "/sign-out"))
			assert.Equal(t, c.issuer, question.url.Scheme+"://"+question.url.Host, "the provider asks whether to sign out there too")
			done := p.follow(p.submit(question, "/session/end/confirm", "logout", "yes"))
			assert.Equal(t, "Đã đăng xuất", done.title())
			assert.Contains(t, done.body, "tại hệ thống đăng nhập", "our state came back")
			assert.Equal(t, http.StatusUnauthorized, stolen.program("/ping").status)
			assert.Equal(t, 1.0, r.metric(`vneid_proxy_provider_logouts_total{channel="back",outcome="ok",provider="vneid"}`), "%s", c.log)
			assert.Equal(t, http.StatusOK, other.program("/ping").status)

			// Signed out at the provider, without us: its notice alone ends it.
			there := other.follow(other.get(c.issuer + "/session/end"))
			other.follow(other.submit(there, "/session/end/confirm", "logout", "yes"))
			assert.Equal(t, http.StatusUnauthorized, other.program("/ping").status)
			assert.Equal(t, 2.0, r.metric(`vneid_proxy_provider_logouts_total{channel="back",outcome="ok",provider="vneid"}`), "%s", c.log)
		})
	}
}

// exampleStorage is zitadel's example with the State's claims.
type exampleStorage struct {
	*storage.Storage
	claims     map[string]any
	postLogout string
}

func (s exampleStorage) SetUserinfoFromToken(ctx context.Context, info *oidc.UserInfo, tokenID, subject, origin string) error {
	err := s.Storage.SetUserinfoFromToken(ctx, info, tokenID, subject, origin)
	for name, value := range s.claims {
		if name == "name" {
			info.Name, _ = value.(string)
			continue
		}
		if name == "birthdate" {
			info.Birthdate, _ = value.(string)
			continue
		}
		info.AppendClaims(name, value)
	}
	return err
}

func (s exampleStorage) GetClientByClientID(ctx context.Context, id string) (op.Client, error) {
	client, err := s.Storage.GetClientByClientID(ctx, id)
	return exampleClient{client, s.postLogout}, err
}

type exampleClient struct {
	op.Client
	postLogout string
}

func (c exampleClient) PostLogoutRedirectURIs() []string { return []string{c.postLogout} }

func TestInteropZitadelExample(t *testing.T) {
	r := newRig(t, rigWorld{})
	issuer := r.simulate(func(address string) http.Handler {
		return exampleop.SetupServer(address, exampleStorage{
			storage.NewStorageWithClients(storage.NewUserStore(address), map[string]*storage.Client{
				"portal": storage.WebClient("portal", "client-secret", r.origin+"/_vneid/callback"),
			}),
			claimsOf(r.persona("linked")), r.origin + "/_vneid/sign-out",
		}, nil, false)
	})
	r.restart(map[string]string{"ISSUER_URL": issuer, "SCOPES": "openid profile"})
	p := r.person(t)
	login := p.visit(p.visit(wanted).link("/_vneid/start?provider=vneid"))
	at := p.follow(p.submit(login, "/login/username", "username", "test-user@localhost", "password", "verysecure"))
	require.Equal(t, http.StatusOK, at.status, at.body)
	assert.Equal(t, wanted, at.url.RequestURI())
	stolen := p.copied("vneid_session")
	require.Equal(t, http.StatusOK, stolen.program("/ping").status)
	done := p.follow(p.submit(p.get("/_vneid/sign-out"), "/sign-out"))
	assert.Equal(t, "Đã đăng xuất", done.title())
	assert.Contains(t, done.body, "tại hệ thống đăng nhập")
	assert.Equal(t, http.StatusUnauthorized, stolen.program("/ping").status)
}
