package population_test

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vneid-proxy/broker/population"
)

const (
	soapSpace = "http://schemas.xmlsoap.org/soap/envelope/"
	space     = "http://www.mic.gov.vn/dancu/1.0"
)

func envelope(inner string) string {
	return `<?xml version="1.0" encoding="UTF-8"?><s:Envelope xmlns:s="` + soapSpace + `"><s:Header/><s:Body>` + inner + `</s:Body></s:Envelope>`
}

func verdict(text string) string {
	return `<n:KetQuaXacThuc xmlns:n="` + space + `"><n:TonTai>` + text + `</n:TonTai></n:KetQuaXacThuc>`
}

func collection(inner string) string {
	return `<n:CongdanCollection xmlns:n="` + space + `">` + inner + `</n:CongdanCollection>`
}

func person(inner string) string { return `<n:CongDan>` + inner + `</n:CongDan>` }

const ours = `<n:SoDinhDanh>` + number + `</n:SoDinhDanh>`

// answering is a client of a way whose service says the same to everything.
func answering(t testing.TB, profile, kind string, status int, body string) *population.Client {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", kind)
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}))
	t.Cleanup(server.Close)
	cfg := way{profile: profile}.config(server.URL)
	cfg.Service.TokenURL = ""
	c, err := population.New(cfg)
	require.NoError(t, err)
	return c
}

// said is a service without a network, for fuzzing.
type said struct {
	kind string
	body []byte
}

func (s said) RoundTrip(*http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: 200, Header: http.Header{"Content-Type": {s.kind}}, Body: io.NopCloser(bytes.NewReader(s.body))}, nil
}

func (s said) client(t testing.TB, profile string) *population.Client {
	cfg := way{profile: profile}.config("https://dan-cu.example")
	cfg.Service.TokenURL, cfg.Transport = "", s
	c, err := population.New(cfg)
	require.NoError(t, err)
	return c
}

// TestXMLIsReadStrictly goes by SOAP, and by the string in JSON.
func TestXMLIsReadStrictly(t *testing.T) {
	yes := envelope(verdict("true"))
	swap := func(old, with string) string {
		require.Contains(t, yes, old)
		return strings.Replace(yes, old, with, 1)
	}
	const bomb = `<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;">]>`
	for name, test := range map[string]struct {
		body string
		want population.Answer // 0: ErrMalformed
	}{
		"yes":                     {yes, population.Matched},
		"no":                      {envelope(verdict("false")), population.NotMatched},
		"1":                       {envelope(verdict("1")), population.Matched},
		"0":                       {envelope(verdict(" 0\n")), population.NotMatched},
		"no declaration":          {yes[strings.Index(yes, "<s:"):], population.Matched},
		"byte order mark":         {"\ufeff" + yes, population.Matched},
		"no header":               {swap("<s:Header/>", ""), population.Matched},
		"a header":                {swap("<s:Header/>", `<s:Header><a b="c">d<e/></a></s:Header>`), population.Matched},
		"default namespace":       {envelope(`<KetQuaXacThuc xmlns="` + space + `"><TonTai>true</TonTai></KetQuaXacThuc>`), population.Matched},
		"character data":          {envelope(verdict("<![CDATA[true]]>")), population.Matched},
		"more of theirs":          {swap("<n:TonTai>", "<n:ThoiGian>20260101</n:ThoiGian><n:TonTai>"), population.Matched},
		"empty":                   {"", 0},
		"blank":                   {" \n", 0},
		"text":                    {"true", 0},
		"JSON":                    {`{"matched":true}`, 0},
		"HTML":                    {"<html><body>true</body></html>", 0},
		"cut":                     {yes[:len(yes)-4], 0},
		"trailing text":           {yes + "x", 0},
		"second envelope":         {yes + yes[strings.Index(yes, "<s:"):], 0},
		"second body":             {swap("</s:Body>", "</s:Body><s:Body>"+verdict("true")+"</s:Body>"), 0},
		"second header":           {swap("<s:Header/>", "<s:Header/><s:Header/>"), 0},
		"header behind":           {swap("</s:Body>", "</s:Body><s:Header/>"), 0},
		"two answers":             {envelope(verdict("false") + verdict("true")), 0},
		"no answer":               {envelope(""), 0},
		"no body":                 {swap("<s:Body>"+verdict("true")+"</s:Body>", ""), 0},
		"TonTai twice":            {swap("</n:KetQuaXacThuc>", "<n:TonTai>true</n:TonTai></n:KetQuaXacThuc>"), 0},
		"no TonTai":               {swap("<n:TonTai>true</n:TonTai>", ""), 0},
		"empty TonTai":            {envelope(verdict("")), 0},
		"True":                    {envelope(verdict("True")), 0},
		"yes in words":            {envelope(verdict("có")), 0},
		"element in TonTai":       {envelope(verdict("tr<n:b/>ue")), 0},
		"comment in TonTai":       {envelope(verdict("true<!-- no -->")), 0},
		"comment":                 {swap("<s:Header/>", "<!-- x -->"), 0},
		"instruction":             {swap("<s:Header/>", "<?x y?>"), 0},
		"instruction behind":      {yes + "<?x y?>", 0},
		"nil":                     {swap("<n:TonTai>", `<n:TonTai xmlns:i="http://www.w3.org/2001/XMLSchema-instance" i:nil="true">`), 0},
		"attribute twice":         {swap("<s:Body>", `<s:Body a="1" a="2">`), 0},
		"prefix twice":            {swap(`<n:KetQuaXacThuc `, `<n:KetQuaXacThuc xmlns:n="urn:x" `), 0},
		"another namespace":       {swap(space, space+"/"), 0},
		"no namespace":            {envelope(`<KetQuaXacThuc><TonTai>true</TonTai></KetQuaXacThuc>`), 0},
		"prefix of nothing":       {envelope(`<n:KetQuaXacThuc><n:TonTai>true</n:TonTai></n:KetQuaXacThuc>`), 0},
		"TonTai of another":       {swap("</n:TonTai>", `</n:TonTai><TonTai xmlns="urn:x">false</TonTai>`), 0},
		"SOAP 1.2":                {swap(soapSpace, "http://www.w3.org/2003/05/soap-envelope"), 0},
		"envelope of nothing":     {`<Envelope><Body>` + verdict("true") + `</Body></Envelope>`, 0},
		"text in the body":        {swap("<s:Body>", "<s:Body>true"), 0},
		"another's question":      {swap("<n:TonTai>", "<n:MaYeuCau>other</n:MaYeuCau><n:TonTai>"), 0},
		"a record":                {envelope(collection("")), 0},
		"entity bomb":             {strings.Replace(swap("?>", "?>"+bomb), ">true<", ">&c;<", 1), 0},
		"document type":           {swap("?>", "?><!DOCTYPE s:Envelope>"), 0},
		"file":                    {strings.Replace(swap("?>", `?><!DOCTYPE x [<!ENTITY f SYSTEM "file:///etc/passwd">]>`), ">true<", ">&f;<", 1), 0},
		"unknown entity":          {envelope(verdict("&true;")), 0},
		"another encoding":        {swap("UTF-8", "UTF-16"), 0},
		"not UTF-8":               {envelope(verdict("tr\xffue")), 0},
		"deep":                    {envelope(verdict("true") + strings.Repeat("<a>", 10_000)), 0},
		"deep inside":             {swap("<n:TonTai>", strings.Repeat("<n:a>", 40)+strings.Repeat("</n:a>", 40)+"<n:TonTai>"), 0},
		"broad":                   {swap("<n:TonTai>", strings.Repeat("<n:a/>", 11_000)+"<n:TonTai>"), 0},
		"crossed":                 {swap("</n:TonTai></n:KetQuaXacThuc>", "</n:KetQuaXacThuc></n:TonTai>"), 0},
		"closed by another space": {swap("</n:TonTai>", "</s:TonTai>"), 0},
	} {
		t.Run(name, func(t *testing.T) {
			check := func(c *population.Client) {
				got, err := c.Match(t.Context(), question(t))
				assert.Equal(t, test.want, got)
				if test.want == 0 {
					assert.Equal(t, population.ErrMalformed, err)
					return
				}
				require.NoError(t, err)
			}
			for _, profile := range []string{"ndxp", "ndxp-plain", "lgsp-keys"} {
				check(answering(t, profile, "text/xml;charset=UTF-8", 200, test.body))
			}
			if name == "not UTF-8" {
				return // JSON's own reader refuses it
			}
			text, err := json.Marshal(map[string]string{"error_code": "0", "message": test.body})
			require.NoError(t, err)
			check(answering(t, "lgsp-string", "application/json", 200, string(text)))
		})
	}
}

func TestRecordIsReadStrictly(t *testing.T) {
	const card = `<n:SoCMND>990102034</n:SoCMND>`
	for name, test := range map[string]struct {
		body string
		want string // "-" nobody, "" no card, else the card; "!" ErrMalformed
	}{
		"one":                {collection(person(ours + card)), "990102034"},
		"card first":         {collection(person(card + ours)), "990102034"},
		"nobody":             {collection(""), "-"},
		"no card":            {collection(person(ours)), ""},
		"empty card":         {collection(person(ours + "<n:SoCMND/>")), ""},
		"twelve digits":      {collection(person(ours + "<n:SoCMND>" + number + "</n:SoCMND>")), ""},
		"untidy card":        {collection(person(ours + "<n:SoCMND>990 102 034</n:SoCMND>")), ""},
		"father's numbers":   {collection(person(ours + "<n:Cha><n:SoDinhDanh>099040009901</n:SoDinhDanh><n:SoCMND>990140099</n:SoCMND></n:Cha>" + card)), "990102034"},
		"father's alone":     {collection(person(ours + "<n:Cha><n:SoCMND>990140099</n:SoCMND></n:Cha>")), ""},
		"somebody else":      {collection(person("<n:SoDinhDanh>099202000346</n:SoDinhDanh>" + card)), "!"},
		"no number":          {collection(person(card)), "!"},
		"empty number":       {collection(person("<n:SoDinhDanh/>" + card)), "!"},
		"two people":         {collection(person(ours+card) + person(ours)), "!"},
		"two numbers":        {collection(person(ours + ours + card)), "!"},
		"two cards":          {collection(person(ours + card + card)), "!"},
		"of another space":   {collection(`<CongDan xmlns="urn:x">` + "</CongDan>"), "!"},
		"card of another":    {collection(person(ours + `<SoCMND xmlns="urn:x">990102034</SoCMND>`)), "!"},
		"with an attribute":  {collection(person(ours + `<n:SoCMND a="1">990102034</n:SoCMND>`)), "!"},
		"text beside":        {collection("x" + person(ours+card)), "!"},
		"a verdict":          {verdict("true"), "!"},
		"another's question": {collection("<n:MaYeuCau>other</n:MaYeuCau>" + person(ours+card)), "!"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := answering(t, "ndxp", "application/xml", 200, envelope(test.body)).Lookup(t.Context(), question(t))
			if test.want == "!" {
				require.Equal(t, population.ErrMalformed, err)
				require.Zero(t, got)
				return
			}
			require.NoError(t, err)
			assert.Equal(t, test.want != "-", got.Found)
			held := ""
			for _, one := range got.IDCards {
				held += one.Reveal()
			}
			assert.Equal(t, strings.Trim(test.want, "-"), held)
		})
	}
}

func TestProvincesJSONIsReadStrictly(t *testing.T) {
	for name, test := range map[string]struct {
		profile, body string
		want          population.Answer
		err           error
	}{
		"yes":             {"lgsp-bearer", `{"Body":{"KetQuaXacThuc":{"TonTai":"true"}}}`, population.Matched, nil},
		"as a boolean":    {"lgsp-bearer", `{"Body":{"KetQuaXacThuc":{"TonTai":false}}}`, population.NotMatched, nil},
		"with a code":     {"lgsp-bearer", `{"error_code":"0","Body":{"KetQuaXacThuc":{"TonTai":"true","Khac":1}}}`, population.Matched, nil},
		"twice":           {"lgsp-bearer", `{"Body":{"KetQuaXacThuc":{"TonTai":"false","TonTai":"true"}}}`, 0, population.ErrMalformed},
		"two bodies":      {"lgsp-bearer", `{"Body":{"KetQuaXacThuc":{"TonTai":"true"}},"Body":{}}`, 0, population.ErrMalformed},
		"folded":          {"lgsp-bearer", `{"body":{"KetQuaXacThuc":{"TonTai":"true"}}}`, 0, population.ErrMalformed},
		"list":            {"lgsp-bearer", `{"Body":{"KetQuaXacThuc":[{"TonTai":"true"}]}}`, 0, population.ErrMalformed},
		"null":            {"lgsp-bearer", `{"Body":{"KetQuaXacThuc":{"TonTai":null}}}`, 0, population.ErrMalformed},
		"nothing":         {"lgsp-bearer", `{}`, 0, population.ErrMalformed},
		"record too":      {"lgsp-bearer", `{"Body":{"KetQuaXacThuc":{"TonTai":"true"},"CongdanCollection":""}}`, 0, population.ErrMalformed},
		"another's":       {"lgsp-bearer", `{"Body":{"MaYeuCau":"other","KetQuaXacThuc":{"TonTai":"true"}}}`, 0, population.ErrMalformed},
		"code and answer": {"lgsp-bearer", `{"error_code":"004","Body":{"KetQuaXacThuc":{"TonTai":"true"}}}`, 0, population.ErrMalformed},
		"licence":         {"lgsp-bearer", `{"error_code":"004","message":"x"}`, 0, population.ErrRefused},
		"code as number":  {"lgsp-bearer", `{"error_code":500,"message":"x"}`, 0, population.ErrUnavailable},
		"trailing":        {"lgsp-bearer", `{"Body":{"KetQuaXacThuc":{"TonTai":"true"}}}{}`, 0, population.ErrMalformed},
		"string, code 0":  {"lgsp-string", `{"error_code":0,"message":` + quoted(envelope(verdict("true"))) + `}`, population.Matched, nil},
		"string, no code": {"lgsp-string", `{"message":` + quoted(envelope(verdict("true"))) + `}`, 0, population.ErrMalformed},
		"string, refused": {"lgsp-string", `{"error_code":"005","message":` + quoted(envelope(verdict("true"))) + `}`, 0, population.ErrRefused},
		"string, object":  {"lgsp-string", `{"error_code":"0","message":{"TonTai":true}}`, 0, population.ErrMalformed},
		"string, none":    {"lgsp-string", `{"error_code":"0"}`, 0, population.ErrMalformed},
		"string, fault":   {"lgsp-string", `{"error_code":"0","message":` + quoted(envelope(soapFault("004"))) + `}`, 0, population.ErrRefused},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := answering(t, test.profile, "application/json", 200, test.body).Match(t.Context(), question(t))
			require.ErrorIs(t, err, test.err)
			assert.Equal(t, test.want, got)
		})
	}
	for body, want := range map[string]string{
		`""`:             "-",
		`{}`:             "-",
		`{"CongDan":[]}`: "-",
		`{"CongDan":{"SoDinhDanh":"` + number + `","SoCMND":"990102034","DanToc":"1"}}`: "990102034",
		`{"CongDan":[{"SoDinhDanh":"` + number + `","SoCMND":""}]}`:                     "",
		`{"CongDan":{"SoDinhDanh":` + strings.TrimLeft(number, "0") + `}}`:              "!",
		`{"CongDan":{"SoDinhDanh":"099202000346"}}`:                                     "!",
		`{"CongDan":[{"SoDinhDanh":"` + number + `"},{"SoDinhDanh":"` + number + `"}]}`: "!",
		`{"CongDan":{"SoDinhDanh":"` + number + `","SoDinhDanh":"` + number + `"}}`:     "!",
		`{"CongDan":{"SoDinhDanh":"` + number + `","SoCMND":990102034}}`:                "!",
		`{"CongDan":null}`: "!",
		`"x"`:              "!",
		`[]`:               "!",
		`null`:             "!",
	} {
		got, err := answering(t, "lgsp-bearer", "application/json", 200, `{"Body":{"CongdanCollection":`+body+`}}`).Lookup(t.Context(), question(t))
		if want == "!" {
			require.ErrorIs(t, err, population.ErrMalformed, body)
			continue
		}
		require.NoError(t, err, body)
		assert.Equal(t, want != "-", got.Found, body)
		assert.Len(t, got.IDCards, len(strings.Trim(want, "-"))/9, body)
	}
}

func quoted(text string) string {
	b, _ := json.Marshal(text)
	return string(b)
}

func soapFault(code string) string {
	return `<s:Fault><faultcode>s:Client</faultcode><faultstring>Nguyễn Văn Đỗ ` + number + `</faultstring><detail>x<a:MaLoi xmlns:a="urn:a">` + code + `</a:MaLoi></detail></s:Fault>`
}

func TestFaults(t *testing.T) {
	for name, test := range map[string]struct {
		status int
		body   string
		want   error
	}{
		"licence":            {500, envelope(soapFault("004")), population.ErrRefused},
		"official":           {200, envelope(soapFault("005")), population.ErrRefused},
		"another code":       {500, envelope(soapFault("999")), population.ErrUnavailable},
		"another code, 200":  {200, envelope(soapFault("999")), population.ErrUnavailable},
		"two codes":          {200, envelope(strings.Replace(soapFault("004"), "x<", "<MaLoi>005</MaLoi><", 1)), population.ErrMalformed},
		"fault and answer":   {200, envelope(soapFault("004") + verdict("true")), population.ErrMalformed},
		"an answer with 500": {500, envelope(verdict("true")), population.ErrUnavailable},
		"an answer with 202": {202, envelope(verdict("true")), population.ErrUnavailable},
		"no XML with 500":    {500, "x", population.ErrUnavailable},
	} {
		got, err := answering(t, "ndxp", "text/xml", test.status, test.body).Match(t.Context(), question(t))
		require.ErrorIs(t, err, test.want, name)
		assert.Zero(t, got, name)
		assert.NotContains(t, err.Error(), number[3:], name)
		assert.NotContains(t, err.Error(), "Đỗ", name)
	}
	_, err := answering(t, "ndxp", "text/html", 200, envelope(verdict("true"))).Match(t.Context(), question(t))
	require.ErrorIs(t, err, population.ErrMalformed, "another media type")
}

// However an envelope is spelled, a match is TonTai of the State's namespace
// that says so, and a record is of the number asked about.
func FuzzXML(f *testing.F) {
	for _, seed := range []string{
		envelope(verdict("true")), envelope(verdict("false") + verdict("true")), envelope(collection(person(ours + "<n:SoCMND>990102034</n:SoCMND>"))),
		envelope(soapFault("004")), "<a>", "<!DOCTYPE x>", "\ufeff<a/>",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		c := said{"text/xml", body}.client(t, "ndxp")
		answer, err := c.Match(t.Context(), question(t))
		if err != nil {
			assert.Zero(t, answer)
			assert.True(t, strings.HasPrefix(err.Error(), "population: "), err)
		} else {
			var lenient struct {
				Said []string `xml:"Body>KetQuaXacThuc>TonTai"`
			}
			require.NoError(t, xml.Unmarshal(bytes.TrimPrefix(body, []byte("\ufeff")), &lenient))
			require.Len(t, lenient.Said, 1)
			assert.Contains(t, map[population.Answer][]string{population.Matched: {"true", "1"}, population.NotMatched: {"false", "0"}}[answer], strings.TrimSpace(lenient.Said[0]))
		}
		record, err := c.Lookup(t.Context(), question(t))
		assert.True(t, err == nil || record.Found == false && record.IDCards == nil)
		assert.True(t, err != nil || !record.Found || strings.Contains(string(body), "SoDinhDanh"))
	})
}

// The same for the string in JSON, and for the JSON of provinces.
func FuzzProvinceJSON(f *testing.F) {
	for _, seed := range []string{
		`{"error_code":"0","message":` + quoted(envelope(verdict("true"))) + `}`, `{"error_code":"004","message":"x"}`,
		`{"Body":{"KetQuaXacThuc":{"TonTai":"true"}}}`, `{"Body":{"CongdanCollection":{"CongDan":{"SoDinhDanh":"` + number + `","SoCMND":"990102034"}}}}`,
		`{"Body":{"CongdanCollection":""}}`, `null`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		for _, profile := range []string{"lgsp-string", "lgsp-bearer"} {
			c := said{"application/json", body}.client(t, profile)
			answer, err := c.Match(t.Context(), question(t))
			if err != nil {
				assert.Zero(t, answer)
				assert.True(t, strings.HasPrefix(err.Error(), "population: "), err)
				continue
			}
			var all any
			require.NoError(t, json.Unmarshal(body, &all), "what is believed is JSON")
		}
	})
}
