package proxy

import (
	"bufio"
	"context"
	"net"
	"net/http"
	"net/url"

	"vneid-proxy/metrics"
	"vneid-proxy/session"
)

// exchange is one request on its way through and its answer: what was decided,
// what the portal is told, what was answered. It stands in for the
// ResponseWriter, and rides in the context of what is forwarded.
type exchange struct {
	http.ResponseWriter
	proxy   *Proxy
	request *http.Request // as it came, without what no client may say
	path    string        // raw
	person  bool
	trusted bool // the peer may say where the request came from

	asked    asked // by a front proxy that forwards itself
	decision metrics.Decision
	status   int // 0 until the answer begins, 101 once upgraded
	reason   string

	forward *url.URL // the target, byte for byte
	rule    *rule    // what decided; nil where no rule did
	backend *backend
	session *session.Session // nil where nobody's identity is forwarded
	values  []value
	body    *limited // nil where there is none
	upgrade *upgrade // nil unless it asks for a WebSocket
}

type exchangeKey struct{}

func exchangeOf(ctx context.Context) *exchange {
	x, _ := ctx.Value(exchangeKey{}).(*exchange)
	return x
}

// WriteHeader notes the status. An interim answer is none, and sets no cookie.
func (x *exchange) WriteHeader(status int) {
	if status >= 200 {
		if x.status == 0 {
			x.status = status
		}
	} else {
		x.Header().Del("Set-Cookie")
	}
	x.ResponseWriter.WriteHeader(status)
}

func (x *exchange) Write(b []byte) (int, error) {
	if x.status == 0 {
		x.status = http.StatusOK
	}
	return x.ResponseWriter.Write(b)
}

// Hijack is what an upgrade does; nothing else takes the connection.
func (x *exchange) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	if x.upgrade == nil {
		return nil, nil, http.ErrNotSupported
	}
	conn, buffered, err := http.NewResponseController(x.ResponseWriter).Hijack()
	if err != nil {
		return conn, buffered, err
	}
	x.status = http.StatusSwitchingProtocols
	s := &socket{Conn: conn, lent: &x.proxy.buffers, grace: closingGrace}
	x.proxy.upgrades.agreed(x.upgrade, s)
	return s, buffered, nil
}

// Unwrap lets http.ResponseController flush.
func (x *exchange) Unwrap() http.ResponseWriter { return x.ResponseWriter }
