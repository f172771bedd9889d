package main_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"html"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// procTrail is what browsers asked for, where they were sent and what they were
// given to carry.
type procTrail struct {
	mu      sync.Mutex
	urls    []string
	cookies []*http.Cookie
}

func (t *procTrail) note(r *http.Request, answer *http.Response) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.urls = append(t.urls, r.URL.String(), r.Referer())
	if answer != nil {
		t.urls = append(t.urls, answer.Header.Values("Location")...)
		t.cookies = append(t.cookies, answer.Cookies()...)
	}
}

// procBrowser is somebody's browser: it keeps cookies, follows redirects and
// asks for pages. Its methods return errors, for they run beside a test too.
type procBrowser struct {
	origin string
	client *http.Client
	trail  *procTrail
}

// procPage is where the browser has come to.
type procPage struct {
	status int
	url    *url.URL
	header http.Header
	body   string
}

// newProcBrowser opens a browser on the portal. The public name leads to
// wherever the process listens; roots, if not nil, are whom it believes.
func newProcBrowser(t *testing.T, origin, address string, trail *procTrail, roots *x509.CertPool) *procBrowser {
	t.Helper()
	jar, err := cookiejar.New(nil)
	require.NoError(t, err)
	var dialer net.Dialer
	transport := &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: roots},
		DialContext: func(ctx context.Context, network, to string) (net.Conn, error) {
			if host, _, _ := net.SplitHostPort(to); host == procHost {
				to = address
			}
			return dialer.DialContext(ctx, network, to)
		},
	}
	t.Cleanup(transport.CloseIdleConnections)
	return &procBrowser{
		origin: origin, trail: trail,
		client: &http.Client{Jar: jar, Transport: procNoted{transport, trail}, Timeout: procPatience},
	}
}

// procNoted leaves a trail.
type procNoted struct {
	next  http.RoundTripper
	trail *procTrail
}

func (n procNoted) RoundTrip(r *http.Request) (*http.Response, error) {
	answer, err := n.next.RoundTrip(r)
	if n.trail != nil {
		n.trail.note(r, answer)
	}
	return answer, err
}

func (b *procBrowser) do(r *http.Request, follow bool) (procPage, error) {
	if r.Header.Get("Accept") == "" {
		r.Header.Set("Accept", "text/html")
	}
	client := *b.client
	if !follow {
		client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	}
	answer, err := client.Do(r)
	if err != nil {
		return procPage{}, err
	}
	defer func() { _ = answer.Body.Close() }()
	body, err := io.ReadAll(answer.Body)
	return procPage{answer.StatusCode, answer.Request.URL, answer.Header, string(body)}, err
}

func (b *procBrowser) ask(method, place string, header http.Header, body io.Reader) (procPage, error) {
	if strings.HasPrefix(place, "/") {
		place = b.origin + place
	}
	r, err := http.NewRequestWithContext(context.Background(), method, place, body)
	if err != nil {
		return procPage{}, err
	}
	for name, values := range header {
		r.Header[name] = values
	}
	return b.do(r, true)
}

func (b *procBrowser) get(place string) (procPage, error) {
	return b.ask(http.MethodGet, place, nil, nil)
}

var (
	procForms  = regexp.MustCompile(`(?s)<form\b([^>]*)>(.*?)</form>`)
	procHidden = regexp.MustCompile(`<input type="hidden" name="([^"]*)" value="([^"]*)"`)
	procAction = regexp.MustCompile(`action="([^"]*)"`)
)

// fill makes the request of the page's first form whose action ends so, its
// hidden fields and these.
func (p procPage) fill(action string, fields map[string]string) (*http.Request, error) {
	for _, form := range procForms.FindAllStringSubmatch(p.body, -1) {
		found := procAction.FindStringSubmatch(form[1])
		if found == nil || !strings.HasSuffix(found[1], action) {
			continue
		}
		values := url.Values{}
		for _, hidden := range procHidden.FindAllStringSubmatch(form[2], -1) {
			values.Set(hidden[1], html.UnescapeString(hidden[2]))
		}
		for name, value := range fields {
			values.Set(name, value)
		}
		place, err := p.url.Parse(html.UnescapeString(found[1]))
		if err != nil {
			return nil, err
		}
		r, err := http.NewRequestWithContext(context.Background(), http.MethodPost, place.String(), strings.NewReader(values.Encode()))
		if err == nil {
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		}
		return r, err
	}
	return nil, fmt.Errorf("%w: %s at %s, status %d", errProcForm, action, p.url.Path, p.status)
}

func (b *procBrowser) submit(p procPage, action string, fields map[string]string) (procPage, error) {
	r, err := p.fill(action, fields)
	if err != nil {
		return procPage{}, err
	}
	return b.do(r, true)
}

var procQuestion = regexp.MustCompile(`captcha-question">(\d+) \+ (\d+)`)

// atPortal signs in at the portal's own page and comes to wherever that leads.
func (b *procBrowser) atPortal(rd, username, password string) (procPage, error) {
	page, err := b.get("/_vneid/start?" + url.Values{"provider": {"portal"}, "rd": {rd}}.Encode())
	if err != nil {
		return page, err
	}
	numbers := procQuestion.FindStringSubmatch(page.body)
	if numbers == nil {
		return page, fmt.Errorf("%w: the portal's own, at %s, status %d", errProcForm, page.url.Path, page.status)
	}
	x, _ := strconv.Atoi(numbers[1])
	y, _ := strconv.Atoi(numbers[2])
	return b.submit(page, "/dang-nhap", map[string]string{"username": username, "password": password, "captcha": strconv.Itoa(x + y)})
}

// atVNeID signs in at VNeID with these fields of its form.
func (b *procBrowser) atVNeID(rd string, fields map[string]string) (procPage, error) {
	page, err := b.get("/_vneid/start?" + url.Values{"rd": {rd}}.Encode())
	if err != nil {
		return page, err
	}
	return b.submit(page, "/login", fields)
}

// as is the identity that the portal receives of this browser.
func (b *procBrowser) as() (http.Header, error) {
	page, err := b.ask(http.MethodGet, "/headers", http.Header{"Accept": {"application/json"}}, nil)
	if err != nil {
		return nil, err
	}
	var got struct{ Headers http.Header }
	if err := json.Unmarshal([]byte(page.body), &got); err != nil {
		return nil, fmt.Errorf("status %d: %w", page.status, err)
	}
	return got.Headers, nil
}

// carried are our cookies and the portal's in this browser.
func (b *procBrowser) carried() []*http.Cookie {
	place, err := url.Parse(b.origin)
	if err != nil {
		return nil
	}
	return b.client.Jar.Cookies(place)
}
