package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"strconv"
	"time"

	"vneid-proxy/broker/ledger"
	"vneid-proxy/broker/link"
	"vneid-proxy/cleanup"
	"vneid-proxy/metrics"
)

type accountsMatchCommand struct {
	accountsSource
	Rate    float64       `default:"5" help:"Questions a second at most."`
	PerDay  int           `default:"0" placeholder:"N" help:"Questions a day at most, over all runs; the day ends at midnight in Việt Nam. 0: any number."`
	Workers int           `default:"4" help:"Questions that may be open at once."`
	GiveUp  time.Duration `default:"5m" help:"Stop when no question was answered for so long."`
}

// Run asks. It ends well when everything was asked, the day's questions are
// used up, or it was told to stop.
func (k accountsMatchCommand) Run(ctx context.Context, environ environment) (err error) {
	if k.Rate <= 0 || k.Workers < 1 || k.Workers > 64 || k.PerDay < 0 || k.GiveUp <= 0 {
		return errors.New("--rate and --give-up must be above 0, --workers from 1 to 64, --per-day 0 or more")
	}
	a, err := k.openWhole(ctx, environ)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, a.close()) }()
	c := a.config
	client, err := newPopulation(c, callsToday(a.ledger))
	if err != nil {
		return err
	}
	todo, err := k.count(ctx, a)
	if err != nil {
		return stopped(ctx, err)
	}
	if err := k.note(ctx, a.ledger, "accounts_match_began", map[string]string{"to_ask": strconv.Itoa(todo)}); err != nil {
		return err
	}
	progress := newProgress(os.Stderr, "accounts asked about", todo)
	run := rand.Text()
	far, err := cleanup.Match(ctx, cleanup.MatchConfig{
		Directory: a.directory, Ledger: a.ledger, Rules: k.rules(a.policy), Run: run,
		Check:   cleanup.Check(populationCheck(client.Background(0), calls{metrics: metrics.New(buildVersion()), now: time.Now})),
		Workers: k.Workers, PerSecond: k.Rate, PerDay: k.PerDay, Patience: k.GiveUp,
		DayEnds:  func(now time.Time) time.Time { return link.DayOf(now).Time().AddDate(0, 0, 1) },
		Lease:    c.Process.CallTimeout + 5*time.Second,
		Progress: func(m cleanup.Matching) { progress.set(m.Done()) },
	})
	progress.end()
	fmt.Printf("confirmed %d, not matched %d, unanswered %d, asked by another run %d\n", far.Confirmed, far.NotMatched, far.Unanswered, far.Elsewhere)
	err = errors.Join(err, k.note(context.WithoutCancel(ctx), a.ledger, "accounts_match_ended", map[string]string{
		"confirmed": strconv.Itoa(far.Confirmed), "not_matched": strconv.Itoa(far.NotMatched), "unanswered": strconv.Itoa(far.Unanswered)}))
	switch {
	case errors.Is(err, cleanup.ErrUnanswered):
		return fmt.Errorf("%w; what was answered is kept: run the same command again when it does", err)
	case far.BudgetSpent:
		fmt.Println("the day's questions are used up: run the same command again after midnight in Việt Nam")
	case err == nil && far.Unanswered > 0:
		fmt.Println("run the same command again to ask about the unanswered ones")
	}
	return stopped(ctx, err)
}

// count reads the directory once, for the dashboard and to know how many there
// are to ask about.
func (k accountsMatchCommand) count(ctx context.Context, a *accounts) (todo int, err error) {
	progress := newProgress(os.Stderr, "accounts read", 0)
	defer progress.end()
	report, err := cleanup.Take(ctx, cleanup.Config{Directory: a.directory, Ledger: a.ledger, Rules: k.rules(a.policy), Folder: k.WorkFolder, Progress: progress.set})
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, report.Close()) }()
	if k.File == "" {
		if err := a.ledger.PutCleanCounts(ctx, report.Counts()); err != nil {
			return 0, err
		}
	}
	return report.In(cleanup.StateReady, cleanup.StateUnanswered), nil
}

func (accountsMatchCommand) note(ctx context.Context, l *ledger.Ledger, event string, detail map[string]string) error {
	officer, err := accountsShown{}.officer()
	if err != nil {
		officer = "accounts match"
	}
	return l.Audit(ctx, ledger.Event{Name: event, Actor: officer, Detail: detail})
}

// stopped says how to go on where the process was told to stop, which is no
// fault.
func stopped(ctx context.Context, err error) error {
	if ctx.Err() == nil || !errors.Is(err, context.Canceled) {
		return err
	}
	fmt.Println("stopped; what was answered is kept: run the same command again to go on")
	return nil
}
