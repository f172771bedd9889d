package main_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vneid-proxy/vneidtest"
)

// leakRecord is what the simulated population database holds of everybody
// beside the two numbers.
func leakRecord() []leakSecret {
	return []leakSecret{
		{"father's name", "ĐINH VĂN MẪU", false}, {"mother's name", "ĐOÀN THỊ MẪU", false}, {"spouse's name", "ĐÀM PHI MẪU", false},
		{"father's number", "099040009901", false}, {"father's CMND", "990140099", false}, {"mother's number", "099142009902", false},
		{"address", "Số 9 đường Mẫu", false}, {"household", "SHK-99-000001", false}, {"ethnicity", "DanToc", false}, {"religion", "TonGiao", false},
	}
}

// TestRecordsLeakNothing looks records up in both flows, good ones and lies, and
// searches all that the run left, the pages too, for what else a record holds.
func TestRecordsLeakNothing(t *testing.T) {
	seen := &leakAnswers{}
	w := newProcWorld(t, procWorldConfig{tap: seen.wrap})
	temporary := t.TempDir()
	c := procServe(t, append(w.environ("LOG_LEVEL=debug",
		"POPULATION_PROFILE=ndxp-plain", "POPULATION_URL="+w.population+"/soap", "POPULATION_TOKEN=", "POPULATION_TIMESTAMP=ms",
		"POPULATION_USER=dvc", "POPULATION_SECRET=population-secret", "POPULATION_PROCEDURE=1.009999", "POPULATION_OFFICIAL=099080000001",
		"POPULATION_LOOKUP=on", "TRUST_POPULATION_ID_CARD=true",
	), "TMPDIR="+temporary))
	walk := &leakWalk{t: t, origin: w.public, address: c.address, vneid: w.vneid, population: w.population, portal: w.portal, trail: &procTrail{}}
	people := map[string]vneidtest.Persona{}
	for _, p := range vneidtest.Personas() {
		people[p.Key] = p
	}
	var pages strings.Builder
	saw := func(page procPage, err error) procPage {
		require.NoError(t, err)
		pages.WriteString(page.body)
		return page
	}
	vneid := func(key string) procPage {
		return saw(walk.browser().atVNeID("/ho-so", map[string]string{"persona": key}))
	}
	// Who is it, twice over, and somebody else: each ends at the proof page.
	for _, lie := range []string{"record_two", "record_other", "soap_garbage"} {
		walk.knob(w.population, lie, "on")
		assert.Contains(t, vneid("cmnd").body, "Xác nhận tài khoản cũ")
		walk.knob(w.population, "reset", "on")
	}
	assert.Contains(t, vneid("cmnd_stranger").body, "Xác nhận tài khoản cũ")
	assert.Contains(t, vneid("cmnd").body, "Chọn tài khoản")
	for _, key := range []string{"cmnd", "cmnd_stranger"} {
		b, account := walk.browser(), people[key].Accounts[0]
		page := saw(b.atPortal("/ho-so", account.Username, account.Password))
		saw(b.submit(page, "/link/update", map[string]string{"citizen_number": people[key].CitizenNumber, "consent": "yes"}))
	}

	_, metrics := procPlain(t, c.admin+"/metrics")
	running := leakFiles(t, "", w.data, temporary, c.cmd.Dir)
	c.signal(t, procTerm)
	require.Equal(t, 0, c.code(t))
	places := append(append([]leakPlace{
		{"logs", []byte(c.stderr.String()), false}, {"standard output", []byte(c.stdout.String()), false},
		{"metrics", []byte(metrics), false}, leakURLs("addresses", walk.trail.urls), {"pages", []byte(pages.String()), false},
	}, running...), leakFiles(t, "", w.data, temporary, c.cmd.Dir)...)
	assert.Empty(t, leaks(places, leakRecord()))
	assert.Empty(t, leaks(places[:4], leakPeople()))
	assert.Contains(t, metrics, `operation="lookup",outcome="ok"`)

	// There was something to find: the records went over the wire.
	wire := seen.text()
	for _, secret := range leakRecord() {
		assert.NotEmpty(t, leaks([]leakPlace{{"wire", []byte(wire), false}}, []leakSecret{secret}), secret.what)
	}
}

// leakAnswers keeps what the population database answers.
type leakAnswers struct{ trail procOutput }

func (l *leakAnswers) text() string { return l.trail.String() }

func (l *leakAnswers) wrap(simulator string, next http.Handler) http.Handler {
	if simulator != "population" {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/soap" {
			next.ServeHTTP(w, r)
			return
		}
		next.ServeHTTP(leakCopy{w, &l.trail}, r)
	})
}

// leakCopy writes twice.
type leakCopy struct {
	http.ResponseWriter
	copy *procOutput
}

func (c leakCopy) Write(b []byte) (int, error) {
	_, _ = c.copy.Write(b) // memory takes everything
	return c.ResponseWriter.Write(b)
}
