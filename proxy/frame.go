package proxy

import (
	"encoding/binary"
	"time"
)

// frames follows the frames of one direction of a WebSocket (RFC 6455, 5.2), by
// their heads alone, to know when the wire is between two of them. The zero
// value is before the first.
type frames struct {
	head [14]byte
	have int    // bytes of the head so far
	left uint64 // of the payload, once the head is whole
}

// between reports that the last frame is over and the next has not begun.
func (f *frames) between() bool { return f.have == 0 && f.left == 0 }

// advance reads on to the end of the frame at most, and returns how many bytes
// of b that took.
func (f *frames) advance(b []byte) (n int) {
	for n < len(b) && f.left == 0 {
		f.head[f.have] = b[n]
		f.have++
		n++
		if size := f.size(); f.have == size {
			f.have, f.left = 0, f.length()
			if f.left == 0 {
				return n // a frame without a payload
			}
		}
	}
	payload := min(f.left, uint64(len(b)-n))
	f.left -= payload
	return n + int(payload)
}

// size is that of the whole head, as far as its beginning tells.
func (f *frames) size() int {
	size := 2
	if f.have < 2 {
		return size
	}
	switch f.head[1] & 0x7f {
	case 126:
		size += 2
	case 127:
		size += 8
	}
	if f.head[1]&0x80 != 0 {
		size += 4 // the mask
	}
	return size
}

func (f *frames) length() uint64 {
	switch n := f.head[1] & 0x7f; n {
	case 126:
		return uint64(binary.BigEndian.Uint16(f.head[2:]))
	case 127:
		return binary.BigEndian.Uint64(f.head[2:])
	default:
		return uint64(n)
	}
}

// closingGrace is how long a side may take to answer a close frame.
const closingGrace = 5 * time.Second

// The codes of closing (RFC 6455, 7.4.1).
const (
	goingAway = 1001 // this process is about to stop
	violation = 1008 // the session has ended
)

// closing is a close frame as a server sends it.
func closing(code uint16) []byte { return []byte{0x88, 2, byte(code >> 8), byte(code)} }

// maskedClosing is one as a client sends it; the mask hides nothing and may be
// any (RFC 6455, 5.3).
func maskedClosing(code uint16) []byte {
	return []byte{0x88, 0x82, 0, 0, 0, 0, byte(code >> 8), byte(code)}
}
