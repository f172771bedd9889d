package broker

import (
	"errors"
	"net/http"
	"time"

	"vneid-proxy/broker/screen"
)

// The limits of guessing, within a quarter of an hour: of one account or
// number, of one address, where addresses are known, and in all. The last one
// refuses nobody, for then a stranger could shut everybody out: it makes
// answers slower, and is counted.
const (
	maxTries      = 5
	maxTriesFrom  = 50
	manyTries     = 200
	tryWindow     = 15 * time.Minute
	slowerAnswers = 2 * time.Second
)

type limit struct {
	scope, key string
	most       int
}

// try counts a try before it is made. It answers a Fault's page where there
// were too many; undo takes the try back after a success.
func (b *broker) try(w http.ResponseWriter, r *http.Request, scope, key string) (undo func(), ok bool) {
	var raised []func()
	undo = func() {
		for _, lower := range raised {
			lower()
		}
	}
	raise := func(scope, key string) (tries int, until time.Time, ok bool) {
		tries, until, err := b.Ledger.Raise(r.Context(), scope, []byte(key), tryWindow)
		if err != nil {
			undo()
			b.refuse(w, r, err)
			return 0, until, false
		}
		raised = append(raised, func() {
			if err := b.Ledger.Lower(r.Context(), scope, []byte(key), until); err != nil {
				b.Logger.Warn("try not taken back", "scope", scope, "error", err)
			}
		})
		return tries, until, true
	}
	limits := []limit{{scope, key, maxTries}}
	if from, known := b.Client(r); known {
		// Before the account: whoever is refused here must not lock it too.
		limits = []limit{{scope + " from", from, maxTriesFrom}, limits[0]}
	}
	for _, limit := range limits {
		tries, until, ok := raise(limit.scope, limit.key)
		if !ok {
			return nil, false
		}
		if tries > limit.most {
			b.refuseWith(w, r, &Fault{screen.TooManyTries, errors.New(limit.scope)}, screen.Refused{RetryAfter: until.Sub(b.Now())})
			return nil, false
		}
	}
	all, _, ok := raise(scope+" in all", "")
	if !ok {
		return nil, false
	}
	if all > manyTries {
		b.Metrics.TrySlowed()
		select {
		case <-time.After(slowerAnswers):
		case <-r.Context().Done():
		}
	}
	return undo, true
}
