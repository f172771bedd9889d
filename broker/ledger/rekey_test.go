package ledger_test

import (
	"context"
	"fmt"
	"net/netip"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vneid-proxy/broker/ledger"
	"vneid-proxy/identity"
)

func quiet(ledger.Progress) {}

func TestRekeySealsEverythingUnderTheFirstKey(t *testing.T) {
	ctx := context.Background()
	path := someLife(t).copy(t)
	c := config(path)
	c.Keys = [][]byte{key(2), key(1)}
	l := open(t, c)
	var last ledger.Progress
	require.NoError(t, l.Rekey(ctx, func(p ledger.Progress) { last = p }))
	assert.Positive(t, last.Done)
	assert.Equal(t, last.Total, last.Done)
	require.NoError(t, l.Rekey(ctx, func(p ledger.Progress) { last = p }))
	assert.Zero(t, last.Total, "nothing is left")
	require.NoError(t, l.Close())

	c.Keys = [][]byte{key(2)}
	l, err := ledger.Open(ctx, c)
	require.NoError(t, err, "nothing needs the older key")
	t.Cleanup(func() { assert.NoError(t, l.Close()) })
	whole(t, l)
	found, err := l.ActiveByAccount(ctx, "lan")
	require.NoError(t, err)
	assert.Equal(t, number(t, 1), found.Number)
	_, err = l.AuditDetail(ctx, ledger.EventLinked)
	require.Error(t, err, "the newest link's citizen was erased")
	_, err = l.AuditDetail(ctx, ledger.EventRekeyed)
	require.NoError(t, err)
	_, err = rawSQL(t, path).Exec("UPDATE audit_head SET until_at = 0")
	require.NoError(t, err)
	seal(t, l)
	whole(t, l)
}

func TestRekeyBuildsOnNothingForged(t *testing.T) {
	path := tenRows(t).copy(t)
	c := config(path)
	c.Keys = [][]byte{key(2), key(1)}
	l := open(t, c)
	_, err := rawSQL(t, path).Exec("UPDATE audit_checkpoints SET signature = zeroblob(64) WHERE seq = 4")
	require.NoError(t, err)
	require.ErrorIs(t, l.Rekey(context.Background(), quiet), ledger.ErrChain)
}

// moving is a ledger that moves from index key 9 to 10.
func moving(path string) ledger.Config {
	c := config(path)
	c.NextIndexKey = key(10)
	return c
}

func moved(path string) ledger.Config {
	c := config(path)
	c.IndexKey = key(10)
	return c
}

func TestRekeyIndexWhileOthersServe(t *testing.T) {
	ctx := context.Background()
	at := newClock()
	path := tempFile(t)
	c := moving(path)
	c.Now = at.now
	serving, command := open(t, c), open(t, c)
	old := config(path)
	old.Now = at.now
	unaware := open(t, old)
	soon := at.now().Add(30 * time.Minute)

	n := newLink("lan", person(t, 1))
	n.ProofExpires = soon
	_, err := serving.Link(ctx, n)
	require.NoError(t, err)
	require.NoError(t, serving.Spend(ctx, ledger.PurposeState, []byte("spent before"), soon))
	_, _, err = serving.Raise(ctx, "account", []byte("lan"), time.Hour)
	require.NoError(t, err)
	require.NoError(t, serving.PutSecret(ctx, []byte("k"), []byte("v"), soon))
	_, err = serving.Skip(ctx, "huy", identity.KindCitizen, freshProof(), soon, netip.AddrPort{})
	require.NoError(t, err)
	_, err = serving.AskReview(ctx, refused("tu", person(t, 6), ledger.ReviewConflict))
	require.NoError(t, err)
	waits := newPending("mai", 4)
	waits.ProofExpires = soon
	_, err = serving.AddPending(ctx, waits)
	require.NoError(t, err)

	until, err := command.RekeyIndex(ctx, quiet)
	require.NoError(t, err)
	assert.True(t, until.After(soon), "what cannot be found anew is waited for")

	// Who has both keys goes on as if nothing had happened.
	_, err = serving.ActiveByAccount(ctx, "lan")
	require.NoError(t, err)
	links, err := serving.ActiveByCitizen(ctx, person(t, 1))
	require.NoError(t, err)
	assert.Len(t, links, 1)
	_, err = serving.Link(ctx, func() ledger.NewLink { n := newLink("lan", person(t, 2)); n.ProofExpires = soon; return n }())
	require.ErrorIs(t, err, ledger.ErrAccountTaken)
	require.ErrorIs(t, serving.Spend(ctx, ledger.PurposeState, []byte("spent before"), soon), ledger.ErrSpent)
	tries, _, err := serving.Raise(ctx, "account", []byte("lan"), time.Hour)
	require.NoError(t, err)
	assert.Equal(t, 2, tries, "tries are not forgotten")
	value, err := serving.GetSecret(ctx, []byte("k"))
	require.NoError(t, err)
	assert.Equal(t, "v", string(value))
	count, err := serving.Skips(ctx, "huy")
	require.NoError(t, err)
	assert.Equal(t, 1, count)
	_, err = serving.PendingByAccount(ctx, "mai")
	require.NoError(t, err)
	whole(t, serving)

	// Who has the old one alone does nothing more, and does not start.
	_, err = unaware.ActiveByAccount(ctx, "lan")
	require.ErrorIs(t, err, ledger.ErrKey)
	require.ErrorIs(t, unaware.Spend(ctx, ledger.PurposeState, []byte("another"), soon), ledger.ErrKey)
	_, err = ledger.Open(ctx, old)
	require.ErrorIs(t, err, ledger.ErrKey)
	// Who has the new one alone starts once nothing needs the old one.
	alone := moved(path)
	alone.Now = at.now
	_, err = ledger.Open(ctx, alone)
	require.ErrorIs(t, err, ledger.ErrKey)
	at.advance(until.Sub(at.now()) + time.Hour)
	l := open(t, alone)
	whole(t, l)
	_, err = l.ActiveByAccount(ctx, "lan")
	require.NoError(t, err)
	_, err = serving.ActiveByAccount(ctx, "lan")
	require.NoError(t, err, "who still has both goes on")
	var left int
	require.NoError(t, rawSQL(t, path).QueryRow("SELECT COUNT(*) FROM meta WHERE name LIKE 'index_key_%'").Scan(&left))
	assert.Zero(t, left)
}

// Whatever there is, is found by the new key alone, and sealed under it.
func TestBothKeysAreChangedUnderALife(t *testing.T) {
	ctx := context.Background()
	path := someLife(t).copy(t)
	c := moving(path)
	c.Keys = [][]byte{key(2), key(1)}
	l, err := ledger.Open(ctx, c)
	require.NoError(t, err)
	_, err = l.RekeyIndex(ctx, quiet)
	require.NoError(t, err)
	require.NoError(t, l.Rekey(ctx, quiet))
	whole(t, l)
	require.NoError(t, l.Close())
	_, err = rawSQL(t, path).Exec("UPDATE meta SET value = '0' WHERE name = 'index_key_until'")
	require.NoError(t, err)

	c = moved(path)
	c.Keys = [][]byte{key(2)}
	l = open(t, c)
	whole(t, l)
	acting := person(t, 9)
	acting.Organisation = identity.Organisation{ID: "0990000001"}
	links, err := l.ActiveByCitizen(ctx, acting)
	require.NoError(t, err)
	require.Len(t, links, 1)
	assert.True(t, links[0].ForOrganisation)
	assert.EqualValues(t, "cong-ty", links[0].Account)
	waiting, err := l.WaitingNotices(ctx, "lan", true)
	require.NoError(t, err)
	assert.NotEmpty(t, waiting)
	_, err = l.PendingByAccount(ctx, "mai")
	require.NoError(t, err)
	require.NoError(t, l.GiveUpClean(ctx, "sach", "2026", "can-bo-1", "why"))
	cleaned, err := l.Cleaned(ctx, []ledger.CleanQuestion{cleanQuestion(t, "sach", "099000000077"), {Account: "lan"}})
	require.NoError(t, err)
	assert.Equal(t, ledger.CleanHopeless, cleaned[0].State)
	assert.True(t, cleaned[1].Linked)
	whole(t, l)
}

// The same id is spent once while the key changes under those who spend it.
func TestAnIdIsSpentOnceWhileTheIndexMoves(t *testing.T) {
	ctx := context.Background()
	c := moving(tempFile(t))
	ledgers := []*ledger.Ledger{open(t, c), open(t, c)}
	soon := time.Now().Add(time.Hour)
	var mu sync.Mutex
	wins := make(map[int]int)
	var wg sync.WaitGroup
	for id := range 100 {
		for _, l := range ledgers {
			wg.Go(func() {
				if err := l.Spend(ctx, ledger.PurposeState, fmt.Append(nil, id), soon); err == nil {
					mu.Lock()
					wins[id]++
					mu.Unlock()
				} else {
					assert.ErrorIs(t, err, ledger.ErrSpent)
				}
			})
		}
		if id == 50 {
			wg.Go(func() {
				_, err := ledgers[0].RekeyIndex(ctx, quiet)
				assert.NoError(t, err)
			})
		}
	}
	wg.Wait()
	assert.Len(t, wins, 100)
	for id, n := range wins {
		assert.Equal(t, 1, n, id)
	}
}

// rekeyUntilKilled changes keys and says when it has.
func rekeyUntilKilled(path, round string) {
	c := moving(path)
	c.Keys = [][]byte{key(2), key(1)}
	ctx := context.Background()
	l, err := ledger.Open(ctx, c)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return
	}
	tell := func(p ledger.Progress) { fmt.Println(p.Done) }
	if round == "index" {
		_, err = l.RekeyIndex(ctx, tell)
	} else {
		err = l.Rekey(ctx, tell)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	for { // until killed
		fmt.Println("done")
		time.Sleep(time.Millisecond)
	}
}

// Both can be killed anywhere, with others at work, and go on where they were.
func TestKilledWhileRekeying(t *testing.T) {
	ctx := context.Background()
	path := tempFile(t)
	c := moving(path)
	c.Keys = [][]byte{key(1), key(2)}
	l := open(t, c)
	for i := range 300 {
		mustLink(t, l, fmt.Sprintf("account-%d", i), person(t, i))
	}
	for _, what := range []string{"seal", "index"} {
		for kill := 1; ; kill++ {
			said := killedChild(t, path, what, "rekey", kill)
			mustLink(t, l, fmt.Sprintf("%s-%d", what, kill), person(t, kill))
			whole(t, l)
			if said[len(said)-1] == "done" {
				require.Greater(t, kill, 1, "it was cut off before")
				break
			}
		}
	}
	// What the serving process has sealed meanwhile is still under its first key.
	require.NoError(t, l.Close())
	c.Keys = [][]byte{key(2), key(1)}
	l, err := ledger.Open(ctx, c)
	require.NoError(t, err)
	require.NoError(t, l.Rekey(ctx, quiet))
	require.NoError(t, l.Close())
	_, err = rawSQL(t, path).Exec("DELETE FROM spent; DELETE FROM counters; DELETE FROM secrets; UPDATE meta SET value = '0' WHERE name = 'index_key_until'")
	require.NoError(t, err)
	last := moved(path)
	last.Keys = [][]byte{key(2)}
	l = open(t, last)
	report := whole(t, l)
	assert.GreaterOrEqual(t, report.Active, int64(302))
	_, err = l.ActiveByAccount(ctx, "account-7")
	require.NoError(t, err)
}

// A pseudonym is another one under the new key; an officer is not.
func TestNobodyIsTwoOfficersByANewIndexKey(t *testing.T) {
	ctx := context.Background()
	path := tempFile(t)
	l, err := ledger.Open(ctx, moving(path))
	require.NoError(t, err)
	reference, err := l.AskReview(ctx, refused("tu", person(t, 6), ledger.ReviewConflict))
	require.NoError(t, err)
	vote := ledger.Vote{Officer: "can-bo-1", Decision: ledger.DecisionReject}
	carried, err := l.Decide(ctx, reference, vote)
	require.NoError(t, err)
	require.False(t, carried)
	_, err = l.RekeyIndex(ctx, quiet)
	require.NoError(t, err)
	require.NoError(t, l.Close())
	_, err = rawSQL(t, path).Exec("UPDATE meta SET value = '0' WHERE name = 'index_key_until'")
	require.NoError(t, err)

	l = open(t, moved(path))
	carried, err = l.Decide(ctx, reference, vote)
	require.NoError(t, err)
	assert.False(t, carried)
	vote.Officer = "can-bo-2"
	carried, err = l.Decide(ctx, reference, vote)
	require.NoError(t, err)
	assert.True(t, carried)
}
