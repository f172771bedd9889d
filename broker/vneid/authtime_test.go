package vneid_test

import (
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vneid-proxy/broker/vneid"
	"vneid-proxy/session"
)

func TestAuthURLDemands(t *testing.T) {
	p := newProvider(t)
	party := p.party(t)
	p.attempt.Demand = session.Demand{Level: "LoA3 LoA4", MaxAge: 5 * time.Minute, Prompt: "login"}
	p.attempt.Hint = "vidu"
	address, err := party.AuthURL(t.Context(), p.attempt)
	require.NoError(t, err)
	u, err := url.Parse(address)
	require.NoError(t, err)
	for name, want := range map[string]string{"acr_values": "LoA3 LoA4", "max_age": "300", "prompt": "login", "login_hint": "vidu"} {
		assert.Equal(t, []string{want}, u.Query()[name], name)
	}
}

// auth_time is there where max_age asked for it, and is told as how long ago
// that was by the provider's own clock.
func TestAuthTime(t *testing.T) {
	now := time.Now().Truncate(time.Second)
	at := func(ago time.Duration) any { return now.Add(-ago).Unix() }
	for name, test := range map[string]struct {
		maxAge time.Duration
		spoil  func(claims)
		ago    time.Duration // -1 is not known
		reason vneid.Reason
	}{
		"not told":                       {0, func(claims) {}, -1, ""},
		"told":                           {0, func(c claims) { c["auth_time"] = at(2 * time.Hour) }, 2 * time.Hour, ""},
		"asked and told":                 {time.Minute, func(c claims) { c["auth_time"] = at(10 * time.Second) }, 10 * time.Second, ""},
		"asked, and too long ago":        {time.Minute, func(c claims) { c["auth_time"] = at(time.Hour) }, time.Hour, ""},
		"asked and not told":             {time.Minute, func(claims) {}, 0, vneid.ReasonAuthTime},
		"a null":                         {time.Minute, func(c claims) { c["auth_time"] = nil }, 0, vneid.ReasonAuthTime},
		"in the future":                  {0, func(c claims) { c["auth_time"] = at(-2 * time.Minute) }, 0, vneid.ReasonAuthTime},
		"a little after the token":       {0, func(c claims) { c["auth_time"] = at(-30 * time.Second) }, 0, ""},
		"and no iat":                     {0, func(c claims) { c["auth_time"] = at(0); delete(c, "iat") }, 0, vneid.ReasonIssuedAt},
		"no time":                        {0, func(c claims) { c["auth_time"] = 0 }, 0, vneid.ReasonAuthTime},
		"a text":                         {0, func(c claims) { c["auth_time"] = "1" }, 0, vneid.ReasonIDToken},
		"by a clock that is 50 s behind": {0, func(c claims) { c["iat"], c["auth_time"] = at(50*time.Second), at(60*time.Second) }, 10 * time.Second, ""},
	} {
		t.Run(name, func(t *testing.T) {
			p := newProvider(t)
			p.attempt.Demand.MaxAge = test.maxAge
			p.idToken["iat"] = now.Unix()
			test.spoil(p.idToken)
			got, err := p.party(t, func(c *vneid.Config) { c.Now = func() time.Time { return now } }).Redeem(t.Context(), p.attempt, p.callback())
			require.Equal(t, test.reason, vneid.ReasonOf(err))
			if test.ago < 0 || test.reason != "" {
				assert.True(t, got.Authenticated.IsZero())
				return
			}
			assert.True(t, now.Add(-test.ago).Equal(got.Authenticated), got.Authenticated)
		})
	}
}
