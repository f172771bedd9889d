package session_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"vneid-proxy/session"
)

func TestDemands(t *testing.T) {
	for query, want := range map[string]session.Demand{
		"":                                    {},
		"level=LoA3&max_age=300&prompt=login": {Level: "LoA3", MaxAge: 5 * time.Minute, Prompt: "login"},
		"level=a+b":                           {Level: "a b"},
		"level=a&level=b&max_age=1&max_age=2": {},
		"level=a%0a&max_age=-1&prompt=none":   {},
		"max_age=5m":                          {},
		"max_age=86400":                       {MaxAge: 24 * time.Hour},
		"max_age=86401":                       {},
		"max_age=99999999999999999999":        {},
		"level=" + strings.Repeat("a", 129):   {},
	} {
		values, err := url.ParseQuery(query)
		assert.NoError(t, err)
		got := session.ParseDemand(values)
		assert.Equal(t, want, got, query)
		assert.Equal(t, got, session.ParseDemand(got.Query()), query)
	}
}

// The mark is for the one demand, and cannot be made up.
func TestRaisedIsForItsDemand(t *testing.T) {
	w, b := newWorld(t, true), browser{}
	asked := session.Demand{Level: "LoA3", MaxAge: time.Minute}
	assert.False(t, w.Raised(b.request(), asked))
	b.take(t, func(rw http.ResponseWriter) { w.Raise(rw, asked) })
	assert.True(t, w.Raised(b.request(), asked))
	assert.False(t, w.Raised(b.request(), session.Demand{Level: "LoA3"}))
	assert.False(t, w.Raised(b.request(), session.Demand{Level: "LoA3", MaxAge: 2 * time.Minute}))
	assert.False(t, w.Raised(request("vneid_raised=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"), asked))
}
