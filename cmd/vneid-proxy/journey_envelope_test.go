package main

import (
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// refusedSeries counts sign-ins by VNeID that ended at a page of the protocol.
const refusedSeries = `vneid_proxy_sign_in_steps_total{provider="vneid",reason="protocol",step="refused"}`

// TestBrokenEnvelopes: whatever is wrong with an envelope, wherever, a browser
// and a monitor see one and the same, and the way on is open.
func TestBrokenEnvelopes(t *testing.T) {
	t.Parallel()
	r := newRig(t, rigWorld{wire: wireEncrypted()})
	who := r.persona("linked")
	var first page
	refused := func(t *testing.T, knob string, change func(url.Values)) {
		p := r.person(t)
		if knob != "" {
			require.NoError(t, r.vneid.Set(knob, "on"))
			defer func() { require.NoError(t, r.vneid.Set(knob, "")) }()
		}
		at, err := url.Parse(p.callback(p.visit(wanted), "linked"))
		require.NoError(t, err)
		if change != nil {
			query, err := url.ParseQuery(plusKept(at.RawQuery))
			require.NoError(t, err)
			change(query)
			at.RawQuery = query.Encode()
		}
		before, calls := r.metric(refusedSeries), r.vneid.Calls(r.wire.token)
		answer := p.get(at.String())
		assert.Equal(t, http.StatusBadRequest, answer.status)
		assert.Equal(t, titleProtocol, answer.title())
		assert.Equal(t, before+1, r.metric(refusedSeries))
		assert.Equal(t, calls+1, r.vneid.Calls(r.wire.token))
		if first.body == "" {
			first = answer
		}
		assert.Equal(t, first.body, answer.body)
		assert.Equal(t, slices.Sorted(maps.Keys(first.header)), slices.Sorted(maps.Keys(answer.header)))
		assert.NotContains(t, p.cookies(), "vneid_session")
		assert.NotContains(t, p.cookies(), "vneid_proof")
		assert.Equal(t, titleSignIn, p.visit(answer.link("/_vneid/sign-in?rd=")).title(), "a way on")
	}
	for _, place := range []string{"v2_callback", "v2_token", "v2_userinfo"} {
		for _, lie := range []string{"plain", "other_key", "cut", "flip"} {
			t.Run(place+" "+lie, func(t *testing.T) { refused(t, place+"_"+lie, nil) })
		}
	}
	other := r.person(t) // whose envelope is as good as ours, and for us too
	theirs, err := url.Parse(other.callback(other.visit(wanted), "cmnd"))
	require.NoError(t, err)
	swapped, err := url.ParseQuery(plusKept(theirs.RawQuery))
	require.NoError(t, err)
	for name, change := range map[string]func(url.Values){
		"without its key":        func(q url.Values) { q.Del("encrypt_key") },
		"an empty key":           func(q url.Values) { q.Set("encrypt_key", "") },
		"the code as the key":    func(q url.Values) { q.Set("encrypt_key", q.Get("code")) },
		"another's key":          func(q url.Values) { q.Set("encrypt_key", swapped.Get("encrypt_key")) },
		"another's code":         func(q url.Values) { q.Set("code", swapped.Get("code")) },
		"blanks where plus was":  func(q url.Values) { q.Set("code", "ab cd") },
		"no Base64":              func(q url.Values) { q.Set("code", "*") },
		"a key of another shape": func(q url.Values) { q.Set("encrypt_key", "AAAA") },
	} {
		t.Run("callback, "+name, func(t *testing.T) { refused(t, "", change) })
	}
	require.Empty(t, r.links(who.Accounts[0].ID))
	p := r.person(t)
	p.landed(p.vneid(p.visit(wanted), "linked"), who.Accounts[0], &who, "linked")
}

// TestAnothersCallback: the wire has neither nonce nor PKCE; what keeps one
// browser's callback out of another is the state alone.
func TestAnothersCallback(t *testing.T) {
	t.Parallel()
	r := newRig(t, rigWorld{wire: wireEncrypted()})
	victim, thief := r.person(t), r.person(t)
	address := thief.callback(thief.visit(wanted), "cmnd")
	victim.callback(victim.visit(wanted), "linked")
	answer := victim.get(address)
	assert.Equal(t, http.StatusBadRequest, answer.status)
	assert.Equal(t, titleExpired, answer.title())
	assert.Zero(t, r.vneid.Calls("v2_token"))
	assert.NotContains(t, victim.cookies(), "vneid_session")
}

// TestOptionalEnvelopes: where the operator takes answers in clear, they are;
// broken envelopes are refused all the same.
func TestOptionalEnvelopes(t *testing.T) {
	t.Parallel()
	r := newRig(t, rigWorld{wire: wireEncrypted(), env: map[string]string{"ENVELOPE": "optional"}})
	who := r.persona("linked")
	for _, lie := range []string{"v2_callback_plain", "v2_token_plain", "v2_userinfo_plain"} {
		turn(t, r.vneid.Controls, lie, "on")
		p := r.person(t)
		p.landed(p.vneid(p.visit(wanted), "linked"), who.Accounts[0], &who, "linked")
	}
	require.NoError(t, r.vneid.Set("v2_userinfo_plain", ""))
	turn(t, r.vneid.Controls, "v2_userinfo_flip", "on")
	p := r.person(t)
	assert.Equal(t, titleProtocol, p.vneid(p.visit(wanted), "linked").title())
}

// TestEncryptedProviderFaults: VNeID away is an outage, said to be one; VNeID
// talking nonsense is as broken as an envelope.
func TestEncryptedProviderFaults(t *testing.T) {
	t.Parallel()
	r := newRig(t, rigWorld{wire: wireEncrypted(), env: map[string]string{"CALL_TIMEOUT": "3s"}})
	for _, endpoint := range []string{"v2_token", "v2_userinfo"} {
		for fault, value := range faults() {
			t.Run(endpoint+" "+fault, func(t *testing.T) {
				status, title := http.StatusBadRequest, titleProtocol
				if fault == "down" || fault == "slow" {
					status, title = http.StatusServiceUnavailable, "VNeID tạm thời không phản hồi"
				}
				p := r.person(t)
				address := p.callback(p.visit(wanted), "linked")
				require.NoError(t, r.vneid.Set(endpoint+"_"+fault, value))
				answer := p.follow(p.get(address))
				require.NoError(t, r.vneid.Set(endpoint+"_"+fault, ""))
				assert.Equal(t, status, answer.status, answer.title())
				assert.Equal(t, title, answer.title())
				assert.NotContains(t, p.cookies(), "vneid_session")
				require.Empty(t, r.links(r.persona("linked").Accounts[0].ID))
			})
		}
	}
	p := r.person(t)
	require.NoError(t, r.vneid.Set("account_level", "1"))
	assert.Equal(t, titleLevel, p.vneid(p.visit(wanted), "linked").title())
	require.NoError(t, r.vneid.Set("account_level", ""))
	require.NoError(t, r.vneid.Set("no_citizen_number", "on"))
	assert.Equal(t, titleProtocol, p.vneid(p.visit(wanted), "linked").title())
}

// plusKept is a query as VNeID means it: a plus sign is one.
func plusKept(query string) string { return strings.ReplaceAll(query, "+", "%2B") }
