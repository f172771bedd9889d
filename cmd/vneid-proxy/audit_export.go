package main

import (
	"bufio"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"io"
	"os"
	"strconv"
	"time"

	"vneid-proxy/broker/ledger"
	"vneid-proxy/config"
)

type auditExportCommand struct {
	Since   string `placeholder:"DATE" help:"First day, such as 2026-11-01 (Asia/Ho_Chi_Minh); default the oldest that is kept."`
	Until   string `placeholder:"DATE" help:"Last day, inclusive; default today."`
	Format  string `enum:"json,csv" default:"json" help:"json: one object a line; csv: with a line of names."`
	Secret  bool   `name:"reveal" help:"Open what rows hold in secret: who, from where, details. The audit says that it was done; needs --officer."`
	Officer string `placeholder:"NAME" help:"With --reveal: who will read it."`
}

// Validate is asked by kong.
func (k auditExportCommand) Validate() error {
	if k.Secret != (k.Officer != "") {
		return errors.New("--reveal and --officer NAME belong together: who reads personal details is written down")
	}
	_, _, err := k.days()
	return err
}

// days are the bounds, the second one exclusive.
func (k auditExportCommand) days() (since, until time.Time, err error) {
	var first, last config.Date
	if k.Since != "" && first.UnmarshalText([]byte(k.Since)) != nil || k.Until != "" && last.UnmarshalText([]byte(k.Until)) != nil {
		return since, until, errors.New("--since and --until are days, such as 2026-11-01")
	}
	if !last.IsZero() {
		until = last.Time().AddDate(0, 0, 1)
	}
	return first.Time(), until, nil
}

// Run writes the chain to standard output, beside a running process or without
// one.
func (k auditExportCommand) Run(ctx context.Context, environ environment) error {
	since, until, err := k.days()
	if err != nil {
		return err
	}
	return withLedger(ctx, environ, func(_ config.Config, l *ledger.Ledger) error {
		out := bufio.NewWriter(os.Stdout)
		give, end := exportJSON(out), out.Flush
		if k.Format == "csv" {
			give, end = exportCSV(out)
		}
		if err := l.ExportAudit(ctx, ledger.Export{Since: since, Until: until, RevealTo: k.Officer}, give); err != nil {
			return err
		}
		return end()
	})
}

func exportJSON(w io.Writer) func(ledger.Exported) error {
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	return func(e ledger.Exported) error { return encoder.Encode(e) }
}

// exportCSV gives the same columns for every type; detail is JSON.
func exportCSV(w *bufio.Writer) (give func(ledger.Exported) error, end func() error) {
	lines := csv.NewWriter(w)
	header := []string{"type", "seq", "at", "time", "hash", "written", "id", "event", "actor", "account", "citizen",
		"data_key", "sealed", "mac", "prev", "key_id", "signer", "public_key", "signature", "detail"}
	begun := false
	begin := func() error {
		if begun {
			return nil
		}
		begun = true
		return lines.Write(header)
	}
	give = func(e ledger.Exported) error {
		if err := begin(); err != nil {
			return err
		}
		detail := ""
		if e.Detail != nil {
			text, err := json.Marshal(e.Detail)
			if err != nil {
				return err
			}
			detail = string(text)
		}
		return lines.Write([]string{e.Type, strconv.FormatInt(e.Seq, 10), strconv.FormatInt(e.At, 10), e.Time, e.Hash,
			strconv.FormatInt(e.Written, 10), e.ID, e.Event, e.Actor, e.Account, e.Citizen, e.DataKey, e.Sealed, e.MAC, e.Prev,
			e.KeyID, e.Signer, e.PublicKey, e.Signature, detail})
	}
	return give, func() error {
		if err := begin(); err != nil {
			return err
		}
		lines.Flush()
		return errors.Join(lines.Error(), w.Flush())
	}
}
