package proxy

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// frame is one frame of a given payload, masked or not.
func frame(opcode byte, payload []byte, masked bool) []byte {
	b := []byte{opcode, 0}
	switch n := len(payload); {
	case n < 126:
		b[1] = byte(n)
	case n < 1<<16:
		b[1] = 126
		b = binary.BigEndian.AppendUint16(b, uint16(n))
	default:
		b[1] = 127
		b = binary.BigEndian.AppendUint64(b, uint64(n))
	}
	if masked {
		b[1] |= 0x80
		b = append(b, 1, 2, 3, 4)
	}
	return append(b, payload...)
}

func wire() (all []byte, ends map[int]bool) {
	ends = map[int]bool{0: true}
	for _, f := range [][]byte{
		frame(0x81, []byte("xin chào"), false), frame(0x89, nil, false), frame(0x01, make([]byte, 125), true),
		frame(0x00, make([]byte, 126), false), frame(0x80, make([]byte, 300), true), frame(0x82, make([]byte, 70000), false),
		frame(0x8a, nil, true), frame(0x82, make([]byte, 1<<16), true),
	} {
		all = append(all, f...)
		ends[len(all)] = true
	}
	return all, ends
}

// However the bytes are cut, the boundaries are the same.
func TestFramesAreFollowed(t *testing.T) {
	all, ends := wire()
	for _, step := range []int{1, 2, 3, 7, 128, 1 << 12, len(all)} {
		var f frames
		for at := 0; at < len(all); {
			piece := all[at:min(at+step, len(all))]
			for len(piece) > 0 {
				assert.Equal(t, ends[at], f.between(), "at %d in steps of %d", at, step)
				n := f.advance(piece)
				piece, at = piece[n:], at+n
			}
		}
		assert.True(t, f.between())
	}
}

func FuzzFrames(f *testing.F) {
	all, _ := wire()
	f.Add(all[:400], 3)
	f.Add([]byte{0x82, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 1}, 1)
	f.Fuzz(func(t *testing.T, b []byte, step int) {
		step = max(1, step&0xff)
		var whole, cut frames
		var at []int
		for rest := b; len(rest) > 0; {
			n := whole.advance(rest)
			require.Positive(t, n)
			require.LessOrEqual(t, n, len(rest))
			rest = rest[n:]
			if whole.between() {
				at = append(at, len(b)-len(rest))
			}
		}
		var again []int
		for i := 0; i < len(b); {
			n := cut.advance(b[i:min(i+step, len(b))])
			require.Positive(t, n)
			if i += n; cut.between() {
				again = append(again, i)
			}
		}
		require.Equal(t, at, again)
		require.Equal(t, whole, cut)
	})
}

// pair is a socket before a browser, and the browser.
func pair(t *testing.T) (*socket, net.Conn) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { _ = listener.Close() }()
	browser, err := net.Dial("tcp", listener.Addr().String())
	require.NoError(t, err)
	conn, err := listener.Accept()
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close(); _ = browser.Close() })
	return &socket{Conn: conn, lent: new(buffers), grace: 20 * time.Second}, browser
}

// The close frame waits for the end of the frame under way, and nothing
// follows it.
func TestCloseFrameStandsBetweenFrames(t *testing.T) {
	first, second := frame(0x82, bytes.Repeat([]byte("a"), 1000), false), frame(0x81, []byte("too late"), false)
	for _, cut := range []int{0, 1, 3, 500, len(first)} {
		s, browser := pair(t)
		_, err := s.Write(first[:cut])
		require.NoError(t, err)
		s.end(violation)
		s.end(goingAway) // the first one counts
		_, err = s.Write(append(bytes.Clone(first[cut:]), second...))
		require.NoError(t, err)
		require.NoError(t, s.CloseWrite())
		got, err := io.ReadAll(browser)
		require.NoError(t, err)
		want := append(bytes.Clone(first), closing(violation)...)
		if cut == 0 {
			want = closing(violation)
		}
		assert.Equal(t, want, got, "cut after %d", cut)
	}
}

// The portal is told too, and hears nothing that the browser says after.
func TestPortalIsToldToClose(t *testing.T) {
	for _, test := range []struct {
		name string
		said []byte
		told bool
	}{
		{"between frames", frame(0x81, []byte("here"), true), true},
		{"within a frame", frame(0x81, []byte("here"), true)[:5], false},
	} {
		t.Run(test.name, func(t *testing.T) {
			s, browser := pair(t)
			heard, portal := net.Pipe()
			copied := make(chan error, 1)
			go func() {
				_, err := s.WriteTo(portal)
				copied <- errors.Join(err, portal.Close())
			}()
			_, err := browser.Write(test.said)
			require.NoError(t, err)
			got := make([]byte, len(test.said))
			_, err = io.ReadFull(heard, got)
			require.NoError(t, err)
			assert.Equal(t, test.said, got)
			s.end(goingAway)
			_, err = browser.Write(frame(0x81, []byte("from whoever has signed out"), true))
			require.NoError(t, err)
			require.NoError(t, browser.Close())
			rest, err := io.ReadAll(heard)
			require.NoError(t, err)
			require.NoError(t, <-copied)
			if test.told {
				assert.Equal(t, maskedClosing(goingAway), rest)
			} else {
				assert.Empty(t, rest)
			}
		})
	}
}

// A browser that reads nothing cannot keep the connection from ending.
func TestEndDoesNotWaitForTheBrowser(t *testing.T) {
	s, _ := pair(t)
	s.grace = 100 * time.Millisecond
	_, err := s.Write([]byte{0x82, 127, 0, 0, 1, 0, 0, 0, 0, 0}) // a frame of a terabyte
	require.NoError(t, err)
	written := make(chan error, 1)
	go func() {
		for {
			if _, err := s.Write(make([]byte, 1<<16)); err != nil {
				written <- err
				return
			}
		}
	}()
	s.end(violation)
	select {
	case err := <-written:
		require.ErrorIs(t, err, os.ErrDeadlineExceeded)
	case <-time.After(20 * time.Second):
		require.Fail(t, "still writing")
	}
}
