package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode"

	"vneid-proxy/broker/directory"
	"vneid-proxy/broker/ledger"
	"vneid-proxy/config"
	"vneid-proxy/identity"
)

type exemptionsCommand struct {
	Add  exemptionsAddCommand  `cmd:"" help:"Excuse one account from linking, or give it more time, in place of what it had. Its id is read from standard input."`
	List exemptionsListCommand `cmd:"" help:"List the exemptions and extensions in force."`
	End  exemptionsEndCommand  `cmd:"" help:"End one before its time. The account's id is read from standard input."`
}

type exemptionsAddCommand struct {
	Until     string `required:"" placeholder:"DATE" help:"The last day, in Asia/Ho_Chi_Minh."`
	Reason    string `required:"" help:"Why. It is sealed in the audit."`
	Approver  string `required:"" help:"Who grants it."`
	Extension bool   `help:"Only move the account's days (legacy_sign_in_until, skip_until) to DATE, instead of excusing it from linking."`
}

// Run grants it. What it says is done is on disk and in the audit.
func (k exemptionsAddCommand) Run(ctx context.Context, environ environment, at terminal) error {
	var day config.Day
	if err := day.UnmarshalText([]byte(k.Until)); err != nil {
		return errors.New("write --until as a day, such as 2026-12-31")
	}
	if !day.After().After(time.Now()) {
		return errors.New("that day is over; to end one before its time: vneid-proxy exemptions end")
	}
	account, err := readAccount(at)
	if err != nil {
		return err
	}
	return withLedger(ctx, environ, func(c config.Config, l *ledger.Ledger) error {
		if err := knownAccount(ctx, c, account); err != nil {
			return err
		}
		e := ledger.Exemption{Account: account, Reason: k.Reason, Approver: k.Approver, Until: day.After(), Extension: k.Extension}
		if err := l.Exempt(ctx, e); err != nil {
			return emptyValue(err)
		}
		fmt.Fprintf(at.out, "%s of account %s until the end of %s\n", excuseWord(e), l.Pseudonym("account", string(account)), day)
		return nil
	})
}

type exemptionsListCommand struct {
	Clear   bool   `name:"reveal" help:"Show the accounts in clear. It is written to the audit first, under --officer."`
	Officer string `help:"Who asks; needed with --reveal."`
}

// Run prints a line for each, in the order in which they end.
func (k exemptionsListCommand) Run(ctx context.Context, environ environment, at terminal) error {
	return withLedger(ctx, environ, func(_ config.Config, l *ledger.Ledger) error {
		if k.Clear {
			if err := reveal(ctx, l, k.Officer, ledger.Event{Detail: map[string]string{"list": "exemptions"}}); err != nil {
				return err
			}
		}
		var failed error
		return errors.Join(table(at.out, "ACCOUNT\tWHAT\tLAST DAY\tAPPROVER\tREASON", func(row func(...any)) {
			failed = l.Exemptions(ctx, time.Now(), func(e ledger.Exemption) error {
				name := l.Pseudonym("account", string(e.Account))
				if k.Clear {
					name = string(e.Account)
				}
				last := e.Until.Add(-time.Millisecond).In(vietnam()).Format(time.DateOnly)
				row(name, excuseWord(e), last, inOneLine(e.Approver), inOneLine(e.Reason))
				return nil
			})
		}), failed)
	})
}

type exemptionsEndCommand struct {
	Reason   string `required:"" help:"Why. It is sealed in the audit."`
	Approver string `required:"" help:"Who ends it."`
}

// Run ends it. The account may be gone from the directory.
func (k exemptionsEndCommand) Run(ctx context.Context, environ environment, at terminal) error {
	return withAccount(ctx, environ, at, func(l *ledger.Ledger, account identity.AccountID) error {
		err := l.EndExemption(ctx, account, k.Approver, k.Reason)
		if errors.Is(err, ledger.ErrNotFound) {
			return errors.New("that account has none in force; vneid-proxy exemptions list names those that have")
		}
		if err != nil {
			return emptyValue(err)
		}
		fmt.Fprintln(at.out, "ended for account", l.Pseudonym("account", string(account)))
		return nil
	})
}

func emptyValue(err error) error {
	if errors.Is(err, ledger.ErrIncomplete) {
		return errors.New("none of the values may be empty")
	}
	return err
}

func excuseWord(e ledger.Exemption) string {
	if e.Extension {
		return "extension"
	}
	return "exemption"
}

// inOneLine keeps what staff wrote from spoiling a terminal or a table.
func inOneLine(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, text)
}

// knownAccount refuses an id that the directory does not have: a slip of the
// pen would excuse nobody.
func knownAccount(ctx context.Context, c config.Config, id identity.AccountID) (err error) {
	accounts, err := newConnector(ctx, c)
	if err != nil {
		return err
	}
	if database, ok := accounts.(io.Closer); ok {
		defer func() { err = errors.Join(err, database.Close()) }()
	}
	_, err = accounts.ByID(ctx, id)
	if errors.Is(err, directory.ErrNotFound) {
		return errors.New("the directory has no account of that id; nothing was changed")
	}
	return err
}
