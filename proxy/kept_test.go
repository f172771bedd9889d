package proxy

import (
	"testing"
	"time"

	"vneid-proxy/session"
)

func TestKeptIsBounded(t *testing.T) {
	k := newKept()
	f := &facts{accountID: "a"}
	now := time.Now()
	for range 5 * keptShards * keptInShard {
		k.keep(session.NewID(), f, "t", now.Add(1), now)
	}
	total := 0
	for i := range k.shards {
		total += len(k.shards[i].tokens)
	}
	if total > keptShards*keptInShard {
		t.Errorf("%d tokens are kept", total)
	}
	id := session.NewID()
	k.keep(id, f, "t", now.Add(1), now)
	if _, ok := k.find(id, f, now); !ok {
		t.Error("a good token is not found")
	}
	if _, ok := k.find(id, f, now.Add(1)); ok {
		t.Error("an old token is found")
	}
	if _, ok := k.find(id, &facts{accountID: "b"}, now); ok {
		t.Error("another's token is found")
	}
}
