package directory_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vneid-proxy/broker/directory"
	"vneid-proxy/identity"
	"vneid-proxy/vneidtest"
)

func TestHTTPScans(t *testing.T) {
	scanConformance(t, func(t *testing.T, accounts []identity.Account) scanner {
		_, d := simulated(t, accounts)
		return d
	})
}

// One page is asked for when the one before has been visited: no more than
// that is ever held.
func TestHTTPScanAsksPageByPage(t *testing.T) {
	accounts := make([]identity.Account, 250)
	for i := range accounts {
		accounts[i] = identity.Account{ID: identity.AccountID(fmt.Sprint(i)), Kind: identity.KindCitizen}
	}
	portal, d := simulated(t, accounts)
	seen := 0
	require.NoError(t, d.Scan(t.Context(), func(directory.Record) error {
		assert.EqualValues(t, 1+seen/100, portal.Calls("scan"))
		seen++
		return nil
	}))
	assert.Equal(t, 250, seen)
}

func TestHTTPScanShowsWhatIsWrong(t *testing.T) {
	_, d := simulatedRows(t, []vneidtest.PortalAccount{
		{ID: "1", CitizenNumber: "99202000345", CitizenNumberVerified: true, IDCardNumber: "09900034", BirthDate: "1.2.90"},
	})
	got := scanned(t, d)["1"]
	assert.NotEmpty(t, got.Version)
	got.Version = ""
	assert.Equal(t, directory.Record{
		Account: identity.Account{ID: "1", Kind: identity.KindCitizen}, NumberText: identity.NumberTextOf("99202000345"),
		IDCardText: identity.NumberTextOf("09900034"), BirthDateText: "1.2.90",
	}, got)
}

func TestHTTPScanUnsupported(t *testing.T) {
	err := overHTTP(t, serve(t, reply(404, "")), 0).Scan(t.Context(), func(directory.Record) error { return nil })
	require.ErrorIs(t, err, directory.ErrUnsupported)
	assert.ErrorContains(t, err, "/scan")
}

// scannedMember is member with the members of a scan.
func scannedMember(name, value string) string {
	texts := map[string]string{"citizen_number_text": `""`, "id_card_number_text": `""`, "birth_date_text": `""`}
	if _, ok := texts[name]; ok {
		texts[name], name = value, ""
	}
	row := strings.TrimSuffix(member(name, value), "}")
	for name, value := range texts {
		if value != "" {
			row += fmt.Sprintf(",%q:%s", name, value)
		}
	}
	return row + "}"
}

func TestHTTPScanReadsStrictly(t *testing.T) {
	page := func(next string, rows ...string) string {
		return `{"accounts":[` + strings.Join(rows, ",") + `],"next":` + next + `}`
	}
	var body string
	d := overHTTP(t, serve(t, func(w http.ResponseWriter, r *http.Request) { reply(200, body)(w, r) }), 0)
	scan := func() error { return d.Scan(t.Context(), func(directory.Record) error { return nil }) }
	body = page(`""`, scannedMember("", ""))
	require.NoError(t, scan())

	answers := map[string]string{
		"no next":         `{"accounts":[]}`,
		"null next":       page(`null`),
		"next as number":  page(`1`),
		"next too long":   page(`"` + strings.Repeat("n", 256) + `"`),
		"next with break": page(`"a\n"`),
		"round in circle": page(`"a"`),
		"no accounts":     `{"next":""}`,
		"null accounts":   `{"accounts":null,"next":""}`,
		"null row":        page(`""`, "null"),
		"one id twice":    page(`""`, scannedMember("", ""), scannedMember("", "")),
		"number and text": page(`""`, scannedMember("citizen_number_text", `"1"`)),
		"CMND and text":   page(`""`, scannedMember("id_card_number_text", `"1"`)),
		"date and text":   page(`""`, scannedMember("birth_date_text", `"1"`)),
		"no text":         page(`""`, scannedMember("birth_date_text", "")),
		"null text":       page(`""`, scannedMember("citizen_number_text", "null")),
		"text with break": page(`""`, scannedMember("birth_date_text", `"\n"`)),
		"a search's row":  page(`""`, member("", "")),
		"one member more": page(`""`, strings.Replace(scannedMember("", ""), "{", `{"password":"x",`, 1)),
		"bad number":      page(`""`, scannedMember("citizen_number", `"99202000345"`)),
		"trailing":        page(`""`) + "{}",
		"over a hundred":  page(`""`, strings.Split(strings.Repeat(scannedMember("", "")+"\n", 101), "\n")[:101]...),
	}
	for name, answer := range answers {
		body = answer
		require.ErrorIs(t, scan(), directory.ErrMalformed, name)
	}
}

func TestHTTPScanNoticesACircle(t *testing.T) {
	pages := 0
	d := overHTTP(t, serve(t, func(w http.ResponseWriter, r *http.Request) {
		pages++
		reply(200, fmt.Sprintf(`{"accounts":[],"next":"%d"}`, min(pages, 7+pages%5)))(w, r)
	}), 0)
	require.ErrorIs(t, d.Scan(t.Context(), func(directory.Record) error { return nil }), directory.ErrMalformed)
	assert.Less(t, pages, 100)
}

func TestTheDocumentsScanWorks(t *testing.T) {
	operation := published(t).Paths["/scan"]["post"]
	var asked []any
	d := overHTTP(t, serve(t, func(w http.ResponseWriter, r *http.Request) {
		var body any
		text, err := io.ReadAll(r.Body)
		assert.NoError(t, err)
		assert.NoError(t, json.Unmarshal(text, &body))
		if asked = append(asked, body); len(asked) > 1 {
			reply(200, `{"accounts":[],"next":""}`)(w, r)
			return
		}
		example, err := json.Marshal(operation.Responses["200"].Content["application/json"].Example)
		assert.NoError(t, err)
		reply(200, string(example))(w, r)
	}), 0)
	assert.Equal(t, map[identity.AccountID]directory.Record{"tk-2001": {
		Account: identity.Account{
			ID: "tk-2001", Username: "tranvanbinh", Kind: identity.KindCitizen, IDCard: idCardNumber(t, "990179024"), Name: "Trần Văn Bình",
		},
		Version: "41", NumberText: identity.NumberTextOf("99079000245"), BirthDateText: "2.11.79",
	}}, scanned(t, d))
	first, err := json.Marshal(operation.RequestBody.Content["application/json"].Example)
	require.NoError(t, err)
	sent, err := json.Marshal(asked[0])
	require.NoError(t, err)
	assert.JSONEq(t, string(first), string(sent))
	assert.Equal(t, "tk-2001", asked[1].(map[string]any)["after"])
}
