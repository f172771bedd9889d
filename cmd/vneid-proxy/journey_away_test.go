package main

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
)

// Once somebody has found VNeID away, the next people are told before they try;
// until somebody gets through.
func TestProviderAwayIsSaid(t *testing.T) {
	onBothWires(t, func(t *testing.T, w wire) {
		const notice = "VNeID hiện chưa phản hồi"
		r := newRig(t, rigWorld{wire: w})
		p := r.person(t)
		assert.NotContains(t, p.visit(wanted).body, notice)
		turn(t, r.vneid.Controls, w.token+"_down", "on")
		assert.Equal(t, http.StatusServiceUnavailable, p.vneid(p.visit(wanted), "linked").status)
		assert.Zero(t, r.metric(`vneid_proxy_provider_up{provider="vneid"}`))
		next := r.person(t)
		chooser := next.visit(wanted)
		assert.Contains(t, chooser.body, notice)
		turn(t, r.vneid.Controls, w.token+"_down", "")
		assert.Equal(t, http.StatusOK, next.vneid(chooser, "linked").status, "they may try all the same")
		assert.NotContains(t, r.person(t).visit(wanted).body, notice)
		assert.Equal(t, 1.0, r.metric(`vneid_proxy_provider_up{provider="vneid"}`))
	})
}
