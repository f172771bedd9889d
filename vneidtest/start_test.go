package vneidtest_test

import (
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"vneid-proxy/vneidtest"
)

const (
	clientID     = "vneid-proxy"
	clientSecret = "a-secret-of-tests"
	redirectURI  = "http://rp.invalid/callback"
	signedOutURI = "http://rp.invalid/signed-out"
	token        = "a-token-of-tests"
)

// serve starts a server whose handler needs to know its own address.
func serve(t *testing.T, make func(address string) http.Handler) string {
	t.Helper()
	server := httptest.NewUnstartedServer(nil)
	address := "http://" + server.Listener.Addr().String()
	server.Config.Handler = make(address)
	server.Start()
	t.Cleanup(server.Close)
	return address
}

func startVNeID(t *testing.T, change ...func(*vneidtest.VNeIDConfig)) (v *vneidtest.VNeID, address string) {
	t.Helper()
	address = serve(t, func(address string) http.Handler {
		cfg := vneidtest.VNeIDConfig{Issuer: address, Clients: []vneidtest.Client{{
			ID: clientID, Secret: clientSecret,
			RedirectURIs: []string{redirectURI}, PostLogoutRedirectURIs: []string{signedOutURI},
		}}}
		for _, f := range change {
			f(&cfg)
		}
		var err error
		v, err = vneidtest.NewVNeID(cfg)
		require.NoError(t, err)
		return v
	})
	return v, address
}

func startPopulation(t *testing.T) (p *vneidtest.Population, address string) {
	t.Helper()
	p, err := vneidtest.NewPopulation(vneidtest.PopulationConfig{Token: token})
	require.NoError(t, err)
	return p, serve(t, func(string) http.Handler { return p })
}

func startPortal(t *testing.T) (p *vneidtest.Portal, address string) {
	t.Helper()
	p, err := vneidtest.NewPortal(vneidtest.PortalConfig{CredentialToken: token, Accounts: []vneidtest.PortalAccount{
		{ID: "tk-9001", Username: "bikhoa", Password: "cong-khoa-7399", Name: "Đỗ Thị Khóa", Locked: true},
	}})
	require.NoError(t, err)
	return p, serve(t, func(string) http.Handler { return p })
}

// browser keeps cookies, and follows redirects within the simulator only.
func browser(t *testing.T) *http.Client {
	t.Helper()
	jar, err := cookiejar.New(nil)
	require.NoError(t, err)
	return &http.Client{Jar: jar, CheckRedirect: func(r *http.Request, _ []*http.Request) error {
		if r.URL.Hostname() == "rp.invalid" {
			return http.ErrUseLastResponse
		}
		return nil
	}}
}

// fetch returns an answer whose body has been read.
func fetch(t *testing.T, c *http.Client, r *http.Request) (*http.Response, string) {
	t.Helper()
	answer, err := c.Do(r)
	require.NoError(t, err)
	defer func() { _ = answer.Body.Close() }()
	body, err := io.ReadAll(answer.Body)
	require.NoError(t, err)
	return answer, string(body)
}

func get(t *testing.T, c *http.Client, address string) (*http.Response, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
	require.NoError(t, err)
	return fetch(t, c, r)
}

func post(t *testing.T, c *http.Client, address string, form url.Values) (*http.Response, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, address, strings.NewReader(form.Encode()))
	require.NoError(t, err)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return fetch(t, c, r)
}

// do sends a program's request.
func do(t *testing.T, method, address, body string, header http.Header) (status int, answer string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, address, strings.NewReader(body))
	require.NoError(t, err)
	for name, values := range header {
		r.Header[name] = values
	}
	got, answer := fetch(t, &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error {
		return http.ErrUseLastResponse
	}}, r)
	return got.StatusCode, answer
}
