package proxy

import (
	"sync"
	"time"

	"vneid-proxy/session"
)

const (
	keptShards  = 16
	keptInShard = 1024
)

// kept remembers signed assertions for the little time that they are good:
// sharded, so that requests seldom wait for each other, and bounded. Forgetting
// one costs a signature, so what is full is simply emptied.
type kept struct{ shards [keptShards]keptShard }

type keptShard struct {
	mu     sync.Mutex
	tokens map[session.ID]keptToken
}

type keptToken struct {
	facts facts
	token string
	until time.Time
}

func newKept() *kept {
	k := new(kept)
	for i := range k.shards {
		k.shards[i].tokens = make(map[session.ID]keptToken)
	}
	return k
}

// find answers a token that says exactly these facts and is still good.
func (k *kept) find(id session.ID, f *facts, now time.Time) (string, bool) {
	s := &k.shards[id[0]%keptShards]
	s.mu.Lock()
	t, ok := s.tokens[id]
	s.mu.Unlock()
	return t.token, ok && now.Before(t.until) && t.facts == *f
}

func (k *kept) keep(id session.ID, f *facts, token string, until, now time.Time) {
	s := &k.shards[id[0]%keptShards]
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.tokens) >= keptInShard {
		for other, t := range s.tokens {
			if !now.Before(t.until) {
				delete(s.tokens, other)
			}
		}
		if len(s.tokens) >= keptInShard {
			clear(s.tokens)
		}
	}
	s.tokens[id] = keptToken{facts: *f, token: token, until: until}
}
