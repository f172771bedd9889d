package main

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vneid-proxy/session"
)

// expired turns the browser's session into one that ran out while a form was
// being filled in.
func (r *rig) expired(p *person) {
	r.t.Helper()
	request, err := http.NewRequest(http.MethodGet, r.origin, nil)
	require.NoError(r.t, err)
	for name, value := range p.cookies() {
		request.AddCookie(&http.Cookie{Name: name, Value: value})
	}
	now := r.oldJar(0)
	held, ok := now.Open(request).(*session.Session)
	require.True(r.t, ok)
	old := *held
	written := &recorded{header: http.Header{}}
	require.NoError(r.t, r.oldJar(45*time.Minute).Admit(written, &old))
	for _, cookie := range (&http.Response{Header: written.header}).Cookies() {
		if cookie.Name == "vneid_session" {
			p.bake("vneid_session", cookie.Value)
		}
	}
	require.Equal(r.t, http.StatusUnauthorized, p.program("/ping").status, "it ran out")
}

type recorded struct{ header http.Header }

func (r *recorded) Header() http.Header         { return r.header }
func (r *recorded) Write(b []byte) (int, error) { return len(b), nil }
func (r *recorded) WriteHeader(int)             {}

func (p *person) send(path, body string, headers ...string) page {
	return p.ask(http.MethodPost, path, body, append([]string{
		"Content-Type", "application/x-www-form-urlencoded", "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Site", "same-origin", "Origin", p.rig.origin,
	}, headers...)...)
}

const (
	typed       = "ho_ten=Tr%E1%BA%A7n+V%C4%83n&noi_dung=%3Cb%3E1%0D%0A2&lap=1&lap=2&mat_khau=bi-mat-9"
	titleUnsent = "Gửi lại biểu mẫu?"
)

// An hour of typing survives an expired session: kept, shown to the same person
// and sent again once, field by field as it was.
func TestKeptForm(t *testing.T) {
	r := newRig(t, rigWorld{})
	p := r.person(t)
	p.vneid(p.visit(wanted), "linked")
	r.expired(p)
	at := p.follow(p.send("/headers?buoc=2", typed))
	assert.Equal(t, titleSignIn, at.title())
	assert.NotContains(t, at.body, "chưa được tiếp nhận")
	shown := p.vneid(at, "linked")
	require.Equal(t, titleUnsent, shown.title(), shown.body)
	assert.Contains(t, shown.body, "<dd>Trần Văn</dd>")
	assert.NotContains(t, shown.body, "<dd>bi-mat-9", "a password is not read off the screen")

	form := shown.form("/unsent?token=" + url.QueryEscape(tokenOf(t, shown)))
	body := fieldsInOrder(t, shown)
	forged := strings.Replace(form.action, "token=", "token=x", 1)
	assert.Equal(t, http.StatusForbidden, p.send(forged, body).status)
	assert.Equal(t, http.StatusForbidden, p.send(form.action, body, "Sec-Fetch-Site", "cross-site").status)
	sent := p.send(form.action, body)
	require.Equal(t, http.StatusTemporaryRedirect, sent.status, sent.body)
	assert.Equal(t, r.origin+"/headers?buoc=2", sent.location)
	want, err := url.ParseQuery(typed)
	require.NoError(t, err)
	got, err := url.ParseQuery(body)
	require.NoError(t, err)
	assert.Equal(t, want, got, "as it was typed, repeated fields in order")
	assert.Equal(t, http.StatusOK, p.send(sent.location, body).status, "the portal takes it")

	again := p.send(form.action, body)
	assert.Equal(t, http.StatusSeeOther, again.status, "not twice, whatever the back button does")
	assert.NotEqual(t, titleUnsent, p.visit("/_vneid/unsent").title())
}

func tokenOf(t *testing.T, at page) string {
	for node := range at.tree().Descendants() {
		if node.Data == "form" && strings.Contains(attribute(node, "action"), "/unsent?token=") {
			u, err := url.Parse(attribute(node, "action"))
			require.NoError(t, err)
			return u.Query().Get("token")
		}
	}
	require.FailNow(t, "no form")
	return ""
}

// fieldsInOrder is the page's form as a browser encodes it.
func fieldsInOrder(t *testing.T, at page) string {
	t.Helper()
	var pairs []string
	for node := range at.tree().Descendants() {
		if node.Data == "input" && attribute(node, "type") == "hidden" {
			// The markup's parser makes every line end LF, and encoding a form
			// makes it CRLF again (HTML, 4.10.21.8).
			value := strings.ReplaceAll(attribute(node, "value"), "\n", "\r\n")
			pairs = append(pairs, url.QueryEscape(attribute(node, "name"))+"="+url.QueryEscape(value))
		}
	}
	return strings.Join(pairs, "&")
}

// What cannot or may not be kept is told as not received.
func TestKeptFormRefused(t *testing.T) {
	r := newRig(t, rigWorld{})
	fresh := func(t *testing.T) *person {
		p := r.person(t)
		p.vneid(p.visit(wanted), "linked")
		r.expired(p)
		return p
	}
	unsent := func(t *testing.T, p *person, at page) {
		at = p.follow(at)
		assert.Contains(t, at.body, "chưa được tiếp nhận")
		assert.NotContains(t, p.cookies(), "vneid_kept")
	}
	t.Run("an upload", func(t *testing.T) {
		p := fresh(t)
		unsent(t, p, p.send("/tai-len", "--x--", "Content-Type", "multipart/form-data; boundary=x"))
	})
	t.Run("too long", func(t *testing.T) {
		p := fresh(t)
		unsent(t, p, p.send("/nop-ho-so", "a="+strings.Repeat("x", 256<<10)))
	})
	t.Run("another encoding", func(t *testing.T) {
		p := fresh(t)
		unsent(t, p, p.send("/nop-ho-so", "a=%ff%fe"))
	})
	t.Run("another site", func(t *testing.T) {
		p := fresh(t)
		unsent(t, p, p.send("/nop-ho-so", typed, "Origin", "https://another.example"))
	})
	t.Run("nobody", func(t *testing.T) {
		p := r.person(t)
		unsent(t, p, p.send("/nop-ho-so", typed))
	})
	t.Run("a forged cookie", func(t *testing.T) {
		p := fresh(t)
		p.bake("vneid_session", p.cookies()["vneid_session"][1:])
		unsent(t, p, p.send("/nop-ho-so", typed))
	})
	t.Run("a session that was ended", func(t *testing.T) {
		p := r.person(t)
		p.vneid(p.visit(wanted), "linked")
		stolen := p.copied("vneid_session")
		p.submit(p.get("/_vneid/sign-out"), "/sign-out")
		unsent(t, stolen, stolen.send("/nop-ho-so", typed))
	})
	t.Run("a fourth", func(t *testing.T) {
		p := fresh(t)
		for range 3 {
			p.send("/nop-ho-so", typed)
			require.NotEmpty(t, p.cookies()["vneid_kept"])
		}
		p.bake("vneid_kept", "")
		unsent(t, p, p.send("/nop-ho-so", typed))
	})
	t.Run("another person", func(t *testing.T) {
		p := fresh(t)
		p.send("/nop-ho-so", typed)
		p.bake("vneid_session", "")
		at := p.atPortal(p.visit(wanted), r.persona("two").Accounts[0])
		assert.NotEqual(t, titleUnsent, at.title())
		at = p.visit("/_vneid/unsent")
		assert.NotContains(t, at.body, "Trần Văn", "nobody else ever reads it")
	})
}
