package main_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vneid-proxy/vneidtest"
)

// leakTap sees what the simulators receive as addresses, and the tokens that
// VNeID hands out.
type leakTap struct {
	mu       sync.Mutex
	received []string
	tokens   []leakSecret
	idTokens map[string]bool
	cut      atomic.Bool // the portal breaks connections
}

func (tap *leakTap) wrap(simulator string, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if simulator == "portal" && tap.cut.Load() {
			panic(http.ErrAbortHandler)
		}
		tap.mu.Lock()
		if r.URL.Path != "/end_session" { // see leakSignOuts
			tap.received = append(tap.received, r.RequestURI)
		}
		tap.received = append(tap.received, r.Referer())
		tap.mu.Unlock()
		if simulator != "vneid" || r.URL.Path != "/oauth/token" {
			next.ServeHTTP(w, r)
			return
		}
		body, _ := io.ReadAll(r.Body) // cut short it is refused by next
		r.Body = io.NopCloser(bytes.NewReader(body))
		answer := httptest.NewRecorder()
		next.ServeHTTP(answer, r)
		tap.exchange(r, body, answer.Body.Bytes())
		for name, values := range answer.Header() {
			w.Header()[name] = values
		}
		w.WriteHeader(answer.Code)
		_, _ = w.Write(answer.Body.Bytes())
	})
}

func (tap *leakTap) addresses() []string {
	tap.mu.Lock()
	defer tap.mu.Unlock()
	return slices.Clone(tap.received)
}

func (tap *leakTap) exchange(r *http.Request, asked, answered []byte) {
	tap.mu.Lock()
	defer tap.mu.Unlock()
	form, _ := url.ParseQuery(string(asked)) // what parses counts
	tap.tokens = append(tap.tokens,
		leakSecret{"code", form.Get("code"), true}, leakSecret{"PKCE verifier", form.Get("code_verifier"), false},
		leakSecret{"client credentials", strings.TrimPrefix(r.Header.Get("Authorization"), "Basic "), false},
	)
	var tokens map[string]any
	_ = json.Unmarshal(answered, &tokens) // garbage has none
	for _, name := range []string{"access_token", "id_token", "refresh_token"} {
		token, _ := tokens[name].(string)
		tap.tokens = append(tap.tokens, leakSecret{name, token, false})
		if parts := strings.Split(token, "."); len(parts) == 3 {
			tap.tokens = append(tap.tokens, leakSecret{name + "'s payload", parts[1], false}, leakSecret{name + "'s signature", parts[2], false})
		}
		if name == "id_token" && token != "" {
			if tap.idTokens == nil {
				tap.idTokens = map[string]bool{}
			}
			tap.idTokens[token] = true
		}
	}
}

// leakPeople are what nobody may learn of the personas.
func leakPeople() (secrets []leakSecret) {
	for _, p := range vneidtest.Personas() {
		secrets = append(secrets,
			leakSecret{p.Key + "'s citizen number", p.CitizenNumber, false}, leakSecret{p.Key + "'s CMND", p.IDCardNumber, false},
			leakSecret{p.Key + "'s VNeID password", p.VNeID.Password, false}, leakSecret{p.Key + "'s name", p.Name, false},
			leakSecret{p.Key + "'s subject", p.VNeID.Subject, false})
		for _, a := range p.Accounts {
			secrets = append(secrets, leakSecret{p.Key + "'s portal password", a.Password, false}, leakSecret{p.Key + "'s name at the portal", a.Name, false})
		}
	}
	return append(secrets, leakSecret{"wrong password", leakWrong, false})
}

// carried are the values of cookies that browsers were given.
func (t *procTrail) carried() (secrets []leakSecret) {
	for _, cookie := range t.cookies {
		if cookie.Value != "" {
			secrets = append(secrets, leakSecret{"cookie " + cookie.Name, cookie.Value, false})
		}
	}
	return secrets
}

const demoExport = "demo-accounts.csv"

// leakFiles is every file under the folders but that one, and but the portal's
// own export of its accounts, which is the demo's directory.
func leakFiles(t *testing.T, except string, folders ...string) (places []leakPlace) {
	t.Helper()
	for _, folder := range folders {
		require.NoError(t, filepath.WalkDir(folder, func(name string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() || entry.Name() == except || entry.Name() == demoExport {
				return err
			}
			text, err := os.ReadFile(name)
			places = append(places, leakPlace{entry.Name(), text, false})
			return err
		}))
	}
	return places
}

// leakSignOuts takes the ID token out of the one address where OpenID Connect
// puts it: the browser's way to the provider's own sign-out, as its
// id_token_hint (RP-Initiated Logout 1.0, section 2).
func leakSignOuts(t *testing.T, vneid string, urls []string) (rest []string, hints []string) {
	t.Helper()
	for _, text := range urls {
		at, err := url.Parse(text)
		require.NoError(t, err)
		query := at.Query()
		if !strings.HasPrefix(text, vneid+"/end_session?") || !query.Has("id_token_hint") {
			rest = append(rest, text)
			continue
		}
		hints = append(hints, query.Get("id_token_hint"))
		query.Del("id_token_hint")
		at.RawQuery = query.Encode()
		rest = append(rest, at.String())
	}
	return rest, hints
}

func leakURLs(name string, urls []string) leakPlace {
	return leakPlace{name, []byte(strings.Join(urls, "\n")), true}
}

// TestNothingLeaks runs everything once and searches all that the run left:
// logs at their most talkative, metrics, addresses, the ledger's bytes and every
// other file.
func TestNothingLeaks(t *testing.T) {
	twin := vneidtest.Personas()[1].Accounts[0]
	twin.ID, twin.Username, twin.Password = "tk-2002", "binh.tranvan", "cong-binh-7399"
	tap := &leakTap{}
	w := newProcWorld(t, procWorldConfig{tap: tap.wrap, accounts: []vneidtest.PortalAccount{twin}})
	temporary := t.TempDir()
	c := procServe(t, append(w.environ("LOG_LEVEL=debug", "PPROF=true"), "TMPDIR="+temporary))
	walk := &leakWalk{
		t: t, origin: w.public, address: c.address, vneid: w.vneid, population: w.population, portal: w.portal,
		twin: &twin, cut: tap.cut.Store, trail: &procTrail{},
	}
	walk.run()
	received := tap.addresses()
	walk.visitorsOwnWords()

	_, metrics := procPlain(t, c.admin+"/metrics")
	_, ready := procPlain(t, c.admin+"/readyz")
	_, routines := procPlain(t, c.admin+"/debug/pprof/goroutine?debug=2")
	running := leakFiles(t, "", w.data, temporary, c.cmd.Dir)
	c.signal(t, procTerm)
	require.Equal(t, 0, c.code(t))
	stopped := leakFiles(t, "", w.data, temporary, c.cmd.Dir)
	asked, hints := leakSignOuts(t, w.vneid, walk.trail.urls)

	places := append(append([]leakPlace{
		{"logs", []byte(c.stderr.String()), false}, {"standard output", []byte(c.stdout.String()), false},
		{"metrics", []byte(metrics), false}, {"readiness", []byte(ready), false}, {"goroutines", []byte(routines), false},
		leakURLs("addresses", asked), leakURLs("addresses at the simulators", received),
	}, running...), stopped...)
	secrets := append(append(append(leakPeople(), walk.told...), walk.trail.carried()...), tap.tokens...)
	secrets = append(secrets, leakSecret{"twin's password", twin.Password, false})
	for _, name := range []string{"SECRET_KEYS", "LEDGER_KEYS", "LEDGER_INDEX_KEY", "CLIENT_SECRET", "POPULATION_TOKEN", "DIRECTORY_TOKEN"} {
		secrets = append(secrets, leakSecret{name, w.keys[name], false}, leakSecret{name + " as bytes", string(w.key(t, name)), false})
	}
	assert.Empty(t, leaks(places, secrets))

	// The search had something to search, and something to search for.
	for _, hint := range hints {
		assert.True(t, tap.idTokens[hint])
	}
	assert.NotEmpty(t, hints)
	leakWasThere(t, places, secrets)
	assert.Contains(t, metrics, `vneid_proxy_sign_in_steps_total{provider="vneid",reason="",step="linked"}`)
	for _, said := range []string{`"msg":"linked"`, `"msg":"admitted"`, `"msg":"refused"`, `"level":"DEBUG"`, `"msg":"draining"`, `"decision":"forward"`} {
		assert.Contains(t, c.stderr.String(), said)
	}
	for _, name := range []string{"ledger.db", "ledger.db-wal", "ledger.db-shm"} {
		assert.Contains(t, fmt.Sprint(leakNames(running)), name)
	}
}

func leakNames(places []leakPlace) (names []string) {
	for _, place := range places {
		names = append(names, place.name)
	}
	return names
}

// leakWasThere seeds what was searched with what was searched for: each secret,
// put into each place, is found there.
func leakWasThere(t *testing.T, places []leakPlace, secrets []leakSecret) {
	t.Helper()
	var kinds []leakSecret // one of each
	for _, secret := range secrets {
		same := func(other leakSecret) bool { return other.what == secret.what || other.text == secret.text }
		if secret.text != "" && !secret.urls && !slices.ContainsFunc(kinds, same) {
			kinds = append(kinds, secret)
		}
	}
	for _, what := range []string{"cookie vneid_session", "cookie vneid_proof", "cookie PORTAL_SID", "form field csrf_token", "form field account", "assertion"} {
		assert.True(t, slices.ContainsFunc(kinds, func(s leakSecret) bool { return s.what == what }), what)
	}
	for _, place := range places {
		var seed []byte
		for _, secret := range kinds {
			seed = append(append(append(seed, '\n'), secret.text...), '\n')
		}
		seeded := place
		seeded.text = slices.Insert(bytes.Clone(place.text), len(place.text)/2, seed...)
		found := strings.Join(leaks([]leakPlace{seeded}, kinds), "\n")
		for _, secret := range kinds {
			assert.True(t, strings.Contains(found, place.name+": "+secret.what+" (plain)"), "%s in %s", secret.what, place.name)
		}
	}
}

// TestDemoLeaksNothing is the same of the demo, whose simulators are within:
// what it writes to its log and its folder, but for the file of its keys and
// the portal's export.
func TestDemoLeaksNothing(t *testing.T) {
	data, temporary := t.TempDir(), t.TempDir()
	c, ports := procDemo(t, []string{"TMPDIR=" + temporary}, "--data", data)
	at := func(i int) string { return fmt.Sprintf("http://localhost:%d", ports[i]) }
	walk := &leakWalk{
		t: t, origin: fmt.Sprintf("http://127.0.0.1:%d", ports[0]), vneid: at(2), population: at(3), portal: at(4), trail: &procTrail{},
	}
	walk.run()
	walk.visitorsOwnWords()
	_, metrics := procPlain(t, c.admin+"/metrics")
	running := leakFiles(t, "demo-secrets", data, temporary, c.cmd.Dir)
	c.signal(t, procTerm)
	require.Equal(t, 0, c.code(t))
	asked, hints := leakSignOuts(t, walk.vneid, walk.trail.urls)

	places := append(append([]leakPlace{
		{"logs", []byte(c.stderr.String()), false}, {"metrics", []byte(metrics), false}, leakURLs("addresses", asked),
	}, running...), leakFiles(t, "demo-secrets", data, temporary, c.cmd.Dir)...)
	secrets := append(append(leakPeople(), walk.told...), walk.trail.carried()...)
	for _, hint := range hints {
		secrets = append(secrets, leakSecret{"id_token", hint, false})
	}
	kept, err := os.ReadFile(filepath.Join(data, "demo-secrets"))
	require.NoError(t, err)
	keys := 0
	for line := range strings.Lines(string(kept)) {
		name, key, found := strings.Cut(strings.TrimSpace(line), " ")
		require.True(t, found)
		plain, err := base64.StdEncoding.DecodeString(key)
		require.NoError(t, err)
		secrets = append(secrets, leakSecret{"demo key " + name, key, false}, leakSecret{"demo key as bytes " + name, string(plain), false})
		keys++
	}
	assert.Equal(t, 6, keys)
	assert.Empty(t, leaks(places, secrets))
	leakWasThere(t, places, secrets)
}
