package vneidtest_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vneid-proxy/identity"
	"vneid-proxy/vneidtest"
)

var bearer = http.Header{"Authorization": {"Bearer " + token}, "Content-Type": {"application/json"}}

func TestPopulationMatches(t *testing.T) {
	_, address := startPopulation(t)
	const number = "099192000366" // persona two, Lê Thị Hồng Đào, 1992-07-21
	for name, tc := range map[string]struct{ number, who, born, want string }{
		"all right":           {number, "LETHIHONGDAO", `"birth_date":"19920721"`, "true"},
		"year alone":          {number, "LETHIHONGDAO", `"birth_year":"1992"`, "true"},
		"marks and spaces":    {number, "Lê Thị Hồng Đào", `"birth_date":"19920721"`, "true"},
		"decomposed":          {number, "Le\u0302 Thi\u0323 Ho\u0302\u0300ng Đa\u0300o", `"birth_year":"1992"`, "true"},
		"another name":        {number, "LETHIHONG", `"birth_date":"19920721"`, "false"},
		"another day":         {number, "LETHIHONGDAO", `"birth_date":"19920722"`, "false"},
		"another year":        {number, "LETHIHONGDAO", `"birth_year":"1993"`, "false"},
		"somebody else's":     {"099079000245", "LETHIHONGDAO", `"birth_date":"19920721"`, "false"},
		"unknown number":      {"099192999999", "LETHIHONGDAO", `"birth_date":"19920721"`, "false"},
		"mismatch persona":    {"099168000508", "VUHOANGTHU", `"birth_date":"19680509"`, "false"},
		"mismatch, real data": {"099168000508", "VUHOANGTHUY", `"birth_date":"19680905"`, "true"},
	} {
		t.Run(name, func(t *testing.T) {
			status, body := do(t, http.MethodPost, address+"/v1/match",
				`{"request_id":"r1","citizen_number":"`+tc.number+`","name":"`+tc.who+`",`+tc.born+`}`, bearer)
			require.Equal(t, http.StatusOK, status)
			assert.Equal(t, `{"matched":`+tc.want+"}\n", body)
		})
	}
}

// TestPopulationAgreesWithIdentity holds the two independent readings of the
// State's form of a name together.
func TestPopulationAgreesWithIdentity(t *testing.T) {
	p, address := startPopulation(t)
	for i, who := range vneidtest.Personas() {
		body := `{"request_id":"r1","citizen_number":"` + who.CitizenNumber + `","name":"` + identity.StateName(who.Name) +
			`","birth_date":"` + strings.ReplaceAll(who.BirthDate, "-", "") + `"}`
		_, answer := do(t, http.MethodPost, address+"/v1/match", body, bearer)
		assert.Equal(t, "{\"matched\":true}\n", answer, who.Key)
		assert.Equal(t, i+1, p.Calls("match"))
	}
	require.NoError(t, p.Set("mismatch", "on"))
	_, answer := do(t, http.MethodPost, address+"/v1/match",
		`{"request_id":"r1","citizen_number":"099079000245","name":"TRANVANBINH","birth_year":"1979"}`, bearer)
	assert.Equal(t, "{\"matched\":false}\n", answer)
}

func TestPopulationRefuses(t *testing.T) {
	_, address := startPopulation(t)
	const good = `{"request_id":"r1","citizen_number":"099192000366","name":"LETHIHONGDAO","birth_year":"1992"}`
	for name, tc := range map[string]struct {
		body   string
		header http.Header
		status int
	}{
		"good":             {good, bearer, 200},
		"no token":         {good, nil, 401},
		"another token":    {good, http.Header{"Authorization": {"Bearer other"}}, 401},
		"another scheme":   {good, http.Header{"Authorization": {"Basic " + token}}, 401},
		"empty":            {"", bearer, 400},
		"no JSON":          {"matched", bearer, 400},
		"array":            {"[" + good + "]", bearer, 400},
		"trailing":         {good + good, bearer, 400},
		"another member":   {strings.Replace(good, "{", `{"office":"1",`, 1), bearer, 400},
		"another case":     {strings.Replace(good, "citizen_number", "Citizen_Number", 1), bearer, 400},
		"member twice":     {strings.Replace(good, "{", `{"name":"A",`, 1), bearer, 400},
		"both dates":       {strings.Replace(good, "{", `{"birth_date":"19920721",`, 1), bearer, 400},
		"neither date":     {strings.Replace(good, `,"birth_year":"1992"`, "", 1), bearer, 400},
		"no such day":      {strings.Replace(good, `"birth_year":"1992"`, `"birth_date":"19920230"`, 1), bearer, 400},
		"ISO date":         {strings.Replace(good, `"birth_year":"1992"`, `"birth_date":"1992-07-21"`, 1), bearer, 400},
		"year as a number": {strings.Replace(good, `"1992"`, "1992", 1), bearer, 400},
		"no request id":    {strings.Replace(good, `"r1"`, `""`, 1), bearer, 400},
		"no name":          {strings.Replace(good, `"LETHIHONGDAO"`, `" "`, 1), bearer, 400},
		"nine digits":      {strings.Replace(good, "099192000366", "990192036", 1), bearer, 400},
		"huge":             {strings.Replace(good, "r1", strings.Repeat("r", 100<<10), 1), bearer, 400},
	} {
		t.Run(name, func(t *testing.T) {
			status, body := do(t, http.MethodPost, address+"/v1/match", tc.body, tc.header)
			assert.Equal(t, tc.status, status)
			assert.NotContains(t, body, "099192", "answers repeat no number")
		})
	}
	status, _ := do(t, http.MethodGet, address+"/v1/match", "", bearer)
	assert.Equal(t, http.StatusMethodNotAllowed, status)
	_, err := vneidtest.NewPopulation(vneidtest.PopulationConfig{})
	assert.Error(t, err, "a token is required")
}
