package proxy

import (
	"net/http"
	"time"
)

// Server is an HTTP server fit to face browsers. There is no total timeout on
// reading or writing: an upload and an event stream take what they take.
func Server(h http.Handler) *http.Server {
	// HTTP/2 comes by ALPN, or by prior knowledge where TLS ends before; never
	// by Upgrade, past which nothing would be judged.
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	protocols.SetHTTP2(true)
	protocols.SetUnencryptedHTTP2(true)
	return &http.Server{
		Handler:   h,
		Protocols: protocols,
		HTTP2: &http.HTTP2Config{
			MaxConcurrentStreams: 250,
			// What is sent to a browser that is gone, or reads nothing.
			SendPingTimeout: 30 * time.Second, PingTimeout: 15 * time.Second, WriteByteTimeout: time.Minute,
		},
		// A head that trickles in holds a connection and a goroutine.
		ReadHeaderTimeout: 5 * time.Second,
		// Above the 60 s of the usual balancers, so that they close first and
		// no request meets a connection that is just going.
		IdleTimeout: 75 * time.Second,
		// Portals fill cookies; beyond this nobody reads them anyway.
		MaxHeaderBytes: 64 << 10,
		// "OPTIONS *" is judged like the rest, not answered by the library.
		DisableGeneralOptionsHandler: true,
	}
}
