package main

import (
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// A peer that reads nothing is let go, however long it keeps the connection.
func TestStalledReaderIsLetGo(t *testing.T) {
	settings := net.ListenConfig{Control: boundStall(time.Second)}
	listener, err := settings.Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = listener.Close() })
	reader, err := net.Dial("tcp", listener.Addr().String())
	require.NoError(t, err)
	t.Cleanup(func() { _ = reader.Close() })
	conn, err := listener.Accept()
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	ended := make(chan error, 1)
	go func() {
		for {
			if _, err := conn.Write(make([]byte, 1<<20)); err != nil {
				ended <- err
				return
			}
		}
	}()
	select {
	case err := <-ended:
		require.Error(t, err)
	case <-time.After(2 * time.Minute):
		require.Fail(t, "it still waits for the reader")
	}
}
