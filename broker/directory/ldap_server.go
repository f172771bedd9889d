package directory

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"sync/atomic"
	"time"

	"github.com/go-ldap/ldap/v3"

	"vneid-proxy/broker/outbound"
)

// Connections that are kept for the next question, and calls at once.
const (
	ldapIdle  = 4
	ldapCalls = 16
)

// ldapServers makes the calls: each within its deadline, on a connection of its
// own, of which some are kept.
type ldapServers struct {
	address        string // host and port
	user, password string
	tls            *tls.Config
	begin          ldapBegin
	timeout        time.Duration
	idle           chan *ldapConn
	calls          chan struct{} // holds one for each call under way
}

type ldapBegin int

const (
	ldapClear ldapBegin = iota
	ldapStartTLS
	ldapTLS
)

// ldapConn is a connection for one call at a time.
type ldapConn struct {
	*ldap.Conn
	wire *ldapWire
}

// ldapWire bounds what one call reads.
type ldapWire struct {
	net.Conn
	left atomic.Int64
}

func (w *ldapWire) Read(p []byte) (int, error) {
	n, err := w.Conn.Read(p)
	if w.left.Add(int64(-n)) < 0 {
		return 0, &outbound.Error{Cause: outbound.TooLarge}
	}
	return n, err
}

func newLDAPServers(address *url.URL, cfg LDAPConfig) ldapServers {
	port, begin := "389", ldapStartTLS
	if address.Scheme == "ldaps" {
		port, begin = "636", ldapTLS
	} else if onLoopback(address.Hostname()) {
		begin = ldapClear
	}
	if address.Port() != "" {
		port = address.Port()
	}
	return ldapServers{
		address: net.JoinHostPort(address.Hostname(), port), user: cfg.User, password: cfg.Password, begin: begin, timeout: cfg.Timeout,
		tls:  &tls.Config{ServerName: address.Hostname(), MinVersion: tls.VersionTLS12, RootCAs: cfg.RootCAs},
		idle: make(chan *ldapConn, ldapIdle), calls: make(chan struct{}, ldapCalls),
	}
}

func onLoopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}

// seconds is the time that the server is told it has.
func (s ldapServers) seconds() int { return max(1, int(s.timeout/time.Second)) }

// close closes what is kept; calls under way end by themselves.
func (s ldapServers) close() error {
	for {
		select {
		case c := <-s.idle:
			_ = c.Close()
		default:
			return nil
		}
	}
}

// do makes one call as the user that asks. A kept connection may have been
// closed by the server meanwhile: then the call is made again.
func (s ldapServers) do(ctx context.Context, ask func(*ldap.Conn) error) error {
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	if err := s.enter(ctx); err != nil {
		return err
	}
	defer s.leave()
	for {
		c, kept := s.kept()
		if !kept {
			var err error
			if c, err = s.bound(ctx); err != nil {
				return ldapFault(ctx, err)
			}
		}
		err := c.call(ctx, ask)
		if !broken(c, err) {
			s.keep(c)
			return ldapFault(ctx, err)
		}
		_ = c.Close()
		if !kept || ctx.Err() != nil {
			return ldapFault(ctx, err)
		}
	}
}

func (s ldapServers) enter(ctx context.Context) error {
	select {
	case s.calls <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ldapFault(ctx, ctx.Err())
	}
}

func (s ldapServers) leave() { <-s.calls }

func (s ldapServers) kept() (c *ldapConn, ok bool) {
	select {
	case c = <-s.idle:
		return c, true
	default:
		return nil, false
	}
}

func (s ldapServers) keep(c *ldapConn) {
	select {
	case s.idle <- c:
	default:
		_ = c.Close()
	}
}

// bound is a new connection of the user that asks.
func (s ldapServers) bound(ctx context.Context) (*ldapConn, error) {
	c, err := s.connect(ctx)
	if err != nil {
		return nil, err
	}
	if err := c.call(ctx, func(c *ldap.Conn) error { return c.Bind(s.user, s.password) }); err != nil {
		_ = c.Close()
		return nil, err
	}
	return c, nil
}

// connect is a new connection of nobody.
func (s ldapServers) connect(ctx context.Context) (*ldapConn, error) {
	raw, err := new(net.Dialer).DialContext(ctx, "tcp", s.address)
	if err != nil {
		return nil, err
	}
	c := &ldapConn{wire: &ldapWire{Conn: raw}}
	c.wire.left.Store(outbound.MaxBody)
	var carrier net.Conn = c.wire
	if s.begin == ldapTLS {
		secure := tls.Client(c.wire, s.tls)
		if err := secure.HandshakeContext(ctx); err != nil {
			_ = raw.Close()
			return nil, err
		}
		carrier = secure
	}
	c.Conn = ldap.NewConn(carrier, s.begin == ldapTLS)
	c.Start()
	if s.begin == ldapStartTLS {
		if err := c.call(ctx, func(c *ldap.Conn) error { return c.StartTLS(s.tls) }); err != nil {
			_ = c.Close()
			return nil, err
		}
	}
	return c, nil
}

// call makes one call within the context, whose deadline it has.
func (c *ldapConn) call(ctx context.Context, ask func(*ldap.Conn) error) error {
	c.wire.left.Store(outbound.MaxBody)
	deadline, _ := ctx.Deadline()
	if err := c.wire.SetDeadline(deadline); err != nil {
		return err
	}
	stop := context.AfterFunc(ctx, func() { _ = c.wire.SetDeadline(time.Unix(1, 0)) })
	err := ask(c.Conn)
	switch {
	case !stop():
		return ctx.Err()
	case c.wire.left.Load() < 0:
		return &outbound.Error{Cause: outbound.TooLarge}
	case err != nil:
		return errors.Join(err, c.wire.SetDeadline(time.Time{}))
	}
	return c.wire.SetDeadline(time.Time{})
}

// broken reports that a connection cannot be used again: everything but a
// result that the server has sent breaks it.
func broken(c *ldapConn, err error) bool {
	var result *ldap.Error
	return c.IsClosing() || err != nil && (!errors.As(err, &result) || result.ResultCode >= ldap.ErrorNetwork)
}

// ldapFault is an error of a call in this package's words; nil for nil.
func ldapFault(ctx context.Context, err error) error {
	if err == nil {
		return nil
	}
	var result *ldap.Error
	switch errors.As(err, &result); {
	case expired(ctx):
		return fmt.Errorf("%w: %w", ErrUnavailable, &outbound.Error{Cause: outbound.Timeout})
	case result == nil || result.ResultCode >= ldap.ErrorNetwork:
		return fault(&outbound.Error{Cause: outbound.CauseOf(err)})
	}
	return &ldapResult{result.ResultCode}
}

// expired reports that a context has ended, or is about to: the wire may be
// faster by a moment.
func expired(ctx context.Context) bool {
	deadline, ok := ctx.Deadline()
	return ctx.Err() != nil || ok && !time.Now().Before(deadline)
}

// ldapResult is a result other than success. Its text holds the code alone.
type ldapResult struct{ code uint16 }

// Error implements error.
func (r *ldapResult) Error() string {
	return fmt.Sprintf("%v: LDAP result %d (%s): %v", ErrUnavailable, r.code, ldap.LDAPResultCodeMap[r.code], r.cause())
}

// Unwrap makes it ErrUnavailable, or ErrMalformed where there are too many
// entries, with a cause.
func (r *ldapResult) Unwrap() []error {
	if r.code == ldap.LDAPResultSizeLimitExceeded {
		return []error{ErrMalformed, r.cause()}
	}
	return []error{ErrUnavailable, r.cause()}
}

func (r *ldapResult) cause() error {
	cause := outbound.Refused
	switch r.code {
	case ldap.LDAPResultTimeLimitExceeded:
		cause = outbound.Timeout
	case ldap.LDAPResultBusy, ldap.LDAPResultUnavailable:
		cause = outbound.Unavailable
	case ldap.LDAPResultSizeLimitExceeded, ldap.LDAPResultAdminLimitExceeded:
		cause = outbound.TooLarge
	}
	return &outbound.Error{Cause: cause}
}

// LDAPResult is the code of a result that the server has sent, 0 for none.
func LDAPResult(err error) uint16 {
	if r := (*ldapResult)(nil); errors.As(err, &r) {
		return r.code
	}
	return 0
}
