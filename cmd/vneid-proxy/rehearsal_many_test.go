package main

import (
	"context"
	"flag"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vneid-proxy/broker"
	"vneid-proxy/broker/directory"
	"vneid-proxy/broker/link"
	"vneid-proxy/identity"
)

var (
	manyAccounts = flag.Int("accounts", 3*drawnKinds, "accounts that TestRehearsalOfMany rehearses and looks at")
	manySeeded   = flag.Int("seeded", drawnKinds, "accounts of them that the ledger holds something of")
	manyAt       = flag.String("at", "2026-11-15", "day that they are rehearsed for")
)

// drawnDirectory is a directory of accounts that are drawn when asked for, so
// that five million of them need no room.
type drawnDirectory struct{ size, seeded int }

func (d drawnDirectory) account(i int) identity.Account { return draw(i).account }

func (d drawnDirectory) Scan(ctx context.Context, visit func(directory.Record) error) error {
	for i := range d.size {
		if err := visit(directory.Record{Account: d.account(i)}); err != nil {
			return err
		}
	}
	return ctx.Err()
}

func (d drawnDirectory) ByID(_ context.Context, id identity.AccountID) (identity.Account, error) {
	i, err := strconv.Atoi(strings.TrimPrefix(string(id), "tk-"))
	if err != nil || i >= d.size {
		return identity.Account{}, broker.ErrNoAccount
	}
	return d.account(i), nil
}

func (d drawnDirectory) ByUsername(context.Context, string) ([]identity.Account, error) {
	return nil, nil
}

func (d drawnDirectory) ByCitizenNumber(context.Context, identity.CitizenNumber) ([]identity.Account, error) {
	return nil, nil
}

// TestRehearsalOfMany rehearses a directory in batches and then looks at every
// account by itself, with what a sign-in to it gathers and decides: they agree
// account by account. make bench-rehearsal does so with five million.
func TestRehearsalOfMany(t *testing.T) {
	t.Parallel()
	at, err := policyMoment(*manyAt, time.Time{})
	require.NoError(t, err)
	r := &rig{t: t, env: map[string]string{
		"PUBLIC_URL": "http://127.0.0.1", "UPSTREAM_URL": "http://127.0.0.1:1", "ISSUER_URL": "http://127.0.0.1:1", "CLIENT_ID": "portal",
		"SECRET_KEYS": base64Key(1), "LEDGER_KEYS": base64Key(2), "LEDGER_INDEX_KEY": base64Key(3), "LEDGER_URL": "",
		"DIRECTORY_URL": "embedded:/given-in-memory", "DIRECTORY_CREDENTIAL_URL": "http://127.0.0.1:1/c", "DIRECTORY_TOKEN": "x",
		"POPULATION_URL": "http://127.0.0.1:1/m", "POPULATION_TOKEN": "x", "POLICY_FILE": policyText(t, rehearsalPolicy),
	}}
	file := filepath.Join(t.TempDir(), "ledger.db")
	policy, err := loadPolicy(r.settings(t, file))
	require.NoError(t, err)
	accounts := drawnDirectory{*manyAccounts, min(*manySeeded, *manyAccounts)}
	seeding := openAt(t, file, rehearsalBegins())
	began := time.Now()
	for i := range accounts.seeded {
		seedAccount(t, seeding, i, draw(i))
	}
	require.NoError(t, seeding.Close())
	t.Logf("%d accounts seeded in %s", accounts.seeded, time.Since(began).Round(time.Second))

	l := openAt(t, file, at)
	defer func() { require.NoError(t, l.Close()) }()
	report, outcomes := newRehearsalReport(at), make([]uint8, 0, accounts.size)
	numbers := map[link.Outcome]uint8{}
	for i, outcome := range link.Outcomes() {
		numbers[outcome] = uint8(i)
	}
	began = time.Now()
	require.NoError(t, rehearsal{policy, at, l.AccountStates}.run(t.Context(), accounts, func(one rehearsed) error {
		report.add(one)
		outcomes = append(outcomes, numbers[one.outcome])
		return nil
	}))
	took := time.Since(began)
	require.Len(t, outcomes, accounts.size)
	t.Logf("%d accounts rehearsed in %s: %.0f a second", accounts.size, took.Round(time.Millisecond), float64(accounts.size)/took.Seconds())

	began = time.Now()
	var differ atomic.Int64
	var lookers sync.WaitGroup
	config := broker.LookConfig{Directory: accounts, Ledger: l, Policy: policy, At: at}
	hands := runtime.GOMAXPROCS(0)
	for hand := range hands {
		lookers.Go(func() {
			for i := hand; i < accounts.size; i += hands {
				_, outcome, err := broker.Look(t.Context(), config, accounts.account(i).ID)
				if err != nil || numbers[outcome] != outcomes[i] {
					if differ.Add(1) < 10 {
						t.Errorf("account %d (%+v): rehearsed %s, looked at %s (%v)", i, draw(i), link.Outcomes()[outcomes[i]], outcome, err)
					}
				}
			}
		})
	}
	lookers.Wait()
	assert.Zero(t, differ.Load())
	t.Logf("%d accounts looked at in %s, %d otherwise than rehearsed; at most %s of memory in use", accounts.size, time.Since(began).Round(time.Millisecond), differ.Load(), mostMemory())
	require.NoError(t, report.writeTable(t.Output()))
}

// mostMemory is the most that this process has had in memory, where the system
// tells.
func mostMemory() string {
	text, _ := os.ReadFile("/proc/self/status")
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			return strings.TrimSpace(rest)
		}
	}
	return "an unknown amount"
}

func (d drawnDirectory) ByIDCardNumber(context.Context, identity.IDCardNumber) ([]identity.Account, error) {
	return nil, nil
}
