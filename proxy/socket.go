package proxy

import (
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"time"
)

// socket is the browser's end of an upgraded connection. It passes bytes on as
// they are, and can be ended by a close frame, to both sides, between frames.
type socket struct {
	net.Conn
	lent  *buffers
	grace time.Duration // for the sides to answer the close frame

	mu   sync.Mutex
	code uint16 // 0 until it is to end
	down frames // to the browser
	told bool   // the browser has its close frame: nothing follows it
}

// idleBuffer is what a silent direction holds. More is lent while bytes come
// faster than that.
const idleBuffer = 512

// end tells both sides that the connection is over: each at once, or where its
// frame ends. Later calls change nothing.
func (s *socket) end(code uint16) {
	// First of all: whoever writes to a browser that does not read holds the
	// lock.
	_ = s.SetWriteDeadline(time.Now().Add(s.grace))
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.code != 0 {
		return
	}
	s.code = code
	if s.down.between() {
		_ = s.tell()
	}
	// Wakes WriteTo, which sees to the other side.
	_ = s.SetReadDeadline(time.Now())
}

func (s *socket) tell() error {
	s.told = true
	_, err := s.Conn.Write(closing(s.code))
	return err
}

func (s *socket) ending() uint16 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.code
}

// Write sends what the portal says to the browser.
func (s *socket) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.told {
		return len(b), nil
	}
	rest := b
	for len(rest) > 0 {
		rest = rest[s.down.advance(rest):]
		if s.code != 0 && s.down.between() {
			if n, err := s.Conn.Write(b[:len(b)-len(rest)]); err != nil {
				return n, err
			}
			return len(b), s.tell()
		}
	}
	return s.Conn.Write(b)
}

// ReadFrom copies from the portal to the browser, for io.Copy.
func (s *socket) ReadFrom(portal io.Reader) (int64, error) { return s.lent.pump(s, portal) }

// WriteTo copies from the browser to the portal, for io.Copy. Once the
// connection is to end, the portal is told, and what the browser still says
// goes nowhere.
func (s *socket) WriteTo(portal io.Writer) (int64, error) {
	up := upward{portal: portal, socket: s}
	n, err := s.lent.pump(&up, s.Conn)
	if s.ending() == 0 || !errors.Is(err, os.ErrDeadlineExceeded) {
		return n, err
	}
	if up.frames.between() {
		if _, err := portal.Write(maskedClosing(s.ending())); err != nil {
			return n, err
		}
	}
	_ = s.SetReadDeadline(time.Now().Add(s.grace))
	_, _ = s.lent.pump(io.Discard, s.Conn)
	return n, nil
}

// CloseWrite passes a half-closed connection on.
func (s *socket) CloseWrite() error {
	if half, ok := s.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return s.Close()
}

// upward is the way to the portal: frames are followed, and none begins once
// the connection is to end.
type upward struct {
	portal io.Writer
	socket *socket
	frames frames
}

func (u *upward) Write(b []byte) (int, error) {
	if u.socket.ending() != 0 {
		return 0, os.ErrDeadlineExceeded
	}
	for rest := b; len(rest) > 0; {
		rest = rest[u.frames.advance(rest):]
	}
	return u.portal.Write(b)
}
