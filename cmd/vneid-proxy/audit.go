package main

import (
	"context"
	"fmt"
	"time"

	"vneid-proxy/broker/ledger"
	"vneid-proxy/config"
)

type auditCommand struct {
	Verify auditVerifyCommand `cmd:"" help:"Walk the audit chain from the oldest kept checkpoint and name the first row that is broken."`
	Export auditExportCommand `cmd:"" help:"Write the chained rows to standard output, in order, with all that an outsider needs to verify them."`
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
