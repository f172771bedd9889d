package main_test

import (
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vneid-proxy/vneidtest"
)

// checkCanary stands in what others say, and in no report.
const checkCanary = "canary-7f3a"

// checkFound is one finding as a pipeline reads it.
type checkFound struct{ Check, State, Says, Mend string }

// checkTap stands before the simulators: it notes who is asked what, and
// breaks what a test wants broken.
type checkTap struct {
	mu    sync.Mutex
	asked []string
	// instead answers in a simulator's place and reports whether it did; nil
	// lets everything through.
	instead func(simulator string, w http.ResponseWriter, r *http.Request, next http.Handler) bool
}

func (tap *checkTap) wrap(simulator string, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		tap.mu.Lock()
		tap.asked = append(tap.asked, simulator+" "+r.Method+" "+r.URL.Path)
		instead := tap.instead
		tap.mu.Unlock()
		if instead == nil || !instead(simulator, w, r, next) {
			next.ServeHTTP(w, r)
		}
	})
}

func (tap *checkTap) set(instead func(string, http.ResponseWriter, *http.Request, http.Handler) bool) {
	tap.mu.Lock()
	defer tap.mu.Unlock()
	tap.instead, tap.asked = instead, nil
}

func (tap *checkTap) questions() []string {
	tap.mu.Lock()
	defer tap.mu.Unlock()
	return slices.Sorted(slices.Values(tap.asked))
}

// checkRun runs check and reads what it prints as JSON.
func checkRun(t *testing.T, w *procWorld, environ []string, args ...string) (code int, found []checkFound) {
	t.Helper()
	c := procStart(t, environ, append([]string{"check", "--json"}, args...)...)
	code = c.code(t)
	var report struct {
		Findings                    []checkFound
		OK, Notes, Warnings, Faults int
	}
	require.NoError(t, json.Unmarshal([]byte(c.stdout.String()), &report), "%s%s", c.stdout.String(), c.stderr.String())
	checkSilent(t, w, c.stdout.String()+c.stderr.String())
	sum := map[string]int{"ok": 0, "note": 0, "warning": 0, "fault": 0}
	for _, f := range report.Findings {
		sum[f.State]++
		assert.NotEmpty(t, f.Says, f.Check)
		assert.NotContains(t, f.Says+f.Mend, "\n")
		assert.Equal(t, f.State == "warning" || f.State == "fault", f.Mend != "", "%s: %s", f.Check, f.Says)
	}
	assert.Equal(t, map[string]int{"ok": report.OK, "note": report.Notes, "warning": report.Warnings, "fault": report.Faults}, sum)
	assert.Equal(t, map[bool]int{true: 1, false: 0}[report.Faults > 0], code)
	return code, report.Findings
}

// checkSilent looks for what no report may hold.
func checkSilent(t *testing.T, w *procWorld, said string) {
	t.Helper()
	for name, secret := range w.keys {
		assert.NotContains(t, said, secret, name)
	}
	for _, p := range vneidtest.Personas() {
		assert.NotContains(t, said, p.CitizenNumber)
		assert.NotContains(t, said, p.Name)
		for _, a := range p.Accounts {
			assert.NotContains(t, said, a.Password)
		}
	}
	assert.NotContains(t, said, checkCanary, "somebody else's words")
	assert.NotContains(t, said, "goroutine ")
}

// checkOthers are the findings that are neither ok nor a note, as "fault
// provider.issuer".
func checkOthers(found []checkFound) []string {
	others := map[string]bool{}
	for _, f := range found {
		if f.State == "warning" || f.State == "fault" {
			others[f.State+" "+f.Check] = true
		}
	}
	return slices.Sorted(maps.Keys(others))
}

// checkWorldState is what a check could have changed at others.
func checkWorldState(t *testing.T, w *procWorld) (state []string) {
	t.Helper()
	for _, simulator := range []string{w.vneid, w.population, w.portal} {
		answer, err := http.Get(simulator + "/personas.json")
		require.NoError(t, err)
		text, err := io.ReadAll(answer.Body)
		require.NoError(t, err)
		require.NoError(t, answer.Body.Close())
		state = append(state, string(text))
	}
	file, err := os.ReadFile(w.accounts)
	require.NoError(t, err)
	return append(state, string(file))
}

// TestCheckFindsNothingWrong also holds what is asked of others, and that
// nothing is changed there or here.
func TestCheckFindsNothingWrong(t *testing.T) {
	tap := &checkTap{}
	w := newProcWorld(t, procWorldConfig{tap: tap.wrap})
	questions := []string{
		"portal GET /", "portal GET /api/whoami", "portal GET /api/whoami", "portal GET /dang-nhap",
		"portal POST /api/credential", "portal POST /api/credential",
		"vneid GET /.well-known/openid-configuration", "vneid GET /.well-known/openid-configuration", "vneid GET /keys", "vneid POST /oauth/token",
	}
	before := checkWorldState(t, w)
	for _, test := range []struct {
		name  string
		args  []string
		asked []string
		notes []string
	}{
		{"connects", nil, questions, []string{"portal.direct", "population.match"}},
		{"asks", []string{"--ask-population"}, append([]string{"population POST /v1/match"}, questions...), []string{"portal.direct"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			tap.set(nil)
			code, found := checkRun(t, w, w.environ(), test.args...)
			assert.Equal(t, 0, code)
			assert.Equal(t, test.asked, tap.questions())
			var notes []string
			for _, f := range found {
				if f.State != "ok" {
					notes = append(notes, f.Check)
				}
			}
			assert.Equal(t, test.notes, notes)
			left, err := os.ReadDir(w.data)
			require.NoError(t, err)
			assert.Empty(t, left, "no ledger is made, and nothing is left in its folder")
		})
	}
	assert.Equal(t, before, checkWorldState(t, w))
}

// A provider of the file is looked at as the environment's is, and what is wrong
// with it is told in the file's words.
func TestCheckOfFurtherProviders(t *testing.T) {
	w := newProcWorld(t, procWorldConfig{})
	file := filepath.Join(t.TempDir(), "providers.yaml")
	require.NoError(t, os.WriteFile(file, []byte(`providers:
  - {name: noi-bo, title: Cán bộ, issuer_url: "http://127.0.0.1:1", client_id: office, link: none, account: {claim: uid, by: id, kinds: [official, citizen]}}
  - {name: quoc-gia, title: Quốc gia, profile: vneid-clear, authorize_url: "http://127.0.0.1:1/a", token_url: "http://127.0.0.1:1/t", userinfo_url: "http://127.0.0.1:1/u", client_id: office}
`), 0o600))
	code, found := checkRun(t, w, w.environ("PROVIDERS_FILE="+file))
	assert.Equal(t, 1, code)
	var faults []string
	for _, f := range found {
		if f.State == "fault" {
			faults = append(faults, f.Check+" "+f.Says+" "+f.Mend)
		}
	}
	assert.Equal(t, []string{
		"provider.reach noi-bo: 127.0.0.1:1: nothing listens there VNEID_PROXY_PROVIDERS_FILE, noi-bo: issuer_url: correct host and port, or start it",
		"provider.reach quoc-gia: 127.0.0.1:1: nothing listens there VNEID_PROXY_PROVIDERS_FILE, quoc-gia: authorize_url: correct host and port, or start it",
	}, faults)
	assert.True(t, slices.ContainsFunc(found, func(f checkFound) bool {
		return f.Check == "config.trust" && f.State == "warning" && strings.Contains(f.Says, "noi-bo")
	}), "citizens by another's word")
}

func TestCheckInWords(t *testing.T) {
	w := newProcWorld(t, procWorldConfig{})
	c := procStart(t, w.environ("DIRECTORY_TOKEN=wrong", "SKIP_UNTIL=2020-01-31"), "check")
	assert.Equal(t, 1, c.code(t))
	said := c.stdout.String()
	assert.Regexp(t, `(?m)^ok       provider\.reach +\S`, said)
	assert.Regexp(t, `(?m)^note     portal\.direct +\S`, said)
	assert.Regexp(t, `(?m)^warning  config\.dates +skipping ended on 2020-01-31\. Mend: VNEID_PROXY_SKIP_UNTIL: `, said)
	assert.Regexp(t, `(?m)^fault    portal\.credential +.*Mend: VNEID_PROXY_DIRECTORY_TOKEN: `, said)
	assert.Regexp(t, `\n\d+ ok, 2 notes, 1 warnings, 1 faults\n$`, said)
	assert.Equal(t, "vneid-proxy: faults found: 1\n", c.stderr.String())
	checkSilent(t, w, said)
}

// TestCheckRefusesTheConfigurationAsServeDoes names every fault at once.
func TestCheckRefusesTheConfigurationAsServeDoes(t *testing.T) {
	w := newProcWorld(t, procWorldConfig{})
	for name, environ := range map[string][]string{
		"loader":  w.environ("SESSION_IDLE=9h", "LINK=never", "UPSTREAM_ADDRESS="+checkCanary),
		"headers": w.environ("IDENTITY_HEADERS=Cookie={username}"),
	} {
		t.Run(name, func(t *testing.T) {
			check := procStart(t, environ, "check", "--json")
			assert.Equal(t, 2, check.code(t))
			serve := procStart(t, environ, "serve")
			assert.Equal(t, 2, serve.code(t))
			assert.Equal(t, serve.stderr.String(), check.stderr.String())
			var said struct {
				Refused []struct{ Variable, Mend string }
			}
			require.NoError(t, json.Unmarshal([]byte(check.stdout.String()), &said))
			require.NotEmpty(t, said.Refused)
			for _, one := range said.Refused {
				assert.Contains(t, check.stderr.String(), one.Variable+": "+one.Mend)
			}
			checkSilent(t, w, check.stdout.String())

			words := procStart(t, environ, "check")
			assert.Equal(t, 2, words.code(t))
			assert.Empty(t, words.stdout.String())
		})
	}
}
