package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	"vneid-proxy/broker/directory"
	"vneid-proxy/cleanup"
	"vneid-proxy/identity"
)

type accountsExportCommand struct {
	accountsSource
	accountsShown
	accountsOutput
	As   string   `enum:"worklist,accounts" default:"worklist" help:"worklist is a row for each account with state and findings; accounts is an accounts file with numbers repaired as told, and needs --reveal and --output."`
	Only []string `placeholder:"KIND" help:"Only accounts of these findings or states."`
}

// Run reads the directory and writes a row an account.
func (k accountsExportCommand) Run(ctx context.Context, environ environment) (err error) {
	wanted, err := listed(k.Only)
	if err != nil {
		return err
	}
	if k.As == "accounts" && (!k.Clear || k.Output == "" || len(k.Only) > 0) {
		return errors.New("an accounts file holds every number in clear: --as accounts needs --reveal and --output, and takes no --only")
	}
	a, err := k.openWhole(ctx, environ)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, a.close()) }()
	show, err := k.show(ctx, a.ledger, "accounts export", map[string]string{"as": k.As, "only": fmt.Sprint(k.Only), "file": k.File})
	if err != nil {
		return err
	}
	if k.As == "accounts" {
		return writeAccounts(ctx, a.directory, k.rules(a.policy), k.WorkFolder, k.Output)
	}
	return k.write(func(to io.Writer) error {
		_, err := cleanup.Worklist(ctx, cleanup.Config{Directory: a.directory, Ledger: a.ledger, Rules: k.rules(a.policy)}, to, show,
			func(state cleanup.State, findings []cleanup.Finding) bool {
				return len(k.Only) == 0 || wanted("", state) ||
					slices.ContainsFunc(findings, func(f cleanup.Finding) bool { return wanted(f, "") })
			})
		return err
	})
}

// faultsNamed is how many faults of a file are told one by one.
const faultsNamed = 100

// writeAccounts writes an accounts file as serve reads it, in place of the one
// there, or names every fault and leaves that as it is.
func writeAccounts(ctx context.Context, from cleanup.Directory, rules cleanup.Rules, folder, to string) error {
	var faults []error
	found := 0
	fault := func(e directory.RowError) {
		if found++; found <= faultsNamed {
			faults = append(faults, e)
		}
	}
	repeats := cleanup.NewRepeats(folder)
	defer func() { _ = repeats.Close() }() // its files have no names
	accounts := 0
	err := replaceFile(to, func(file io.Writer) error {
		w, err := directory.NewCSVWriter(file)
		if err != nil {
			return err
		}
		visit := func(line int, r directory.Record) error {
			reading := rules.Read(r)
			if column, problem := reading.Problem(r); problem != "" {
				fault(directory.RowError{Line: line, Column: column, Problem: problem})
				return nil
			}
			accounts++
			return errors.Join(w.Write(reading.Account), repeats.Add(reading.Account.ID))
		}
		if scan, ok := from.(directory.CSVScan); ok {
			scan.Fault = fault
			err = scan.Rows(ctx, visit)
		} else {
			err = from.Scan(ctx, func(r directory.Record) error { return visit(0, r) })
		}
		if err != nil {
			return err
		}
		twice, err := repeats.Count()
		if err != nil {
			return err
		}
		if twice > 0 {
			fault(directory.RowError{Line: 1, Column: "id", Problem: fmt.Sprintf("%d ids occur more than once: accounts duplicates --file lists them", twice)})
		}
		if found > 0 {
			return errors.Join(append([]error{fmt.Errorf("%d faults, the first %d of them below; %s is as it was", found, len(faults), to)}, faults...)...)
		}
		return w.Flush()
	})
	if err != nil {
		return err
	}
	_, err = fmt.Printf("%d accounts are in %s; serve reads them at its next start\n", accounts, to)
	return err
}

// replaceFile writes a file for its owner alone and puts it in place once it is
// whole and on disk.
func replaceFile(name string, with func(io.Writer) error) (err error) {
	file, err := os.CreateTemp(filepath.Dir(name), "."+filepath.Base(name)+"-*") // mode 0600
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = os.Remove(file.Name()) // the fault is told already
		}
	}()
	buffer := bufio.NewWriterSize(file, 1<<16)
	if err = with(buffer); err == nil {
		err = errors.Join(buffer.Flush(), file.Sync())
	}
	if err = errors.Join(err, file.Close()); err != nil {
		return err
	}
	return os.Rename(file.Name(), name)
}

type accountsMarkCommand struct {
	Account string `required:"" placeholder:"ID" help:"The account's id."`
	State   string `required:"" enum:"cannot_be_cleaned,none" help:"cannot_be_cleaned: it is not asked about any more; none takes that back."`
	Reason  string `placeholder:"TEXT" help:"Why; required with cannot_be_cleaned."`
	Officer string `placeholder:"NAME" help:"Who says so, for the audit; default the user of the operating system."`
}

// Run looks the account up and records the state with an audit row.
func (k accountsMarkCommand) Run(ctx context.Context, environ environment) (err error) {
	if (k.State == "none") != (k.Reason == "") {
		return errors.New("cannot_be_cleaned needs a --reason, none takes no reason")
	}
	officer, err := accountsShown{Officer: k.Officer}.officer()
	if err != nil {
		return err
	}
	a, err := openBare(ctx, environ)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, a.close()) }()
	account, err := a.find(ctx, identity.AccountID(k.Account))
	if err != nil {
		return err
	}
	return a.ledger.GiveUpClean(ctx, account.ID, string(account.Kind), officer, k.Reason)
}

// find looks one account up. An accounts file is read to where it stands: it
// may be one that serve refuses.
func (a *accounts) find(ctx context.Context, id identity.AccountID) (account identity.Account, err error) {
	file := embeddedFile(a.config)
	if file == "" {
		d, err := newConnector(ctx, a.config)
		if err != nil {
			return account, err
		}
		return d.ByID(ctx, id)
	}
	found := errors.New("found")
	err = directory.CSVScan{Path: file}.Scan(ctx, func(r directory.Record) error {
		if r.Account.ID != id {
			return nil
		}
		account = r.Account
		return found
	})
	switch {
	case errors.Is(err, found):
		return account, nil
	case err != nil:
		return account, err
	}
	return account, directory.ErrNotFound
}
