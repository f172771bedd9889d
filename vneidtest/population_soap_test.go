package vneidtest_test

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/xml"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vneid-proxy/vneidtest"
)

const (
	serviceURL = "https://platform.invalid/XacThuc"
	opMatch    = "XacThucThongTinCongDan"
	opLookup   = "TraCuuThongTinCongDan"
)

func platform() vneidtest.PlatformConfig {
	return vneidtest.PlatformConfig{URL: serviceURL, User: "sims", Secret: "a-secret", Client: "VN/GOV/099/sims", APIKey: "a-key"}
}

func province() vneidtest.ProvinceConfig {
	return vneidtest.ProvinceConfig{
		Token: token, User: "can.bo", Password: "mat-khau",
		Keys: vneidtest.LGSPKeys{AccessKey: "ak", SecretKey: "sk", AppName: "app", PartnerCode: "099.1", PartnerCodeCus: "099.2"},
	}
}

// startForms starts a population database with every way to it.
func startForms(t *testing.T, change ...func(*vneidtest.PopulationConfig)) (p *vneidtest.Population, address string) {
	t.Helper()
	cfg := vneidtest.PopulationConfig{Token: token, Platform: platform(), Province: province()}
	for _, f := range change {
		f(&cfg)
	}
	p, err := vneidtest.NewPopulation(cfg)
	require.NoError(t, err)
	return p, serve(t, func(string) http.Handler { return p })
}

// signed are the platform's headers, made at a time.
func signed(at time.Time) http.Header {
	stamp := strconv.FormatInt(at.UnixMilli(), 10)
	sum := sha256.Sum256([]byte(serviceURL + "sims" + stamp + "a-secret"))
	basic := base64.StdEncoding.EncodeToString([]byte("sims:" + hex.EncodeToString(sum[:])))
	return http.Header{
		"Timestamp": {stamp}, "Authorization": {"Basic " + basic}, "X-Road-Client": {"VN/GOV/099/sims"}, "Apikey": {"a-key"},
		"Soapaction": {`""`}, "Content-Type": {"application/xml"},
	}
}

const (
	whoHas  = `<d:SoDinhDanh>099192000366</d:SoDinhDanh><d:HoVaTen>LETHIHONGDAO</d:HoVaTen>`
	born    = `<d:NgayThangNamSinh><d:NgayThangNam>19920721</d:NgayThangNam></d:NgayThangNamSinh>`
	preface = `<d:MaYeuCau>r1</d:MaYeuCau><d:MaDVC>VPCP</d:MaDVC><d:MaTichHop>037</d:MaTichHop><d:MaCanBo>099080000001</d:MaCanBo>`
)

// soap is a request of the SOAP form.
func soap(operation, inner string) string {
	return `<?xml version="1.0" encoding="UTF-8"?>
<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" xmlns:d="http://dancuquocgia.bca">
  <s:Header/><s:Body><d:` + operation + `>` + inner + `</d:` + operation + `></s:Body></s:Envelope>`
}

// record is the part of a reply that these tests look at.
type record struct {
	Number string `xml:"http://www.mic.gov.vn/dancu/1.0 SoDinhDanh"`
	Card   string `xml:"http://www.mic.gov.vn/dancu/1.0 SoCMND"`
	Name   string `xml:"HoVaTen>Ten"`
	Sex    string `xml:"GioiTinh"`
	Ethnic string `xml:"DanToc"`
	Faith  string `xml:"TonGiao"`
	Year   string `xml:"NgayThangNamSinh>Nam"`
	Day    string `xml:"NgayThangNamSinh>NgayThangNam"`
	Father string `xml:"Cha>HoVaTen"`
}

type soapReply struct {
	XMLName xml.Name `xml:"http://schemas.xmlsoap.org/soap/envelope/ Envelope"`
	Body    struct {
		Verdict *struct {
			Exists string `xml:"http://www.mic.gov.vn/dancu/1.0 TonTai"`
		} `xml:"http://www.mic.gov.vn/dancu/1.0 KetQuaXacThuc"`
		People *struct {
			People []record `xml:"http://www.mic.gov.vn/dancu/1.0 CongDan"`
		} `xml:"http://www.mic.gov.vn/dancu/1.0 CongdanCollection"`
		Fault *struct {
			Text string `xml:"faultstring"`
			Code string `xml:"detail>MaLoi"`
		} `xml:"http://schemas.xmlsoap.org/soap/envelope/ Fault"`
	} `xml:"http://schemas.xmlsoap.org/soap/envelope/ Body"`
}

func parsed(t *testing.T, body string) soapReply {
	t.Helper()
	var reply soapReply
	require.NoError(t, xml.Unmarshal([]byte(body), &reply), body)
	return reply
}

func asked(t *testing.T, address, operation, inner string) soapReply {
	t.Helper()
	status, body := do(t, http.MethodPost, address+"/soap", soap(operation, inner), signed(time.Now()))
	require.Equal(t, http.StatusOK, status, body)
	return parsed(t, body)
}

func TestSOAPMatches(t *testing.T) {
	p, address := startForms(t)
	for name, tc := range map[string]struct{ inner, want string }{
		"all right":        {preface + whoHas + born, "true"},
		"newer members":    {preface + `<d:MaDonVi>1</d:MaDonVi><d:TaiKhoan>a</d:TaiKhoan><d:SoDienThoai>0</d:SoDienThoai>` + whoHas + born, "true"},
		"year alone":       {preface + whoHas + strings.NewReplacer("NgayThangNam>", "Nam>", "19920721", "1992").Replace(born), "true"},
		"by the ID card":   {preface + `<d:SoCMND>990192036</d:SoCMND><d:HoVaTen>Lê Thị Hồng Đào</d:HoVaTen>` + born, "true"},
		"another's card":   {preface + `<d:SoCMND>990179024</d:SoCMND><d:HoVaTen>LETHIHONGDAO</d:HoVaTen>` + born, "false"},
		"another name":     {preface + strings.Replace(whoHas, "DAO", "HOA", 1) + born, "false"},
		"another day":      {preface + whoHas + strings.Replace(born, "21", "22", 1), "false"},
		"unknown number":   {preface + strings.Replace(whoHas, "366", "999", 1) + born, "false"},
		"comments, blanks": {preface + "<!-- ai --> " + whoHas + "\n" + born, "true"},
	} {
		reply := asked(t, address, opMatch, tc.inner)
		require.NotNil(t, reply.Body.Verdict, name)
		assert.Equal(t, tc.want, reply.Body.Verdict.Exists, name)
		assert.Nil(t, reply.Body.People, "%s: a match tells nothing else", name)
	}
	assert.Equal(t, 9, p.Calls("soap"))
	assert.Equal(t, 9, p.Calls("form_match"))
	assert.Zero(t, p.Calls("form_lookup"))
	require.NoError(t, p.Set("mismatch", "on"))
	assert.Equal(t, "false", asked(t, address, opMatch, preface+whoHas+born).Body.Verdict.Exists)
	assert.Empty(t, asked(t, address, opLookup, preface+whoHas+born).Body.People.People)
}

func TestSOAPLooksUp(t *testing.T) {
	p, address := startForms(t)
	for _, who := range vneidtest.Personas() {
		inner := preface + `<d:SoDinhDanh>` + who.CitizenNumber + `</d:SoDinhDanh><d:HoVaTen>` + who.Name + `</d:HoVaTen><d:NgayThangNamSinh><d:Nam>` +
			who.BirthDate[:4] + `</d:Nam></d:NgayThangNamSinh>`
		reply := asked(t, address, opLookup, inner)
		require.Len(t, reply.Body.People.People, 1, who.Key)
		got := reply.Body.People.People[0]
		assert.Equal(t, who.CitizenNumber, got.Number)
		assert.Equal(t, who.IDCardNumber, got.Card)
		assert.Equal(t, strings.ToUpper(who.Name), got.Name, "the whole name in Ten")
		assert.Equal(t, who.BirthDate[:4], got.Year)
		assert.Equal(t, strings.ReplaceAll(who.BirthDate, "-", ""), got.Day)
		for _, sensitive := range []string{got.Sex, got.Ethnic, got.Faith, got.Father} {
			assert.NotEmpty(t, sensitive, "the record is a full one")
		}
	}
	women := asked(t, address, opLookup, preface+whoHas+born).Body.People.People[0]
	assert.Equal(t, "2", women.Sex)
	byCard := asked(t, address, opLookup, preface+`<d:SoCMND>990192036</d:SoCMND><d:HoVaTen>LETHIHONGDAO</d:HoVaTen>`+born)
	assert.Equal(t, women, byCard.Body.People.People[0])

	// Nobody and somebody else are answered alike, byte for byte.
	_, unknown := do(t, http.MethodPost, address+"/soap", soap(opLookup, preface+strings.Replace(whoHas, "366", "999", 1)+born), signed(time.Now()))
	_, other := do(t, http.MethodPost, address+"/soap", soap(opLookup, preface+strings.Replace(whoHas, "DAO", "HOA", 1)+born), signed(time.Now()))
	assert.Equal(t, unknown, other)
	assert.Empty(t, parsed(t, unknown).Body.People.People)

	require.NoError(t, p.Set("record_two", "on"))
	assert.Len(t, asked(t, address, opLookup, preface+whoHas+born).Body.People.People, 2)
	p.Reset()
	require.NoError(t, p.Set("record_other", "on"))
	reply := asked(t, address, opLookup, preface+whoHas+born)
	require.Len(t, reply.Body.People.People, 1)
	assert.NotEqual(t, women.Number, reply.Body.People.People[0].Number)
	p.Reset()
	require.NoError(t, p.Set("xml_doctype", "on"))
	_, body := do(t, http.MethodPost, address+"/soap", soap(opLookup, preface+whoHas+born), signed(time.Now()))
	assert.True(t, strings.HasPrefix(body, "<!DOCTYPE"), body)
	assert.True(t, strings.HasSuffix(body, "</soapenv:Envelope>"), body)
}

// TestRecordsAreInvented looks for digits and codes that could be somebody's.
func TestRecordsAreInvented(t *testing.T) {
	_, address := startForms(t)
	_, body := do(t, http.MethodPost, address+"/soap", soap(opLookup, preface+whoHas+born), signed(time.Now()))
	for _, number := range regexp.MustCompile(`>([0-9]{12})<`).FindAllStringSubmatch(body, -1) {
		assert.Regexp(t, `^099`, number[1])
	}
	for _, number := range regexp.MustCompile(`>([0-9]{9})<`).FindAllStringSubmatch(body, -1) {
		assert.Regexp(t, `^99`, number[1])
	}
	assert.Len(t, regexp.MustCompile(`MaTinhThanh>99<`).FindAllString(body, -1), 4)
}

func TestSOAPRefuses(t *testing.T) {
	p, address := startForms(t, func(cfg *vneidtest.PopulationConfig) {
		cfg.Procedures, cfg.Officials = []string{"VPCP"}, []string{"099080000001"}
	})
	good := soap(opMatch, preface+whoHas+born)
	now := time.Now()
	with := func(name, value string) http.Header {
		header := signed(now)
		if header[name] = []string{value}; value == "" {
			delete(header, name)
		}
		return header
	}
	replaced := func(from, to string) string {
		require.Contains(t, good, from)
		return strings.Replace(good, from, to, 1)
	}
	for name, tc := range map[string]struct {
		body       string
		header     http.Header
		status     int
		code, text string
	}{
		"good":             {good, signed(now), 200, "", ""},
		"no signature":     {good, with("Authorization", ""), 401, "", "Không có quyền"},
		"another":          {good, with("Authorization", "Basic c2ltczowMA=="), 401, "", "Không có quyền"},
		"no time":          {good, with("Timestamp", ""), 401, "", "Không có quyền"},
		"another time":     {good, with("Timestamp", "1"), 401, "", "Không có quyền"},
		"no client":        {good, with("X-Road-Client", ""), 401, "", "Không có quyền"},
		"no key":           {good, with("Apikey", ""), 401, "", "Không có quyền"},
		"another key":      {good, with("Apikey", "b"), 401, "", "Không có quyền"},
		"long ago":         {good, signed(now.Add(-6 * time.Minute)), 500, "", "Timestamp"},
		"yet to come":      {good, signed(now.Add(6 * time.Minute)), 500, "", "Timestamp"},
		"no action":        {good, with("Soapaction", ""), 500, "", "không hợp lệ"},
		"another action":   {good, with("Soapaction", "match"), 500, "", "không hợp lệ"},
		"as JSON":          {good, with("Content-Type", "application/json"), 500, "", "không hợp lệ"},
		"procedure":        {replaced("VPCP", "1.0099"), signed(now), 500, "004", "Thủ tục"},
		"official":         {replaced("099080000001", "099080000002"), signed(now), 500, "005", "Cán bộ"},
		"empty":            {"", signed(now), 500, "", "không hợp lệ"},
		"no XML":           {`{"a":1}`, signed(now), 500, "", "không hợp lệ"},
		"cut":              {good[:len(good)-5], signed(now), 500, "", "không hợp lệ"},
		"two envelopes":    {good + good[strings.Index(good, "<s:"):], signed(now), 500, "", "không hợp lệ"},
		"text behind":      {good + "x", signed(now), 500, "", "không hợp lệ"},
		"a document type":  {replaced("?>", "?><!DOCTYPE s:Envelope>"), signed(now), 500, "", "không hợp lệ"},
		"an entity":        {replaced("LETHIHONGDAO", "&x;"), signed(now), 500, "", "không hợp lệ"},
		"an instruction":   {replaced("<s:Header/>", "<?x y?><s:Header/>"), signed(now), 500, "", "không hợp lệ"},
		"an attribute":     {replaced("<d:HoVaTen>", `<d:HoVaTen a="1">`), signed(now), 500, "", "không hợp lệ"},
		"SOAP 1.2":         {replaced("http://schemas.xmlsoap.org/soap/envelope/", "http://www.w3.org/2003/05/soap-envelope"), signed(now), 500, "", "không hợp lệ"},
		"another space":    {replaced("http://dancuquocgia.bca", "http://dancuquocgia.bca/"), signed(now), 500, "", "không hợp lệ"},
		"a full header":    {replaced("<s:Header/>", "<s:Header><d:A/></s:Header>"), signed(now), 500, "", "không hợp lệ"},
		"no body":          {replaced("<s:Body>", "<s:Corpus>"), signed(now), 500, "", "không hợp lệ"},
		"another question": {strings.ReplaceAll(good, opMatch, "XacNhanThongTinCongDan"), signed(now), 500, "", "không hợp lệ"},
		"another order":    {soap(opMatch, preface+`<d:HoVaTen>LETHIHONGDAO</d:HoVaTen><d:SoDinhDanh>099192000366</d:SoDinhDanh>`+born), signed(now), 500, "", "không hợp lệ"},
		"date first":       {soap(opMatch, preface+born+whoHas), signed(now), 500, "", "không hợp lệ"},
		"both numbers":     {replaced("<d:HoVaTen>", "<d:SoCMND>990192036</d:SoCMND><d:HoVaTen>"), signed(now), 500, "", "không hợp lệ"},
		"one empty":        {replaced("<d:HoVaTen>", "<d:SoCMND/><d:HoVaTen>"), signed(now), 500, "", "không hợp lệ"},
		"number twice":     {replaced("<d:HoVaTen>", "<d:SoDinhDanh>099192000366</d:SoDinhDanh><d:HoVaTen>"), signed(now), 500, "", "không hợp lệ"},
		"no number":        {replaced("<d:SoDinhDanh>099192000366</d:SoDinhDanh>", ""), signed(now), 500, "", "không hợp lệ"},
		"nine digits":      {replaced("099192000366", "990192036"), signed(now), 500, "", "không hợp lệ"},
		"wide digits":      {replaced("099192000366", "０９９192000366"), signed(now), 500, "", "không hợp lệ"},
		"no name":          {replaced("LETHIHONGDAO", " "), signed(now), 500, "", "không hợp lệ"},
		"no request id":    {replaced("<d:MaYeuCau>r1</d:MaYeuCau>", ""), signed(now), 500, "", "không hợp lệ"},
		"no official":      {replaced("<d:MaCanBo>099080000001</d:MaCanBo>", ""), signed(now), 500, "", "không hợp lệ"},
		"no date":          {soap(opMatch, preface+whoHas), signed(now), 500, "", "không hợp lệ"},
		"no such day":      {replaced("19920721", "19920230"), signed(now), 500, "", "không hợp lệ"},
		"ISO date":         {replaced("19920721", "1992-07-21"), signed(now), 500, "", "không hợp lệ"},
		"both dates":       {replaced("</d:NgayThangNam>", "</d:NgayThangNam><d:Nam>1992</d:Nam>"), signed(now), 500, "", "không hợp lệ"},
		"a year as a day":  {replaced("19920721", "1992"), signed(now), 500, "", "không hợp lệ"},
		"huge":             {replaced("r1", strings.Repeat("r", 100<<10)), signed(now), 500, "", "không hợp lệ"},
	} {
		status, body := do(t, http.MethodPost, address+"/soap", tc.body, tc.header)
		assert.Equal(t, tc.status, status, name)
		assert.NotContains(t, body, "099192", "%s: answers repeat no number", name)
		fault := parsed(t, body).Body.Fault
		if tc.status == http.StatusOK {
			assert.Nil(t, fault, name)
			continue
		}
		require.NotNil(t, fault, name)
		assert.Contains(t, fault.Text, tc.text, name)
		assert.Equal(t, tc.code, fault.Code, name)
	}

	// Its idea of now is what counts.
	require.NoError(t, p.Set("population_clock_skew", "-10m"))
	status, _ := do(t, http.MethodPost, address+"/soap", good, signed(now))
	assert.Equal(t, http.StatusInternalServerError, status)
	status, _ = do(t, http.MethodPost, address+"/soap", good, signed(now.Add(-10*time.Minute)))
	assert.Equal(t, http.StatusOK, status)
}

func TestSOAPOnOlderPlatforms(t *testing.T) {
	_, address := startForms(t, func(cfg *vneidtest.PopulationConfig) {
		cfg.Platform = vneidtest.PlatformConfig{URL: serviceURL, User: "sims", Secret: "a-secret", Unit: time.Second}
	})
	stamp := strconv.FormatInt(time.Now().Unix(), 10)
	sum := sha256.Sum256([]byte(serviceURL + "sims" + stamp + "a-secret"))
	header := http.Header{"Timestamp": {stamp}, "Soapaction": {""}, "Content-Type": {"text/xml; charset=utf-8"},
		"Authorization": {"Basic " + base64.StdEncoding.EncodeToString([]byte("sims:"+hex.EncodeToString(sum[:])))}}
	good := soap(opMatch, preface+whoHas+born)
	status, body := do(t, http.MethodPost, address+"/soap", good, header)
	require.Equal(t, http.StatusOK, status, body)
	status, _ = do(t, http.MethodPost, address+"/soap", good, signed(time.Now()))
	assert.Equal(t, http.StatusInternalServerError, status, "milliseconds are another age")
}

func TestFurtherWaysAreOffUnlessSet(t *testing.T) {
	_, address := startPopulation(t)
	for _, path := range []string{"/soap", "/lgsp/json/" + opMatch, "/lgsp/text/" + opMatch, "/lgsp/token", "/lgsp/soap"} {
		status, _ := do(t, http.MethodPost, address+path, "", bearer)
		assert.Equal(t, http.StatusNotFound, status, path)
	}
	for name, change := range map[string]func(*vneidtest.PopulationConfig){
		"no URL":      func(c *vneidtest.PopulationConfig) { c.Platform.URL = "" },
		"no user":     func(c *vneidtest.PopulationConfig) { c.Platform.User = "" },
		"no secret":   func(c *vneidtest.PopulationConfig) { c.Platform.Secret = "" },
		"odd unit":    func(c *vneidtest.PopulationConfig) { c.Platform.Unit = time.Minute },
		"no keys":     func(c *vneidtest.PopulationConfig) { c.Province.Keys = vneidtest.LGSPKeys{} },
		"no official": func(c *vneidtest.PopulationConfig) { c.Province.User = "" },
	} {
		cfg := vneidtest.PopulationConfig{Token: token, Platform: platform(), Province: province()}
		change(&cfg)
		_, err := vneidtest.NewPopulation(cfg)
		assert.Error(t, err, name)
	}
}
