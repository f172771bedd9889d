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

var kills = flag.Int("kills", 15, "how often TestKilledWhileWorking kills")

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

// workUntilKilled links, skips, asks, answers, writes back and seals at once, and says each
// thing only after the ledger has confirmed it.
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
	forever := func(do func(i int) (said string, err error)) {
		go func() {
			for i := 0; ; i++ {
				said, err := do(i)
				if err != nil {
					failed <- err
					return
				}
				if said != "" {
					_, _ = os.Stdout.WriteString(said + "\n") // one write, so that lines do not mix
				}
			}
		}()
	}
	forever(func(i int) (string, error) {
		n := killLink(round, i)
		_, err := l.Link(ctx, n)
		return fmt.Sprintf("link %s", n.Account), err
	})
	forever(func(i int) (string, error) {
		account := killAccount("skip", round, i)
		_, err := l.Skip(ctx, account, identity.KindCitizen, []byte(account), time.Now().Add(time.Hour), newLink("", identity.Citizen{}).Source)
		return fmt.Sprintf("skip %s", account), err
	})
	forever(func(i int) (string, error) {
		p, err := l.AddPending(ctx, killCheck(round, i))
		return fmt.Sprintf("ask %s", p.Account), err
	})
	forever(func(int) (string, error) {
		sealed, err := l.SealAudit(ctx)
		if err != nil || sealed == 0 {
			time.Sleep(time.Millisecond)
			return "", err
		}
		return "sealed", nil
	})
	// Two work on the same checks, as replicas whose leases have run out.
	for range 2 {
		forever(func(int) (string, error) {
			claimed, err := l.ClaimPending(ctx, time.Millisecond)
			if err != nil || len(claimed) == 0 {
				time.Sleep(time.Millisecond)
				return "", err
			}
			var said []string
			for _, p := range claimed {
				matched := rand.IntN(3) > 0
				switch _, err := l.AnswerPending(ctx, p.ID, matched, ledger.Strong); {
				case err == nil && matched:
					said = append(said, fmt.Sprintf("matched %s", p.Account))
				case err == nil:
					said = append(said, fmt.Sprintf("refused %s", p.Account))
				case !errors.Is(err, ledger.ErrNotFound):
					return "", err
				}
			}
			return strings.Join(said, "\n"), nil
		})
	}
	for range 2 {
		forever(func(int) (string, error) {
			claimed, err := l.ClaimWriteBack(ctx, time.Millisecond)
			if err != nil || len(claimed) == 0 {
				time.Sleep(time.Millisecond)
				return "", err
			}
			var said []string
			for _, w := range claimed {
				switch _, err := l.CloseWriteBack(ctx, w.ID, ledger.WriteBackWritten); {
				case err == nil:
					said = append(said, fmt.Sprintf("written %s", w.ID))
				case !errors.Is(err, ledger.ErrNotFound):
					return "", err
				}
			}
			return strings.Join(said, "\n"), nil
		})
	}
	fmt.Fprintln(os.Stderr, <-failed)
}

func TestKilledWhileWorking(t *testing.T) {
	ctx := context.Background()
	path := tempFile(t)
	c := config(path)
	c.CheckpointRows = 10
	var said []string
	for i := range *kills {
		round := fmt.Sprintf("%04d", i)
		said = append(said, killedChild(t, path, round, "all", 1+rand.IntN(60))...)
		l, err := ledger.Open(ctx, c)
		require.NoError(t, err)
		report := verify(t, l)
		require.True(t, report.Whole(), "round %d, row %d: %s", i, report.Broken, report.Reason)
		require.NoError(t, l.Close())
		// The dead one's lease, that the next round seals too.
		_, err = rawSQL(t, path).Exec("UPDATE audit_head SET until_at = 0")
		require.NoError(t, err)
	}

	l := open(t, c)
	seen := make(map[string]int)
	for _, line := range said {
		what, name, _ := strings.Cut(line, " ")
		account := identity.AccountID(name)
		seen[what]++
		switch what {
		case "link":
			_, err := l.ActiveByAccount(ctx, account)
			assert.NoError(t, err, "the confirmed link %s is lost", name)
		case "skip":
			n, err := l.Skips(ctx, account)
			require.NoError(t, err)
			assert.Equal(t, 1, n, name)
		case "ask":
			_, open := l.PendingByAccount(ctx, account)
			_, closed := l.AnsweredByAccount(ctx, account)
			assert.True(t, (open == nil) != (closed == nil), "the confirmed check %s: %v, %v", name, open, closed)
		case "matched", "refused":
			p, err := l.AnsweredByAccount(ctx, account)
			require.NoError(t, err, "the confirmed answer to %s is lost", name)
			assert.Equal(t, what == "matched", p.Outcome == ledger.OutcomeMatched, name)
			_, err = l.ActiveByAccount(ctx, account)
			assert.Equal(t, what == "matched", err == nil, name)
		case "written":
			_, err := l.CloseWriteBack(ctx, name, ledger.WriteBackWritten)
			assert.ErrorIs(t, err, ledger.ErrNotFound, "the confirmed write-back %s is lost", name)
		}
	}
	for _, what := range []string{"link", "skip", "ask", "sealed", "written"} {
		assert.Positive(t, seen[what], "nothing was confirmed of %s", what)
	}
	assert.Positive(t, seen["matched"]+seen["refused"])

	// Every row tells of one thing that is there, and everything there has its
	// row: nothing half, nothing twice.
	raw := rawSQL(t, path)
	count := func(query string) (n int) {
		require.NoError(t, raw.QueryRow(query).Scan(&n))
		return n
	}
	assert.Equal(t, count("SELECT COUNT(*) FROM links"), count("SELECT COUNT(*) FROM audit WHERE event = 'linked'"))
	assert.Equal(t, count("SELECT COUNT(*) FROM links"), count("SELECT COUNT(DISTINCT account_hmac) FROM links"))
	assert.Equal(t, count("SELECT COUNT(*) FROM skips"), count("SELECT COUNT(*) FROM audit WHERE event = 'skipped'"))
	assert.Equal(t, count("SELECT COUNT(*) FROM pending"), count("SELECT COUNT(*) FROM audit WHERE event = 'check_asked'"))
	assert.Equal(t, count("SELECT COUNT(*) FROM pending WHERE closed_at IS NOT NULL"), count("SELECT COUNT(*) FROM audit WHERE event = 'check_answered'"))
	assert.Equal(t, count("SELECT COUNT(*) FROM pending WHERE outcome = 'matched'"), count("SELECT COUNT(*) FROM links WHERE method = 'match'"))
	assert.Equal(t, count("SELECT COUNT(*) FROM links"), count("SELECT COUNT(*) FROM write_backs"), "each link is queued with it")
	assert.Equal(t, count("SELECT COUNT(*) FROM write_backs WHERE closed_at IS NOT NULL"), count("SELECT COUNT(*) FROM audit WHERE event = 'write_back_closed'"))
	var verdict string
	require.NoError(t, raw.QueryRow("PRAGMA integrity_check").Scan(&verdict))
	assert.Equal(t, "ok", verdict)

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
	seal(t, l)
	report := verify(t, l)
	assert.True(t, report.Whole(), report.Reason)
	assert.Zero(t, report.Unsealed)
	t.Logf("confirmed: %v; %d rows, %d checkpoints", seen, report.Last, report.Checkpoints)
}
