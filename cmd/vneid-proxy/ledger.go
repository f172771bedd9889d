package main

import (
	"context"
	"log/slog"

	"vneid-proxy/broker/ledger"
	"vneid-proxy/config"
)

func openLedger(ctx context.Context, c config.Config, logger *slog.Logger) (*ledger.Ledger, error) {
	settings := ledgerConfig(c)
	settings.Logger = logger
	return ledger.Open(ctx, settings)
}

func ledgerConfig(c config.Config) ledger.Config {
	return ledger.Config{
		URL: c.Ledger.URL.Reveal(), Password: c.Ledger.Password.Reveal(),
		Keys: c.Keys.Ledger.Reveal(), IndexKey: c.Keys.LedgerIndex.Reveal()[0],
		AuditKeep: c.Ledger.AuditRetention, SessionLifetime: c.Session.Lifetime, WriteBack: c.Directory.WriteBack,
	}
}
