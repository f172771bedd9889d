package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"vneid-proxy/broker/ledger"
	"vneid-proxy/config"
)

// reviewsCommand works on what waits for staff. A command line cannot know who
// an officer is: whoever may run it is believed, and two names are two
// statements of theirs.
type reviewsCommand struct {
	List   reviewsListCommand   `cmd:"" help:"The open ones, the oldest first."`
	Show   reviewsShowCommand   `cmd:"" help:"One of them, with the votes on it."`
	Decide reviewsDecideCommand `cmd:"" help:"Say what should become of one. It is done once a second officer says the same."`
}

type reviewsListCommand struct {
	Limit int `default:"100" help:"How many at the most."`
}

// Run prints a line for each.
func (command reviewsListCommand) Run(ctx context.Context, environ environment, at terminal) error {
	return withLedger(ctx, environ, func(_ config.Config, l *ledger.Ledger) error {
		waiting, err := l.Reviews(ctx, command.Limit)
		if err != nil {
			return err
		}
		return table(at.out, "REFERENCE\tREASON\tKIND\tSINCE\tTIMES", func(row func(...any)) {
			for _, r := range waiting {
				row(r.Reference, r.Reason, r.Kind, r.At.UTC().Format(time.RFC3339), r.Times)
			}
		})
	})
}

type reviewsShowCommand struct {
	Reference string `arg:"" help:"The code that the person quotes."`
	Clear     bool   `name:"reveal" help:"Show number and account in clear. It is written to the audit first, under --officer."`
	Officer   string `help:"Who asks; needed with --reveal."`
}

// Run prints what was said, masked unless revealed.
func (command reviewsShowCommand) Run(ctx context.Context, environ environment, at terminal) error {
	return withLedger(ctx, environ, func(_ config.Config, l *ledger.Ledger) error {
		r, votes, err := l.ReviewByReference(ctx, command.Reference)
		if errors.Is(err, ledger.ErrNotFound) {
			return fmt.Errorf("no open review has the reference %s", command.Reference)
		}
		if err != nil {
			return err
		}
		account, number := "pseudonym "+l.Pseudonym("account", string(r.Account)), r.Citizen.Number.String()
		if command.Clear {
			if err := reveal(ctx, l, command.Officer, ledger.Event{Account: r.Account, Detail: map[string]string{"reference": r.Reference}}); err != nil {
				return err
			}
			account, number = string(r.Account), revealed(r.Citizen.Number)
		}
		fmt.Fprintf(at.out, "reference   %s\nreason      %s\nasked       %s, %d times, last %s\naccount     %s (%s)\nvouched by  %s\nnumber      %s\nname        %s\nbirth date  %s\n",
			r.Reference, r.Reason, r.At.UTC().Format(time.RFC3339), r.Times, r.Last.UTC().Format(time.RFC3339), account, r.Kind,
			orNobody(r.Citizen.Provider), number, r.Citizen.Name, r.Citizen.BirthDate)
		return table(at.out, "VOTE\tOFFICER\tAT\tNOTE", func(row func(...any)) {
			for _, v := range votes {
				row(v.Decision, v.Officer, v.At.UTC().Format(time.RFC3339), v.Note)
			}
		})
	})
}

func orNobody(provider string) string {
	if provider == "" {
		return "nobody: the number was typed"
	}
	return provider
}

type reviewsDecideCommand struct {
	Reference string `arg:"" help:"The code that the person quotes."`
	Officer   string `required:"" help:"Who decides."`
	Decision  string `required:"" enum:"link,reject" help:"link gives the account to the citizen of the review, and ends another's link to it; reject changes nothing."`
	Note      string `required:"" help:"Why, for whoever audits."`
}

// Run casts the vote and says what came of it.
func (command reviewsDecideCommand) Run(ctx context.Context, environ environment, at terminal) error {
	return withLedger(ctx, environ, func(_ config.Config, l *ledger.Ledger) error {
		carried, err := l.Decide(ctx, command.Reference, ledger.Vote{
			Officer: command.Officer, Decision: ledger.ReviewDecision(command.Decision), Note: command.Note,
		})
		switch {
		case errors.Is(err, ledger.ErrNotFound):
			return fmt.Errorf("no open review has the reference %s", command.Reference)
		case errors.Is(err, ledger.ErrConflict):
			return errors.New("number and subject belong to two citizens of the ledger: no link can be made of it; reject it, and have the citizen's records put right first")
		case err != nil:
			return err
		case carried:
			fmt.Fprintln(at.out, "done:", command.Decision)
		default:
			fmt.Fprintln(at.out, "recorded; it is done once another officer says the same")
		}
		return nil
	})
}

// withLedger opens the ledger that the environment names, beside a running
// process or without one.
func withLedger(ctx context.Context, environ environment, do func(config.Config, *ledger.Ledger) error) (err error) {
	c, err := config.Load(environ)
	if err != nil {
		return err
	}
	l, err := openLedger(ctx, c, discard(), time.Now)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, l.Close()) }()
	return do(c, l)
}

// reveal writes down who is about to see what is personal. Nothing is shown
// before that is on disk.
func reveal(ctx context.Context, l *ledger.Ledger, officer string, e ledger.Event) error {
	if officer == "" {
		return errors.New("--reveal needs --officer: who asks is written to the audit first")
	}
	e.Name, e.Actor = ledger.EventRevealed, officer
	return l.Audit(ctx, e)
}

// table writes rows below their headings, in columns.
func table(to io.Writer, headings string, rows func(row func(...any))) error {
	w := tabwriter.NewWriter(to, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, headings)
	rows(func(cells ...any) {
		for i, cell := range cells {
			if i > 0 {
				fmt.Fprint(w, "\t")
			}
			fmt.Fprint(w, cell)
		}
		fmt.Fprintln(w)
	})
	return w.Flush()
}
