package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"vneid-proxy/broker/ledger"
	"vneid-proxy/config"
	"vneid-proxy/identity"
)

type auditCommand struct {
	Verify auditVerifyCommand `cmd:"" help:"Walk the audit chain from the oldest kept checkpoint and name the first row that is broken."`
	Export auditExportCommand `cmd:"" help:"Write the chained rows to standard output, in order, with all that an outsider needs to verify them."`
	Erase  auditEraseCommand  `cmd:"" help:"Destroy the key that opens what the audit holds of one citizen; the chain still verifies. The id of an account of theirs is read from standard input."`
}

type auditEraseCommand struct {
	Officer string `required:"" help:"Who does it."`
	Reason  string `required:"" help:"Why, for whoever audits."`
}

// Run erases the citizen of the account's newest link. Links and profile stay:
// they are what signing in stands on.
func (k auditEraseCommand) Run(ctx context.Context, environ environment, at terminal) error {
	return withAccount(ctx, environ, at, func(l *ledger.Ledger, account identity.AccountID) error {
		links, err := l.History(ctx, account)
		if err != nil {
			return err
		}
		if len(links) == 0 {
			return errors.New("the account has never had a link: the audit holds nothing under a key of its own")
		}
		err = l.EraseCitizen(ctx, links[len(links)-1].CitizenID, k.Officer, k.Reason)
		if errors.Is(err, ledger.ErrNotFound) {
			return errors.New("what the audit holds of this citizen is erased already")
		}
		if err == nil {
			fmt.Fprintln(at.out, "erased; copies of the ledger made earlier still hold the key")
		}
		return err
	})
}

type auditVerifyCommand struct{}

// Run verifies the chain beside a running process or without one. A broken
// chain is an error.
func (auditVerifyCommand) Run(ctx context.Context, environ environment) error {
	return withLedger(ctx, environ, func(_ config.Config, l *ledger.Ledger) error {
		report, err := l.VerifyAudit(ctx)
		if err != nil {
			return err
		}
		if !report.Whole() {
			return fmt.Errorf("audit row %d: %s", report.Broken, report.Reason)
		}
		fmt.Printf("whole: rows %d to %d, %d checkpoints since %s, %d rows await sealing\nhead: %s\n",
			report.First, report.Last, report.Checkpoints, report.Since.UTC().Format(time.RFC3339), report.Unsealed, report.Head)
		return nil
	})
}
