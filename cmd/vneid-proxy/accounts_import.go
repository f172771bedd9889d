package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"vneid-proxy/broker/directory"
	"vneid-proxy/broker/link"
	"vneid-proxy/cleanup"
	"vneid-proxy/config"
	"vneid-proxy/identity"
)

type accountsImportCommand struct {
	Input string `arg:"" name:"file" placeholder:"FILE.csv" type:"existingfile" help:"The accounts, as docs/portal-guide.md says."`
	accountsRules
}

// Run checks the whole file and replaces the accounts only where nothing is
// wrong with it.
func (k accountsImportCommand) Run(ctx context.Context, environ environment) error {
	c, err := config.Load(environ)
	if err != nil {
		return err
	}
	if c.Directory.URL == nil || servedDirectory(c.Directory) {
		return errors.New(variable("DIRECTORY_URL") + " names the portal's own directory: there is nothing to import into. With embedded: it names the file")
	}
	if to := embeddedFile(c); to != "" {
		return writeAccounts(ctx, directory.CSVScan{Path: k.Input}, k.rules(link.Policy{}), k.WorkFolder, to)
	}
	return importAccounts(ctx, c.Directory.URL.Path, k.Input, k.rules(link.Policy{}))
}

// importAccounts fills the file that serve looks accounts up in. What the rules
// do not repair is kept as text.
func importAccounts(ctx context.Context, to, name string, rules cleanup.Rules) error {
	file, err := os.Open(name)
	if err != nil {
		return err
	}
	defer file.Close()
	kept, err := directory.Import(ctx, to, file, func(r directory.Record) directory.Record {
		r.Account = rules.Read(r).Account
		if !r.Account.Number.IsZero() {
			r.NumberText = identity.NumberText{}
		}
		if !r.Account.IDCard.IsZero() {
			r.IDCardText = identity.NumberText{}
		}
		return r
	})
	if err != nil {
		return err
	}
	fmt.Printf("%d accounts are in %s; serve reads them from now on\n", kept.Accounts, to)
	if kept.Unreadable > 0 {
		fmt.Printf("%d of them hold a number or a birth date that is none; it is kept as text, and they count as having none\n", kept.Unreadable)
	}
	return nil
}
