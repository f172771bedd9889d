package ledger_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vneid-proxy/broker/ledger"
	"vneid-proxy/identity"
)

var kills = flag.Int("kills", 60, "how often TestKilledWhileWorking kills")

func killAccount(kind, round string, i int) identity.AccountID {
	return identity.AccountID(fmt.Sprintf("%s-%s-%d", kind, round, i))
}

// killCheck asks about a number of its own, so that a match makes a link.
func killCheck(round string, i int) ledger.NewPending {
	n := newPending(string(killAccount("check", round, i)), 0)
	var err error
	if n.Number, err = identity.VouchedCitizenNumber(fmt.Sprintf("0992%04s%04d", round, i)); err != nil {
		panic(err)
	}
	n.Proof = []byte("check-" + n.Account)
	return n
}

// during says that a call is under way and, once the ledger has confirmed it,
// what it did. Each is one write, so that lines do not mix.
func during(kind string, call func() (did string, err error)) error {
	_, _ = os.Stdout.WriteString("begin " + kind + "\n")
	did, err := call()
	if err == nil {
		_, _ = os.Stdout.WriteString("end " + kind + " " + did + "\n")
	}
	return err
}

// workUntilKilled links, skips, asks, answers, writes back and seals at once.
func workUntilKilled(path, round string) {
	ctx := context.Background()
	c := config(path)
	c.CheckpointRows, c.WriteBack = 10, true
	l, err := ledger.Open(ctx, c)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return
	}
	failed := make(chan error, 8)
	forever := func(do func(i int) error) {
		go func() {
			for i := 0; ; i++ {
				if err := do(i); err != nil {
					failed <- err
					return
				}
			}
		}()
	}
	forever(func(i int) error {
		return during("link", func() (string, error) {
			n := killLink(round, i)
			_, err := l.Link(ctx, n)
			return "linked " + string(n.Account), err
		})
	})
	forever(func(i int) error {
		return during("skip", func() (string, error) {
			account := killAccount("skip", round, i)
			_, err := l.Skip(ctx, account, identity.KindCitizen, []byte(account), time.Now().Add(time.Hour), newLink("", identity.Citizen{}).Source)
			return "skipped " + string(account), err
		})
	})
	forever(func(i int) error {
		return during("ask", func() (string, error) {
			p, err := l.AddPending(ctx, killCheck(round, i))
			return "asked " + string(p.Account), err
		})
	})
	forever(func(int) error {
		return during("seal", func() (string, error) {
			sealed, err := l.SealAudit(ctx)
			if err != nil || sealed == 0 {
				time.Sleep(time.Millisecond)
				return "nothing", err
			}
			return "sealed", nil
		})
	})
	// Two work on the same rows, as replicas whose leases have run out: one of
	// them closes each, and the other is told that it is closed.
	once := func(did string, err error) (string, error) {
		if errors.Is(err, ledger.ErrNotFound) {
			return "nothing", nil
		}
		return did, err
	}
	for range 2 {
		forever(func(int) error {
			claimed, err := l.ClaimPending(ctx, time.Millisecond)
			if len(claimed) == 0 {
				time.Sleep(time.Millisecond)
			}
			for _, p := range claimed {
				err = errors.Join(err, during("answer", func() (string, error) {
					if rand.IntN(3) == 0 {
						_, err := l.AnswerPending(ctx, p.ID, false, "")
						return once("refused "+string(p.Account), err)
					}
					_, err := l.AnswerPending(ctx, p.ID, true, ledger.Strong)
					return once("matched "+string(p.Account), err)
				}))
			}
			return err
		})
		forever(func(int) error {
			claimed, err := l.ClaimWriteBack(ctx, time.Millisecond)
			if len(claimed) == 0 {
				time.Sleep(time.Millisecond)
			}
			for _, w := range claimed {
				err = errors.Join(err, during("write", func() (string, error) {
					_, err := l.CloseWriteBack(ctx, w.ID, ledger.WriteBackWritten)
					return once("written "+w.ID, err)
				}))
			}
			return err
		})
	}
	fmt.Fprintln(os.Stderr, <-failed)
}

// killTally is what the killed ones said.
type killTally struct {
	told map[string][]string // by what was done, to whom
	cut  map[string]int      // by kind, the calls under way when the process was killed
	hits int                 // the kills that fell inside a call
}

func (k *killTally) add(said []string) {
	under := make(map[string]int)
	for _, line := range said {
		word, rest, _ := strings.Cut(line, " ")
		kind, rest, _ := strings.Cut(rest, " ")
		if word == "begin" {
			under[kind]++
			continue
		}
		under[kind]--
		did, whom, _ := strings.Cut(rest, " ")
		k.told[did] = append(k.told[did], whom)
	}
	hit := 0
	for kind, calls := range under {
		k.cut[kind] += calls
		hit += calls
	}
	k.hits += min(hit, 1)
}

// expireLease ends the dead one's lease, so that the next round seals too. It
// leaves nobody on the file: the next one to open it recovers it.
func expireLease(t *testing.T, path string) {
	t.Helper()
	db := rawSQL(t, path)
	_, err := db.Exec("UPDATE audit_head SET until_at = 0")
	assert.NoError(t, err)
	require.NoError(t, db.Close())
}

func TestKilledWhileWorking(t *testing.T) {
	ctx := context.Background()
	path := tempFile(t)
	c := config(path)
	c.CheckpointRows = 10
	tally := killTally{told: make(map[string][]string), cut: make(map[string]int)}
	for i := range *kills {
		round := fmt.Sprintf("%04d", i)
		tally.add(killedChild(t, path, round, "all", 1+rand.IntN(150)))
		expireLease(t, path)
		if i%10 != 9 { // a chain that is broken stays so
			continue
		}
		l, err := ledger.Open(ctx, c)
		require.NoError(t, err)
		report := verify(t, l)
		require.True(t, report.Whole(), "round %d, row %d: %s", i, report.Broken, report.Reason)
		require.NoError(t, l.Close())
	}

	// Every promise is kept, and no promise was made twice.
	l := open(t, c)
	for did, all := range tally.told {
		twice := make(map[string]bool)
		for _, whom := range all {
			assert.False(t, whom != "" && twice[whom], "%s %s twice", did, whom)
			twice[whom] = true
			account := identity.AccountID(whom)
			switch did {
			case "linked":
				_, err := l.ActiveByAccount(ctx, account)
				assert.NoError(t, err, "the confirmed link %s is lost", whom)
			case "skipped":
				n, err := l.Skips(ctx, account)
				require.NoError(t, err)
				assert.Equal(t, 1, n, whom)
			case "asked":
				_, open := l.PendingByAccount(ctx, account)
				_, closed := l.AnsweredByAccount(ctx, account)
				assert.True(t, (open == nil) != (closed == nil), "the confirmed check %s: %v, %v", whom, open, closed)
			case "matched", "refused":
				p, err := l.AnsweredByAccount(ctx, account)
				require.NoError(t, err, "the confirmed answer to %s is lost", whom)
				assert.Equal(t, did == "matched", p.Outcome == ledger.OutcomeMatched, whom)
				_, err = l.ActiveByAccount(ctx, account)
				assert.Equal(t, did == "matched", err == nil, whom)
			case "written":
				_, err := l.CloseWriteBack(ctx, whom, ledger.WriteBackWritten)
				assert.ErrorIs(t, err, ledger.ErrNotFound, "the confirmed write-back %s is lost", whom)
			}
		}
	}

	// Every row tells of one thing that is there, and everything there has its
	// row: nothing half, nothing twice.
	raw := rawSQL(t, path)
	count := func(query string) (n int) {
		require.NoError(t, raw.QueryRow("SELECT COUNT(*) FROM "+query).Scan(&n))
		return n
	}
	assert.Equal(t, count("links"), count("audit WHERE event = 'linked'"))
	assert.Equal(t, count("links"), count("(SELECT DISTINCT account_hmac FROM links) AS d"))
	assert.Equal(t, count("skips"), count("audit WHERE event = 'skipped'"))
	assert.Equal(t, count("skips"), count("(SELECT DISTINCT account_hmac FROM skips) AS d"))
	assert.Equal(t, count("pending"), count("audit WHERE event = 'check_asked'"))
	assert.Equal(t, count("pending"), count("(SELECT DISTINCT account_hmac FROM pending) AS d"))
	assert.Equal(t, count("pending WHERE closed_at IS NOT NULL"), count("audit WHERE event = 'check_answered'"))
	assert.Equal(t, count("audit WHERE event = 'check_answered'"), count("(SELECT DISTINCT account FROM audit WHERE event = 'check_answered') AS d"), "each check is answered once")
	assert.Equal(t, count("pending WHERE outcome = 'matched'"), count("links WHERE method = 'match'"))
	assert.Equal(t, count("links"), count("write_backs"), "each link is queued with it")
	assert.Equal(t, count("write_backs WHERE closed_at IS NOT NULL"), count("audit WHERE event = 'write_back_closed'"))
	if !onPostgres() {
		var verdict string
		require.NoError(t, raw.QueryRow("PRAGMA integrity_check").Scan(&verdict))
		assert.Equal(t, "ok", verdict)
	}
	whole(t, l)

	// Beyond what was told there is only what a kill cut off after it had
	// reached the disk; and it cut off some before.
	untold, cut := 0, 0
	for kind, c := range map[string]struct{ there, told int }{
		"link":   {count("links WHERE method <> 'match'"), len(tally.told["linked"])},
		"skip":   {count("skips"), len(tally.told["skipped"])},
		"ask":    {count("pending"), len(tally.told["asked"])},
		"answer": {count("pending WHERE closed_at IS NOT NULL"), len(tally.told["matched"]) + len(tally.told["refused"])},
		"write":  {count("write_backs WHERE closed_at IS NOT NULL"), len(tally.told["written"])},
	} {
		assert.Positive(t, c.told, "nothing was confirmed: %s", kind)
		assert.Positive(t, tally.cut[kind], "no kill cut one off: %s", kind)
		assert.GreaterOrEqual(t, c.there, c.told, "lost: %s", kind)
		assert.LessOrEqual(t, c.there-c.told, tally.cut[kind], "recorded, and nobody asked for it: %s", kind)
		untold, cut = untold+c.there-c.told, cut+tally.cut[kind]
	}
	assert.Positive(t, len(tally.told["sealed"]))
	assert.Positive(t, tally.cut["seal"])
	assert.Positive(t, cut-untold, "each kill came too late to prevent anything")
	assert.Greater(t, tally.hits, *kills*9/10, "kills that fell between calls prove nothing")

	// What was left open is answered, once, by whoever comes next.
	answered := make(map[string]bool)
	for {
		claimed, err := l.ClaimPending(ctx, time.Hour)
		require.NoError(t, err)
		if len(claimed) == 0 {
			break
		}
		for _, p := range claimed {
			require.False(t, answered[p.ID])
			answered[p.ID] = true
			_, err := l.AnswerPending(ctx, p.ID, true, ledger.Strong)
			require.NoError(t, err)
		}
	}
	assert.Equal(t, count("pending"), count("audit WHERE event = 'check_answered'"))
	seal(t, l)
	report := verify(t, l)
	assert.True(t, report.Whole(), report.Reason)
	assert.Zero(t, report.Unsealed)
	t.Logf("%d kills, %d of them inside a call; cut off: %v, of those recorded: %d; links %d, skips %d, checks %d, answers %d; %d audit rows, %d checkpoints",
		*kills, tally.hits, tally.cut, untold, count("links"), count("skips"), count("pending"), count("audit WHERE event = 'check_answered'"), report.Last, report.Checkpoints)
}
