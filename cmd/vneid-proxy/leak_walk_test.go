package main_test

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vneid-proxy/vneidtest"
)

// leakWalk is one full run: every flow, every persona, every error that a
// visitor can bring about. What it finds on the way is checked only as far as
// it must be for the run to have been one.
type leakWalk struct {
	t          *testing.T
	origin     string
	address    string // where procHost listens
	vneid      string // addresses of the simulators
	population string
	portal     string
	twin       *vneidtest.PortalAccount // another account that fits the persona cmnd, or none
	cut        func(bool)               // takes the portal away, or nil

	trail *procTrail
	// told are the secrets that came up: cookies, form tokens, assertions.
	told []leakSecret
}

// leakWrong is a wrong password with something for every encoding in it.
const leakWrong = `sai-mật-khẩu "99"&<x>`

func (l *leakWalk) browser() *procBrowser {
	return newProcBrowser(l.t, l.origin, l.address, l.trail, nil)
}

var leakTokens = regexp.MustCompile(`name="(csrf_token|account|ticket)" value="([^"]+)"`)

// at holds a step to where it must have led, and notes what its page carries.
func (l *leakWalk) at(page procPage, err error) func(status int, path string) procPage {
	l.t.Helper()
	require.NoError(l.t, err)
	for _, field := range leakTokens.FindAllStringSubmatch(page.body, -1) {
		l.told = append(l.told, leakSecret{"form field " + field[1], field[2], false})
	}
	return func(status int, path string) procPage {
		l.t.Helper()
		require.Equal(l.t, status, page.status, page.url.Path)
		require.Equal(l.t, path, page.url.Path)
		return page
	}
}

func (l *leakWalk) knob(simulator, knob, value string) {
	l.t.Helper()
	answer, err := http.PostForm(simulator+"/sim/knobs", url.Values{knob: {value}})
	require.NoError(l.t, err)
	defer func() { _ = answer.Body.Close() }()
	require.Equal(l.t, http.StatusOK, answer.StatusCode)
}

func (l *leakWalk) assertion(b *procBrowser) {
	l.t.Helper()
	got, err := b.as()
	require.NoError(l.t, err)
	require.NotEmpty(l.t, got.Get("X-Identity-Assertion"))
	l.told = append(l.told, leakSecret{"assertion", got.Get("X-Identity-Assertion"), false})
}

func (l *leakWalk) signOut(b *procBrowser) {
	l.t.Helper()
	page := l.at(b.get("/_vneid/sign-out"))(200, "/_vneid/sign-out")
	l.at(b.submit(page, "/sign-out", nil))(200, "/_vneid/sign-out")
}

func (l *leakWalk) run() {
	people := map[string]vneidtest.Persona{}
	for _, p := range vneidtest.Personas() {
		people[p.Key] = p
	}
	l.linked(people)
	l.cmnd(people)
	l.two(people)
	l.none(people)
	l.mismatch(people)
	l.conflict(people)
	l.faults(people)
	l.forged(people)
}

func (l *leakWalk) linked(people map[string]vneidtest.Persona) {
	p := people["linked"]
	b := l.browser()
	l.at(b.get("/ho-so"))(200, "/_vneid/sign-in")
	page := l.at(b.atVNeID("/ho-so?trang=1", map[string]string{"username": p.VNeID.Username, "password": leakWrong}))(422, "/login")
	l.at(b.submit(page, "/login", map[string]string{"username": p.VNeID.Username, "password": p.VNeID.Password}))(200, "/ho-so")
	l.at(b.get("/_vneid/identity"))(200, "/_vneid/identity")
	l.at(b.get("/_vneid/session"))(200, "/_vneid/session")
	l.at(b.get("/ca-nhan"))(200, "/ca-nhan")
	l.at(b.ask(http.MethodGet, "/headers", http.Header{"X-Identity-Citizen-Number": {people["two"].CitizenNumber}}, nil))(200, "/headers")
	l.assertion(b)
	l.signOut(b)
	// The account's own password opens nothing any more; its user name is the
	// number itself.
	l.at(b.atPortal("/ho-so", p.Accounts[0].Username, leakWrong))(200, "/dang-nhap")
	l.at(b.atPortal("/ho-so", p.Accounts[0].Username, p.Accounts[0].Password))(403, "/_vneid/portal-return")
}

func (l *leakWalk) cmnd(people map[string]vneidtest.Persona) {
	p := people["cmnd"]
	account := p.Accounts[0]
	b := l.browser()
	l.at(b.atPortal("/nop-ho-so", account.Username, leakWrong))(200, "/dang-nhap")
	page := l.at(b.atPortal("/nop-ho-so", account.Username, account.Password))(200, "/_vneid/link")
	for _, typed := range []string{"12345", p.IDCardNumber, p.CitizenNumber + "7", people["none"].CitizenNumber} {
		page = l.at(b.submit(page, "/link/update", map[string]string{"citizen_number": typed, "consent": "yes"}))(422, "/_vneid/link/update")
	}
	l.at(b.submit(page, "/link/update", map[string]string{"citizen_number": p.CitizenNumber, "csrf_token": "x", "consent": "yes"}))(403, "/_vneid/link/update")
	// A check that waits, and is answered no.
	l.knob(l.population, "match_down", "on")
	l.at(b.submit(page, "/link/update", map[string]string{"citizen_number": people["two"].CitizenNumber, "consent": "yes"}))(200, "/_vneid/link")
	l.at(b.get("/_vneid/identity"))(200, "/_vneid/identity")
	l.knob(l.population, "reset", "on")
	require.Eventually(l.t, func() bool {
		answered, err := b.get("/nop-ho-so")
		page = answered
		return err == nil && answered.url.Path == "/_vneid/link"
	}, procPatience, 50*time.Millisecond)
	page = l.at(page, nil)(200, "/_vneid/link")
	spaced := p.CitizenNumber[:3] + " " + p.CitizenNumber[3:6] + "." + p.CitizenNumber[6:]
	l.at(b.submit(page, "/link/update", map[string]string{"citizen_number": spaced, "consent": "yes"}))(200, "/nop-ho-so")
	l.assertion(b)
	l.at(b.get("/_vneid/identity"))(200, "/_vneid/identity")
	l.signOut(b)
	l.at(b.atVNeID("/ho-so", map[string]string{"persona": "cmnd"}))(200, "/ho-so")
	l.assertion(b)
}

func (l *leakWalk) two(people map[string]vneidtest.Persona) {
	b := l.browser()
	page := l.at(b.atVNeID("/", map[string]string{"persona": "two"}))(200, "/_vneid/link")
	handles := leakTokens.FindAllStringSubmatch(page.body, -1)
	require.NotEmpty(l.t, handles)
	chosen := ""
	for _, field := range handles {
		if field[1] == "account" {
			chosen = field[2]
		}
	}
	page = l.at(b.submit(page, "/link/choose", map[string]string{"account": people["two"].Accounts[0].ID, "consent": "yes"}))(422, "/_vneid/link/choose")
	l.at(b.submit(page, "/link/choose", map[string]string{"account": chosen, "consent": "yes"}))(200, "/")
	l.at(b.get("/_vneid/identity"))(200, "/_vneid/identity")
	l.assertion(b)
	l.signOut(b)
}

func (l *leakWalk) none(people map[string]vneidtest.Persona) {
	p, other := people["none"], people["cmnd"].Accounts[0]
	b := l.browser()
	page := l.at(b.atVNeID("/ho-so", map[string]string{"username": p.VNeID.Username, "password": p.VNeID.Password}))(200, "/_vneid/link")
	for _, credential := range [][2]string{
		{p.CitizenNumber, leakWrong}, {other.Username, leakWrong}, {other.Username, other.Password}, // the last is somebody else's
	} {
		page = l.at(b.submit(page, "/link/proof", map[string]string{"username": credential[0], "password": credential[1], "consent": "yes"}))(422, "/_vneid/link/proof")
	}
	l.at(b.submit(page, "/link/none", nil))(403, "/_vneid/link/none")
	// Guessing ends in 429.
	page = l.at(b.atVNeID("/ho-so", map[string]string{"persona": "none"}))(200, "/_vneid/link")
	fields := map[string]string{"username": "nobody-here", "password": leakWrong, "consent": "yes"}
	for range 5 {
		page = l.at(b.submit(page, "/link/proof", fields))(422, "/_vneid/link/proof")
	}
	l.at(b.submit(page, "/link/proof", fields))(429, "/_vneid/link/proof")
}

func (l *leakWalk) mismatch(people map[string]vneidtest.Persona) {
	p := people["mismatch"]
	account := p.Accounts[0]
	b := l.browser()
	page := l.at(b.atPortal("/ho-so", account.Username, account.Password))(200, "/_vneid/link")
	l.at(b.submit(page, "/link/skip", nil))(200, "/ho-so")
	l.assertion(b)
	page = l.at(b.get("/_vneid/identity"))(200, "/_vneid/identity")
	page = l.at(b.submit(page, "/identity/update", nil))(200, "/_vneid/link")
	l.at(b.submit(page, "/link/update", map[string]string{"citizen_number": p.CitizenNumber, "consent": "yes"}))(422, "/_vneid/link/update")

	b = l.browser()
	page = l.at(b.atVNeID("/ho-so", map[string]string{"persona": "mismatch"}))(200, "/_vneid/link")
	page = l.at(b.submit(page, "/link/proof", map[string]string{"username": account.Username, "password": account.Password, "consent": "yes"}))(403, "/_vneid/link/proof")
	assert.Regexp(l.t, `[2-9A-Z]{4}-[2-9A-Z]{4}`, page.body, "a reference code, which leads to an audit row")
}

// conflict types a number that matches and is linked to another account.
func (l *leakWalk) conflict(people map[string]vneidtest.Persona) {
	if l.twin == nil {
		return
	}
	b := l.browser()
	page := l.at(b.atPortal("/ho-so", l.twin.Username, l.twin.Password))(200, "/_vneid/link")
	l.at(b.submit(page, "/link/update", map[string]string{"citizen_number": people["cmnd"].CitizenNumber, "consent": "yes"}))(403, "/_vneid/link/update")
}

// faults are the others' faults, and what becomes of a sign-in then.
func (l *leakWalk) faults(people map[string]vneidtest.Persona) {
	b := l.browser()
	page := l.at(b.get("/_vneid/start?rd=/ho-so"))(200, "/login")
	page = l.at(b.submit(page, "/login", map[string]string{"cancel": "1"}))(403, "/_vneid/callback")
	l.at(b.get(page.url.String()))(400, "/_vneid/callback")
	l.at(b.get("/_vneid/callback?state=foreign&code=x"))(400, "/_vneid/callback")
	for knob, status := range map[string]int{
		"token_down=on": 503, "token_garbage=on": 400, "userinfo_down=on": 503, "userinfo_huge=on": 400, "wrong_nonce=on": 400,
		"wrong_audience=on": 400, "alg_none=on": 400, "wrong_sub=on": 400, "no_citizen_number=on": 400, "account_level=1": 403,
		"wrong_response_iss=on": 400,
	} {
		name, value, _ := strings.Cut(knob, "=")
		l.knob(l.vneid, name, value)
		page, err := b.atVNeID("/ho-so", map[string]string{"persona": "linked"})
		require.NoError(l.t, err)
		assert.Equal(l.t, status, page.status, knob)
		assert.Equal(l.t, "/_vneid/callback", page.url.Path, knob)
		l.knob(l.vneid, "reset", "on")
	}
	account := people["mismatch"].Accounts[0]
	for _, knob := range []string{"whoami_down", "whoami_garbage", "whoami_huge"} {
		l.knob(l.portal, knob, "on")
		l.at(b.atPortal("/ho-so", account.Username, account.Password))(503, "/_vneid/portal-return")
		l.knob(l.portal, "reset", "on")
	}
	page = l.at(b.atVNeID("/ho-so", map[string]string{"persona": "mismatch"}))(200, "/_vneid/link")
	for _, knob := range []string{"credential_down", "credential_garbage", "credential_huge"} {
		l.knob(l.portal, knob, "on")
		l.at(b.submit(page, "/link/proof", map[string]string{"username": account.Username, "password": account.Password, "consent": "yes"}))(503, "/_vneid/link/proof")
		l.knob(l.portal, "reset", "on")
	}
	if l.cut != nil {
		b = l.browser()
		l.at(b.atVNeID("/ho-so", map[string]string{"persona": "linked"}))(200, "/ho-so")
		l.cut(true)
		l.at(b.get("/ho-so"))(502, "/ho-so")
		l.cut(false)
	}
}

// forged are cookies of ours that count as none.
func (l *leakWalk) forged(people map[string]vneidtest.Persona) {
	b := l.browser()
	l.at(b.atVNeID("/ho-so", map[string]string{"persona": "linked"}))(200, "/ho-so")
	session := ""
	for _, cookie := range b.carried() {
		if cookie.Name == "vneid_session" {
			session = cookie.Value
		}
	}
	require.NotEmpty(l.t, session)
	middle, other := len(session)/2, "a"
	if session[middle] == 'a' {
		other = "b"
	}
	turned := session[:middle] + other + session[middle+1:]
	for i, cookies := range []string{
		"vneid_session=" + session[:len(session)-9], "vneid_session=" + turned, "vneid_proof=" + session, "vneid_attempt_0=" + session,
		"vneid_session=" + session + "; vneid_session=" + session, "vneid_session=" + people["cmnd"].CitizenNumber,
		"__Host-vneid_session=" + session,
	} {
		l.told = append(l.told, leakSecret{"forged cookie", strings.SplitN(cookies, "=", 2)[1], false})
		page, err := l.browser().ask(http.MethodGet, "/ho-so", http.Header{"Cookie": {cookies}, "Accept": {"*/*"}}, nil)
		require.NoError(l.t, err)
		assert.Equal(l.t, http.StatusUnauthorized, page.status, "forged cookie %d", i)
	}
	l.at(l.browser().ask(http.MethodGet, "/ho-so", http.Header{"Cookie": {"vneid_session=" + session}, "Accept": {"*/*"}}, nil))(200, "/ho-so")
}

// visitorsOwnWords puts numbers and passwords where a visitor might. The
// addresses are theirs, so this leaves no trail; what the process makes of them
// is searched all the same.
func (l *leakWalk) visitorsOwnWords() {
	trail := l.trail
	l.trail = nil
	defer func() { l.trail = trail }()
	number, password := vneidtest.Personas()[0].CitizenNumber, vneidtest.Personas()[0].VNeID.Password
	in := l.browser()
	way := "/tra-cuu/" + number
	l.at(in.atVNeID(way, map[string]string{"persona": "linked"}))(404, way)
	for _, b := range []*procBrowser{in, l.browser()} {
		for _, place := range []string{
			way, "/tra-cuu/" + number[:3] + "." + number[3:6] + "-" + number[6:9] + "%20" + number[9:], "/ho-so?cccd=" + number + "&mk=" + password, "/%30%39%39185000121", "/x//" + number + "/../y",
			"/_vneid/" + number, "/_vneid/static/" + number, "/_vneid/sign-in?rd=" + url.QueryEscape("/"+number), "/_vneid/sign-in?rd=//" + number,
			"/_vneid/start?provider=" + number, "/_vneid/callback?state=" + number + "&code=" + password,
			"/_vneid/callback?error=" + number + "&error_description=" + password,
			"/_vneid/link?rd=/" + number, "/assets/" + number, "/dang-nhap?next=/" + number,
		} {
			_, err := b.get(place)
			require.NoError(l.t, err)
		}
		for _, method := range []string{"X" + number, http.MethodDelete} {
			for _, place := range []string{"/_vneid/sign-out", "/_vneid/link/update", "/ho-so"} {
				page, err := b.ask(method, place, http.Header{"X-Requested-With": {number}, "User-Agent": {number}, "Authorization": {"Basic " + password}}, nil)
				require.NoError(l.t, err)
				assert.GreaterOrEqual(l.t, page.status, 400)
			}
		}
		page, err := b.ask(http.MethodGet, "/ho-so", http.Header{"X-Identity-" + number: {number}, "X_Forwarded_User": {number}, "Referer": {l.origin + "/" + number}}, nil)
		require.NoError(l.t, err)
		assert.Equal(l.t, http.StatusOK, page.status)
	}
}
