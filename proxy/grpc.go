package proxy

import (
	"net/http"
	"strconv"
	"strings"

	"vneid-proxy/metrics"
)

// isGRPC reports a call whose client reads grpc-status and nothing else.
func isGRPC(r *http.Request) bool {
	kind, _, _ := strings.Cut(r.Header.Get("Content-Type"), ";")
	kind = lower(strings.TrimSpace(kind))
	return r.ProtoMajor == 2 && r.Method == http.MethodPost &&
		(kind == "application/grpc" || strings.HasPrefix(kind, "application/grpc+"))
}

// refuseGRPC answers by a status alone ("Trailers-Only" of the gRPC protocol
// over HTTP/2), the reason as its message.
func (p *Proxy) refuseGRPC(x *exchange, decision metrics.Decision, why Refusal) {
	h := x.Header()
	h.Set("Content-Type", "application/grpc")
	h.Set("Grpc-Status", strconv.Itoa(grpcStatus(why.Status)))
	h.Set("Grpc-Message", why.Reason)
	x.WriteHeader(http.StatusOK)
	// What is counted and logged is what would have been answered otherwise.
	x.decision, x.status = decision, why.Status
}

// grpcStatus is the code that says the same as an HTTP status.
func grpcStatus(status int) int {
	switch status {
	case http.StatusBadRequest, http.StatusRequestEntityTooLarge, http.StatusMisdirectedRequest:
		return 3 // INVALID_ARGUMENT
	case http.StatusUnauthorized:
		return 16 // UNAUTHENTICATED
	case http.StatusForbidden:
		return 7 // PERMISSION_DENIED
	case http.StatusNotFound, http.StatusMethodNotAllowed:
		return 12 // UNIMPLEMENTED
	case http.StatusTooManyRequests:
		return 8 // RESOURCE_EXHAUSTED
	case http.StatusGatewayTimeout:
		return 4 // DEADLINE_EXCEEDED
	}
	return 14 // UNAVAILABLE
}
