package main

import (
	"fmt"
	"net/http"
	"slices"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vneid-proxy/session"
)

// A browser that restores twenty tabs begins twenty sign-ins. Whatever order
// they come back in, the newest eight end on their own page and the rest at /,
// all signed in; a tab that came back before anybody was signed in is shown the
// one way on, which leads there too.
func TestTwentyTabs(t *testing.T) { onBothWires(t, journeyTwentyTabs) }

func journeyTwentyTabs(t *testing.T, w wire) {
	const tabs = 20
	own := func(i int) string { return fmt.Sprintf("/ho-so?tab=%d", i) }
	orders := map[string]func([]int){
		"the newest first": slices.Reverse[[]int],
		"the oldest first": func([]int) {},
	}
	r := newRig(t, rigWorld{wire: w})
	ends := func(t *testing.T, p *person, i int, at page) {
		if at.title() == titleExpired { // nobody was signed in when it came
			at = p.visit(at.link("/_vneid/sign-in?rd="))
		}
		require.Equal(t, http.StatusOK, at.status, at.body)
		if i >= tabs-session.MaxAttempts {
			assert.Equal(t, own(i), at.url.RequestURI())
		} else {
			assert.Equal(t, "/", at.url.RequestURI())
		}
	}
	begin := func(t *testing.T) (*person, []string) {
		p := r.person(t)
		callbacks := make([]string, tabs)
		for i := range callbacks {
			callbacks[i] = p.callback(p.visit(own(i)), "linked")
		}
		return p, callbacks
	}
	for name, order := range orders {
		t.Run(name, func(t *testing.T) {
			p, callbacks := begin(t)
			at, sequence := make([]page, tabs), make([]int, tabs)
			for i := range sequence {
				sequence[i] = i
			}
			order(sequence)
			for _, i := range sequence {
				at[i] = p.visit(callbacks[i])
			}
			for i := range at {
				ends(t, p, i, at[i])
			}
		})
	}
	t.Run("at once", func(t *testing.T) {
		p, callbacks := begin(t)
		at := make([]page, tabs)
		var all sync.WaitGroup
		for i := range at {
			all.Go(func() { at[i] = p.visit(callbacks[i]) })
		}
		all.Wait()
		for i := range at {
			ends(t, p, i, at[i])
		}
	})
}

// What people do with the callback in their history ends where they wanted to
// go.
func TestCallbackRevisited(t *testing.T) { onBothWires(t, journeyCallbackRevisited) }

func journeyCallbackRevisited(t *testing.T, w wire) {
	r := newRig(t, rigWorld{wire: w})
	t.Run("a reload and the back button", func(t *testing.T) {
		p := r.person(t)
		callback := p.callback(p.visit(wanted), "linked")
		for range 3 {
			assert.Equal(t, wanted, p.visit(callback).url.RequestURI())
		}
	})
	t.Run("back to the provider, and in again", func(t *testing.T) {
		p := r.person(t)
		start := p.visit(wanted).link("/_vneid/start?provider=vneid")
		p.visit(p.callbackFrom(start, "linked"))
		assert.Equal(t, wanted, p.visit(p.callbackFrom(start, "linked")).url.RequestURI())
	})
	t.Run("a cancel, then another try", func(t *testing.T) {
		p := r.person(t)
		login := p.visit(p.visit(wanted).link("/_vneid/start?provider=vneid"))
		refused := p.follow(p.submit(login, "/login", "cancel", "1"))
		assert.Equal(t, http.StatusForbidden, refused.status)
		assert.NotContains(t, p.cookies(), "vneid_session")
		at := p.vneid(p.visit(refused.link("/_vneid/sign-in?rd=")), "linked")
		assert.Equal(t, wanted, at.url.RequestURI(), "the page first asked for survives a cancel")
	})
}

// A portal that sends signed-in people to sign in again is stopped before the
// browser gives up, and other pages are not.
func TestLoopIsBroken(t *testing.T) {
	r := newRig(t, rigWorld{})
	p := r.person(t)
	p.vneid(p.visit(wanted), "linked")
	back := func(rd string) page { return p.get("/_vneid/sign-in?rd=" + rd) }
	for range 5 {
		require.Equal(t, http.StatusFound, back("/ho-so").status)
	}
	stopped := back("/ho-so")
	assert.Equal(t, http.StatusTooManyRequests, stopped.status)
	assert.Equal(t, "Đăng nhập bị lặp lại", stopped.title())
	assert.Equal(t, 1.0, r.metric(`vneid_proxy_sign_in_steps_total{provider="vneid",reason="loop",step="refused"}`))
	assert.Equal(t, http.StatusFound, back("/ho-so").status, "told once, it may be tried again")
	for i := range 20 { // restored tabs
		assert.Equal(t, http.StatusFound, back(fmt.Sprintf("/trang-%d", i)).status)
	}
}

// What was posted without a session is not taken for received.
func TestUnsentIsTold(t *testing.T) {
	r := newRig(t, rigWorld{})
	p := r.person(t)
	at := p.follow(p.post("/nop-ho-so", nil, "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Site", "same-origin"))
	assert.Equal(t, titleSignIn, at.title())
	assert.Contains(t, at.body, "chưa được tiếp nhận")
	assert.NotContains(t, p.visit(wanted).body, "chưa được tiếp nhận")
}
