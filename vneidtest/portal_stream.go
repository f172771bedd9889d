package vneidtest

import (
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/coder/websocket"
)

const (
	eventPause   = 50 * time.Millisecond
	maxWebSocket = 1 << 20 // bytes in one message
)

// events sends n server-sent events (default 3; 0 does not end until the
// reader goes), each flushed before the next: whatever buffers them shows.
func (p *Portal) events(w http.ResponseWriter, r *http.Request) {
	n, err := strconv.Atoi(r.URL.Query().Get("n"))
	if err != nil || n < 0 {
		n = 3
	}
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-store")
	tick := time.NewTicker(eventPause)
	defer tick.Stop()
	for i := 1; n == 0 || i <= n; i++ {
		if _, err := fmt.Fprintf(w, "id: %d\ndata: thông báo %d\n\n", i, i); err != nil {
			return
		}
		if err := http.NewResponseController(w).Flush(); err != nil {
			return
		}
		select {
		case <-tick.C:
		case <-r.Context().Done():
			return
		}
	}
}

// webSocket echoes messages. It checks no Origin: legacy portals do not, and
// behind a proxy its own Host is another anyway.
func (p *Portal) webSocket(w http.ResponseWriter, r *http.Request) {
	conn, err := websocket.Accept(w, r, &websocket.AcceptOptions{InsecureSkipVerify: true})
	if err != nil {
		return // Accept has answered
	}
	defer func() { _ = conn.CloseNow() }()
	conn.SetReadLimit(maxWebSocket)
	for {
		kind, message, err := conn.Read(r.Context())
		if err != nil {
			return
		}
		if err := conn.Write(r.Context(), kind, message); err != nil {
			return
		}
	}
}
