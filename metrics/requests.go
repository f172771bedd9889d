package metrics

import (
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Decision is what became of one request.
type Decision int

// The decisions.
const (
	Forward      Decision = iota // with an identity, to the portal
	Public                       // without one, to the portal
	SignIn                       // a person was sent to sign in
	Link                         // a person was sent to the link screen
	Unauthorized                 // a program was answered 401
	Forbidden                    // 403
	Unavailable                  // 503: the gate could not decide
	Misdirected                  // 421: not our host
	Refused                      // 400 and kin: not a request that we forward
	Own                          // a page or endpoint of ours

	decisions = iota
)

func (d Decision) String() string {
	return [...]string{"forward", "public", "sign_in", "link", "unauthorized", "forbidden", "unavailable", "misdirected", "refused", "own"}[d]
}

const classes = 6 // 1xx to 5xx, and 0 for an answer never begun

type requestSeries struct {
	count prometheus.Counter
	took  prometheus.Observer
}

func (m *Metrics) requestSeries() {
	count := m.counters("vneid_proxy_requests_total", "Requests by decision of the gate and class of the status answered.", "decision", "code")
	took := m.histograms("vneid_proxy_request_duration_seconds", "Time from the request's head to the end of the answer, by decision. Upgraded connections are not observed.", "decision")
	for d := range Decision(decisions) {
		for class := range classes {
			code := "none"
			if class > 0 {
				code = strconv.Itoa(class) + "xx"
			}
			m.requests[d][class] = requestSeries{count.WithLabelValues(d.String(), code), took.WithLabelValues(d.String())}
		}
	}
}

// Request counts one finished request; status 0 means that no answer was
// begun, 101 that the connection was upgraded.
func (m *Metrics) Request(d Decision, status int, took time.Duration) {
	class := status / 100
	if class < 0 || class >= classes {
		class = 0
	}
	s := &m.requests[d][class]
	s.count.Inc()
	if status != 101 {
		s.took.Observe(took.Seconds())
	}
}
