package main

import (
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vneid-proxy/config"
)

// One connection more than MAX_CONNECTIONS waits until another is closed.
func TestConnectionsAreBounded(t *testing.T) {
	listener, err := listen(config.Config{Listen: config.Listen{Address: "127.0.0.1:0", Connections: 2}})
	require.NoError(t, err)
	t.Cleanup(func() { _ = listener.Close() })
	taken := make(chan net.Conn)
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			taken <- conn
		}
	}()
	for range 3 {
		conn, err := net.Dial("tcp", listener.Addr().String())
		require.NoError(t, err)
		t.Cleanup(func() { _ = conn.Close() })
	}
	first, second := <-taken, <-taken
	select {
	case <-taken:
		assert.Fail(t, "a third was taken")
	case <-time.After(100 * time.Millisecond):
	}
	require.NoError(t, first.Close())
	third := <-taken
	require.NoError(t, second.Close())
	require.NoError(t, third.Close())
}
