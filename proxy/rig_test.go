package proxy_test

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vneid-proxy/identity"
	"vneid-proxy/metrics"
	"vneid-proxy/proxy"
	"vneid-proxy/session"
)

const publicHost = "portal.example"

// rig is a proxy on a real socket before a portal on another.
type rig struct {
	t       testing.TB
	config  proxy.Config
	metrics *metrics.Metrics
	jar     *session.Jar
	log     *safeBuffer

	proxy *proxy.Proxy
	addr  string

	mu       sync.Mutex
	received []*http.Request // by the portal, bodies read
}

// newRig starts both. portal may be nil: it then answers 200 "portal". Each
// mend changes the configuration first.
func newRig(t testing.TB, portal http.HandlerFunc, mends ...func(*proxy.Config)) *rig {
	t.Helper()
	r := &rig{t: t, metrics: metrics.New("test"), log: new(safeBuffer)}
	if portal == nil {
		portal = func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "portal") }
	}
	upstream := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		r.mu.Lock()
		r.received = append(r.received, q)
		r.mu.Unlock()
		portal(w, q)
	}))
	t.Cleanup(upstream.Close)
	r.jar = newJar(t, time.Now)
	r.config = proxy.Config{
		PublicURL: parse("https://" + publicHost), Prefix: "/_vneid", Upstream: parse(upstream.URL),
		Public:   []string{"/assets/", "/favicon.ico"},
		Jar:      r.jar,
		Admit:    func(*session.Session, time.Time) proxy.Verdict { return proxy.Verdict{Action: proxy.Forward} },
		Validity: func(*session.Session) proxy.Validity { return proxy.Live },
		Own: http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
			_, _ = io.WriteString(w, "own "+q.URL.Path)
		}),
		Refuse: func(w http.ResponseWriter, _ *http.Request, why proxy.Refusal) {
			w.WriteHeader(why.Status)
			_, _ = io.WriteString(w, "page "+why.Reason)
		},
		Metrics: r.metrics,
		Logger:  slog.New(slog.NewTextHandler(r.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	}
	for _, mend := range mends {
		mend(&r.config)
	}
	var err error
	r.proxy, err = proxy.New(r.config)
	require.NoError(t, err)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	r.addr = listener.Addr().String()
	server := proxy.Server(r.proxy)
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(func() { _ = server.Close() })
	return r
}

func newJar(t testing.TB, now func() time.Time) *session.Jar {
	jar, err := session.NewJar(session.Config{
		Keys: [][]byte{bytes.Repeat([]byte{7}, 32)}, Secure: true, Lifetime: 8 * time.Hour, Idle: 30 * time.Minute, Now: now,
	})
	require.NoError(t, err)
	return jar
}

func parse(raw string) *url.URL {
	u, err := url.Parse(raw)
	if err != nil {
		panic(err)
	}
	return u
}

// linked is an invented person, linked, from an unused province.
func linked(t testing.TB) *session.Session {
	t.Helper()
	number, err := identity.VouchedCitizenNumber("099203004567")
	require.NoError(t, err)
	return &session.Session{
		ID: session.NewID(), Begun: time.Now(), Standing: identity.StandingLinked,
		Account: session.AccountRef{ID: "u-17", Username: "lan.nguyen", Email: "lan@portal.example", Kind: identity.KindCitizen, Roles: []string{"reader", "a,b"}},
		Citizen: identity.Citizen{
			Provider: "vneid", Subject: "s-1", Number: number, Name: "Nguyễn Thị Lan",
			BirthDate:    identity.BirthDate{Year: 2003, Month: 4, Day: 5},
			AccountLevel: 2, AuthenticationLevel: "3",
		},
	}
}

// cookie is the Cookie header of a browser that holds the session.
func (r *rig) cookie(s *session.Session) string {
	w := httptest.NewRecorder()
	require.NoError(r.t, r.jar.Admit(w, s))
	return cookiesOf(w)
}

func (r *rig) proofCookie(p *session.Proof) string {
	w := httptest.NewRecorder()
	require.NoError(r.t, r.jar.Prove(w, p))
	return cookiesOf(w)
}

func cookiesOf(w *httptest.ResponseRecorder) string {
	var pairs []string
	for _, c := range w.Result().Cookies() {
		if c.MaxAge >= 0 {
			pairs = append(pairs, c.Name+"="+c.Value)
		}
	}
	return strings.Join(pairs, "; ")
}

// ask sends a request made of its method and target and header lines over a
// connection of its own.
func (r *rig) ask(requestLine string, headerLines ...string) *http.Response {
	r.t.Helper()
	hasHost := false
	for _, line := range headerLines {
		hasHost = hasHost || strings.HasPrefix(strings.ToLower(line), "host:")
	}
	if !hasHost {
		headerLines = append([]string{"Host: " + publicHost}, headerLines...)
	}
	return r.send(requestLine + " HTTP/1.1\r\n" + strings.Join(headerLines, "\r\n") + "\r\n\r\n")
}

// send writes raw bytes and reads one answer, its body kept.
func (r *rig) send(raw string) *http.Response {
	r.t.Helper()
	conn, err := net.Dial("tcp", r.addr)
	require.NoError(r.t, err)
	defer func() { _ = conn.Close() }()
	require.NoError(r.t, conn.SetDeadline(time.Now().Add(20*time.Second)))
	_, err = io.WriteString(conn, raw)
	require.NoError(r.t, err)
	method, _, _ := strings.Cut(raw, " ")
	answer, err := http.ReadResponse(bufio.NewReader(conn), &http.Request{Method: method})
	require.NoError(r.t, err)
	body, err := io.ReadAll(answer.Body)
	require.NoError(r.t, err)
	answer.Body = io.NopCloser(bytes.NewReader(body))
	return answer
}

func bodyOf(t testing.TB, answer *http.Response) string {
	body, err := io.ReadAll(answer.Body)
	require.NoError(t, err)
	return string(body)
}

// last is what the portal received last; nil is nothing.
func (r *rig) last() *http.Request {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.received) == 0 {
		return nil
	}
	return r.received[len(r.received)-1]
}

func (r *rig) count() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.received)
}

// scrape is the metrics page.
func (r *rig) scrape() string {
	w := httptest.NewRecorder()
	r.metrics.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	return w.Body.String()
}

// safeBuffer is a log that several goroutines write.
type safeBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *safeBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *safeBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

const navigation = "Sec-Fetch-Mode: navigate"

// rawPortal records the bytes of each request head it gets.
func rawPortal(t testing.TB) (addr *url.URL, heads <-chan string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = listener.Close() })
	got := make(chan string, 100)
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer func() { _ = conn.Close() }()
				reader := bufio.NewReader(conn)
				for {
					var head strings.Builder
					for {
						line, err := reader.ReadString('\n')
						if err != nil {
							return
						}
						head.WriteString(line)
						if line == "\r\n" {
							break
						}
					}
					got <- head.String()
					_, _ = fmt.Fprint(conn, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
				}
			}()
		}
	}()
	return parse("http://" + listener.Addr().String()), got
}
