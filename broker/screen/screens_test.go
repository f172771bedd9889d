package screen_test

import (
	"crypto/sha256"
	"encoding/base64"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vneid-proxy/broker/screen"
	"vneid-proxy/identity"
)

const prefix = "/_vneid"

func config() screen.Config {
	return screen.Config{
		Prefix: prefix, Organisation: "Cổng dịch vụ công tỉnh Minh Hà",
		ForgotPasswordURL: "/quen-mat-khau", RegisterURL: "https://portal.example/dang-ky",
		FormOrigins: []string{"https://id.example", "http://localhost:8081"},
		Log:         slog.New(slog.NewTextHandler(io.Discard, nil)),
	}
}

func screens(t *testing.T) *screen.Screens {
	t.Helper()
	s, err := screen.New(config())
	require.NoError(t, err)
	return s
}

func get(t *testing.T, s *screen.Screens, target string, status int, page screen.Page) *httptest.ResponseRecorder {
	t.Helper()
	w := httptest.NewRecorder()
	s.Write(w, httptest.NewRequest(http.MethodGet, target, nil), status, page)
	return w
}

// everywhere runs a check on every sample in both languages.
func everywhere(t *testing.T, check func(t *testing.T, sample screen.Sample, language screen.Language, body string)) {
	s := screens(t)
	for _, sample := range screen.Samples() {
		for _, language := range []screen.Language{screen.Vietnamese, screen.English} {
			t.Run(sample.Name+"/"+string(language), func(t *testing.T) {
				w := get(t, s, prefix+"/link?lang="+string(language), sample.Status, sample.Page)
				require.Equal(t, sample.Status, w.Code)
				require.Equal(t, "text/html; charset=utf-8", w.Header().Get("Content-Type"), w.Body)
				check(t, sample, language, w.Body.String())
			})
		}
	}
}

func TestConfig(t *testing.T) {
	for name, spoil := range map[string]func(*screen.Config){
		"no prefix":           func(c *screen.Config) { c.Prefix = "" },
		"bare slash":          func(c *screen.Config) { c.Prefix = "/" },
		"trailing slash":      func(c *screen.Config) { c.Prefix = "/_vneid/" },
		"relative prefix":     func(c *screen.Config) { c.Prefix = "_vneid" },
		"origin with path":    func(c *screen.Config) { c.FormOrigins = []string{"https://id.example/auth"} },
		"origin with slash":   func(c *screen.Config) { c.FormOrigins = []string{"https://id.example/"} },
		"origin is keyword":   func(c *screen.Config) { c.FormOrigins = []string{"'unsafe-inline'"} },
		"origin ends policy":  func(c *screen.Config) { c.FormOrigins = []string{"https://id.example;script-src"} },
		"origin is wild":      func(c *screen.Config) { c.FormOrigins = []string{"https://*.example"} },
		"origin adds another": func(c *screen.Config) { c.FormOrigins = []string{"https://a.example https://b.example"} },
		"script address":      func(c *screen.Config) { c.RegisterURL = "javascript:alert(1)" },
		"foreign address":     func(c *screen.Config) { c.ForgotPasswordURL = "//elsewhere.example" },
	} {
		t.Run(name, func(t *testing.T) {
			c := config()
			spoil(&c)
			_, err := screen.New(c)
			require.Error(t, err)
		})
	}
	s, err := screen.New(screen.Config{Prefix: prefix})
	require.NoError(t, err, "the rest has defaults")
	body := get(t, s, prefix+"/sign-in", http.StatusOK, screen.SignIn{}).Body.String()
	assert.Contains(t, body, `href="tel:19000368">1900.0368`)
	assert.Contains(t, body, "Cổng dịch vụ trực tuyến")
}

func TestHeaders(t *testing.T) {
	s := screens(t)
	w := get(t, s, prefix+"/link", http.StatusUnprocessableEntity, screen.Link{})
	assert.Equal(t, http.StatusUnprocessableEntity, w.Code)
	for name, value := range map[string]string{
		"Content-Type":               "text/html; charset=utf-8",
		"Content-Language":           "vi",
		"Cache-Control":              "no-store",
		"Referrer-Policy":            "same-origin",
		"X-Content-Type-Options":     "nosniff",
		"X-Frame-Options":            "DENY",
		"Cross-Origin-Opener-Policy": "same-origin",
		"Vary":                       "Accept-Language, Cookie",
		"Content-Security-Policy": "default-src 'none'; style-src 'self'; img-src 'self'; " +
			"form-action 'self' https://id.example http://localhost:8081; frame-ancestors 'none'; base-uri 'none'",
	} {
		assert.Equal(t, value, w.Header().Get(name), name)
	}
	assert.Empty(t, w.Header().Values("Set-Cookie"))
	assert.Empty(t, w.Header().Get("Retry-After"))

	w = get(t, s, prefix+"/callback", http.StatusServiceUnavailable,
		screen.Refused{Reason: screen.ProviderDown, RetryAfter: 29500 * time.Millisecond})
	assert.Equal(t, "30", w.Header().Get("Retry-After"))
	assert.Contains(t, w.Body.String(), "Vui lòng thử lại sau 30 giây.")
	w = get(t, s, prefix+"/link", http.StatusTooManyRequests,
		&screen.Refused{Reason: screen.TooManyTries, RetryAfter: 121 * time.Second})
	assert.Equal(t, "121", w.Header().Get("Retry-After"))
	assert.Contains(t, w.Body.String(), "Vui lòng thử lại sau 3 phút.")
}

func TestHeadHasNoBody(t *testing.T) {
	s := screens(t)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.Write(w, r, http.StatusForbidden, screen.Refused{Reason: screen.NotAllowed})
	}))
	defer server.Close()
	head, err := http.Head(server.URL + prefix + "/sign-in")
	require.NoError(t, err)
	defer func() { _ = head.Body.Close() }()
	assert.Equal(t, http.StatusForbidden, head.StatusCode)
	assert.Equal(t, "no-store", head.Header.Get("Cache-Control"))
	assert.Positive(t, head.ContentLength)

	w := httptest.NewRecorder()
	s.Write(w, httptest.NewRequest(http.MethodHead, prefix+"/sign-in", nil), http.StatusOK, screen.SignIn{})
	assert.Zero(t, w.Body.Len())
}

// incomplete has the template of its inner page but none of its fields.
type incomplete struct{ screen.Page }

func TestFallback(t *testing.T) {
	s := screens(t)
	for name, page := range map[string]screen.Page{"nil": nil, "incomplete": incomplete{screen.Link{}}} {
		t.Run(name, func(t *testing.T) {
			w := get(t, s, prefix+"/link", http.StatusServiceUnavailable, page)
			assert.Equal(t, http.StatusServiceUnavailable, w.Code)
			assert.Equal(t, "text/plain; charset=utf-8", w.Header().Get("Content-Type"))
			assert.Equal(t, "no-store", w.Header().Get("Cache-Control"))
			assert.Contains(t, w.Body.String(), "1900.0368")
			assert.NotContains(t, w.Body.String(), "<")
		})
	}
}

func TestUnknownReasonAndErrorHaveGeneralWords(t *testing.T) {
	s := screens(t)
	w := get(t, s, prefix+"/callback", http.StatusForbidden, screen.Refused{Reason: "new"})
	assert.Contains(t, w.Body.String(), "<h1>Chưa thực hiện được</h1>")
	w = get(t, s, prefix+"/link", http.StatusUnprocessableEntity,
		screen.Link{Errors: screen.FieldErrors{screen.FieldCitizenNumber: "new", "": screen.TriesSpent}})
	assert.Contains(t, w.Body.String(), "Thông tin chưa hợp lệ.")
	assert.Contains(t, w.Body.String(), "Đã thử quá nhiều lần.")
}

func TestHostileValuesAreEscaped(t *testing.T) {
	s := screens(t)
	const hostile = `"><script>alert('x')</script><img src=x onerror=y>`
	account := screen.AccountView{Handle: hostile, Title: hostile, Detail: hostile}
	citizen := screen.CitizenView{Name: hostile}
	consented := screen.FieldErrors{screen.FieldUsername: screen.FieldError(hostile), "\"><script>": "x"}
	for _, page := range []screen.Page{
		screen.SignIn{ReturnTo: "/" + hostile, Providers: []screen.Provider{{Name: hostile, Title: hostile}},
			PortalLogin: hostile, CSRF: hostile, CredentialForm: true, Username: hostile,
			Error: screen.FieldError(hostile), Notice: screen.Notice(hostile)},
		screen.Link{Account: account, CMND: hostile, TypedNumber: hostile, Answer: screen.Answer(hostile), ReferenceCode: hostile, CSRF: hostile, ConsentVersion: hostile, Errors: consented, CanSkip: true},
		screen.Choose{Citizen: citizen, Accounts: []screen.AccountView{account}, CSRF: hostile, ConsentVersion: hostile},
		screen.Prove{CredentialForm: true, Citizen: citizen, Candidates: []screen.AccountView{account}, Username: hostile, PortalLogin: hostile,
			ReferenceCode: hostile, CSRF: hostile, Errors: consented, ConsentVersion: hostile},
		screen.Identity{Rows: []screen.IdentityRow{{Label: screen.Row(hostile), Value: hostile, Mark: screen.Mark(hostile)}},
			Accounts: []screen.LinkedAccount{{Title: hostile}}, CanUpdate: true, CSRF: hostile, ReturnTo: hostile},
		screen.Linked{ReturnTo: hostile, Account: account},
		screen.Pending{ReturnTo: hostile},
		screen.Refused{Reason: screen.Reason(hostile), ReferenceCode: hostile, Next: []screen.Action{{screen.ActionLabel(hostile), hostile}}},
		screen.SignOut{CSRF: hostile, ReturnTo: hostile},
	} {
		w := get(t, s, prefix+"/link?rd=/"+`%22%3E%3Cscript%3E`, http.StatusOK, page)
		require.Equal(t, "text/html; charset=utf-8", w.Header().Get("Content-Type"))
		body := w.Body.String()
		assert.NotContains(t, body, "<script>alert", "%T", page)
		assert.NotContains(t, body, "onerror=y>", "%T", page)
		assertWellFormed(t, body)
	}
}

// The sign-in page has one script, and its policy allows that one alone.
func TestTheOneScript(t *testing.T) {
	s := screens(t)
	answer := get(t, s, prefix+"/sign-in", http.StatusOK, screen.SignIn{})
	script := regexp.MustCompile(`(?s)<script>(.*?)</script>`).FindAllStringSubmatch(answer.Body.String(), -1)
	require.Len(t, script, 1)
	hash := sha256.Sum256([]byte(script[0][1]))
	assert.Contains(t, answer.Header().Get("Content-Security-Policy"), "; script-src 'sha256-"+base64.StdEncoding.EncodeToString(hash[:])+"'")
	assert.NotContains(t, get(t, s, prefix+"/link", http.StatusOK, screen.Link{}).Header().Get("Content-Security-Policy"), "script-src")
}

func TestAddresses(t *testing.T) {
	s := screens(t)
	body := get(t, s, prefix+"/sign-in", http.StatusOK, screen.SignIn{
		ReturnTo: "/ho-so?a=1&b=2#x", Providers: []screen.Provider{{Name: "vn eid&rd=/x"}},
	}).Body.String()
	assert.Contains(t, body, `href="/_vneid/start?provider=vn%20eid%26rd%3d%2fx&amp;rd=%2fho-so%3fa%3d1%26b%3d2%23x"`)
	assert.NotContains(t, get(t, s, prefix+"/sign-in", http.StatusOK, screen.SignIn{Providers: []screen.Provider{{Name: "vneid"}}}).Body.String(), "vneid&amp;rd=")

	for _, foreign := range []string{"https://elsewhere.example", "//elsewhere.example", `/\elsewhere.example`, "/\t/elsewhere.example", "javascript:alert(1)", ""} {
		for _, page := range []screen.Page{screen.Linked{ReturnTo: foreign}, screen.SignOut{ReturnTo: foreign}, screen.Identity{ReturnTo: foreign}} {
			body := get(t, s, prefix+"/link", http.StatusOK, page).Body.String()
			assert.NotContains(t, body, "elsewhere")
			assert.NotContains(t, body, "javascript:")
			assert.Contains(t, body, `href="/"`, "%T %q", page, foreign)
		}
	}
	body = get(t, s, prefix+"/sign-in", http.StatusOK, screen.Refused{Next: []screen.Action{{screen.ActionRetry, "javascript:alert(1)"}}}).Body.String()
	assert.NotContains(t, body, "javascript:")
}

func TestNumbersAreMasked(t *testing.T) {
	number, err := identity.VouchedCitizenNumber("099190000345")
	require.NoError(t, err)
	s := screens(t)
	for _, page := range []screen.Page{
		screen.Link{FlowB: true, CitizenNumber: number},
		screen.Choose{Citizen: screen.CitizenView{Number: number}},
		screen.Prove{CredentialForm: true, Citizen: screen.CitizenView{Number: number}},
		screen.Pending{Number: number},
	} {
		body := get(t, s, prefix+"/link", http.StatusOK, page).Body.String()
		assert.Contains(t, body, "*********345", "%T", page)
		assert.NotContains(t, body, "099190000345", "%T", page)
	}
}

func TestLinkScreen(t *testing.T) {
	s := screens(t)
	end := time.Date(2027, time.June, 30, 23, 59, 59, 0, time.FixedZone("", 7*3600)).UTC()
	page := screen.Link{CMND: "099000123", Deadline: end, DaysLeft: 42, CanSkip: true, CSRF: "token", ConsentVersion: "2026-01"}
	body := get(t, s, prefix+"/link", http.StatusOK, page).Body.String()
	for _, text := range []string{"Cập nhật thông tin từ CSDL dân cư", "099000123", "Số CCCD", "Nhập số CCCD", ">Bỏ qua<", ">Cập nhật<",
		"Sau ngày 30/06/2027", "Còn 42 ngày.", "1900.0368", "2026-01", "Bên kiểm soát dữ liệu"} {
		assert.Contains(t, body, text)
	}
	assert.Regexp(t, regexp.MustCompile(`<input [^>]*name="citizen_number"[^>]*inputmode="numeric"`), body)
	assert.NotContains(t, body, "checked", "consent is never ticked for anybody")

	page.CanSkip = false
	assert.NotContains(t, get(t, s, prefix+"/link", http.StatusOK, page).Body.String(), "/link/skip")
	page.CanSkip, page.FlowB = true, true
	body = get(t, s, prefix+"/link", http.StatusOK, page).Body.String()
	assert.NotContains(t, body, "/link/skip", "flow B has no skipping")
	assert.NotContains(t, body, `name="citizen_number"`, "flow B does not ask what VNeID said")

	english := get(t, s, prefix+"/link?lang=en", http.StatusOK, page).Body.String()
	assert.Contains(t, english, "After 30 June 2027")
}

func TestFaultsAreTiedToTheirInputs(t *testing.T) {
	s := screens(t)
	body := get(t, s, prefix+"/link", http.StatusUnprocessableEntity, screen.Link{TypedNumber: "12",
		Errors: screen.FieldErrors{screen.FieldCitizenNumber: screen.NumberMalformed, screen.FieldConsent: screen.ConsentMissing}}).Body.String()
	assert.Contains(t, body, `role="alert" tabindex="-1" autofocus`)
	assert.Contains(t, body, `<a href="#citizen_number">Số CCCD phải gồm đúng 12 chữ số.</a>`)
	assert.Contains(t, body, `aria-describedby="citizen_number-hint citizen_number-fault" aria-invalid="true"`)
	assert.Contains(t, body, `aria-invalid="true" aria-describedby="consent-fault"`)
	assert.Contains(t, body, `value="12"`)
	assert.NotContains(t, get(t, s, prefix+"/link", http.StatusOK, screen.Link{}).Body.String(), "alert")
}

func TestOutagesSayThatNothingIsLost(t *testing.T) {
	s := screens(t)
	for _, reason := range screen.Reasons() {
		if reason.Status() != http.StatusServiceUnavailable {
			continue
		}
		assert.Contains(t, get(t, s, prefix+"/link?lang=vi", 503, screen.Refused{Reason: reason}).Body.String(), "không mất thông tin nào", reason)
		assert.Contains(t, get(t, s, prefix+"/link?lang=en", 503, screen.Refused{Reason: reason}).Body.String(), "You have lost nothing", reason)
	}
}

func TestNextSteps(t *testing.T) {
	s := screens(t)
	for reason, href := range map[screen.Reason]string{
		screen.Expired: prefix + "/sign-in", screen.DeadlinePassed: prefix + "/link", screen.NotAllowed: prefix + "/sign-out",
		screen.NoAccount: "https://portal.example/dang-ky", screen.Unavailable: "/",
	} {
		body := get(t, s, "/ho-so", reason.Status(), screen.Refused{Reason: reason}).Body.String()
		assert.Regexp(t, `<a class="button[^>]*href="`+regexp.QuoteMeta(href)+`"`, body, reason)
	}
	body := get(t, s, "/ho-so", 403, screen.Refused{Reason: screen.Expired, Next: []screen.Action{}}).Body.String()
	assert.NotContains(t, body, `class="button`, "empty is none")
	body = get(t, s, "/ho-so", 403, screen.Refused{Next: []screen.Action{{screen.ActionRetry, "/ho-so?x=1"}}}).Body.String()
	assert.Contains(t, body, `href="/ho-so?x=1">Thử lại<`)
}

func TestSamplesCoverEveryPage(t *testing.T) {
	names := map[string]bool{}
	for _, sample := range screen.Samples() {
		assert.False(t, names[sample.Name], sample.Name)
		names[sample.Name] = true
		assert.Equal(t, strings.ToLower(sample.Name), sample.Name)
	}
	for _, name := range []string{"sign-in", "link", "choose", "prove", "identity", "linked", "pending", "sign-out", "signed-out"} {
		assert.True(t, names[name], name)
	}
	for _, reason := range screen.Reasons() {
		assert.True(t, names["refused-"+string(reason)], reason)
	}
}
