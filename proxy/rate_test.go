package proxy_test

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vneid-proxy/proxy"
)

func TestRate(t *testing.T) {
	clock := &movable{now: time.Now()}
	r := newRig(t, nil, trusting, func(c *proxy.Config) { c.Rate, c.Now = 2, clock.Now })
	one, other := "Cookie: "+r.cookie(linked(t)), "Cookie: "+r.cookie(linked(t))
	for i := range 20 {
		require.Equal(t, http.StatusOK, r.ask("GET /a", one).StatusCode, i)
	}
	answer := r.ask("GET /a", one)
	assert.Equal(t, http.StatusTooManyRequests, answer.StatusCode)
	assert.Equal(t, "1", answer.Header.Get("Retry-After"))
	assert.Contains(t, bodyOf(t, answer), "too_many_requests")
	assert.Equal(t, http.StatusForbidden, r.ask("GET /_vneid/auth", one, "X-Original-Method: GET", "X-Original-URI: /a").StatusCode, "all that nginx understands")
	assert.Equal(t, 20, r.count())
	assert.Equal(t, http.StatusOK, r.ask("GET /a", other).StatusCode, "each session for itself")
	clock.move(time.Second)
	for _, want := range []int{200, 200, 429} {
		assert.Equal(t, want, r.ask("GET /a", one).StatusCode)
	}

	from := func(address string) int {
		return r.ask("GET /assets/a", "X-Forwarded-For: "+address).StatusCode
	}
	for i := range 20 {
		require.Equal(t, http.StatusOK, from("203.0.113.9"), i)
	}
	assert.Equal(t, http.StatusTooManyRequests, from("203.0.113.9"))
	assert.Equal(t, http.StatusTooManyRequests, r.ask("GET /_vneid/sign-in", "X-Forwarded-For: 203.0.113.9").StatusCode)
	assert.Equal(t, http.StatusOK, from("203.0.113.10"))
	for i := range 20 {
		require.Equal(t, http.StatusOK, from(fmt.Sprintf("2001:db8:0:1::%d", i)), i)
	}
	assert.Equal(t, http.StatusTooManyRequests, from("2001:db8:0:1::ffff"), "one household")
	for range 40 {
		require.Equal(t, http.StatusOK, r.ask("GET /assets/a").StatusCode, "nobody knows whose these are")
	}
}
