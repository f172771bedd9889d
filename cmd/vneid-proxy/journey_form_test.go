package main

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestFormOfTheLinkScreen: what is wrong in a form is said there, and nothing
// is asked of anybody.
func TestFormOfTheLinkScreen(t *testing.T) {
	t.Parallel()
	r := newRig(t, rigWorld{})
	who := r.persona("cmnd")
	p := r.person(t)
	at := p.atPortal(p.visit(wanted), who.Accounts[0])
	form := at.form("/link/update")
	token := form.values.Get("csrf_token")
	require.NotEmpty(t, token)

	for name, typed := range map[string]string{
		"empty": "", "letters": "mười hai chữ", "too short": "09907900024", "too long": "0990790002450", "a letter O": "O99079000245",
		"a CMND": "990179024", "equal digits": "000000000000", "an expression": "099079000245' OR '1'='1", "very long": strings.Repeat("0", 9000),
	} {
		t.Run("number "+name, func(t *testing.T) {
			answer := p.submit(at, "/link/update", "citizen_number", typed, "consent", "yes")
			assert.Equal(t, http.StatusUnprocessableEntity, answer.status)
			assert.Contains(t, answer.body, `<p class="fault" id="citizen_number-fault">Số CCCD phải gồm đúng 12 chữ số.</p>`, "at the field")
			assert.Equal(t, titleLink, answer.title())
		})
	}
	t.Run("consent", func(t *testing.T) {
		for _, consent := range []string{"", "no", "on", "YES"} {
			answer := p.submit(at, "/link/update", "citizen_number", who.CitizenNumber, "consent", consent)
			assert.Equal(t, http.StatusUnprocessableEntity, answer.status, consent)
			assert.Contains(t, answer.body, `id="consent-fault"`)
		}
	})
	good := url.Values{"csrf_token": {token}, "citizen_number": {who.CitizenNumber}, "consent": {"yes"}}
	t.Run("a field twice", func(t *testing.T) {
		for field := range good {
			twice := url.Values{}
			for name, values := range good {
				twice[name] = values
			}
			twice[field] = append(append([]string{}, good[field]...), good[field]...)
			assert.Equal(t, http.StatusBadRequest, p.post("/_vneid/link/update", twice).status, field)
		}
	})
	t.Run("content type", func(t *testing.T) {
		for _, kind := range []string{"text/plain", "application/json", "multipart/form-data; boundary=x", "", "application/x-www-form-urlencoded2", "nonsense/"} {
			assert.Equal(t, http.StatusUnsupportedMediaType, p.ask(http.MethodPost, "/_vneid/link/update", good.Encode(), "Content-Type", kind).status, kind)
		}
	})
	t.Run("unreadable", func(t *testing.T) {
		kind := []string{"Content-Type", "application/x-www-form-urlencoded"}
		for _, body := range []string{"csrf_token=" + token + "&x=%zz", good.Encode() + "&padding=" + strings.Repeat("x", 17<<10), good.Encode() + ";a=b"} {
			assert.Equal(t, http.StatusBadRequest, p.ask(http.MethodPost, "/_vneid/link/update", body, kind...).status)
		}
		assert.Equal(t, http.StatusForbidden, p.ask(http.MethodPost, "/_vneid/link/update?"+good.Encode(), "", kind...).status, "a query is no form")
	})
	t.Run("another origin", func(t *testing.T) {
		for _, header := range [][2]string{
			{"Origin", "https://evil.invalid"}, {"Origin", "null"}, {"Origin", r.origin + ".evil.invalid"}, {"Origin", "http://127.0.0.1"},
			{"Origin", strings.Replace(r.origin, "http:", "https:", 1)}, {"Origin", ""},
			{"Sec-Fetch-Site", "cross-site"}, {"Sec-Fetch-Site", "same-site"}, {"Sec-Fetch-Site", "none"}, {"Sec-Fetch-Site", "same-origin, cross-site"},
		} {
			answer := p.post("/_vneid/link/update", good, header[0], header[1])
			assert.Equal(t, http.StatusForbidden, answer.status, "%v", header)
			assert.Equal(t, titleForm, answer.title())
		}
		answer := p.post("/_vneid/link/update", good, "Sec-Fetch-Site", "cross-site", "Origin", r.origin)
		assert.Equal(t, http.StatusForbidden, answer.status, "the browser's own word counts first")
	})
	t.Run("token", func(t *testing.T) {
		other := r.person(t)
		theirs := other.atPortal(other.visit("/"), r.persona("mismatch").Accounts[0]).form("/link/update").values.Get("csrf_token")
		for name, bad := range map[string]string{"missing": "", "cut": token[:len(token)-1], "another's": theirs, "made up": strings.Repeat("A", len(token))} {
			for _, path := range []string{"/link/update", "/link/skip", "/sign-out"} {
				form := url.Values{"csrf_token": {bad}, "citizen_number": {who.CitizenNumber}, "consent": {"yes"}}
				if bad == "" {
					form.Del("csrf_token")
				}
				assert.Equal(t, http.StatusForbidden, p.post("/_vneid"+path, form).status, "%s %s", name, path)
			}
		}
	})
	t.Run("no stage", func(t *testing.T) {
		stranger := r.person(t)
		for _, path := range []string{"/link/update", "/link/skip", "/link/proof", "/link/choose", "/link/none", "/identity/update"} {
			answer := stranger.post("/_vneid"+path, good)
			assert.Equal(t, http.StatusSeeOther, answer.status, path)
			assert.True(t, strings.HasPrefix(answer.location, r.origin+"/_vneid/sign-in"), answer.location)
		}
		for _, path := range []string{"/link", "/identity"} {
			assert.Equal(t, titleSignIn, stranger.visit("/_vneid"+path).title(), path)
		}
		// A proof of the other flow is none for this form.
		assert.Equal(t, r.origin+"/_vneid/sign-in", p.post("/_vneid/link/proof", good).location)
		assert.Equal(t, r.origin+"/_vneid/sign-in", p.post("/_vneid/link/none", good).location)
	})
	assert.Zero(t, r.population.Calls("match"), "nothing was sent")
	assert.Empty(t, r.links(who.Accounts[0].ID))
	p.landed(p.follow(p.post("/_vneid/link/update", good, "Origin", r.origin, "Sec-Fetch-Site", "same-origin")), who.Accounts[0], matched(who, who.Accounts[0]), "linked")
	assert.Equal(t, 1, r.population.Calls("match"))
}

// TestReservedPaths: another method is 405 with what is allowed, an unknown
// path 404; neither reaches the portal.
func TestReservedPaths(t *testing.T) {
	t.Parallel()
	r := newRig(t, rigWorld{})
	p := r.person(t)
	p.vneid(p.visit("/"), "linked")
	r.portal.ForgetRequests()
	for path, allow := range map[string]string{
		"/sign-in": "GET, HEAD", "/start": "GET, HEAD", "/callback": "GET, HEAD", "/portal-return": "GET, HEAD", "/link": "GET, HEAD",
		"/identity": "GET, HEAD", "/session": "GET, HEAD", "/jwks.json": "GET, HEAD", "/sign-out": "GET, HEAD, POST",
		"/link/update": "POST", "/link/skip": "POST", "/link/proof": "POST", "/link/choose": "POST", "/link/none": "POST", "/identity/update": "POST",
	} {
		for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions, "PROPFIND"} {
			if strings.Contains(allow, method) {
				continue
			}
			answer := p.ask(method, "/_vneid"+path, "", "Content-Type", "application/x-www-form-urlencoded", "X-HTTP-Method-Override", "GET")
			assert.Equal(t, http.StatusMethodNotAllowed, answer.status, "%s %s", method, path)
			assert.Equal(t, allow, answer.header.Get("Allow"), "%s %s", method, path)
		}
	}
	for _, path := range []string{
		"", "/", "/nothing", "/sign-in/", "/sign-in/x", "/link/", "/link/update/", "/Sign-In", "/SIGN-IN", "/callback.html", "/static", "/static/",
		"/static/style.css", "/static/../link", "/./link", "//link", "/link;a=b", "/l%69nk", "/%2e%2e/link", "/auth2", "/jwks.json/",
	} {
		answer := p.get("/_vneid" + path)
		assert.Equal(t, http.StatusNotFound, answer.status, path)
	}
	for _, path := range []string{"/_VNEID/link", "/%5fvneid/link", "/x/../_vneid/link", "//_vneid/link", "/_vneid%2flink", "/%255Fvneid/link", "/_vneid;x/link"} {
		assert.Equal(t, http.StatusNotFound, p.get(r.origin+path).status, path)
	}
	assert.Empty(t, r.portal.Requests(), "never forwarded")
	assert.Equal(t, http.StatusMisdirectedRequest, r.raw(t, "GET / HTTP/1.1\r\nHost: evil.invalid\r\nConnection: close\r\n\r\n"))
	assert.Equal(t, http.StatusNotFound, p.get("/_vneid/start?provider=nobody").status)
	assert.Equal(t, http.StatusNotFound, p.get("/_vneid/start?provider=vneid&provider=portal").status)
}
