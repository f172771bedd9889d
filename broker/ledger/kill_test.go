package ledger_test

import (
	"bufio"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vneid-proxy/broker/ledger"
	"vneid-proxy/identity"
)

// Where these are set, the test binary is the process that gets killed.
const (
	childPath  = "LEDGER_TEST_CHILD_PATH"
	childRound = "LEDGER_TEST_CHILD_ROUND"
	childWork  = "LEDGER_TEST_CHILD_WORK" // what it does: "link", "all" or "rekey"
)

func TestMain(m *testing.M) {
	if path := os.Getenv(childPath); path != "" {
		switch round := os.Getenv(childRound); os.Getenv(childWork) {
		case "all":
			workUntilKilled(path, round)
		case "rekey":
			rekeyUntilKilled(path, round)
		default:
			linkUntilKilled(path, round)
		}
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// killNumber gives three accounts to each citizen.
func killNumber(round string, i int) string {
	return fmt.Sprintf("0991%04s%04d", round, i/3)
}

func killLink(round string, i int) ledger.NewLink {
	cccd, err := identity.VouchedCitizenNumber(killNumber(round, i))
	if err != nil {
		panic(err)
	}
	account := fmt.Sprintf("%s-%d", round, i)
	n := newLink(account, identity.Citizen{Provider: "vneid", Subject: "subject-" + cccd.Reveal(), Number: cccd})
	n.Proof = []byte("proof-" + account)
	return n
}

// linkUntilKilled says each link only after Link has returned.
func linkUntilKilled(path, round string) {
	l, err := ledger.Open(context.Background(), config(path))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return
	}
	for i := 0; ; i++ {
		n := killLink(round, i)
		if _, err := l.Link(context.Background(), n); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return
		}
		fmt.Println(n.Account)
	}
}

func TestKilledWhileLinking(t *testing.T) {
	path := tempFile(t)
	confirmed := make(map[string]int) // by round: links 0 to n-1 were confirmed
	total := 0
	for i := 0; total < 150 || i < 10; i++ {
		round := fmt.Sprintf("%04d", i)
		confirmed[round] = killedRound(t, path, round)
		total += confirmed[round]
	}

	ctx := context.Background()
	var verdict string
	raw := rawSQL(t, path)
	if !onPostgres() {
		require.NoError(t, raw.QueryRow("PRAGMA integrity_check").Scan(&verdict))
		assert.Equal(t, "ok", verdict)
		rows, err := raw.Query("PRAGMA foreign_key_check")
		require.NoError(t, err)
		assert.False(t, rows.Next(), "a row without its parent")
		require.NoError(t, rows.Close())
	}

	l := open(t, config(path))
	linked := 0
	for round, n := range confirmed {
		// One more link may have reached the disk without being confirmed.
		for i := range n + 2 {
			want := killLink(round, i)
			link, err := l.ActiveByAccount(ctx, want.Account)
			if err == nil {
				linked++
				assert.Equal(t, want.Citizen.Number, link.Number)
			} else {
				assert.ErrorIs(t, err, ledger.ErrNotFound)
				assert.GreaterOrEqual(t, i, n, "the confirmed link %s is lost", want.Account)
			}
			again := l.Spend(ctx, ledger.PurposeProof, want.Proof, want.ProofExpires)
			assert.Equal(t, err == nil, again != nil, "%s: the proof is spent exactly when the link is there", want.Account)
			links, err := l.ActiveByCitizen(ctx, want.Citizen)
			require.NoError(t, err)
			for j, link := range links {
				assert.Equal(t, j == 0, link.Default)
			}
		}
	}
	for _, table := range []string{"links", "consents", "audit"} {
		var n int
		require.NoError(t, raw.QueryRow("SELECT COUNT(*) FROM "+table).Scan(&n))
		assert.Equal(t, linked, n, "%s: nothing double, nothing half", table)
	}
	assert.GreaterOrEqual(t, linked, total)
}

// killedRound has a child link, kills it at a random moment and returns how
// many links it confirmed.
func killedRound(t *testing.T, path, round string) int {
	t.Helper()
	said := killedChild(t, path, round, "link", 1+rand.IntN(25))
	for i, line := range said {
		require.Equal(t, fmt.Sprintf("%s-%d", round, i), line)
	}
	return len(said)
}

// killedChild starts a child, kills it at a random moment after it has said
// killAt lines, and returns the lines that it said.
func killedChild(t *testing.T, path, round, work string, killAt int) (said []string) {
	t.Helper()
	child := exec.Command(os.Args[0])
	child.Env = append(os.Environ(), childPath+"="+path, childRound+"="+round, childWork+"="+work)
	var faults strings.Builder
	child.Stderr = &faults
	out, err := child.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, child.Start())
	defer func() { _ = child.Process.Kill() }()

	lines := bufio.NewReader(out)
	for {
		line, err := lines.ReadString('\n')
		if err != nil {
			break // killed; half a line confirms nothing
		}
		if said = append(said, strings.TrimSuffix(line, "\n")); len(said) == killAt {
			// Anywhere in what comes next, between two system calls or in one.
			time.Sleep(time.Duration(rand.IntN(8000)) * time.Microsecond)
			require.NoError(t, child.Process.Kill())
		}
	}
	assert.Error(t, child.Wait())
	require.GreaterOrEqual(t, len(said), killAt, "the child ended by itself: %s", faults.String())
	return said
}
