package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"time"

	"vneid-proxy/broker/ledger"
	"vneid-proxy/config"
)

type ledgerCommand struct {
	Check ledgerCheckCommand `cmd:"" help:"Read the whole ledger and hold it to every rule of its own."`
	Rekey ledgerRekeyCommand `cmd:"" help:"Seal everything under the first of LEDGER_KEYS, beside running processes."`
}

type ledgerCheckCommand struct{}

// Run prints what was found as JSON. A violation is an error.
func (ledgerCheckCommand) Run(ctx context.Context, environ environment) error {
	return withLedger(ctx, environ, func(_ config.Config, l *ledger.Ledger) error {
		report, err := l.Check(ctx)
		if err != nil {
			return err
		}
		encoder := json.NewEncoder(os.Stdout)
		encoder.SetIndent("", "  ")
		if err := encoder.Encode(report); err != nil {
			return err
		}
		if !report.Whole() {
			return fmt.Errorf("rules broken: %d times", report.Count)
		}
		return nil
	})
}

type ledgerRekeyCommand struct {
	Index bool `help:"Instead, have rows found by LEDGER_INDEX_KEY_NEXT; see docs/operations.md for the steps."`
}

// Run can be stopped at any moment and started again.
func (k ledgerRekeyCommand) Run(ctx context.Context, environ environment) error {
	return withLedger(ctx, environ, func(_ config.Config, l *ledger.Ledger) error {
		p := &rekeyProgress{}
		defer p.end()
		if !k.Index {
			if err := l.Rekey(ctx, p.tell); err != nil {
				return err
			}
			fmt.Println("everything is sealed under the first of LEDGER_KEYS: once every process has it first, the others may go")
			return nil
		}
		until, err := l.RekeyIndex(ctx, p.tell)
		if err != nil {
			return err
		}
		if until.IsZero() {
			fmt.Println("everything is found by the new key: it may be LEDGER_INDEX_KEY now, alone")
			return nil
		}
		fmt.Printf("everything that is kept is found by the new key: it may be LEDGER_INDEX_KEY, alone, from %s on\n", until.UTC().Format(time.RFC3339))
		return nil
	})
}

// rekeyProgress shows how far it is, once that is known.
type rekeyProgress struct{ shown *progress }

func (p *rekeyProgress) tell(now ledger.Progress) {
	if p.shown == nil {
		p.shown = newProgress(os.Stderr, "rows", int(now.Total))
	}
	p.shown.set(int(now.Done))
}

func (p *rekeyProgress) end() {
	if p.shown != nil {
		p.shown.end()
	}
}

func openLedger(ctx context.Context, c config.Config, logger *slog.Logger, now func() time.Time) (*ledger.Ledger, error) {
	settings := ledgerConfig(c)
	settings.Logger, settings.Now = logger, now
	return ledger.Open(ctx, settings)
}

func ledgerConfig(c config.Config) ledger.Config {
	settings := ledger.Config{
		URL: c.Ledger.URL.Reveal(), Password: c.Ledger.Password.Reveal(),
		Keys: c.Keys.Ledger.Reveal(), IndexKey: c.Keys.LedgerIndex.Reveal()[0],
		AuditKeep: c.Ledger.AuditRetention, SessionLifetime: c.Session.Lifetime, WriteBack: c.Directory.WriteBack, Notify: c.Portal.NotifyURL != nil,
	}
	if !c.Keys.LedgerIndexNext.IsZero() {
		settings.NextIndexKey = c.Keys.LedgerIndexNext.Reveal()[0]
	}
	return settings
}
