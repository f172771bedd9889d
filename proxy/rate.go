package proxy

import (
	"hash/maphash"
	"math"
	"net/http"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"vneid-proxy/metrics"
)

const (
	rateShards  = 16
	rateInShard = 4096
	// A page asks for many things at once, and then for nothing.
	rateBurst = 10 * time.Second
)

// rates count the requests of each visitor: sharded, so that requests seldom
// wait for each other, and bounded. Forgetting somebody gives them a fresh
// start, so what is full of busy visitors is simply emptied.
type rates struct {
	limit  rate.Limit
	burst  int
	seed   maphash.Seed
	shards [rateShards]rateShard
}

type rateShard struct {
	mu       sync.Mutex
	visitors map[string]*rate.Limiter
}

// newRates answers nil for no limit. perSecond is in requests.
func newRates(perSecond float64) *rates {
	if perSecond <= 0 {
		return nil
	}
	r := &rates{
		limit: rate.Limit(perSecond), burst: int(math.Ceil(perSecond * rateBurst.Seconds())), seed: maphash.MakeSeed(),
	}
	for i := range r.shards {
		r.shards[i].visitors = make(map[string]*rate.Limiter)
	}
	return r
}

// allow counts one request of a visitor and reports whether it may pass.
func (r *rates) allow(visitor string, now time.Time) bool {
	s := &r.shards[maphash.String(r.seed, visitor)%rateShards]
	s.mu.Lock()
	defer s.mu.Unlock()
	l := s.visitors[visitor]
	if l == nil {
		if len(s.visitors) >= rateInShard {
			s.forget(now, r.burst)
		}
		l = rate.NewLimiter(r.limit, r.burst)
		s.visitors[visitor] = l
	}
	return l.AllowN(now, 1)
}

func (s *rateShard) forget(now time.Time, burst int) {
	for visitor, l := range s.visitors {
		if l.TokensAt(now) >= float64(burst) {
			delete(s.visitors, visitor)
		}
	}
	if len(s.visitors) >= rateInShard {
		clear(s.visitors)
	}
}

// pace holds a visitor to the rate: a session, or where there is none an
// address, if a trusted proxy tells it. Others cannot be told apart, and a
// limit for all of them would let one shut out the rest.
func (p *Proxy) pace(x *exchange, r *http.Request, visitor string) (ok bool) {
	if p.rates == nil {
		return true
	}
	if visitor == "" {
		if visitor, ok = p.Client(r); !ok {
			return true
		}
	}
	if p.rates.allow(visitor, p.config.Now()) {
		return true
	}
	p.refuse(x, metrics.Refused, Refusal{Status: http.StatusTooManyRequests, Reason: ReasonRate, RetryAfter: time.Second})
	return false
}
