package vneidtest_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vneid-proxy/vneidtest"
)

// found asks the directory and returns the rows, whose versions it checks.
func found(t *testing.T, address, question string) []map[string]any {
	t.Helper()
	status, body := do(t, http.MethodPost, address+"/api/directory/search", question, bearer)
	require.Equal(t, http.StatusOK, status, body)
	var answer struct{ Accounts []map[string]any }
	require.NoError(t, json.Unmarshal([]byte(body), &answer))
	for _, row := range answer.Accounts {
		assert.Regexp(t, `^.{1,64}$`, row["version"])
	}
	return answer.Accounts
}

func writeNumber(t *testing.T, address, id, number, version string) (status int, answer map[string]string) {
	t.Helper()
	body, err := json.Marshal(map[string]string{"id": id, "citizen_number": number, "version": version})
	require.NoError(t, err)
	status, text := do(t, http.MethodPost, address+"/api/directory/citizen-number", string(body), bearer)
	require.NoError(t, json.Unmarshal([]byte(text), &answer), text)
	return status, answer
}

func TestDirectoryAnswersWholeRows(t *testing.T) {
	p, err := vneidtest.NewPortal(vneidtest.PortalConfig{CredentialToken: token, Accounts: []vneidtest.PortalAccount{{
		ID: "tc-1", Username: "cty.mau", Password: "cong-mau-7398", Kind: "organisation", Locked: true, Name: "Công ty Mẫu",
		CitizenNumber: "099192000366", Email: "mau@portal.invalid", Phone: "0900000000", Roles: []string{"nop-ho-so", "tra-cuu"},
	}}})
	require.NoError(t, err)
	address := serve(t, func(string) http.Handler { return p })

	rows := found(t, address, `{"id":"tc-1"}`)
	require.Len(t, rows, 1)
	delete(rows[0], "version")
	assert.Equal(t, map[string]any{
		"id": "tc-1", "username": "cty.mau", "kind": "organisation", "status": "locked",
		"citizen_number": "099192000366", "citizen_number_verified": false, "id_card_number": "",
		"name": "Công ty Mẫu", "birth_date": "", "email": "mau@portal.invalid", "phone": "0900000000",
		"roles": []any{"nop-ho-so", "tra-cuu"},
	}, rows[0])
	rows = found(t, address, `{"username":"buithisau"}`)
	require.Len(t, rows, 1)
	delete(rows[0], "version")
	assert.Equal(t, map[string]any{
		"id": "tk-6004", "username": "buithisau", "kind": "citizen", "status": "active",
		"citizen_number": "", "citizen_number_verified": false, "id_card_number": "990150095",
		"name": "Bùi Thị Sáu", "birth_date": "1950", "email": "", "phone": "", "roles": []any{},
	}, rows[0])

	for question, want := range map[string]int{
		`{"citizen_number":"099192000366"}`: 3, `{"citizen_number":"099079000245"}`: 0,
		`{"id_card_number":"990192036"}`: 2, `{"id_card_number":"990179024"}`: 2, `{"id_card_number":"990000000"}`: 0,
		`{"id":"TK-2001"}`: 0, `{"username":"099185000121"}`: 1, `{"id":"099185000121"}`: 1,
	} {
		assert.Len(t, found(t, address, question), want, question)
	}
	assert.Equal(t, 10, p.Calls("directory"))
}

func TestDirectoryRefuses(t *testing.T) {
	p, address := startPortal(t)
	const search, write, scan = "/api/directory/search", "/api/directory/citizen-number", "/api/directory/scan"
	const good = `{"id":"tk-2001","citizen_number":"099079000245","version":"v"}`
	for name, tc := range map[string]struct {
		path, body string
		header     http.Header
		status     int
	}{
		"good":                {search, `{"id":"tk-2001"}`, bearer, 200},
		"no token":            {search, `{"id":"tk-2001"}`, nil, 401},
		"another token":       {search, `{"id":"tk-2001"}`, http.Header{"Authorization": {"Bearer no"}}, 401},
		"a form":              {search, `{"id":"tk-2001"}`, http.Header{"Authorization": {"Bearer " + token}, "Content-Type": {"text/plain"}}, 400},
		"empty":               {search, ``, bearer, 400},
		"no member":           {search, `{}`, bearer, 400},
		"null":                {search, `{"id":null}`, bearer, 400},
		"nothing asked":       {search, `{"id":""}`, bearer, 400},
		"not a text":          {search, `{"id":2001}`, bearer, 400},
		"two members":         {search, `{"id":"tk-2001","username":"a"}`, bearer, 400},
		"twice":               {search, `{"id":"tk-2001","id":"tk-2001"}`, bearer, 400},
		"another case":        {search, `{"Id":"tk-2001"}`, bearer, 400},
		"another member":      {search, `{"name":"A"}`, bearer, 400},
		"trailing":            {search, `{"id":"tk-2001"}{}`, bearer, 400},
		"no number":           {search, `{"citizen_number":""}`, bearer, 400},
		"nine digits":         {search, `{"citizen_number":"990179024"}`, bearer, 400},
		"twelve digits":       {search, `{"id_card_number":"099079000245"}`, bearer, 400},
		"huge":                {search, `{"id":"` + strings.Repeat("x", 100<<10) + `"}`, bearer, 400},
		"write, old version":  {write, good, bearer, 409},
		"write, no token":     {write, good, nil, 401},
		"write, no such id":   {write, strings.Replace(good, "tk-2001", "tk-1", 1), bearer, 404},
		"write, no version":   {write, strings.Replace(good, `"v"`, `""`, 1), bearer, 400},
		"write, one missing":  {write, strings.Replace(good, `,"version":"v"`, "", 1), bearer, 400},
		"write, nine digits":  {write, strings.Replace(good, "099079000245", "990179024", 1), bearer, 400},
		"write, one more":     {write, strings.Replace(good, "{", `{"name":"A",`, 1), bearer, 400},
		"write, twice":        {write, strings.Replace(good, "{", `{"id":"tk-2001",`, 1), bearer, 400},
		"scan":                {scan, `{"after":"","limit":2}`, bearer, 200},
		"scan, no token":      {scan, `{"after":"","limit":2}`, nil, 401},
		"scan, no limit":      {scan, `{"after":""}`, bearer, 400},
		"scan, limit of none": {scan, `{"after":"","limit":0}`, bearer, 400},
		"scan, limit as text": {scan, `{"after":"","limit":"2"}`, bearer, 400},
		"scan, over limit":    {scan, `{"after":"","limit":101}`, bearer, 400},
		"scan, one more":      {scan, `{"after":"","limit":2,"all":true}`, bearer, 400},
		"write, another case": {write, strings.Replace(good, `"id"`, `"ID"`, 1), bearer, 400},
	} {
		status, body := do(t, http.MethodPost, address+tc.path, tc.body, tc.header)
		assert.Equal(t, tc.status, status, name)
		if status != http.StatusOK {
			assert.NotContains(t, body, "099079", "%s: answers repeat no number", name)
		}
	}
	status, _ := do(t, http.MethodGet, address+search, "", bearer)
	assert.Equal(t, http.StatusNotFound, status, "one can only post")
	assert.Empty(t, found(t, address, `{"citizen_number":"099079000245"}`), "nothing was written")
	assert.Equal(t, 9, p.Calls("write_back"))
}

func TestDirectoryTakesANumber(t *testing.T) {
	_, address := startPortal(t)
	const number = "099079000245"
	before := found(t, address, `{"id":"tk-2001"}`)[0]
	status, answer := writeNumber(t, address, "tk-2001", number, before["version"].(string))
	require.Equal(t, http.StatusOK, status)
	after := found(t, address, `{"citizen_number":"`+number+`"}`)[0]
	assert.Equal(t, "tk-2001", after["id"])
	assert.Equal(t, true, after["citizen_number_verified"])
	assert.Equal(t, answer["version"], after["version"])
	assert.NotEqual(t, before["version"], after["version"])

	_, body := do(t, http.MethodGet, address+"/ca-nhan", "", http.Header{"X-Forwarded-User": {"tk-2001"}})
	assert.Contains(t, body, number+" (đã xác thực)")
	_, body = do(t, http.MethodGet, address+"/personas.json", "", nil)
	assert.NotContains(t, body, `"citizen_number":"`+number+`","citizen_number_verified":true`)

	// The same again is done already; another number needs the new version.
	status, again := writeNumber(t, address, "tk-2001", number, "any")
	assert.Equal(t, http.StatusOK, status)
	assert.Equal(t, answer, again)
	status, answer = writeNumber(t, address, "tk-2001", "099079000999", before["version"].(string))
	assert.Equal(t, http.StatusConflict, status)
	assert.Equal(t, map[string]string{"error": "changed"}, answer)

	// A number that somebody typed becomes verified, which is a change.
	typed := found(t, address, `{"id":"tk-6201"}`)[0]
	status, _ = writeNumber(t, address, "tk-6201", typed["citizen_number"].(string), "old")
	assert.Equal(t, http.StatusConflict, status)
	status, _ = writeNumber(t, address, "tk-6201", typed["citizen_number"].(string), typed["version"].(string))
	assert.Equal(t, http.StatusOK, status)
}

func TestDirectoryTakesOneOfManyAtOnce(t *testing.T) {
	_, address := startPortal(t)
	version := found(t, address, `{"id":"tk-2001"}`)[0]["version"].(string)
	statuses := make([]int, 8)
	var all sync.WaitGroup
	for i := range statuses {
		all.Go(func() {
			statuses[i], _ = writeNumber(t, address, "tk-2001", "09907900024"+string(rune('0'+i)), version)
		})
	}
	all.Wait()
	counts := map[int]int{}
	for _, status := range statuses {
		counts[status]++
	}
	assert.Equal(t, map[int]int{http.StatusOK: 1, http.StatusConflict: 7}, counts)
}

func TestDirectoryLies(t *testing.T) {
	p, address := startPortal(t)
	ids := func(question string) []any {
		var got []any
		for _, row := range found(t, address, question) {
			got = append(got, row["id"], row["username"])
		}
		return got
	}
	honest := ids(`{"id":"tk-2001"}`)
	require.NoError(t, p.Set("directory_two", "on"))
	two := ids(`{"id":"tk-2001"}`)
	require.Len(t, two, 4)
	assert.Equal(t, []any{"tk-2001", "tk-2001"}, []any{two[0], two[2]})
	assert.NotEqual(t, two[1], two[3])
	assert.Equal(t, honest, ids(`{"username":"tranvanbinh"}`), "by id alone")
	p.Reset()
	require.NoError(t, p.Set("directory_other", "on"))
	assert.NotContains(t, ids(`{"id":"tk-2001"}`), "tk-2001")
	p.Reset()

	for knob, want := range map[string]string{
		"directory_duplicate": `"status":"locked","status":"active"`,
		"directory_case":      `"Citizen_Number_Verified":false`,
		"directory_trailing":  `]}{"accounts":[]}`,
	} {
		_, body := do(t, http.MethodPost, address+"/api/directory/search", `{"id":"tk-2001"}`, bearer)
		assert.NotContains(t, body, want)
		require.NoError(t, p.Set(knob, "on"))
		_, body = do(t, http.MethodPost, address+"/api/directory/search", `{"id":"tk-2001"}`, bearer)
		assert.Contains(t, body, want)
		p.Reset()
	}

	version := found(t, address, `{"id":"tk-2001"}`)[0]["version"].(string)
	require.NoError(t, p.Set("write_back_changed", "on"))
	status, _ := writeNumber(t, address, "tk-2001", "099079000245", version)
	assert.Equal(t, http.StatusConflict, status)
	p.Reset()
	assert.Empty(t, found(t, address, `{"citizen_number":"099079000245"}`), "and nothing was written")
}
