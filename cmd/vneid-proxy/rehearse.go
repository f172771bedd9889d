package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"vneid-proxy/broker"
	"vneid-proxy/broker/directory"
	"vneid-proxy/broker/ledger"
	"vneid-proxy/broker/link"
	"vneid-proxy/config"
	"vneid-proxy/identity"
	"vneid-proxy/metrics"
)

// rehearseBatch is how many accounts the ledger is asked about at once.
const rehearseBatch = 500

// scanner is a directory that can be walked whole, as directory.Record says.
type scanner interface {
	Scan(ctx context.Context, visit func(directory.Record) error) error
}

// counter is a directory that knows how many accounts it has.
type counter interface {
	Count(ctx context.Context) (int, error)
}

// rehearsal says what the policy would make of every account at a moment, with
// what directory and ledger hold today. It holds one batch of accounts.
type rehearsal struct {
	policy link.Policy
	at     time.Time
	states func(context.Context, []identity.AccountID) ([]ledger.AccountState, error)
}

// rehearsed is one account's part.
type rehearsed struct {
	account    identity.Account
	class      link.Class
	outcome    link.Outcome
	unreadable bool // something stands in the directory that cannot be read
}

// run visits every account of the directory.
func (r rehearsal) run(ctx context.Context, accounts scanner, visit func(rehearsed) error) error {
	batch := make([]directory.Record, 0, rehearseBatch)
	ids := make([]identity.AccountID, 0, rehearseBatch)
	flush := func() error {
		states, err := r.states(ctx, ids)
		if err != nil {
			return err
		}
		for i, record := range batch {
			facts := broker.Facts(r.policy, record.Account, states[i])
			one := rehearsed{account: record.Account, class: facts.Class, outcome: r.policy.Rehearse(facts, r.at),
				unreadable: !record.NumberText.IsZero() || !record.IDCardText.IsZero() || record.BirthDateText != ""}
			if err := visit(one); err != nil {
				return err
			}
		}
		batch, ids = batch[:0], ids[:0]
		return nil
	}
	err := accounts.Scan(ctx, func(record directory.Record) error {
		batch, ids = append(batch, record), append(ids, record.Account.ID)
		if len(batch) < rehearseBatch {
			return nil
		}
		return flush()
	})
	if err == nil && len(batch) > 0 {
		err = flush()
	}
	return err
}

// policyMoment is the moment that --at names: noon of a day, for days begin and
// end at midnight; now where it is "".
func policyMoment(at string, now time.Time) (time.Time, error) {
	if at == "" {
		return now, nil
	}
	if moment, err := time.Parse(time.RFC3339, at); err == nil {
		return moment, nil
	}
	var day config.Date
	if err := day.UnmarshalText([]byte(at)); err != nil {
		return time.Time{}, errors.New("write --at as a day, such as 2026-07-01, or as a moment, such as 2026-07-01T00:00:00+07:00")
	}
	return day.Time().Add(12 * time.Hour), nil
}

// rehearse is check --policy.
func (k checkCommand) rehearse(ctx context.Context, c config.Config, here terminal) (err error) {
	policy, err := loadPolicy(c)
	if err != nil {
		return err
	}
	if policy.Mode == link.Off {
		return errors.New("with LINK=off there are no accounts and nothing to rehearse")
	}
	at, err := policyMoment(k.At, time.Now())
	if err != nil {
		return err
	}
	connected, err := newConnector(ctx, c)
	if err != nil {
		return err
	}
	if database, ok := connected.(io.Closer); ok {
		defer func() { err = errors.Join(err, database.Close()) }()
	}
	if k.Account {
		return k.rehearseOne(ctx, c, policy, at, connected, here)
	}
	accounts, ok := connected.(scanner)
	if !ok {
		return fmt.Errorf("the directory of %s cannot be walked whole; rehearse on a copy of it, as embedded:", variable("DIRECTORY_URL"))
	}
	l, closeLedger, err := rehearsalLedger(ctx, c, k.Clear)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, closeLedger()) }()

	if k.Clear {
		if err := reveal(ctx, l, k.Officer, ledger.Event{Detail: map[string]string{"list": "rehearsal"}}); err != nil {
			return err
		}
	}
	report := newRehearsalReport(at)
	list, err := newBlockedList(k.List, func(id identity.AccountID) string {
		if k.Clear {
			return string(id)
		}
		return l.Pseudonym("account", string(id))
	})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, list.close(err == nil)) }()
	total := 0
	if c, ok := accounts.(counter); ok {
		total, _ = c.Count(ctx) // 0 where it cannot say
	}
	progress := newProgress(os.Stderr, "accounts rehearsed", total)
	err = rehearsal{policy, at, l.AccountStates}.run(ctx, accounts, func(one rehearsed) error {
		report.add(one)
		progress.set(report.accounts)
		return list.add(one)
	})
	progress.end()
	if err != nil {
		return err
	}
	return report.write(here.out, k.Format)
}

// rehearseOne says what the policy would make of one account, from what a
// sign-in to it gathers.
func (k checkCommand) rehearseOne(ctx context.Context, c config.Config, policy link.Policy, at time.Time, accounts connector, here terminal) (err error) {
	account, err := readAccount(here)
	if err != nil {
		return err
	}
	l, closeLedger, err := rehearsalLedger(ctx, c, k.Clear)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, closeLedger()) }()
	class, outcome, err := broker.Look(ctx, broker.LookConfig{
		Directory: accountDirectory{accounts, calls{metrics.New(buildVersion()), time.Now}}, Ledger: l, Policy: policy, At: at,
	}, account)
	if errors.Is(err, broker.ErrNoAccount) {
		return errors.New("the directory has no account of that id")
	}
	if err != nil {
		return err
	}
	blocked := ""
	if outcome.Blocked() {
		blocked = ", blocked"
	}
	fmt.Fprintf(here.out, "%s: %s, %s%s\n", at.In(vietnam()).Format(time.RFC3339), className(class), outcome, blocked)
	return nil
}

// rehearsalLedger opens the ledger beside a running process; audited says that
// the audit is to be written to. Where there is none yet, an empty one that is thrown away stands in for it; one that serve
// would change first is left alone.
func rehearsalLedger(ctx context.Context, c config.Config, audited bool) (l *ledger.Ledger, end func() error, err error) {
	seen, err := ledger.Inspect(ctx, ledgerConfig(c))
	if err != nil {
		return nil, nil, err
	}
	if !seen.Absent && seen.Version != seen.Newest {
		return nil, nil, fmt.Errorf("the ledger's tables have version %d, this release's %d: rehearse with the release that serves", seen.Version, seen.Newest)
	}
	clean := func() error { return nil }
	if seen.Absent && audited {
		return nil, nil, errors.New("--reveal writes to the audit who asks, and there is no ledger yet: serve makes it")
	}
	if seen.Absent {
		folder, err := os.MkdirTemp("", "vneid-proxy-rehearsal-")
		if err != nil {
			return nil, nil, err
		}
		clean = func() error { return os.RemoveAll(folder) }
		c.Ledger = config.Ledger{}
		if err := c.Ledger.URL.UnmarshalText([]byte("sqlite://" + filepath.Join(folder, "ledger.db"))); err != nil {
			return nil, nil, errors.Join(err, clean())
		}
		fmt.Fprintln(os.Stderr, "vneid-proxy: there is no ledger yet: nobody counts as linked, pending, skipping or exempt")
	}
	if l, err = openLedger(ctx, c, discard(), time.Now); err != nil {
		return nil, nil, errors.Join(err, clean())
	}
	return l, func() error { return errors.Join(l.Close(), clean()) }, nil
}
