package population_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vneid-proxy/broker/outbound"
	"vneid-proxy/broker/population"
	"vneid-proxy/identity"
	"vneid-proxy/vneidtest"
)

// way is a profile as the simulator knows it.
type way struct {
	profile       string
	path, lookup  string // at the simulator
	endpoint      string // for Calls and the fault knobs
	unit          time.Duration
	client, xml   bool // X-Road headers; whether answers hold XML
	withoutLookup bool
}

func ways() []way {
	const match, lookup = "XacThucThongTinCongDan", "TraCuuThongTinCongDan"
	return []way{
		{profile: "json", path: "/v1/match", endpoint: "match", withoutLookup: true},
		{profile: "ndxp", path: "/soap", endpoint: "soap", unit: time.Millisecond, client: true, xml: true},
		{profile: "ndxp-plain", path: "/soap", endpoint: "soap", unit: time.Second, xml: true},
		{profile: "lgsp-bearer", path: "/lgsp/json/" + match, lookup: "/lgsp/json/" + lookup, endpoint: "lgsp_json"},
		{profile: "lgsp-keys", path: "/lgsp/soap", endpoint: "lgsp_soap", xml: true},
		{profile: "lgsp-string", path: "/lgsp/text/" + match, lookup: "/lgsp/text/" + lookup, endpoint: "lgsp_text", xml: true},
	}
}

const (
	wireToken  = "population-token"
	serviceURL = "https://platform.invalid/XacThuc"
	official   = "099080000001"
)

// start runs a simulator and a client for a way.
func (w way) start(t *testing.T, change ...func(*population.Config)) (*vneidtest.Population, *population.Client) {
	platform := vneidtest.PlatformConfig{URL: serviceURL, User: "sims", Secret: "a-secret", Unit: w.unit}
	if w.client {
		platform.Client, platform.APIKey = "VN/GOV/099/sims", "a-key"
	}
	province := vneidtest.ProvinceConfig{Token: wireToken, User: "can.bo", Password: "mat-khau",
		Keys: vneidtest.LGSPKeys{AccessKey: "ak", SecretKey: "sk", AppName: "app", PartnerCode: "099.1", PartnerCodeCus: "099.2"}}
	p, err := vneidtest.NewPopulation(vneidtest.PopulationConfig{
		Token: wireToken, Platform: platform, Province: province, Procedures: []string{"1.0099"}, Officials: []string{official},
	})
	require.NoError(t, err)
	server := httptest.NewServer(p)
	t.Cleanup(server.Close)
	cfg := w.config(server.URL)
	for _, f := range change {
		f(&cfg)
	}
	c, err := population.New(cfg)
	require.NoError(t, err)
	return p, c
}

func (w way) config(address string) population.Config {
	have := population.Credentials{Token: wireToken, Official: official}
	service := population.Service{Procedure: "1.0099", MatchCode: "003", LookupCode: "037", Unit: "H99", Account: "tk", Phone: "0990000000", User: "sims"}
	switch w.profile {
	case "ndxp", "ndxp-plain":
		have = population.Credentials{User: "sims", Secret: "a-secret", APIKey: "a-key", Official: official}
		service.Client, service.SignedURL = "VN/GOV/099/sims", serviceURL
	case "lgsp-keys":
		have = population.Credentials{User: "can.bo", Password: "mat-khau", AccessKey: "ak", Secret: "sk", Official: official}
		service.AppName, service.PartnerCode, service.PartnerCodeCus, service.TokenURL = "app", "099.1", "099.2", address+"/lgsp/token"
	}
	cfg := population.Config{
		Profile: w.profile, URL: address + w.path, Service: service, Timeout: 20 * time.Second,
		Credentials: func() population.Credentials { return have },
	}
	if w.lookup != "" {
		cfg.LookupURL = address + w.lookup
	}
	return cfg
}

// about is a question about one of the simulator's people.
func about(t testing.TB, key string) (vneidtest.Persona, population.Question) {
	for _, p := range vneidtest.Personas() {
		if p.Key == key {
			number, err := identity.VouchedCitizenNumber(p.CitizenNumber)
			require.NoError(t, err)
			born, err := identity.ParseBirthDate(p.BirthDate)
			require.NoError(t, err)
			return p, population.Question{Number: number, Name: p.Name, BirthDate: born}
		}
	}
	require.FailNow(t, "no persona "+key)
	return vneidtest.Persona{}, population.Question{}
}

// turn turns one lie on, and the others off.
func turn(t *testing.T, p *vneidtest.Population, lie string) {
	for _, one := range []string{"record_two", "record_other"} {
		require.NoError(t, p.Set(one, map[bool]string{true: "on", false: "off"}[one == lie]))
	}
}

func onEveryWay(t *testing.T, run func(t *testing.T, w way)) {
	for _, w := range ways() {
		t.Run(w.profile, func(t *testing.T) { run(t, w) })
	}
}

func TestEveryWayMatches(t *testing.T) {
	onEveryWay(t, func(t *testing.T, w way) {
		p, c := w.start(t)
		for name, test := range map[string]struct {
			change func(*population.Question)
			want   population.Answer
		}{
			"all right":    {func(*population.Question) {}, population.Matched},
			"year alone":   {func(q *population.Question) { q.BirthDate = identity.BirthDate{Year: q.BirthDate.Year} }, population.Matched},
			"other marks":  {func(q *population.Question) { q.Name = "LE THI HONG DAO" }, population.Matched},
			"another name": {func(q *population.Question) { q.Name = "Lê Thị Hồng" }, population.NotMatched},
			"another day":  {func(q *population.Question) { q.BirthDate.Day++ }, population.NotMatched},
			"another year": {func(q *population.Question) { q.BirthDate = identity.BirthDate{Year: 1901} }, population.NotMatched},
			"nobody": {func(q *population.Question) {
				q.Number, _ = identity.VouchedCitizenNumber("099192999999")
			}, population.NotMatched},
		} {
			_, q := about(t, "two")
			test.change(&q)
			got, err := c.Match(t.Context(), q)
			require.NoError(t, err, name)
			assert.Equal(t, test.want, got, name)
		}
		assert.Equal(t, 7, p.Calls(w.endpoint))
		for _, who := range vneidtest.Personas() {
			_, q := about(t, who.Key)
			got, err := c.Match(t.Context(), q)
			require.NoError(t, err, who.Key)
			assert.Equal(t, population.Matched, got, who.Key)
		}
		if w.profile == "lgsp-keys" {
			assert.Equal(t, 1, p.Calls("lgsp_token"), "a token is kept while it is good")
		}
	})
}

// The other forms of names and dates reach the simulator too.
func TestMarksAreSentWhereTheyAreWanted(t *testing.T) {
	onEveryWay(t, func(t *testing.T, w way) {
		_, c := w.start(t, func(cfg *population.Config) { cfg.Form.Name = population.NameMarks })
		_, q := about(t, "diacritics")
		got, err := c.Match(t.Context(), q)
		require.NoError(t, err)
		assert.Equal(t, population.Matched, got)
	})
	for form, want := range map[population.Form]string{
		{}: "<d:HoVaTen>NGUYENVANDO</d:HoVaTen><d:NgayThangNamSinh><d:NgayThangNam>20020304<",
		{Name: population.NameMarks, Date: population.DateDashes}: "<d:HoVaTen>NGUYỄN VĂN ĐỖ</d:HoVaTen><d:NgayThangNamSinh><d:NgayThangNam>2002-03-04<",
	} {
		var sent []byte
		server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { sent, _ = io.ReadAll(r.Body) }))
		cfg := ways()[1].config(server.URL)
		cfg.Form = form
		c, err := population.New(cfg)
		require.NoError(t, err)
		_, err = c.Match(t.Context(), question(t))
		require.ErrorIs(t, err, population.ErrMalformed)
		server.Close()
		assert.Contains(t, string(sent), want)
	}
}

func TestEveryWayLooksUp(t *testing.T) {
	onEveryWay(t, func(t *testing.T, w way) {
		p, c := w.start(t)
		who, q := about(t, "cmnd_stranger")
		got, err := c.Lookup(t.Context(), q)
		if w.withoutLookup {
			require.ErrorIs(t, err, population.ErrQuestion)
			return
		}
		require.NoError(t, err)
		require.True(t, got.Found)
		require.Len(t, got.IDCards, 1)
		assert.Equal(t, who.IDCardNumber, got.IDCards[0].Reveal())

		_, q = about(t, "none") // whose record holds no ID card
		got, err = c.Lookup(t.Context(), q)
		require.NoError(t, err)
		assert.Equal(t, population.Record{Found: true}, got)

		q.Name = "Phạm Quốc"
		got, err = c.Lookup(t.Context(), q)
		require.NoError(t, err)
		assert.Equal(t, population.Record{}, got, "nobody and somebody else are one answer")

		_, q = about(t, "cmnd")
		for _, lie := range []string{"record_two", "record_other"} {
			turn(t, p, lie)
			got, err = c.Lookup(t.Context(), q)
			require.ErrorIs(t, err, population.ErrMalformed, lie)
			assert.Zero(t, got)
			for range 5 {
				_, err = c.Lookup(t.Context(), q)
				require.ErrorIs(t, err, population.ErrMalformed, lie)
			}
			assert.Equal(t, population.Closed, c.State().Breaker, "one person's odd record is no outage")
		}
	})
}

// Whatever a record holds beside the two numbers ends at the parser: it is in
// no value, no error and no log line.
func TestNothingElseOfARecordIsKept(t *testing.T) {
	private := []string{"DanToc", "MẪU", "MAU", "099040009901", "990140099", "Minh Hà", "SHK-99", "ĐINH", "TRẦN", "NhomMau"}
	onEveryWay(t, func(t *testing.T, w way) {
		if w.withoutLookup {
			t.Skip("it has no records")
		}
		p, c := w.start(t)
		_, q := about(t, "cmnd")
		for _, lie := range []string{"", "record_two", "record_other"} {
			if lie != "" {
				turn(t, p, lie)
			}
			record, err := c.Lookup(t.Context(), q)
			var log bytes.Buffer
			slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "record", record, "error", err)
			said := fmt.Sprintf("%#v %+v %v %s %s", record, record, err, log.String(), fmt.Sprint(c.State()))
			for _, text := range append(private, q.Number.Reveal(), "990179024") {
				assert.NotContains(t, said, text, lie)
			}
		}
	})
}

// Nobody can come to keep it by the way: a record has two fields, and the
// sources have no word for anything else that a record holds.
func TestNothingElseOfARecordHasAName(t *testing.T) {
	record := reflect.TypeFor[population.Record]()
	require.Equal(t, 2, record.NumField())
	assert.Equal(t, reflect.TypeFor[bool](), record.Field(0).Type)
	assert.Equal(t, reflect.TypeFor[[]identity.IDCardNumber](), record.Field(1).Type)
	sources, err := filepath.Glob("*.go")
	require.NoError(t, err)
	looked := 0
	for _, name := range sources {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		looked++
		text, err := os.ReadFile(name)
		require.NoError(t, err)
		for _, word := range []string{
			"DanToc", "TonGiao", "NhomMau", "TinhTrangHonNhan", "GioiTinh", "QuocTich", "NoiDangKyKhaiSinh", "QueQuan", "ThuongTru",
			"NoiOHienTai", "VoChong", "NguoiDaiDien", "ChuHo", "SoSoHoKhau", `"Cha"`, `"Me"`, `"Ten"`,
		} {
			assert.NotContains(t, string(text), word, name)
		}
	}
	assert.NotZero(t, looked)
}

// Down, slow, endless, garbled: no answer, and no word of theirs in the error.
func TestEveryWayFails(t *testing.T) {
	onEveryWay(t, func(t *testing.T, w way) {
		for knob, want := range map[string]error{
			"_down": population.ErrUnavailable, "_garbage": population.ErrMalformed, "_huge": population.ErrMalformed,
		} {
			p, c := w.start(t)
			require.NoError(t, p.Set(w.endpoint+knob, "on"))
			_, q := about(t, "cmnd")
			got, err := c.Match(t.Context(), q)
			require.ErrorIs(t, err, want, knob)
			assert.Zero(t, got)
			assert.NotContains(t, err.Error(), "simulated")
		}
		p, c := w.start(t, func(cfg *population.Config) { cfg.Timeout = 100 * time.Millisecond })
		require.NoError(t, p.Set(w.endpoint+"_slow", "1h"))
		_, q := about(t, "cmnd")
		_, err := c.Match(t.Context(), q)
		require.ErrorIs(t, err, population.ErrUnavailable)
		assert.Equal(t, outbound.Timeout, outbound.CauseOf(err))
	})
}

func TestEveryWayIsRefused(t *testing.T) {
	onEveryWay(t, func(t *testing.T, w way) {
		_, q := about(t, "cmnd")
		wrong := func(cfg *population.Config) {
			have := cfg.Credentials()
			have.Token, have.Secret, have.AccessKey = "wrong", "wrong", "wrong"
			cfg.Credentials = func() population.Credentials { return have }
		}
		_, c := w.start(t, wrong)
		_, err := c.Match(t.Context(), q)
		require.ErrorIs(t, err, population.ErrUnavailable)
		assert.Equal(t, outbound.Refused, outbound.CauseOf(err))
		if w.profile == "json" {
			return
		}
		for code, change := range map[string]func(*population.Config){
			"004": func(cfg *population.Config) { cfg.Service.Procedure = "1.0001" },
			"005": func(cfg *population.Config) {
				have := cfg.Credentials()
				have.Official = "099080000002"
				cfg.Credentials = func() population.Credentials { return have }
			},
		} {
			_, c := w.start(t, change)
			for range 7 {
				_, err := c.Match(t.Context(), q)
				require.ErrorIs(t, err, population.ErrRefused)
				require.ErrorContains(t, err, code)
			}
			assert.Equal(t, population.Closed, c.State().Breaker, "a missing licence is no outage")
		}
	})
}

// Rotated credentials are in the next call.
func TestCredentialsAreReadAnew(t *testing.T) {
	have := population.Credentials{Token: "old"}
	_, c := ways()[0].start(t, func(cfg *population.Config) { cfg.Credentials = func() population.Credentials { return have } })
	_, q := about(t, "cmnd")
	_, err := c.Match(t.Context(), q)
	require.ErrorIs(t, err, population.ErrUnavailable)
	have.Token = wireToken
	_, err = c.Match(t.Context(), q)
	require.NoError(t, err)
}

// An access token that the province has forgotten is bought anew, once.
func TestAccessTokenIsBoughtAnew(t *testing.T) {
	w := ways()[4]
	forgotten := true
	bought, asked := 0, 0
	server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "token") {
			bought++
			rw.Header().Set("Content-Type", "application/json")
			_, _ = fmt.Fprintf(rw, `{"access_token":"t%d","expires_in":3600}`, bought)
			return
		}
		asked++
		rw.Header().Set("Content-Type", "text/xml")
		if forgotten && r.Header.Get("Authorization") != "Bearer t2" {
			rw.WriteHeader(http.StatusUnauthorized)
			return
		}
		_, _ = io.WriteString(rw, envelope(verdict("true")))
	}))
	defer server.Close()
	c, err := population.New(w.config(server.URL))
	require.NoError(t, err)
	_, q := about(t, "cmnd")
	got, err := c.Match(t.Context(), q)
	require.NoError(t, err)
	assert.Equal(t, population.Matched, got)
	assert.Equal(t, []int{2, 2}, []int{bought, asked})
}

func TestGoneIsNoOutage(t *testing.T) {
	onEveryWay(t, func(t *testing.T, w way) {
		p, c := w.start(t)
		require.NoError(t, p.Set(w.endpoint+"_slow", "1h"))
		_, q := about(t, "cmnd")
		for range 6 {
			ctx, leave := context.WithTimeout(t.Context(), time.Minute)
			before := p.Calls(w.endpoint)
			done := make(chan error)
			go func() { _, err := c.Match(ctx, q); done <- err }()
			require.Eventually(t, func() bool { return p.Calls(w.endpoint) > before }, time.Minute, time.Millisecond)
			leave()
			require.ErrorIs(t, <-done, population.ErrUnavailable)
		}
		assert.Equal(t, population.Closed, c.State().Breaker)
	})
}
