package main

import (
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vneid-proxy/vneidtest"
)

// A page that needs a higher level raises the session without losing the page;
// a provider that cannot is asked once.
func TestStepUp(t *testing.T) {
	for name, able := range map[string]bool{"the provider raises it": true, "the provider cannot": false} {
		t.Run(name, func(t *testing.T) {
			file := routesFile(t, `rules:
  - path: /ca-nhan
    access: protected
    needs: {authentication_level: [LoA3]}
    step_up: true
`)
			r := newRig(t, rigWorld{})
			var asked atomic.Int32
			issuer := r.simulate(func(address string) http.Handler {
				a, err := vneidtest.NewAdversary(vneidtest.AdversaryConfig{
					Issuer: address, ClientID: "portal", Persona: r.persona("linked"), Raises: able,
				}, "")
				require.NoError(t, err)
				return http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
					if q.URL.Path == "/authorize" && q.URL.Query().Get("acr_values") == "LoA3" {
						asked.Add(1)
					}
					a.ServeHTTP(w, q)
				})
			})
			r.restart(map[string]string{"ISSUER_URL": issuer, "ROUTES_FILE": file, "PUBLIC_PATHS": ""})
			p := r.person(t)
			p.visit(p.visit("/").link("/_vneid/start?provider=vneid"))
			require.Equal(t, http.StatusOK, p.program("/ping").status)
			assert.Zero(t, asked.Load(), "only where a page needs it")
			assert.Equal(t, http.StatusForbidden, p.program("/ca-nhan").status, "a program is told")

			before := p.copied("vneid_session")
			at := p.visit("/ca-nhan?muc=2")
			assert.EqualValues(t, 1, asked.Load())
			assert.Equal(t, "/ca-nhan?muc=2", at.url.RequestURI(), "the page is not lost")
			assert.Equal(t, http.StatusUnauthorized, before.program("/ping").status, "the id is another now")
			if able {
				assert.Equal(t, http.StatusOK, at.status, at.body)
				return
			}
			assert.Equal(t, http.StatusForbidden, at.status)
			assert.Equal(t, http.StatusForbidden, p.visit("/ca-nhan").status)
			assert.EqualValues(t, 1, asked.Load(), "asked once")
			assert.Equal(t, http.StatusOK, p.program("/ping").status, "what was allowed still is")
		})
	}
}

// routesFile is a file of rules; its name has no comma, which parts names.
func routesFile(t *testing.T, text string) string {
	t.Helper()
	folder, err := os.MkdirTemp("", "routes-")
	require.NoError(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(folder) })
	file := filepath.Join(folder, "routes.yaml")
	require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
	return file
}

// A page that wants a sign-in of just now has the person asked again, whatever
// the provider remembers of them, and loses neither the page nor a form. A
// provider that does not do so, or does not say when, is asked once.
func TestMaxAge(t *testing.T) {
	for name, test := range map[string]struct {
		ago             time.Duration // since the sign-in at the provider; 0 is not told
		reauthenticates bool
		rule            string // beside path, access and step_up
		asks            url.Values
		refused         string // title of the page that ends it, "" for none
		reason          string // of the provider's fault
	}{
		"asked again":          {2 * time.Hour, true, "max_age: 5m", url.Values{"max_age": {"300"}}, "", ""},
		"with prompt":          {2 * time.Hour, true, "max_age: 5m\n    prompt: login", url.Values{"max_age": {"300"}, "prompt": {"login"}}, "", ""},
		"not asked again":      {2 * time.Hour, false, "max_age: 5m", url.Values{"max_age": {"300"}}, "Cần đăng nhập lại để mở trang này", ""},
		"it is not told when":  {0, false, "max_age: 5m", url.Values{"max_age": {"300"}}, "Cần đăng nhập lại để mở trang này", "auth_time"},
		"young enough already": {10 * time.Second, false, "max_age: 5m", nil, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, rigWorld{})
			var mu sync.Mutex
			var all []url.Values
			asked := func() []url.Values {
				mu.Lock()
				defer mu.Unlock()
				return slices.Clone(all)
			}
			issuer := r.simulate(func(address string) http.Handler {
				a, err := vneidtest.NewAdversary(vneidtest.AdversaryConfig{
					Issuer: address, ClientID: "portal", Persona: r.persona("linked"), SignedInAgo: test.ago, Reauthenticates: test.reauthenticates,
				}, "")
				require.NoError(t, err)
				return http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
					if query := q.URL.Query(); q.URL.Path == "/authorize" {
						got := url.Values{}
						for _, name := range []string{"max_age", "prompt"} {
							if query.Has(name) {
								got[name] = query[name]
							}
						}
						mu.Lock()
						all = append(all, got)
						mu.Unlock()
					}
					a.ServeHTTP(w, q)
				})
			})
			file := routesFile(t, "rules:\n  - path: /ca-nhan\n    access: protected\n    step_up: true\n    "+test.rule+"\n"+
				"  - path: /nop-ho-so\n    access: protected\n    step_up: true\n    "+test.rule+"\n")
			r.restart(map[string]string{"ISSUER_URL": issuer, "ROUTES_FILE": file, "PUBLIC_PATHS": ""})
			p := r.person(t)
			p.visit(p.visit("/").link("/_vneid/start?provider=vneid"))
			require.Equal(t, http.StatusOK, p.program("/ping").status)
			require.Equal(t, []url.Values{{}}, asked(), "only where a page needs it")
			if test.asks != nil {
				refusal := p.program("/ca-nhan")
				assert.Equal(t, http.StatusForbidden, refusal.status, "a program is told")
				assert.Contains(t, refusal.body, "sign_in_too_old")
			}

			at := p.visit("/ca-nhan?muc=2")
			if test.asks == nil {
				assert.Len(t, asked(), 1)
			} else {
				require.Len(t, asked(), 2)
				assert.Equal(t, test.asks, asked()[1])
			}
			if test.reason != "" {
				assert.Equal(t, http.StatusBadRequest, at.status)
				assert.Equal(t, 1.0, r.metric(`vneid_proxy_provider_faults_total{provider="vneid",reason="`+test.reason+`"}`))
				at = p.visit(at.link("/_vneid/sign-in?rd="))
			}
			assert.Equal(t, "/ca-nhan?muc=2", at.url.RequestURI(), "the page is not lost")
			if test.refused != "" {
				assert.Equal(t, http.StatusForbidden, at.status)
				assert.Equal(t, test.refused, at.title())
				p.visit("/ca-nhan")
				assert.Len(t, asked(), 2, "asked once")
				assert.Equal(t, http.StatusOK, p.program("/ping").status, "what was allowed still is")
				return
			}
			assert.Equal(t, http.StatusOK, at.status, at.body)
		})
	}
}

// A form that met a sign-in too old waits until its sender has signed in again.
func TestMaxAgeKeepsAForm(t *testing.T) {
	t.Parallel()
	r := newRig(t, rigWorld{})
	issuer := r.simulate(func(address string) http.Handler {
		a, err := vneidtest.NewAdversary(vneidtest.AdversaryConfig{
			Issuer: address, ClientID: "portal", Persona: r.persona("linked"), SignedInAgo: 2 * time.Hour, Reauthenticates: true,
		}, "")
		require.NoError(t, err)
		return a
	})
	file := routesFile(t, "rules:\n  - path: /echo\n    access: protected\n    step_up: true\n    max_age: 5m\n    methods: [POST]\n")
	r.restart(map[string]string{"ISSUER_URL": issuer, "ROUTES_FILE": file, "PUBLIC_PATHS": ""})
	p := r.person(t)
	p.visit(p.visit("/").link("/_vneid/start?provider=vneid"))
	r.portal.ForgetRequests()
	sent := p.post("/echo/a", url.Values{"noi_dung": {"đơn xin"}}, "Origin", r.origin, "Sec-Fetch-Mode", "navigate")
	require.Equal(t, http.StatusSeeOther, sent.status, sent.body)
	at := p.follow(sent)
	assert.Equal(t, "/_vneid/unsent", at.url.Path)
	assert.Contains(t, at.body, "đơn xin")
	assert.Empty(t, r.portal.Requests(), "nothing was passed on before")

	// What cannot be kept is said to be lost.
	p = r.person(t)
	p.visit(p.visit("/").link("/_vneid/start?provider=vneid"))
	upload := p.ask(http.MethodPost, "/echo/a", "--b--", "Content-Type", "multipart/form-data; boundary=b", "Origin", r.origin, "Sec-Fetch-Mode", "navigate")
	assert.Equal(t, http.StatusForbidden, upload.status)
	assert.Contains(t, upload.body, "chưa được gửi đi")
}

// On a wire that does not tell when, only the operator's word makes a sign-in
// young enough; and nobody is sent round for ever.
func TestMaxAgeOnTheEncryptedWire(t *testing.T) {
	t.Parallel()
	r := newRig(t, rigWorld{wire: wireEncrypted()})
	file := routesFile(t, "rules:\n  - path: /ca-nhan\n    access: protected\n    step_up: true\n    max_age: 5m\n")
	r.restart(map[string]string{"ROUTES_FILE": file, "PUBLIC_PATHS": ""})
	p := r.person(t)
	p.vneid(p.visit("/"), "linked")
	at := p.get("/ca-nhan")
	require.Equal(t, http.StatusFound, at.status, "asked once more")
	at = p.follow(p.get(p.callbackFrom(at.location, "linked")))
	assert.Equal(t, http.StatusForbidden, at.status)
	assert.Equal(t, "/ca-nhan", at.url.Path)
	assert.Equal(t, http.StatusForbidden, p.get("/ca-nhan").status)

	r.restart(map[string]string{"AUTH_TIME": "sign_in"})
	p = r.person(t)
	p.vneid(p.visit("/"), "linked")
	assert.Equal(t, http.StatusOK, p.get("/ca-nhan").status)
}
