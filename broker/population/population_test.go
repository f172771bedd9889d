package population_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vneid-proxy/broker/outbound"
	"vneid-proxy/broker/population"
	"vneid-proxy/identity"
)

const number = "099202000345"

func question(t testing.TB) population.Question {
	n, err := identity.VouchedCitizenNumber(number)
	require.NoError(t, err)
	return population.Question{Number: n, Name: "Nguyễn  Văn Đỗ", BirthDate: identity.BirthDate{Year: 2002, Month: 3, Day: 4}}
}

func client(t testing.TB, handler http.HandlerFunc, change ...func(*population.Config)) *population.Client {
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	cfg := population.Config{URL: server.URL + "/v1/match?x=1", Credentials: token("secret")}
	for _, c := range change {
		c(&cfg)
	}
	c, err := population.New(cfg)
	require.NoError(t, err)
	return c
}

func token(text string) func() population.Credentials {
	return func() population.Credentials { return population.Credentials{Token: text} }
}

func reply(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

func TestMatchSpeaksTheWire(t *testing.T) {
	var asked *http.Request
	var body map[string]any
	c := client(t, func(w http.ResponseWriter, r *http.Request) {
		asked, body = r, nil
		_ = json.NewDecoder(r.Body).Decode(&body)
		reply(200, `{"matched":true}`)(w, r)
	})
	answer, err := c.Match(t.Context(), question(t))
	require.NoError(t, err)
	assert.Equal(t, population.Matched, answer)
	assert.Equal(t, "POST /v1/match?x=1", asked.Method+" "+asked.RequestURI)
	assert.Equal(t, "Bearer secret", asked.Header.Get("Authorization"))
	assert.Equal(t, "application/json", asked.Header.Get("Content-Type"))
	id := body["request_id"]
	assert.NotEmpty(t, id)
	assert.Equal(t, map[string]any{"request_id": id, "citizen_number": number, "name": "NGUYENVANDO", "birth_date": "20020304"}, body)

	q := question(t)
	q.BirthDate = identity.BirthDate{Year: 2002}
	_, err = c.Match(t.Context(), q)
	require.NoError(t, err)
	assert.NotEqual(t, id, body["request_id"])
	assert.Equal(t, map[string]any{"request_id": body["request_id"], "citizen_number": number, "name": "NGUYENVANDO", "birth_year": "2002"}, body)
}

func TestMatchAnswers(t *testing.T) {
	for name, test := range map[string]struct {
		reply http.HandlerFunc
		want  population.Answer
		err   error
	}{
		"yes":           {reply(200, ` {"matched" : true} `), population.Matched, nil},
		"no":            {reply(200, `{"matched":false}`), population.NotMatched, nil},
		"another's id":  {reply(200, `{"matched":true,"request_id":"other"}`), 0, population.ErrMalformed},
		"null":          {reply(200, `{"matched":null}`), 0, population.ErrMalformed},
		"nothing":       {reply(200, `{}`), 0, population.ErrMalformed},
		"null whole":    {reply(200, `null`), 0, population.ErrMalformed},
		"text":          {reply(200, `{"matched":"true"}`), 0, population.ErrMalformed},
		"number":        {reply(200, `{"matched":1}`), 0, population.ErrMalformed},
		"folded":        {reply(200, `{"Matched":true}`), 0, population.ErrMalformed},
		"twice":         {reply(200, `{"matched":false,"matched":true}`), 0, population.ErrMalformed},
		"says more":     {reply(200, `{"matched":true,"name":"Đỗ"}`), 0, population.ErrMalformed},
		"trailing":      {reply(200, `{"matched":true}x`), 0, population.ErrMalformed},
		"list":          {reply(200, `[{"matched":true}]`), 0, population.ErrMalformed},
		"empty":         {reply(200, ``), 0, population.ErrMalformed},
		"huge":          {reply(200, `{"matched":true}`+strings.Repeat(" ", 300<<10)), 0, population.ErrMalformed},
		"html":          {func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, `<html>`) }, 0, population.ErrMalformed},
		"error status":  {reply(500, `{"matched":true}`), 0, population.ErrUnavailable},
		"wrong token":   {reply(401, `{"matched":true}`), 0, population.ErrUnavailable},
		"not found":     {reply(404, `{"matched":true}`), 0, population.ErrUnavailable},
		"other success": {reply(202, `{"matched":true}`), 0, population.ErrUnavailable},
		"redirect": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "/yes", http.StatusTemporaryRedirect)
		}, 0, population.ErrUnavailable},
		"hangs up": {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, 0, population.ErrUnavailable},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := client(t, test.reply).Match(t.Context(), question(t))
			assert.Equal(t, test.want, got)
			if test.err == nil {
				require.NoError(t, err)
				return
			}
			require.ErrorIs(t, err, test.err)
			for _, private := range []string{number, "Đỗ", "NGUYEN", "secret", "127.0.0.1"} {
				assert.NotContains(t, fmt.Sprintf("%v %+v", err, err), private)
			}
		})
	}
}

func TestMatchSlow(t *testing.T) {
	over := make(chan struct{})
	c := client(t, func(http.ResponseWriter, *http.Request) { <-over }, func(c *population.Config) { c.Timeout = 50 * time.Millisecond })
	defer close(over)
	_, err := c.Match(t.Context(), question(t))
	require.ErrorIs(t, err, population.ErrUnavailable)
	assert.Equal(t, outbound.Timeout, outbound.CauseOf(err))
}

func TestIncompleteQuestionIsNotAsked(t *testing.T) {
	var asked atomic.Int32
	c := client(t, func(w http.ResponseWriter, r *http.Request) { asked.Add(1); reply(200, `{"matched":true}`)(w, r) })
	for name, spoil := range map[string]func(*population.Question){
		"no number":              func(q *population.Question) { q.Number = identity.CitizenNumber{} },
		"no name":                func(q *population.Question) { q.Name = " " },
		"name of another script": func(q *population.Question) { q.Name = "Nguyеn Van Do" }, // Cyrillic е
		"no birth date":          func(q *population.Question) { q.BirthDate = identity.BirthDate{} },
	} {
		q := question(t)
		spoil(&q)
		answer, err := c.Match(t.Context(), q)
		assert.Equal(t, population.ErrQuestion, err, name)
		assert.Zero(t, answer)
	}
	assert.Zero(t, asked.Load())
}

func TestBreaker(t *testing.T) {
	var asked atomic.Int32
	c := client(t, func(w http.ResponseWriter, r *http.Request) { asked.Add(1); reply(503, ``)(w, r) })
	for range 20 {
		_, err := c.Match(t.Context(), question(t))
		require.ErrorIs(t, err, population.ErrUnavailable)
	}
	assert.Equal(t, int32(5), asked.Load(), "the rest were not asked")
}

// People who go away do not open the breaker for the others.
func TestBreakerIgnoresWhoGoesAway(t *testing.T) {
	c := client(t, reply(200, `{"matched":false}`))
	gone, leave := context.WithCancel(t.Context())
	leave()
	for range 20 {
		_, err := c.Match(gone, question(t))
		require.ErrorIs(t, err, population.ErrUnavailable)
	}
	answer, err := c.Match(t.Context(), question(t))
	require.NoError(t, err)
	assert.Equal(t, population.NotMatched, answer)
}

func TestNewRefuses(t *testing.T) {
	const address = "https://dan-cu.example/match"
	for name, test := range map[string]struct {
		cfg  population.Config
		says []string
	}{
		"no address":      {population.Config{Credentials: token("t")}, []string{"URL"}},
		"plain http":      {population.Config{URL: "http://dan-cu.example/match", Credentials: token("t")}, []string{"URL"}},
		"no credentials":  {population.Config{URL: address}, []string{"Credentials"}},
		"no token":        {population.Config{URL: address, Credentials: token("")}, []string{"Credentials.Token"}},
		"unknown profile": {population.Config{URL: address, Credentials: token("t"), Profile: "qcvn109"}, []string{"Profile"}},
		"name form":       {population.Config{URL: address, Credentials: token("t"), Form: population.Form{Name: "lower"}}, []string{"Form.Name"}},
		"date form":       {population.Config{URL: address, Credentials: token("t"), Form: population.Form{Date: "year"}}, []string{"Form.Date"}},
		"reserve":         {population.Config{URL: address, Credentials: token("t"), Limits: population.Limits{Reserve: 101}}, []string{"Limits"}},
		"lookup http":     {population.Config{URL: address, Credentials: token("t"), LookupURL: "http://dan-cu.example/"}, []string{"LookupURL"}},
		"ndxp":            {population.Config{URL: address, Credentials: token("t"), Profile: "ndxp"}, []string{"User", "Secret", "APIKey", "Official", "Procedure", "Client"}},
		"lgsp-keys":       {population.Config{URL: address, Credentials: token("t"), Profile: "lgsp-keys"}, []string{"User", "Secret", "AccessKey", "Password", "Official", "Procedure"}},
		"lgsp-string":     {population.Config{URL: address, Credentials: token(""), Profile: "lgsp-string"}, []string{"Token", "Official", "Procedure"}},
	} {
		_, err := population.New(test.cfg)
		if assert.Error(t, err, name) {
			for _, word := range test.says {
				assert.ErrorContains(t, err, word, name)
			}
		}
	}
}

// However the answer is spelled, a match is one spelling of yes alone.
func FuzzAnswer(f *testing.F) {
	for _, seed := range []string{`{"matched":true}`, `{"matched":false}`, `{"matched":true,"matched":true}`, `{"MATCHED":true}`, `null`, `{}`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		got, err := client(t, reply(200, string(body))).Match(t.Context(), question(t))
		if err != nil {
			assert.Zero(t, got)
			assert.True(t, strings.HasPrefix(err.Error(), "population: "))
			return
		}
		var all map[string]any
		require.NoError(t, json.Unmarshal(body, &all))
		assert.Equal(t, map[string]any{"matched": got == population.Matched}, all)
	})
}
