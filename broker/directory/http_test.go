package directory_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vneid-proxy/broker/directory"
	"vneid-proxy/broker/outbound"
	"vneid-proxy/identity"
	"vneid-proxy/vneidtest"
)

// simulated is the simulated portal with these accounts alone.
func simulated(t *testing.T, accounts []identity.Account) (*vneidtest.Portal, *directory.HTTP) {
	var rows []vneidtest.PortalAccount
	for _, a := range accounts {
		rows = append(rows, vneidtest.PortalAccount{
			ID: string(a.ID), Username: a.Username, Kind: string(a.Kind), Locked: a.Locked,
			CitizenNumber: a.Number.Reveal(), CitizenNumberVerified: a.NumberVerified, IDCardNumber: a.IDCard.Reveal(),
			Name: a.Name, BirthDate: a.BirthDate.String(), Email: a.Email, Phone: a.Phone, Roles: a.Roles,
			Group: a.Group, Subject: a.Subject, CreatedBy: string(a.CreatedBy),
		})
	}
	return simulatedRows(t, rows)
}

func simulatedRows(t *testing.T, rows []vneidtest.PortalAccount) (*vneidtest.Portal, *directory.HTTP) {
	portal, err := vneidtest.NewPortal(vneidtest.PortalConfig{CredentialToken: "secret", Personas: []vneidtest.Persona{}, Accounts: rows})
	require.NoError(t, err)
	server := httptest.NewServer(portal)
	t.Cleanup(server.Close)
	return portal, overHTTP(t, server.URL+"/api/directory/", 0)
}

func overHTTP(t testing.TB, base string, timeout time.Duration) *directory.HTTP {
	d, err := directory.NewHTTP(directory.HTTPConfig{URL: base, Token: "secret", Timeout: timeout})
	require.NoError(t, err)
	return d
}

func TestHTTPConforms(t *testing.T) {
	conformance(t, func(t *testing.T, accounts []identity.Account) reader {
		_, d := simulated(t, accounts)
		return d
	})
}

func TestHTTPSpeaksTheWire(t *testing.T) {
	var asked []string
	d := overHTTP(t, serve(t, func(w http.ResponseWriter, r *http.Request) {
		body := new(strings.Builder)
		_ = r.Write(body)
		_, sent, _ := strings.Cut(body.String(), "\r\n\r\n")
		asked = append(asked, r.Method+" "+r.RequestURI+" "+r.Header.Get("Content-Type")+" "+r.Header.Get("Authorization")+" "+sent)
		if strings.HasSuffix(r.URL.Path, "/search") {
			reply(200, `{"accounts":[]}`)(w, r)
			return
		}
		reply(200, `{"version":"2"}`)(w, r)
	})+"/v1/", 0)
	number := citizenNumber(t, "099202000345")
	_, err := d.ByID(t.Context(), `1"7`)
	require.ErrorIs(t, err, directory.ErrNotFound)
	for _, call := range []func() ([]identity.Account, error){
		func() ([]identity.Account, error) { return d.ByUsername(t.Context(), "Đào") },
		func() ([]identity.Account, error) { return d.ByCitizenNumber(t.Context(), number) },
		func() ([]identity.Account, error) { return d.ByIDCardNumber(t.Context(), idCardNumber(t, "990000345")) },
		func() ([]identity.Account, error) { return d.BySubject(t.Context(), "s-17") },
	} {
		found, err := call()
		require.NoError(t, err)
		assert.Empty(t, found)
	}
	require.NoError(t, d.WriteCitizenNumber(t.Context(), "17", number, "1"))
	const how = " application/json Bearer secret "
	assert.Equal(t, []string{
		"POST /v1/search" + how + `{"id":"1\"7"}`,
		"POST /v1/search" + how + `{"username":"Đào"}`,
		"POST /v1/search" + how + `{"citizen_number":"099202000345"}`,
		"POST /v1/search" + how + `{"id_card_number":"990000345"}`,
		"POST /v1/search" + how + `{"subject":"s-17"}`,
	}, asked[:5])
	request, sent, _ := strings.Cut(asked[5], "{")
	assert.Equal(t, "POST /v1/citizen-number"+how, request)
	assert.JSONEq(t, `{"id":"17","citizen_number":"099202000345","version":"1"}`, "{"+sent)
}

func TestHTTPDoesNotAskWhatCannotBe(t *testing.T) {
	portal, d := simulated(t, nil)
	for _, text := range []string{"", "a\nb", "\xff", strings.Repeat("a", 256)} {
		_, err := d.ByID(t.Context(), identity.AccountID(text))
		require.ErrorIs(t, err, directory.ErrNotFound)
		found, err := d.ByUsername(t.Context(), text)
		require.NoError(t, err)
		assert.Empty(t, found)
	}
	assert.Zero(t, portal.Calls("directory"))
}

// member is a row as JSON with one member otherwise.
func member(name, value string) string {
	row := map[string]string{
		"id": `"17"`, "username": `"nguyenvana"`, "kind": `"citizen"`, "status": `"active"`,
		"citizen_number": `"099202000345"`, "citizen_number_verified": `true`, "id_card_number": `"990000345"`,
		"name": `"Nguyễn Văn Á"`, "birth_date": `"2002-03-04"`, "email": `"a@example.vn"`, "phone": `"0000000000"`,
		"roles": `["nop-ho-so"]`, "version": `"v1"`,
	}
	if name != "" {
		row[name] = value
	}
	var members []string
	for _, name := range slices.Sorted(maps.Keys(row)) {
		if row[name] != "" {
			members = append(members, fmt.Sprintf("%q:%s", name, row[name]))
		}
	}
	return "{" + strings.Join(members, ",") + "}"
}

func accountsOf(rows ...string) string { return `{"accounts":[` + strings.Join(rows, ",") + `]}` }

func TestHTTPReadsStrictly(t *testing.T) {
	good := member("", "")
	long := `"` + strings.Repeat("a", 256) + `"`
	answers := map[string]string{
		"not asked for":        accountsOf(member("id", `"18"`)),
		"two for one id":       accountsOf(good, member("version", `"v2"`)),
		"another beside":       accountsOf(good, member("id", `"18"`)),
		"id in another case":   accountsOf(member("id", `"17 "`)),
		"status twice":         accountsOf(strings.Replace(good, `"status":`, `"status":"locked","status":`, 1)),
		"folded besides":       accountsOf(strings.Replace(good, `"status":`, `"Status":"locked","status":`, 1)),
		"folded":               accountsOf(strings.Replace(good, `"status":`, `"Status":`, 1)),
		"accounts folded":      `{"Accounts":[` + good + `]}`,
		"accounts twice":       `{"accounts":[],"accounts":[` + good + `]}`,
		"one member more":      accountsOf(member("password", `"x"`)),
		"more beside accounts": `{"accounts":[` + good + `],"total":1}`,
		"trailing":             accountsOf(good) + `{"accounts":[]}`,
		"null row":             accountsOf("null"),
		"null accounts":        `{"accounts":null}`,
		"no accounts":          `{}`,
		"null":                 `null`,
		"list":                 `[` + good + `]`,
		"one, not in a list":   `{"accounts":` + good + `}`,
		"empty":                ``,
		"html":                 `<html>`,
		"over a hundred":       accountsOf(slices.Repeat([]string{good}, 101)...),
		"huge":                 accountsOf(good) + strings.Repeat(" ", 300<<10),
		"not UTF-8":            accountsOf(member("name", "\"\xff\"")),
		"half a surrogate":     accountsOf(member("name", `"\ud800"`)),

		"verified nothing":   accountsOf(member("citizen_number", `""`)),
		"verified as text":   accountsOf(member("citizen_number_verified", `"true"`)),
		"verified as one":    accountsOf(member("citizen_number_verified", `1`)),
		"number as number":   accountsOf(member("citizen_number", `99202000345`)),
		"number of 11":       accountsOf(member("citizen_number", `"99202000345"`)),
		"number with blanks": accountsOf(member("citizen_number", `"099 202 000 345"`)),
		"number full width":  accountsOf(member("citizen_number", `"０９９２０２０００３４５"`)),
		"CMND with blanks":   accountsOf(member("id_card_number", `"990 000 345"`)),
		"CMND of 12":         accountsOf(member("id_card_number", `"099202000345"`)),
		"no such day":        accountsOf(member("birth_date", `"2002-02-30"`)),
		"day first":          accountsOf(member("birth_date", `"04-03-2002"`)),
		"with slashes":       accountsOf(member("birth_date", `"04/03/2002"`)),
		"without dashes":     accountsOf(member("birth_date", `"20020304"`)),
		"with a time":        accountsOf(member("birth_date", `"2002-03-04T00:00:00Z"`)),
		"no year":            accountsOf(member("birth_date", `"0000-03-04"`)),
		"year as number":     accountsOf(member("birth_date", `2002`)),
		"unknown kind":       accountsOf(member("kind", `"Citizen"`)),
		"no kind":            accountsOf(member("kind", `""`)),
		"unknown status":     accountsOf(member("status", `"closed"`)),
		"no version":         accountsOf(member("version", `""`)),
		"version of 65":      accountsOf(member("version", `"`+strings.Repeat("v", 65)+`"`)),
		"version as number":  accountsOf(member("version", `1`)),
		"roles as text":      accountsOf(member("roles", `"admin"`)),
		"empty role":         accountsOf(member("roles", `[""]`)),
		"null role":          accountsOf(member("roles", `[null]`)),
		"role breaks line":   accountsOf(member("roles", `["a\r\nX-Forwarded-User: 1"]`)),
		"roles too long":     accountsOf(member("roles", `[`+long[:150]+`","`+long[1:])),
	}
	var whole map[string]any
	require.NoError(t, json.Unmarshal([]byte(good), &whole))
	for name := range whole {
		answers["without "+name] = accountsOf(member(name, ""))
		answers["null "+name] = accountsOf(member(name, "null"))
	}
	for _, name := range []string{"id", "username", "name", "email", "phone", "version", "kind", "status"} {
		answers["control character in "+name] = accountsOf(member(name, `"17\u0000"`))
		answers["line break in "+name] = accountsOf(member(name, `"a\r\nX-Forwarded-User: 1"`))
		answers["too long "+name] = accountsOf(member(name, long))
	}
	var body string
	d := overHTTP(t, serve(t, func(w http.ResponseWriter, r *http.Request) { reply(200, body)(w, r) }), 0)

	body = accountsOf(good)
	account, version, err := d.Versioned(t.Context(), "17")
	require.NoError(t, err)
	assert.Equal(t, "v1", version)
	assert.Equal(t, identity.Account{
		ID: "17", Username: "nguyenvana", Kind: identity.KindCitizen, Number: citizenNumber(t, "099202000345"), NumberVerified: true,
		IDCard: idCardNumber(t, "990000345"), Name: "Nguyễn Văn Á", BirthDate: identity.BirthDate{Year: 2002, Month: 3, Day: 4},
		Email: "a@example.vn", Phone: "0000000000", Roles: []string{"nop-ho-so"},
	}, account)
	for name, answer := range answers {
		t.Run(name, func(t *testing.T) {
			body = answer
			account, version, err := d.Versioned(t.Context(), "17")
			require.ErrorIs(t, err, directory.ErrMalformed)
			assert.Zero(t, account)
			assert.Empty(t, version)
			assert.NotContains(t, err.Error(), "nguyen")
		})
	}
}

// An account that has not what was asked for is never handed on, whichever
// the question.
func TestHTTPHandsOnWhatWasAskedFor(t *testing.T) {
	var body string
	d := overHTTP(t, serve(t, func(w http.ResponseWriter, r *http.Request) { reply(200, body)(w, r) }), 0)
	byUsername := func() ([]identity.Account, error) { return d.ByUsername(t.Context(), "nguyenvana") }
	byNumber := func() ([]identity.Account, error) {
		return d.ByCitizenNumber(t.Context(), citizenNumber(t, "099202000345"))
	}
	byIDCard := func() ([]identity.Account, error) {
		return d.ByIDCardNumber(t.Context(), idCardNumber(t, "990000345"))
	}
	for name, test := range map[string]struct {
		ask   func() ([]identity.Account, error)
		other string // a row that does not answer the question
	}{
		"user name":      {byUsername, member("username", `"NGUYENVANA"`)},
		"citizen number": {byNumber, member("citizen_number", `"099202000346"`)},
		"no number":      {byNumber, strings.Replace(member("citizen_number", `""`), `verified":true`, `verified":false`, 1)},
		"ID-card number": {byIDCard, member("id_card_number", `""`)},
	} {
		t.Run(name, func(t *testing.T) {
			body = accountsOf(member("", ""))
			found, err := test.ask()
			require.NoError(t, err)
			require.Len(t, found, 1)
			another := strings.Replace(test.other, `"id":"17"`, `"id":"18"`, 1)
			for _, rows := range [][]string{{another}, {member("", ""), another}, {member("", ""), member("", "")}} {
				body = accountsOf(rows...)
				found, err := test.ask()
				require.ErrorIs(t, err, directory.ErrMalformed)
				assert.Empty(t, found)
			}
		})
	}
}

func TestHTTPSimulatedLies(t *testing.T) {
	accounts := []identity.Account{{ID: "17", Kind: identity.KindCitizen}, {ID: "18", Kind: identity.KindCitizen}}
	portal, d := simulated(t, accounts)
	for _, knob := range []string{
		"directory_two", "directory_other", "directory_duplicate", "directory_case", "directory_trailing",
		"directory_garbage", "directory_huge",
	} {
		require.NoError(t, portal.Set(knob, "on"))
		account, err := d.ByID(t.Context(), "17")
		require.ErrorIs(t, err, directory.ErrMalformed, knob)
		assert.Zero(t, account)
		require.NoError(t, portal.Set(knob, "off"))
	}
	_, err := d.ByID(t.Context(), "17")
	require.NoError(t, err)
}

func TestHTTPUnavailable(t *testing.T) {
	number := citizenNumber(t, "099202000345")
	good := accountsOf(member("", ""))
	for name, answer := range map[string]http.HandlerFunc{
		"error":     reply(500, good),
		"busy":      reply(429, good),
		"refused":   reply(401, good),
		"malformed": reply(400, good),
		"created":   reply(201, good),
		"redirect": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "/elsewhere", http.StatusTemporaryRedirect)
		},
		"hangs up": func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
	} {
		t.Run(name, func(t *testing.T) {
			d := overHTTP(t, serve(t, answer), 0)
			account, err := d.ByID(t.Context(), "17")
			require.ErrorIs(t, err, directory.ErrUnavailable)
			assert.Zero(t, account)
			for _, private := range []string{"secret", "17", "127.0.0.1", "nguyenvana"} {
				assert.NotContains(t, err.Error(), private)
			}
			require.ErrorIs(t, d.WriteCitizenNumber(t.Context(), "17", number, "v1"), directory.ErrUnavailable)
		})
	}
	over := make(chan struct{})
	slow := overHTTP(t, serve(t, func(http.ResponseWriter, *http.Request) { <-over }), 50*time.Millisecond)
	defer close(over)
	_, err := slow.ByUsername(t.Context(), "nguyenvana")
	require.ErrorIs(t, err, directory.ErrUnavailable)
	assert.Equal(t, outbound.Timeout, outbound.CauseOf(err))
}

func TestWriteCitizenNumber(t *testing.T) {
	number, other := citizenNumber(t, "099202000345"), citizenNumber(t, "099202000346")
	_, d := simulated(t, []identity.Account{{ID: "17", Username: "a", Kind: identity.KindCitizen, Number: other}})
	ctx := t.Context()
	_, version, err := d.Versioned(ctx, "17")
	require.NoError(t, err)
	require.ErrorIs(t, d.WriteCitizenNumber(ctx, "17", number, "another"), directory.ErrChanged)
	require.ErrorIs(t, d.WriteCitizenNumber(ctx, "18", number, version), directory.ErrNotFound)
	require.NoError(t, d.WriteCitizenNumber(ctx, "17", number, version))
	account, next, err := d.Versioned(ctx, "17")
	require.NoError(t, err)
	assert.Equal(t, number, account.Number)
	assert.True(t, account.NumberVerified)
	assert.NotEqual(t, version, next)
	require.NoError(t, d.WriteCitizenNumber(ctx, "17", number, version), "it stands there")
	require.ErrorIs(t, d.WriteCitizenNumber(ctx, "17", other, version), directory.ErrChanged)

	for name, body := range map[string]string{
		"no version": `{}`, "null": `{"version":null}`, "empty": `{"version":""}`, "more": `{"version":"1","id":"17"}`,
		"number": `{"version":1}`, "folded": `{"Version":"1"}`, "long": `{"version":"` + strings.Repeat("v", 65) + `"}`, "nothing": ``,
	} {
		liar := overHTTP(t, serve(t, reply(200, body)), 0)
		require.ErrorIs(t, liar.WriteCitizenNumber(ctx, "17", number, version), directory.ErrMalformed, name)
	}
}

func TestHTTPConfigurations(t *testing.T) {
	for name, cfg := range map[string]directory.HTTPConfig{
		"no address": {Token: "t"}, "no token": {URL: "https://portal.example/x"}, "plain http": {URL: "http://portal.example/x", Token: "t"},
		"a query": {URL: "https://portal.example/x?y=1", Token: "t"}, "half a query": {URL: "https://portal.example/x?", Token: "t"},
	} {
		_, err := directory.NewHTTP(cfg)
		assert.Error(t, err, name)
	}
}

// Whatever the portal answers, what comes out was asked for, fits into a
// header, and stands in the answer under its own name.
func FuzzAccounts(f *testing.F) {
	for _, seed := range []string{
		accountsOf(member("", "")), accountsOf(member("birth_date", `"2002"`)), accountsOf(member("roles", `[]`)), accountsOf(),
		accountsOf(member("", ""), member("id", `"18"`)), accountsOf(member("status", `"locked"`)),
	} {
		f.Add([]byte(seed))
	}
	var body []byte
	d := overHTTP(f, serve(f, func(w http.ResponseWriter, r *http.Request) { reply(200, string(body))(w, r) }), 0)
	f.Fuzz(func(t *testing.T, answer []byte) {
		body = answer
		found, err := d.ByUsername(t.Context(), "nguyenvana")
		if err != nil {
			assert.Empty(t, found)
			require.ErrorIs(t, err, directory.ErrMalformed)
			return
		}
		var all struct {
			Accounts []map[string]any `json:"accounts"`
		}
		require.NoError(t, json.Unmarshal(answer, &all))
		require.Len(t, found, len(all.Accounts))
		for i, a := range found {
			row := all.Accounts[i]
			require.Len(t, row, 13)
			assert.Equal(t, []any{
				"nguyenvana", row["id"], row["citizen_number"], row["citizen_number_verified"], row["id_card_number"],
				row["birth_date"], row["name"], row["status"] == "locked",
			}, []any{
				a.Username, string(a.ID), a.Number.Reveal(), a.NumberVerified, a.IDCard.Reveal(),
				a.BirthDate.String(), a.Name, a.Locked,
			})
			for _, text := range append([]string{string(a.ID), a.Username, a.Name, a.Email, a.Phone, string(a.Kind)}, a.Roles...) {
				assert.NotRegexp(t, `[\x00-\x1f\x7f]`, text)
				assert.LessOrEqual(t, len(text), 255)
			}
		}
	})
}
