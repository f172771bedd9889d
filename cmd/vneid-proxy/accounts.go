package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/user"
	"path/filepath"
	"strings"
	"time"

	"vneid-proxy/broker/directory"
	"vneid-proxy/broker/ledger"
	"vneid-proxy/broker/link"
	"vneid-proxy/cleanup"
	"vneid-proxy/config"
	"vneid-proxy/identity"
)

type accountsCommand struct {
	Import     accountsImportCommand     `cmd:"" help:"Check a CSV file of accounts, repair what may be repaired, and put it where DIRECTORY_URL=embedded: reads it."`
	Report     accountsReportCommand     `cmd:"" help:"Read the whole directory and count accounts by state and finding."`
	Match      accountsMatchCommand      `cmd:"" help:"Ask the population database about every number that nobody has verified. Can be stopped at any time; the next run goes on."`
	Duplicates accountsDuplicatesCommand `cmd:"" help:"List accounts that share a citizen number, an ID-card number, a name and birth date, or an id."`
	Export     accountsExportCommand     `cmd:"" help:"Write a row for each account: a worklist for staff, or an accounts file."`
	Mark       accountsMarkCommand       `cmd:"" help:"Record that an account cannot be cleaned, or take that back."`
}

// accountsSource is where accounts are read from and how.
type accountsSource struct {
	File string `placeholder:"FILE.csv" type:"path" help:"Read this file instead of the directory; nothing is counted for the dashboard."`
	accountsRules
}

// accountsRules is what an operator decides about the reading.
type accountsRules struct {
	RepairZeros     bool     `help:"Put lost leading zeros back: the columns were numeric."`
	NineDigits      string   `enum:"unknown,id-card,number" default:"unknown" help:"What nine digits in the citizen number's place are: id-card, number (three zeros lost), or unknown."`
	PlaceholderMail []string `default:"dichvucong.gov.vn" placeholder:"DOMAIN" help:"Mail domains under which nobody reads mail."`
	WorkFolder      string   `placeholder:"FOLDER" type:"existingdir" help:"Where working files are made; default the system's for temporary files."`
}

// rules count an account under its cohort of the policy, else its kind.
func (s accountsRules) rules(policy link.Policy) cleanup.Rules {
	return cleanup.Rules{
		RepairZeros: s.RepairZeros, NineDigits: cleanup.NineDigits(s.NineDigits), PlaceholderDomains: s.PlaceholderMail,
		Cohort: func(a identity.Account) string { return policy.ClassOf(a).Cohort },
	}
}

// accounts is what the commands work with.
type accounts struct {
	config    config.Config
	policy    link.Policy
	ledger    *ledger.Ledger
	directory cleanup.Directory
	// unreadable counts the rows that were no account in the last reading.
	unreadable *int
}

// openBare reads the configuration and opens the ledger.
func openBare(ctx context.Context, environ environment) (*accounts, error) {
	c, err := config.Load(environ)
	if err != nil {
		return nil, err
	}
	policy, err := loadPolicy(c)
	if err != nil {
		return nil, err
	}
	l, err := openLedger(ctx, c, slog.Default(), time.Now)
	return &accounts{config: c, policy: policy, ledger: l, unreadable: new(int)}, err
}

// openWhole is openBare with whatever can be read whole.
func (s accountsSource) openWhole(ctx context.Context, environ environment) (*accounts, error) {
	a, err := openBare(ctx, environ)
	if err != nil {
		return nil, err
	}
	a.directory, err = newWhole(ctx, a.config, cmp.Or(s.File, embeddedFile(a.config)), a.unreadable)
	if err != nil {
		return nil, errors.Join(err, a.close())
	}
	return a, nil
}

func (a *accounts) close() error { return a.ledger.Close() }

// embeddedFile is the accounts file where that is CSV, which is read as it
// stands: it may be one that serve refuses. "" for any other directory.
func embeddedFile(c config.Config) string {
	if c.Directory.URL == nil || servedDirectory(c.Directory) || !isCSV(c.Directory.URL.Path) {
		return ""
	}
	return c.Directory.URL.Path
}

func isCSV(path string) bool { return strings.EqualFold(filepath.Ext(path), ".csv") }

// newWhole is a file, or the directory where it can be read whole.
func newWhole(ctx context.Context, c config.Config, file string, unreadable *int) (cleanup.Directory, error) {
	if file != "" {
		last := 0
		return directory.CSVScan{Path: file, Fault: func(fault directory.RowError) {
			if fault.Line != last { // a row can have several faults
				last = fault.Line
				*unreadable++
			}
		}}, nil
	}
	if c.Directory.URL == nil {
		return nil, errors.New("no DIRECTORY_URL is set: name a file with --file")
	}
	connected, err := newConnector(ctx, c)
	if err != nil {
		return nil, err
	}
	whole, ok := connected.(cleanup.Directory)
	if !ok {
		return nil, errors.New("this DIRECTORY_URL cannot be read whole: write the accounts into a CSV file and name it with --file")
	}
	return whole, nil
}

// accountsShown is how accounts are named in what is printed.
type accountsShown struct {
	Clear   bool   `name:"reveal" help:"Print account ids and numbers in clear. An audit row says who did, before anything is printed."`
	Officer string `placeholder:"NAME" help:"Who asks, for the audit; default the user of the operating system."`
}

// show writes the audit row where things are to be shown in clear.
func (s accountsShown) show(ctx context.Context, l *ledger.Ledger, command string, detail map[string]string) (cleanup.Show, error) {
	show := cleanup.Show{Pseudonym: l.Pseudonym, Clear: s.Clear}
	if !s.Clear {
		return show, nil
	}
	officer, err := s.officer()
	if err != nil {
		return show, err
	}
	all := map[string]string{"command": command}
	for name, value := range detail {
		if value != "" {
			all[name] = value
		}
	}
	return show, reveal(ctx, l, officer, ledger.Event{Detail: all})
}

func (s accountsShown) officer() (string, error) {
	if s.Officer != "" {
		return s.Officer, nil
	}
	u, err := user.Current()
	if err != nil {
		return "", errors.New("the operating system does not say who asks: name yourself with --officer")
	}
	return u.Username, nil
}

// accountsOutput is where a result goes.
type accountsOutput struct {
	Output string `short:"o" placeholder:"FILE" type:"path" help:"Write into this file, for its owner alone, instead of standard output; it appears once it is whole."`
}

// write has with write the result; a file that is not whole does not appear.
func (o accountsOutput) write(with func(io.Writer) error) error {
	if o.Output == "" {
		return with(os.Stdout)
	}
	return replaceFile(o.Output, with)
}

// accountsReading is one reading of the directory, printed.
type accountsReading struct {
	accountsSource
	accountsShown
	accountsOutput
	Format string `enum:"table,csv,json" default:"table" help:"table, csv or json."`
}

func (k accountsReading) print(ctx context.Context, environ environment, command string, list []string) (err error) {
	wanted, err := listed(list)
	if err != nil {
		return err
	}
	a, err := k.openWhole(ctx, environ)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, a.close()) }()
	show, err := k.show(ctx, a.ledger, command, map[string]string{"list": fmt.Sprint(list), "file": k.File})
	if err != nil {
		return err
	}
	progress := newProgress(os.Stderr, "accounts read", 0)
	report, err := cleanup.Take(ctx, cleanup.Config{
		Directory: a.directory, Ledger: a.ledger, Rules: k.rules(a.policy), Folder: k.WorkFolder, Duplicates: true, List: wanted, Progress: progress.set,
	})
	progress.end()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, report.Close()) }()
	report.Unreadable = *a.unreadable
	if k.File == "" {
		if err := a.ledger.PutCleanCounts(ctx, report.Counts()); err != nil {
			return err
		}
	}
	return k.write(func(to io.Writer) error {
		switch k.Format {
		case "csv":
			return report.CSV(to, show)
		case "json":
			return report.JSON(to, show)
		}
		return report.Table(to, show)
	})
}

// listed chooses the accounts of findings and states by their names.
func listed(names []string) (func(cleanup.Finding, cleanup.State) bool, error) {
	findings, states := map[cleanup.Finding]bool{}, map[cleanup.State]bool{}
	for _, finding := range append(cleanup.Findings(), cleanup.Duplicates()...) {
		findings[finding] = false
	}
	for _, state := range cleanup.States() {
		states[state] = false
	}
	for _, name := range names {
		_, finding := findings[cleanup.Finding(name)]
		_, state := states[cleanup.State(name)]
		switch {
		case finding:
			findings[cleanup.Finding(name)] = true
		case state:
			states[cleanup.State(name)] = true
		default:
			return nil, fmt.Errorf("there is no finding or state %q: docs/cleanup.md lists them", name)
		}
	}
	return func(finding cleanup.Finding, state cleanup.State) bool {
		if finding != "" {
			return findings[finding]
		}
		return states[state]
	}, nil
}

type accountsReportCommand struct {
	accountsReading
	List []string `placeholder:"KIND" help:"List the accounts of these findings or states, after the sums."`
}

// Run reads the directory once and prints what was found. It changes nothing
// but the counts for the dashboard.
func (k accountsReportCommand) Run(ctx context.Context, environ environment) error {
	return k.print(ctx, environ, "accounts report", k.List)
}

type accountsDuplicatesCommand struct {
	accountsReading
}

// Run is report with every group of duplicates listed.
func (k accountsDuplicatesCommand) Run(ctx context.Context, environ environment) error {
	var all []string
	for _, finding := range cleanup.Duplicates() {
		all = append(all, string(finding))
	}
	return k.print(ctx, environ, "accounts duplicates", all)
}
