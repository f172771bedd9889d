package vneidtest

import (
	"crypto/rand"
	mathrand "math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"time"
)

const ticketLife = 10 * time.Minute

// loginTicket is the server's side of one login form: good for one try.
type loginTicket struct {
	a, b    int // the question: a + b
	expires time.Time
}

// portalLoginPage is what login.html shows.
type portalLoginPage struct {
	Visitor      *PortalAccount
	Ticket, Next string
	A, B         int // the question
	Username     string
	Error        string
}

func (p *Portal) loginForm(w http.ResponseWriter, r *http.Request) {
	p.showLogin(w, r, portalLoginPage{Next: localPath(r.URL.Query().Get("next"))})
}

func (p *Portal) showLogin(w http.ResponseWriter, r *http.Request, page portalLoginPage) {
	now := p.now()
	t := loginTicket{a: digit(), b: digit(), expires: now.Add(ticketLife)}
	page.Visitor = p.visitor(r)
	page.Ticket, page.A, page.B = rand.Text(), t.a, t.b
	p.mu.Lock()
	sweep(p.tickets, func(t loginTicket) time.Time { return t.expires }, now)
	p.tickets[page.Ticket] = t
	p.mu.Unlock()
	// 200 whatever went wrong: that is what such portals answer.
	p.pages.render(w, http.StatusOK, "login.html", page)
}

func (p *Portal) logIn(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	page := portalLoginPage{Next: localPath(r.PostFormValue("next")), Username: r.PostFormValue("username")}
	if !p.spendTicket(r.PostFormValue("ticket"), r.PostFormValue("captcha")) {
		page.Error = "Mã xác nhận không đúng."
		p.showLogin(w, r, page)
		return
	}
	account, ok := p.checkCredential(page.Username, r.PostFormValue("password"))
	switch {
	case !ok:
		page.Error = "Tên đăng nhập hoặc mật khẩu không đúng."
		p.showLogin(w, r, page)
	case account.Locked:
		page.Error = "Tài khoản đã bị khóa."
		p.showLogin(w, r, page)
	default:
		p.begin(w, account)
		http.Redirect(w, r, page.Next, http.StatusFound)
	}
}

// spendTicket takes the ticket, right answer or not, so that one question
// cannot be tried twice.
func (p *Portal) spendTicket(ticket, answer string) bool {
	p.mu.Lock()
	t, ok := p.tickets[ticket]
	delete(p.tickets, ticket)
	p.mu.Unlock()
	given, err := strconv.Atoi(strings.TrimSpace(answer))
	return ok && err == nil && p.now().Before(t.expires) && given == t.a+t.b
}

func (p *Portal) checkCredential(username, password string) (PortalAccount, bool) {
	return p.account(func(a PortalAccount) bool {
		return a.Username == username && secretEqual(password, a.Password)
	})
}

func (p *Portal) begin(w http.ResponseWriter, account PortalAccount) {
	now, id := p.now(), rand.Text()
	p.mu.Lock()
	sweep(p.sessions, func(s portalSession) time.Time { return s.expires }, now)
	p.sessions[id] = portalSession{account.ID, now.Add(portalSessionLife)}
	p.mu.Unlock()
	http.SetCookie(w, &http.Cookie{Name: portalCookie, Value: id, Path: "/", HttpOnly: true})
}

func (p *Portal) logOut(w http.ResponseWriter, r *http.Request) {
	if cookie, err := r.Cookie(portalCookie); err == nil {
		p.mu.Lock()
		delete(p.sessions, cookie.Value)
		p.mu.Unlock()
	}
	http.SetCookie(w, &http.Cookie{Name: portalCookie, Path: "/", HttpOnly: true, MaxAge: -1})
	http.Redirect(w, r, "/dang-nhap", http.StatusFound)
}

// localPath keeps a return address on this site; anything else becomes "/".
// Browsers read a backslash as a slash and drop control characters.
func localPath(next string) string {
	outside := !strings.HasPrefix(next, "/") || strings.HasPrefix(next, "//") || strings.Contains(next, `\`) ||
		strings.ContainsFunc(next, func(r rune) bool { return r < ' ' || r == 0x7f })
	if outside {
		return "/"
	}
	return next
}

// digit is 1 to 9; the question keeps out no more than the real ones do.
func digit() int { return mathrand.IntN(9) + 1 }
