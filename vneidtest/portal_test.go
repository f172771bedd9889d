package vneidtest_test

import (
	"html"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vneid-proxy/vneidtest"
)

var (
	ticketField = regexp.MustCompile(`name="ticket" value="([^"]+)"`)
	nextField   = regexp.MustCompile(`name="next" value="([^"]*)"`)
	question    = regexp.MustCompile(`id="captcha-question">(\d) \+ (\d) = \?`)
)

// loginForm fills the login page's form, the captcha answered.
func loginForm(t *testing.T, page, username, password string) url.Values {
	t.Helper()
	asked := question.FindStringSubmatch(page)
	require.NotNil(t, asked, page)
	a, _ := strconv.Atoi(asked[1])
	b, _ := strconv.Atoi(asked[2])
	return url.Values{
		"ticket": {ticketField.FindStringSubmatch(page)[1]}, "next": {html.UnescapeString(nextField.FindStringSubmatch(page)[1])},
		"username": {username}, "password": {password}, "captcha": {strconv.Itoa(a + b)},
	}
}

func TestPortalLogin(t *testing.T) {
	_, address := startPortal(t)
	for _, p := range vneidtest.Personas() {
		for _, a := range p.Accounts {
			c := browser(t)
			page, body := get(t, c, address+"/ho-so?trang=1&x=%2F")
			assert.Equal(t, "/dang-nhap", page.Request.URL.Path)
			landed, body := post(t, c, address+"/dang-nhap", loginForm(t, body, a.Username, a.Password))
			if a.Locked {
				assert.Equal(t, "/dang-nhap", landed.Request.URL.Path)
				assert.Contains(t, body, "đã bị khóa")
				continue
			}
			assert.Equal(t, "/ho-so?trang=1&x=%2F", landed.Request.URL.RequestURI(), "the page first asked for")
			assert.Contains(t, body, a.Name)

			_, body = get(t, c, address+"/api/whoami")
			assert.JSONEq(t, `{"account_id":"`+a.ID+`","username":"`+a.Username+`"}`, body)
			left, _ := get(t, c, address+"/dang-xuat")
			assert.Equal(t, "/dang-nhap", left.Request.URL.Path)
			who, _ := get(t, c, address+"/api/whoami")
			assert.Equal(t, http.StatusUnauthorized, who.StatusCode)
		}
	}
}

func TestPortalLoginRefuses(t *testing.T) {
	_, address := startPortal(t)
	who := vneidtest.Personas()[1].Accounts[0]
	for name, tc := range map[string]struct {
		change func(url.Values)
		want   string
	}{
		"wrong password": {func(f url.Values) { f.Set("password", "no") }, "Tên đăng nhập hoặc mật khẩu không đúng."},
		"unknown":        {func(f url.Values) { f.Set("username", "<b>nobody</b>") }, "Tên đăng nhập hoặc mật khẩu không đúng."},
		"wrong captcha":  {func(f url.Values) { f.Set("captcha", "99") }, "Mã xác nhận không đúng."},
		"no captcha":     {func(f url.Values) { f.Del("captcha") }, "Mã xác nhận không đúng."},
		"no ticket":      {func(f url.Values) { f.Del("ticket") }, "Mã xác nhận không đúng."},
		"locked":         {func(f url.Values) { f.Set("username", "bikhoa"); f.Set("password", "cong-khoa-7399") }, "Tài khoản đã bị khóa."},
	} {
		t.Run(name, func(t *testing.T) {
			c := browser(t)
			_, page := get(t, c, address+"/dang-nhap?next=/ca-nhan")
			form := loginForm(t, page, who.Username, who.Password)
			tc.change(form)
			answer, body := post(t, c, address+"/dang-nhap", form)
			assert.Equal(t, http.StatusOK, answer.StatusCode)
			assert.Contains(t, body, tc.want)
			assert.NotContains(t, body, "<b>nobody")
			assert.Contains(t, body, `name="next" value="/ca-nhan"`, "kept through the form")
			assert.Empty(t, answer.Cookies())

			form.Set("username", who.Username)
			form.Set("password", who.Password)
			_, body = post(t, c, address+"/dang-nhap", form)
			assert.Contains(t, body, "Mã xác nhận không đúng.", "a question is good for one try")
			landed, _ := post(t, c, address+"/dang-nhap", loginForm(t, body, who.Username, who.Password))
			assert.Equal(t, "/ca-nhan", landed.Request.URL.Path)
		})
	}
}

func TestPortalReturnsToItselfOnly(t *testing.T) {
	_, address := startPortal(t)
	for _, next := range []string{"", "//evil.invalid", "https://evil.invalid/", `/\evil.invalid`, "/\t/evil.invalid", "ho-so"} {
		_, page := get(t, browser(t), address+"/dang-nhap?next="+url.QueryEscape(next))
		assert.Equal(t, "/", nextField.FindStringSubmatch(page)[1], next)
	}
}

func TestPortalSessionsExpire(t *testing.T) {
	clock := newClock()
	portal, err := vneidtest.NewPortal(vneidtest.PortalConfig{CredentialToken: token, Now: clock.now})
	require.NoError(t, err)
	address := serve(t, func(string) http.Handler { return portal })
	who := vneidtest.Personas()[1].Accounts[0]
	c := browser(t)
	_, page := get(t, c, address+"/dang-nhap")
	form := loginForm(t, page, who.Username, who.Password)
	clock.advance(10 * time.Minute)
	_, page = post(t, c, address+"/dang-nhap", form)
	require.Contains(t, page, "Mã xác nhận không đúng.", "the ticket has expired")
	landed, _ := post(t, c, address+"/dang-nhap", loginForm(t, page, who.Username, who.Password))
	require.Equal(t, "/", landed.Request.URL.Path)
	clock.advance(8 * time.Hour)
	answer, _ := get(t, c, address+"/api/whoami")
	assert.Equal(t, http.StatusUnauthorized, answer.StatusCode)
}

func TestPortalBelievesTheHeader(t *testing.T) {
	_, address := startPortal(t)
	two := vneidtest.Personas()[2]
	lists := map[string]bool{}
	for _, a := range two.Accounts {
		as := http.Header{"X-Forwarded-User": {a.ID}}
		status, body := do(t, http.MethodGet, address+"/", "", as)
		assert.Equal(t, http.StatusOK, status)
		assert.Contains(t, body, a.Name)
		_, body = do(t, http.MethodGet, address+"/ho-so", "", as)
		lists[body] = true
		_, body = do(t, http.MethodGet, address+"/ca-nhan", "", as)
		assert.Contains(t, body, a.IDCardNumber)
		assert.Contains(t, body, "21/07/1992")
		_, body = do(t, http.MethodGet, address+"/ping", "", as)
		assert.Equal(t, "pong "+a.ID+"\n", body)
		status, _ = do(t, http.MethodGet, address+"/api/whoami", "", as)
		assert.Equal(t, http.StatusUnauthorized, status, "whoami goes by its own session alone")
	}
	assert.Len(t, lists, 2, "each account has dossiers of its own")

	status, body := do(t, http.MethodGet, address+"/", "", http.Header{"X-Forwarded-User": {"<i>stranger</i>"}})
	assert.Equal(t, http.StatusOK, status, "believed blindly")
	assert.Contains(t, body, "&lt;i&gt;stranger")
	for _, path := range []string{"/", "/ho-so", "/ca-nhan", "/nop-ho-so", "/tai-len", "/ping"} {
		status, _ = do(t, http.MethodGet, address+path, "", nil)
		assert.Equal(t, http.StatusFound, status, path)
	}
	for path, want := range map[string]int{"/gioi-thieu": 200, "/assets/portal.css": 200, "/headers": 200, "/khong-co": 404} {
		status, body = do(t, http.MethodGet, address+path, "", nil)
		assert.Equal(t, want, status, path)
		assert.NotContains(t, body, "_vneid", "it knows nothing of VNeID")
	}
}

func TestPortalCredential(t *testing.T) {
	p, address := startPortal(t)
	who := vneidtest.Personas()[0].Accounts[0]
	for name, tc := range map[string]struct {
		body   string
		header http.Header
		status int
		want   string
	}{
		"right":          {`{"username":"` + who.Username + `","password":"` + who.Password + `"}`, bearer, 200, `{"account_id":"` + who.ID + `"}`},
		"wrong":          {`{"username":"` + who.Username + `","password":"no"}`, bearer, 401, `{"error":"invalid"}`},
		"empty":          {`{"username":"` + who.Username + `","password":""}`, bearer, 401, `{"error":"invalid"}`},
		"unknown":        {`{"username":"nobody","password":"no"}`, bearer, 401, `{"error":"invalid"}`},
		"locked":         {`{"username":"bikhoa","password":"cong-khoa-7399"}`, bearer, 423, `{"error":"locked"}`},
		"locked, wrong":  {`{"username":"bikhoa","password":"no"}`, bearer, 401, `{"error":"invalid"}`},
		"no token":       {`{"username":"nobody","password":"no"}`, nil, 401, `{"error":"unauthorized"}`},
		"no JSON":        {`username=nobody`, bearer, 400, `{"error":"malformed"}`},
		"another member": {`{"user":"nobody","password":"no"}`, bearer, 400, `{"error":"malformed"}`},
	} {
		status, body := do(t, http.MethodPost, address+"/api/credential", tc.body, tc.header)
		assert.Equal(t, tc.status, status, name)
		assert.JSONEq(t, tc.want, body, name)
	}
	assert.Equal(t, 9, p.Calls("credential"))
	_, err := vneidtest.NewPortal(vneidtest.PortalConfig{})
	assert.Error(t, err, "a token is required")
}

func TestPortalDossiers(t *testing.T) {
	_, address := startPortal(t)
	as := func(id string) http.Header {
		return http.Header{"X-Forwarded-User": {id}, "Content-Type": {"application/x-www-form-urlencoded"}}
	}
	form := url.Values{"procedure": {"Đổi giấy phép lái xe"}, "details": {"Đổi bằng <b>A1</b>"}}
	status, _ := do(t, http.MethodPost, address+"/nop-ho-so", form.Encode(), as("tk-2001"))
	require.Equal(t, http.StatusFound, status)
	_, list := do(t, http.MethodGet, address+"/ho-so", "", as("tk-2001"))
	ids := regexp.MustCompile(`/ho-so/(MH-[0-9-]+)`).FindAllStringSubmatch(list, -1)
	require.Len(t, ids, 3)
	status, body := do(t, http.MethodGet, address+"/ho-so/"+ids[2][1], "", as("tk-2001"))
	assert.Equal(t, http.StatusOK, status)
	assert.Contains(t, body, "Đổi bằng &lt;b&gt;A1")
	status, _ = do(t, http.MethodGet, address+"/ho-so/"+ids[2][1], "", as("tk-3001"))
	assert.Equal(t, http.StatusNotFound, status, "somebody else's")

	for name, bad := range map[string]url.Values{
		"no procedure": {"details": {"x"}}, "no details": {"procedure": form["procedure"], "details": {" "}},
	} {
		status, body = do(t, http.MethodPost, address+"/nop-ho-so", bad.Encode(), as("tk-2001"))
		assert.Equal(t, http.StatusOK, status, name)
		assert.Contains(t, body, "Vui lòng", name)
	}
	for range 200 {
		status, body = do(t, http.MethodPost, address+"/nop-ho-so", form.Encode(), as("tk-2001"))
	}
	assert.Equal(t, http.StatusOK, status)
	assert.Contains(t, body, "quá nhiều hồ sơ")
}
