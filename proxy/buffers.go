package proxy

import (
	"io"
	"sync"
)

// buffers lends the 32 kB that copying takes.
type buffers struct{ pool sync.Pool }

func (b *buffers) Get() []byte {
	if kept, ok := b.pool.Get().(*[32 << 10]byte); ok {
		return kept[:]
	}
	return new([32 << 10]byte)[:]
}

func (b *buffers) Put(lent []byte) { b.pool.Put((*[32 << 10]byte)(lent)) }

// pump copies until src ends, as io.Copy does, but holds little while src is
// silent: connections that are open for hours mostly are.
func (b *buffers) pump(dst io.Writer, src io.Reader) (n int64, err error) {
	little := make([]byte, idleBuffer)
	buffer := little
	var lent []byte
	defer func() {
		if lent != nil {
			b.Put(lent)
		}
	}()
	for {
		got, read := src.Read(buffer)
		if got > 0 {
			put, err := dst.Write(buffer[:got])
			n += int64(put)
			if err != nil {
				return n, err
			}
		}
		if read == io.EOF {
			return n, nil
		}
		if read != nil {
			return n, read
		}
		switch full := got == len(buffer); {
		case full && lent == nil:
			lent = b.Get()
			buffer = lent
		case !full && lent != nil:
			b.Put(lent)
			buffer, lent = little, nil
		}
	}
}
