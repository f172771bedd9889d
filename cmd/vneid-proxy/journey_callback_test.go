package main

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestCallbackStates: a callback whose state is not this browser's, once, has
// nothing redeemed and leads on.
func TestCallbackStates(t *testing.T) { onBothWires(t, journeyCallbackStates) }

func journeyCallbackStates(t *testing.T, w wire) {
	r := newRig(t, rigWorld{wire: w})
	// query changes the callback's query.
	query := func(address string, change func(url.Values)) string {
		u, err := url.Parse(address)
		require.NoError(t, err)
		values := u.Query()
		change(values)
		u.RawQuery = values.Encode()
		return u.String()
	}
	cases := map[string]struct {
		change func(p *person, address string) (*person, string)
		title  string
		codes  bool // the state is right, what is not is the code
	}{
		"wrong": {func(p *person, at string) (*person, string) {
			return p, query(at, func(v url.Values) { v.Set("state", strings.Map(rot13, v.Get("state"))) })
		}, titleExpired, false},
		"cut": {func(p *person, at string) (*person, string) {
			return p, query(at, func(v url.Values) { v.Set("state", v.Get("state")[:20]) })
		}, titleExpired, false},
		"empty": {func(p *person, at string) (*person, string) {
			return p, query(at, func(v url.Values) { v.Set("state", "") })
		}, titleExpired, false},
		"missing": {func(p *person, at string) (*person, string) {
			return p, query(at, func(v url.Values) { v.Del("state") })
		}, titleProtocol, false},
		"doubled": {func(p *person, at string) (*person, string) {
			return p, query(at, func(v url.Values) { v.Add("state", v.Get("state")) })
		}, titleProtocol, false},
		"beside another": {func(p *person, at string) (*person, string) {
			return p, query(at, func(v url.Values) { v.Add("state", "x") })
		}, titleProtocol, false},
		"malformed": {func(p *person, at string) (*person, string) { return p, at + "&%zz" }, titleProtocol, false},
		"another browser's": {func(p *person, at string) (*person, string) {
			other := p.rig.person(p.t)
			other.visit(other.visit("/").link("/_vneid/start?provider=vneid")) // has an attempt of its own
			return other, at
		}, titleExpired, false},
		"without cookies": {func(p *person, at string) (*person, string) { return p.rig.person(p.t), at }, titleExpired, false},
		"two codes": {func(p *person, at string) (*person, string) {
			return p, query(at, func(v url.Values) { v.Add("code", "x") })
		}, titleProtocol, true},
		"code and error": {func(p *person, at string) (*person, string) {
			return p, query(at, func(v url.Values) { v.Set("error", "access_denied") })
		}, titleProtocol, true},
		"neither code nor error": {func(p *person, at string) (*person, string) {
			return p, query(at, func(v url.Values) { v.Del("code") })
		}, titleProtocol, true},
		"another issuer": {func(p *person, at string) (*person, string) {
			return p, query(at, func(v url.Values) { v.Set("iss", "https://another.invalid") })
		}, titleProtocol, false},
		"no issuer": {func(p *person, at string) (*person, string) {
			return p, query(at, func(v url.Values) { v.Del("iss") })
		}, titleProtocol, false},
	}
	if !w.issuer { // a parameter like any other that nobody knows
		delete(cases, "another issuer")
		delete(cases, "no issuer")
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			p := r.person(t)
			who, address := tc.change(p, p.callback(p.visit(wanted), "linked"))
			calls := r.vneid.Calls(w.token)
			if w.decoys && tc.codes {
				calls++
			}
			answer := who.get(address)
			assert.Equal(t, http.StatusBadRequest, answer.status)
			assert.Equal(t, tc.title, answer.title())
			assert.Equal(t, calls, r.vneid.Calls(w.token), "nothing of theirs is redeemed")
			assert.NotContains(t, who.cookies(), "vneid_session")
			assert.NotContains(t, who.cookies(), "vneid_proof")
			assert.NotContains(t, answer.body, "iss=", "what came in the query is not repeated")
			assert.Equal(t, titleSignIn, who.visit(lastLink(answer)).title(), "a way on")
		})
	}
	t.Run("spent", func(t *testing.T) {
		p := r.person(t)
		address := p.callback(p.visit(wanted), "linked")
		thief := r.person(t) // with a copy of everything
		for name, value := range p.cookies() {
			thief.bake(name, value)
		}
		who := r.persona("linked")
		p.landed(p.follow(p.get(address)), who.Accounts[0], &who, "linked")
		before := r.vneid.Calls(w.token)
		stolen := thief.get(address)
		assert.Equal(t, http.StatusBadRequest, stolen.status)
		assert.Equal(t, titleSpent, stolen.title())
		assert.NotContains(t, thief.cookies(), "vneid_session")

		p.landed(p.follow(p.get(address)), who.Accounts[0], &who, "linked")
		p.bake("vneid_session", "")
		reloaded := p.get(address)
		assert.Equal(t, titleSpent, reloaded.title(), "without a session a reload says so")
		assert.Equal(t, before, r.vneid.Calls(w.token), "and nothing is redeemed twice")
		p.landed(p.vneid(p.visit(reloaded.link("/_vneid/sign-in?rd=")), "linked"), who.Accounts[0], &who, "linked")
	})
	t.Run("reload with a proof", func(t *testing.T) {
		p := r.person(t)
		address := p.callback(p.visit(wanted), "cmnd")
		require.Equal(t, titleProve, p.follow(p.get(address)).title())
		assert.Equal(t, titleProve, p.follow(p.get(address)).title())
	})
	t.Run("two tabs", func(t *testing.T) {
		p, who := r.person(t), r.persona("linked")
		first := p.callback(p.visit("/ca-nhan"), "linked")
		second := p.callback(p.visit(wanted), "linked")
		assert.Equal(t, "/ca-nhan", p.follow(p.get(first)).url.Path)
		p.landed(p.follow(p.get(second)), who.Accounts[0], &who, "linked")
	})
	t.Run("at once", func(t *testing.T) {
		p := r.person(t)
		address := p.callback(p.visit(wanted), "linked")
		again := r.person(t) // the same browser, before any answer has come
		for name, value := range p.cookies() {
			again.bake(name, value)
		}
		before := r.vneid.Calls(w.token)
		got := together(func() page { return p.get(address) }, func() page { return again.get(address) })
		assert.Equal(t, before+1, r.vneid.Calls(w.token), "redeemed once")
		assert.ElementsMatch(t, []int{http.StatusFound, http.StatusBadRequest}, []int{got[0].status, got[1].status})
	})
}

// lastLink is the page's one way on.
func lastLink(a page) string {
	a.t.Helper()
	last := ""
	for node := range a.tree().Descendants() {
		if node.Data == "a" && strings.HasPrefix(attribute(node, "class"), "button") {
			last = a.absolute(attribute(node, "href"))
		}
	}
	require.NotEmpty(a.t, last, a.body)
	return last
}

// TestReturnAddresses: only paths of this origin are come back to.
func TestReturnAddresses(t *testing.T) { onBothWires(t, journeyReturnAddresses) }

func journeyReturnAddresses(t *testing.T, w wire) {
	r := newRig(t, rigWorld{wire: w})
	p := r.person(t)
	p.vneid(p.visit("/"), "linked")
	kept := []string{"/", "/ho-so", "/ho-so?trang=1&x=%2F", "/a/b.c~d/@e", "/t%C3%ACm?q=%C4%91"}
	for _, rd := range kept {
		assert.Equal(t, r.origin+rd, p.get("/_vneid/sign-in?rd="+url.QueryEscape(rd)).location, rd)
	}
	off := []string{
		"", "ho-so", "https://evil.invalid/", "HTTPS://evil.invalid", "//evil.invalid", "///evil.invalid", "/\\evil.invalid",
		"\\\\evil.invalid", "/\t/evil.invalid", "/\n/evil.invalid", "\t//evil.invalid", " //evil.invalid", "/%09/evil.invalid",
		"/%2f/evil.invalid", "/%2Fevil.invalid/..", "/%5cevil.invalid", "/%255cevil.invalid", "/./%2fevil.invalid", "/..//evil.invalid",
		"/a/..//evil.invalid", "//evil.invalid@127.0.0.1", "javascript:alert(1)", "data:text/html,x", "/a#//evil.invalid#",
		"/%00", "/%0d%0aSet-Cookie:%20a=b", "/a\r\nSet-Cookie: a=b", "/_vneid/sign-out", "/_vneid/../_vneid/link", "/%5fvneid/link",
		"http:evil.invalid", "/\u2028", "/％2fevil.invalid", "/" + strings.Repeat("a", 1100),
	}
	for _, rd := range off {
		for _, address := range []string{"/_vneid/sign-in?again=1&rd=", "/_vneid/link?rd="} {
			answer := p.get(address + url.QueryEscape(rd))
			assert.Equal(t, r.origin+"/", answer.location, "%s%q", address, rd)
			assert.Empty(t, answer.header.Get("Set-Cookie"))
		}
	}
	assert.Equal(t, r.origin+"/", p.get("/_vneid/sign-in?rd=/a&rd=/b").location, "twice")
	for _, rd := range []string{"//evil.invalid", "https://evil.invalid/", "/\\evil.invalid"} {
		stranger := r.person(t)
		chooser := stranger.visit("/_vneid/sign-in?rd=" + url.QueryEscape(rd))
		assert.NotContains(t, chooser.body, "evil.invalid")
		start := stranger.get("/_vneid/start?provider=vneid&rd=" + url.QueryEscape(rd))
		login := stranger.follow(start)
		form := login.form("/login")
		form.values.Set("persona", "linked")
		assert.Equal(t, r.origin+"/", stranger.follow(stranger.post(form.action, form.values)).url.String())
	}
}
