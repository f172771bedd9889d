package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"time"

	"vneid-proxy/broker/ledger"
	"vneid-proxy/config"
	"vneid-proxy/identity"
)

// linksCommand reads and ends links. What names a person is read from standard
// input: a command line stands in the list of processes and in the shell's
// history.
type linksCommand struct {
	Show    linksShowCommand    `cmd:"" help:"The active link of an account, and the citizen's other ones. The account's id is read from standard input."`
	History linksHistoryCommand `cmd:"" help:"Every link that an account has had. Its id is read from standard input."`
	Unlink  linksUnlinkCommand  `cmd:"" help:"End the active link of an account; the row stays as history. Its id is read from standard input."`
}

type linksShowCommand struct {
	Clear   bool   `name:"reveal" help:"Show numbers and accounts in clear. It is written to the audit first, under --officer."`
	Officer string `help:"Who asks; needed with --reveal."`
}

// Run prints a line for each link.
func (command linksShowCommand) Run(ctx context.Context, environ environment, at terminal) error {
	return withAccount(ctx, environ, at, func(l *ledger.Ledger, account identity.AccountID) error {
		active, err := l.ActiveByAccount(ctx, account)
		if errors.Is(err, ledger.ErrNotFound) {
			fmt.Fprintln(at.out, "the account has no active link")
			return nil
		}
		if err != nil {
			return err
		}
		all, err := l.ActiveOf(ctx, active.CitizenID)
		if err != nil {
			return err
		}
		if command.Clear {
			if err := reveal(ctx, l, command.Officer, ledger.Event{Account: account, CitizenID: active.CitizenID}); err != nil {
				return err
			}
		}
		return table(at.out, "ACCOUNT\tNUMBER\tFOR\tMETHOD\tSTRENGTH\tDEFAULT\tSINCE\tENDS", func(row func(...any)) {
			for _, other := range all {
				shown, number := l.Pseudonym("account", string(other.Account)), other.Number.String()
				if command.Clear {
					shown, number = string(other.Account), revealed(other.Number)
				}
				acts := "self"
				if other.ForOrganisation {
					acts = "organisation"
				}
				row(shown, number, acts, other.Method, other.Strength, other.Default, instant(other.Since), instant(other.UnlinkDue))
			}
		})
	})
}

type linksHistoryCommand struct{}

// Run prints a line for each link, ended ones too.
func (linksHistoryCommand) Run(ctx context.Context, environ environment, at terminal) error {
	return withAccount(ctx, environ, at, func(l *ledger.Ledger, account identity.AccountID) error {
		links, err := l.History(ctx, account)
		if err != nil {
			return err
		}
		return table(at.out, "LINK\tMETHOD\tSTRENGTH\tSINCE\tENDED", func(row func(...any)) {
			for _, past := range links {
				row(past.ID, past.Method, past.Strength, instant(past.Since), instant(past.Ended))
			}
		})
	})
}

type linksUnlinkCommand struct {
	Officer string `required:"" help:"Who ends it."`
	Reason  string `required:"" help:"Why, for whoever audits."`
}

// Run ends the link; the account's sessions end within a second.
func (command linksUnlinkCommand) Run(ctx context.Context, environ environment, at terminal) error {
	return withAccount(ctx, environ, at, func(l *ledger.Ledger, account identity.AccountID) error {
		active, err := l.ActiveByAccount(ctx, account)
		if err == nil {
			err = l.Unlink(ctx, active.ID, command.Reason, command.Officer)
		}
		if errors.Is(err, ledger.ErrNotFound) {
			return errors.New("the account has no active link")
		}
		if err == nil {
			fmt.Fprintln(at.out, "unlinked; a new proof is needed to link it again")
		}
		return err
	})
}

// readAccount reads an account's id from standard input.
func readAccount(at terminal) (identity.AccountID, error) {
	line, err := bufio.NewReader(io.LimitReader(at.in, 4<<10)).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return "", err
	}
	account := identity.AccountID(strings.TrimRight(line, "\r\n"))
	if account == "" {
		return "", errors.New("the account's id is read from standard input, and there was none")
	}
	return account, nil
}

// withAccount opens the ledger for the account that standard input names.
func withAccount(ctx context.Context, environ environment, at terminal, do func(*ledger.Ledger, identity.AccountID) error) error {
	account, err := readAccount(at)
	if err != nil {
		return err
	}
	return withLedger(ctx, environ, func(_ config.Config, l *ledger.Ledger) error { return do(l, account) })
}

func instant(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.UTC().Format(time.RFC3339)
}

// revealed is a number in clear, for an officer whose asking is in the audit.
func revealed(n identity.CitizenNumber) string { return n.Reveal() }

func discard() *slog.Logger { return slog.New(slog.DiscardHandler) }
