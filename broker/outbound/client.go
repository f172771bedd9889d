package outbound

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"io"
	"net/http"
	"time"
)

// MaxBody is how much of an answer is read, in bytes; a longer one is TooLarge.
const MaxBody = 256 << 10

// DefaultTimeout is the total deadline of a call: connection, request, answer
// and its body.
const DefaultTimeout = 5 * time.Second

// Config is what New needs.
type Config struct {
	Timeout   time.Duration     // total deadline of one call; default DefaultTimeout
	RootCAs   *x509.CertPool    // whom to believe; default the system's
	Transport http.RoundTripper // carries the calls; default one made from RootCAs
}

// New makes a client that keeps the package's bounds, for JSON or for a library
// that takes an *http.Client. A redirect comes back as the answer that it is.
func New(cfg Config) *http.Client {
	if cfg.Timeout <= 0 {
		cfg.Timeout = DefaultTimeout
	}
	if cfg.Transport == nil {
		cfg.Transport = &http.Transport{
			DisableCompression: true,
			ForceAttemptHTTP2:  true,
			TLSClientConfig:    &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: cfg.RootCAs},
			// One service is asked over and over by one process: the default
			// of two idle connections would open a new one for most calls.
			MaxIdleConnsPerHost:    32,
			IdleConnTimeout:        60 * time.Second, // shorter than most servers' own
			MaxResponseHeaderBytes: 64 << 10,
		}
	}
	return &http.Client{
		Transport:     bounded{cfg.Transport},
		Timeout:       cfg.Timeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// bounded reads the whole answer, so that whoever parses it holds bytes that
// can neither grow nor stall.
type bounded struct{ next http.RoundTripper }

func (b bounded) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	// Named, so that no transport adds gzip by itself and inflates unseen.
	r.Header.Set("Accept-Encoding", "identity")
	reply, err := b.next.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	defer reply.Body.Close()
	if encoding := reply.Header.Get("Content-Encoding"); reply.Uncompressed || encoding != "" && encoding != "identity" {
		return nil, &Error{Malformed}
	}
	body, err := io.ReadAll(io.LimitReader(reply.Body, MaxBody+1))
	switch {
	case len(body) > MaxBody:
		return nil, &Error{TooLarge}
	case err != nil && CauseOf(err) == Timeout:
		return nil, &Error{Timeout}
	case err != nil: // cut short, or no HTTP
		return nil, &Error{Malformed}
	}
	reply.Body, reply.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	return reply, nil
}
