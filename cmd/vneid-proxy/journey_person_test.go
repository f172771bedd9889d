package main

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/net/html"

	"vneid-proxy/vneidtest"
)

// person is somebody at a browser: it keeps cookies and follows a redirect
// only when told to.
type person struct {
	t      *testing.T
	rig    *rig
	client *http.Client
}

func (r *rig) person(t *testing.T) *person {
	t.Helper()
	jar, err := cookiejar.New(nil)
	require.NoError(t, err)
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	return &person{t: t, rig: r, client: &http.Client{
		Jar: jar, Transport: transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// page is an answer, read whole.
type page struct {
	t        *testing.T
	status   int
	header   http.Header
	body     string
	url      *url.URL // asked for
	location string   // absolute, "" for none
}

// get asks for a path of the product, or an absolute address. headers are
// names and values in turn.
func (p *person) get(address string, headers ...string) page {
	return p.ask(http.MethodGet, address, "", headers...)
}

// post sends a form as the browser would from the page it got.
func (p *person) post(address string, form url.Values, headers ...string) page {
	return p.ask(http.MethodPost, address, form.Encode(),
		append([]string{"Content-Type", "application/x-www-form-urlencoded"}, headers...)...)
}

func (p *person) ask(method, address, body string, headers ...string) page {
	p.t.Helper()
	if strings.HasPrefix(address, "/") {
		address = p.rig.origin + address
	}
	r, err := http.NewRequestWithContext(p.t.Context(), method, address, strings.NewReader(body))
	require.NoError(p.t, err)
	r.Header.Set("Accept", "text/html")
	r.Header.Set("User-Agent", "journey")
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	answer, err := p.client.Do(r)
	require.NoError(p.t, err)
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	require.NoError(p.t, err)
	got := page{t: p.t, status: answer.StatusCode, header: answer.Header, body: string(text), url: r.URL}
	if at, err := answer.Location(); err == nil {
		got.location = at.String()
	}
	return got
}

// follow goes where redirects lead, to the first page that is none.
func (p *person) follow(at page) page {
	p.t.Helper()
	return p.followUntil(at, "\x00")
}

// followUntil stops before it would ask for an address that holds the text.
func (p *person) followUntil(at page, text string) page {
	p.t.Helper()
	for range 20 {
		if at.location == "" || strings.Contains(at.location, text) {
			return at
		}
		at = p.get(at.location)
	}
	require.FailNow(p.t, "redirected without end, at "+at.location)
	return page{}
}

// visit asks for a page and follows.
func (p *person) visit(address string) page {
	p.t.Helper()
	return p.follow(p.get(address))
}

// vneid goes from the chooser to VNeID and signs in there; it returns the page
// that it comes to in the end.
func (p *person) vneid(chooser page, key string) page {
	p.t.Helper()
	return p.follow(p.get(p.callback(chooser, key)))
}

// callback goes from the chooser through VNeID and returns the address of the
// callback, not yet asked for.
func (p *person) callback(chooser page, key string) string {
	p.t.Helper()
	return p.callbackFrom(chooser.link("/_vneid/start?provider=vneid"), key)
}

// by is vneid at the provider of that name.
func (p *person) by(name string, chooser page, key string) page {
	p.t.Helper()
	return p.follow(p.get(p.callbackFrom(chooser.link("/_vneid/start?provider="+name), key)))
}

// callbackFrom is callback from the address that begins a sign-in.
func (p *person) callbackFrom(start, key string) string {
	p.t.Helper()
	login := p.visit(start)
	form := login.form("/login")
	form.values.Set("persona", key)
	back := p.followUntil(p.post(form.action, form.values), "/_vneid/callback")
	require.Regexp(p.t, `/_vneid/callback(/[a-z-]+)?\?`, back.location, back.body)
	return back.location
}

// atPortal goes from a page that leads to the portal's own sign-in and fills
// it in, the captcha too; it returns the page that it comes to in the end.
func (p *person) atPortal(from page, account vneidtest.PortalAccount) page {
	p.t.Helper()
	return p.logIn(p.visit(from.link("/_vneid/start?provider=portal")), account)
}

// logIn fills in the portal's own login page.
func (p *person) logIn(login page, account vneidtest.PortalAccount) page {
	p.t.Helper()
	asked := regexp.MustCompile(`id="captcha-question">(\d) \+ (\d) = \?`).FindStringSubmatch(login.body)
	require.NotNil(p.t, asked, login.body)
	a, _ := strconv.Atoi(asked[1])
	b, _ := strconv.Atoi(asked[2])
	form := login.form("/dang-nhap")
	form.values.Set("username", account.Username)
	form.values.Set("password", account.Password)
	form.values.Set("captcha", strconv.Itoa(a+b))
	return p.follow(p.post(form.action, form.values))
}

// submit fills in a form of ours and sends it; it follows nothing.
func (p *person) submit(from page, action string, fields ...string) page {
	p.t.Helper()
	form := from.form(action)
	for i := 0; i < len(fields); i += 2 {
		form.values.Set(fields[i], fields[i+1])
	}
	return p.post(form.action, form.values)
}

// cookies are those that the browser would send to the product, by name.
func (p *person) cookies() map[string]string {
	at, _ := url.Parse(p.rig.origin + "/_vneid/")
	all := map[string]string{}
	for _, c := range p.client.Jar.Cookies(at) {
		all[c.Name] = c.Value
	}
	return all
}

// bake puts a cookie into the browser; "" takes it away.
func (p *person) bake(name, value string) {
	at, _ := url.Parse(p.rig.origin + "/")
	age := 0
	if value == "" {
		age = -1
	}
	p.client.Jar.SetCookies(at, []*http.Cookie{{Name: name, Value: value, Path: "/", MaxAge: age}})
}

// copied is another browser with copies of these cookies.
func (p *person) copied(names ...string) *person {
	other := p.rig.person(p.t)
	have := p.cookies()
	for _, name := range names {
		require.NotEmpty(p.t, have[name], name)
		other.bake(name, have[name])
	}
	return other
}

// form is one form of a page.
type form struct {
	action string // absolute
	values url.Values
}

// form is the page's form with that action; it must have one.
func (a page) form(action string) form {
	a.t.Helper()
	for node := range a.tree().Descendants() {
		if node.Data != "form" || !strings.HasSuffix(attribute(node, "action"), action) {
			continue
		}
		values := url.Values{}
		for field := range node.Descendants() {
			if field.Data == "input" && attribute(field, "type") == "hidden" {
				values.Set(attribute(field, "name"), attribute(field, "value"))
			}
		}
		return form{a.absolute(attribute(node, "action")), values}
	}
	require.FailNow(a.t, "no form "+action, "%d %s\n%s", a.status, a.url.Path, a.body)
	return form{}
}

// link is the address of the page's link that begins so; it must have one.
func (a page) link(prefix string) string {
	a.t.Helper()
	for node := range a.tree().Descendants() {
		if href := attribute(node, "href"); node.Data == "a" && strings.HasPrefix(href, prefix) {
			return a.absolute(href)
		}
	}
	require.FailNow(a.t, "no link "+prefix, "%d %s\n%s", a.status, a.url.Path, a.body)
	return ""
}

// choices are the values of the page's radio buttons.
func (a page) choices() (values []string) {
	for node := range a.tree().Descendants() {
		if attribute(node, "type") == "radio" {
			values = append(values, attribute(node, "value"))
		}
	}
	return values
}

// title is the text of the page's heading.
func (a page) title() string {
	for node := range a.tree().Descendants() {
		if node.Data == "h1" && node.FirstChild != nil {
			return strings.TrimSpace(node.FirstChild.Data)
		}
	}
	return ""
}

func (a page) tree() *html.Node {
	a.t.Helper()
	root, err := html.Parse(strings.NewReader(a.body))
	require.NoError(a.t, err)
	return root
}

func (a page) absolute(href string) string {
	at, err := a.url.Parse(href)
	require.NoError(a.t, err)
	return at.String()
}

func attribute(node *html.Node, name string) string {
	for _, a := range node.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

func unmarshal(text string, into any) error { return json.Unmarshal([]byte(text), into) }
