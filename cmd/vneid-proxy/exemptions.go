package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"text/tabwriter"
	"time"

	"vneid-proxy/broker/directory"
	"vneid-proxy/broker/ledger"
	"vneid-proxy/config"
	"vneid-proxy/identity"
)

type exemptionsCommand struct {
	Add  exemptionsAddCommand  `cmd:"" help:"Excuse one account from linking, or give it more time, in place of what it had."`
	List exemptionsListCommand `cmd:"" help:"List the exemptions and extensions in force."`
	End  exemptionsEndCommand  `cmd:"" help:"End one before its time."`
}

type exemptionsAddCommand struct {
	Account   string `required:"" help:"The account's id, as the directory has it."`
	Until     string `required:"" placeholder:"DATE" help:"The last day, in Asia/Ho_Chi_Minh."`
	Reason    string `required:"" help:"Why. It is sealed in the audit."`
	Approver  string `required:"" help:"Who grants it."`
	Extension bool   `help:"Only move the account's days (legacy_sign_in_until, skip_until) to DATE, instead of excusing it from linking."`
}

// Run grants it. What it says is done is on disk and in the audit.
func (k exemptionsAddCommand) Run(ctx context.Context, environ environment) error {
	var day config.Day
	if err := day.UnmarshalText([]byte(k.Until)); err != nil {
		return errors.New("write --until as a day, such as 2026-12-31")
	}
	if !day.After().After(time.Now()) {
		return errors.New("that day is over; to end one before its time: vneid-proxy exemptions end")
	}
	c, err := config.Load(environ)
	if err != nil {
		return err
	}
	account := identity.AccountID(k.Account)
	if err := knownAccount(ctx, c, account); err != nil {
		return err
	}
	return withLedger(ctx, c, func(l *ledger.Ledger) error {
		e := ledger.Exemption{Account: account, Reason: k.Reason, Approver: k.Approver, Until: day.After(), Extension: k.Extension}
		if err := l.Exempt(ctx, e); err != nil {
			return emptyValue(err)
		}
		fmt.Printf("%s of account %s until the end of %s\n", excuseWord(e), l.Pseudonym("account", k.Account), day)
		return nil
	})
}

type exemptionsListCommand struct {
	IDs bool `name:"reveal" help:"Print the accounts' own ids, which may be people's numbers, instead of the pseudonyms of the logs."`
}

// Run prints a line for each, in the order in which they end.
func (k exemptionsListCommand) Run(ctx context.Context, environ environment) error {
	c, err := config.Load(environ)
	if err != nil {
		return err
	}
	return withLedger(ctx, c, func(l *ledger.Ledger) error {
		table := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
		fmt.Fprintln(table, "account\twhat\tlast day\tapprover\treason")
		if err := l.Exemptions(ctx, time.Now(), func(e ledger.Exemption) error {
			name := l.Pseudonym("account", string(e.Account))
			if k.IDs {
				name = string(e.Account)
			}
			last := e.Until.Add(-time.Millisecond).In(vietnam()).Format(time.DateOnly)
			_, err := fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\n", name, excuseWord(e), last, oneLineText(e.Approver), oneLineText(e.Reason))
			return err
		}); err != nil {
			return err
		}
		return table.Flush()
	})
}

type exemptionsEndCommand struct {
	Account  string `required:"" help:"The account's id, as the directory has it."`
	Reason   string `required:"" help:"Why. It is sealed in the audit."`
	Approver string `required:"" help:"Who ends it."`
}

// Run ends it. The account may be gone from the directory.
func (k exemptionsEndCommand) Run(ctx context.Context, environ environment) error {
	c, err := config.Load(environ)
	if err != nil {
		return err
	}
	return withLedger(ctx, c, func(l *ledger.Ledger) error {
		err := l.EndExemption(ctx, identity.AccountID(k.Account), k.Approver, k.Reason)
		if errors.Is(err, ledger.ErrNotFound) {
			return errors.New("that account has none in force; vneid-proxy exemptions list names those that have")
		}
		if err != nil {
			return emptyValue(err)
		}
		fmt.Println("ended for account", l.Pseudonym("account", k.Account))
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

// oneLineText keeps what staff wrote from spoiling a terminal or a table.
func oneLineText(text string) string {
	runes := []rune(text)
	for i, r := range runes {
		if r < ' ' || r == 0x7f {
			runes[i] = ' '
		}
	}
	return string(runes)
}

// knownAccount refuses an id that the directory does not have: a slip of the
// pen would excuse nobody.
func knownAccount(ctx context.Context, c config.Config, id identity.AccountID) error {
	opened, err := openAccounts(c.Directory)
	if err != nil {
		return err
	}
	accounts, err := newConnector(c, opened)
	if err != nil {
		return err
	}
	_, err = accounts.ByID(ctx, id)
	if errors.Is(err, directory.ErrNotFound) {
		return errors.New("the directory has no account of that id; nothing was changed")
	}
	return err
}

func withLedger(ctx context.Context, c config.Config, do func(*ledger.Ledger) error) error {
	l, err := openLedger(ctx, c, slog.Default(), time.Now)
	if err != nil {
		return err
	}
	return errors.Join(do(l), l.Close())
}
