package main

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// faults are the ways in which an endpoint of a simulator fails.
func faults() map[string]string {
	return map[string]string{"down": "on", "garbage": "on", "huge": "on", "slow": "1m"}
}

// patience is how long a call may take: short only where one is slow on
// purpose, so that a busy machine is no outage.
func patience(fault string) map[string]string {
	if fault == "slow" {
		return map[string]string{"CALL_TIMEOUT": "2s"}
	}
	return nil
}

// TestProviderFaults: whatever VNeID answers amiss is refused by a page,
// nothing is linked, and the person can begin again.
func TestProviderFaults(t *testing.T) {
	t.Parallel()
	r := newRig(t, rigWorld{env: map[string]string{"CALL_TIMEOUT": "3s"}})
	who := r.persona("linked")
	refused := func(t *testing.T, knob, value string, status int, title string) {
		p := r.person(t)
		address := p.callback(p.visit(wanted), "linked")
		require.NoError(t, r.vneid.Set(knob, value))
		answer := p.follow(p.get(address))
		require.NoError(t, r.vneid.Set(knob, ""))
		assert.Equal(t, status, answer.status, answer.title())
		assert.Equal(t, title, answer.title())
		assert.NotContains(t, p.cookies(), "vneid_session")
		assert.NotContains(t, p.cookies(), "vneid_proof")
		if status == http.StatusServiceUnavailable {
			assert.NotEmpty(t, answer.header.Get("Retry-After"))
		}
		require.Empty(t, r.links(who.Accounts[0].ID), "nothing is linked")
		assert.Equal(t, titleSignIn, p.visit(answer.link("/_vneid/sign-in?rd=")).title(), "a way on")
	}
	for _, endpoint := range []string{"token", "userinfo"} {
		for fault, value := range faults() {
			t.Run(endpoint+" "+fault, func(t *testing.T) {
				status, title := http.StatusBadRequest, titleProtocol
				if fault == "down" || fault == "slow" {
					status, title = http.StatusServiceUnavailable, "VNeID tạm thời không phản hồi"
				}
				refused(t, endpoint+"_"+fault, value, status, title)
			})
		}
	}
	for knob, value := range map[string]string{
		"wrong_nonce": "on", "wrong_audience": "on", "extra_audience": "on", "alg_none": "on", "wrong_sub": "on", "no_citizen_number": "on",
	} {
		t.Run(knob, func(t *testing.T) { refused(t, knob, value, http.StatusBadRequest, titleProtocol) })
	}
	t.Run("account_level", func(t *testing.T) {
		refused(t, "account_level", "1", http.StatusForbidden, "Tài khoản VNeID chưa đủ mức độ")
	})
	t.Run("wrong_response_iss", func(t *testing.T) {
		p := r.person(t)
		turn(t, r.vneid.Controls, "wrong_response_iss", "on")
		before := r.vneid.Calls("token")
		answer := p.vneid(p.visit(wanted), "linked")
		assert.Equal(t, http.StatusBadRequest, answer.status)
		assert.Equal(t, titleProtocol, answer.title())
		assert.Equal(t, before, r.vneid.Calls("token"), "before the code is redeemed")
		require.Empty(t, r.links(who.Accounts[0].ID))
	})
	p := r.person(t)
	p.landed(p.vneid(p.visit(wanted), "linked"), who.Accounts[0], &who, "linked")
}

// TestDiscoveryFaults: a provider that cannot be read costs new sign-ins a
// page, and nobody who is in.
func TestDiscoveryFaults(t *testing.T) {
	t.Parallel()
	for fault, value := range faults() {
		t.Run(fault, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, rigWorld{env: patience(fault)})
			require.NoError(t, r.vneid.Set("discovery_"+fault, value))
			in := r.person(t)
			in.follow(in.submit(in.atPortal(in.visit("/"), r.persona("cmnd").Accounts[0]), "/link/skip"))
			p := r.person(t)
			answer := p.visit(p.visit(wanted).link("/_vneid/start?provider=vneid"))
			assert.GreaterOrEqual(t, answer.status, 400)
			assert.Contains(t, []string{titleProtocol, "VNeID tạm thời không phản hồi"}, answer.title())
			assert.Equal(t, titleSignIn, p.visit(answer.link("/_vneid/sign-in?rd=")).title())
			assert.Equal(t, http.StatusOK, in.program("/ping").status)
		})
	}
}

// TestCredentialFaults: a directory that fails costs neither the proof nor a
// try, however often.
func TestCredentialFaults(t *testing.T) {
	t.Parallel()
	r := newRig(t, rigWorld{env: map[string]string{"CALL_TIMEOUT": "3s"}})
	who := r.persona("cmnd")
	account := who.Accounts[0]
	p := r.person(t)
	at := p.vneid(p.visit(wanted), "cmnd")
	try := func() page {
		return p.submit(at, "/link/proof", "username", account.Username, "password", account.Password, "consent", "yes")
	}
	for range 2 { // eight failures: more than there are tries
		for fault, value := range faults() {
			require.NoError(t, r.portal.Set("credential_"+fault, value))
			answer := try()
			require.NoError(t, r.portal.Set("credential_"+fault, ""))
			assert.Equal(t, http.StatusServiceUnavailable, answer.status, fault)
			assert.Equal(t, "Chưa tra cứu được tài khoản", answer.title(), fault)
			assert.NotEmpty(t, answer.header.Get("Retry-After"))
			assert.Contains(t, p.cookies(), "vneid_proof", "kept")
		}
	}
	require.Empty(t, r.links(account.ID))
	p.landed(p.follow(try()), account, &who, "linked")
}

// TestWhoAmIFaults: a portal that cannot say who is there costs nothing, and
// VNeID stays open.
func TestWhoAmIFaults(t *testing.T) {
	t.Parallel()
	for fault, value := range faults() {
		t.Run(fault, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, rigWorld{env: patience(fault)})
			who := r.persona("linked")
			p := r.person(t)
			chooser := p.visit(wanted)
			require.NoError(t, r.portal.Set("whoami_"+fault, value))
			answer := p.atPortal(chooser, who.Accounts[0])
			again := p.visit("/_vneid/sign-in")
			require.NoError(t, r.portal.Set("whoami_"+fault, ""))
			for _, at := range []page{answer, again} {
				assert.Equal(t, http.StatusServiceUnavailable, at.status)
				assert.Equal(t, "Chưa tra cứu được tài khoản", at.title())
			}
			other := r.person(t)
			for name, value := range p.cookies() {
				other.bake(name, value)
			}
			p.landed(p.visit(answer.link("/_vneid/sign-in?rd=")), who.Accounts[0], matched(who, who.Accounts[0]), "linked")
			other.landed(other.vneid(answer, "linked"), who.Accounts[0], &who, "linked")
		})
	}
}

// TestPortalDown: an outage of the portal is said to be one.
func TestPortalDown(t *testing.T) {
	t.Parallel()
	r := newRig(t, rigWorld{})
	p := r.person(t)
	p.vneid(p.visit("/"), "linked")
	r.restart(map[string]string{"UPSTREAM_URL": "http://127.0.0.1:1"})
	answer := p.get("/ho-so")
	assert.Equal(t, http.StatusBadGateway, answer.status)
	assert.Equal(t, "Cổng tạm thời gián đoạn", answer.title())
	assert.Equal(t, "application/problem+json", p.program("/ping").header.Get("Content-Type"))
}
