package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"vneid-proxy/config"
)

type auditCommand struct {
	Verify auditVerifyCommand `cmd:"" help:"Walk the audit chain from the oldest kept checkpoint and name the first row that is broken."`
}

type auditVerifyCommand struct{}

// Run verifies the chain beside a running process or without one. A broken
// chain is an error.
func (auditVerifyCommand) Run(ctx context.Context, environ environment) (err error) {
	c, err := config.Load(environ)
	if err != nil {
		return err
	}
	l, err := openLedger(ctx, c, slog.Default())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, l.Close()) }()
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
}
