package cleanup

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"slices"

	"vneid-proxy/broker/directory"
	"vneid-proxy/broker/ledger"
	"vneid-proxy/identity"
)

// Directory is whatever can be read whole; see directory.Record.
type Directory interface {
	Scan(ctx context.Context, visit func(directory.Record) error) error
}

// Ledger knows what became of accounts.
type Ledger interface {
	Cleaned(ctx context.Context, questions []ledger.CleanQuestion) ([]ledger.Cleaned, error)
}

// Config is what one reading needs.
type Config struct {
	Directory Directory // required
	Ledger    Ledger    // required
	Rules     Rules
	// Folder is where working files are made; "" is the system's for temporary
	// files. Duplicates of a million accounts need about 150 MB there.
	Folder string
	// Duplicates looks for accounts that share something; without it no
	// working file is made but for the list.
	Duplicates bool
	// List says which findings' and states' accounts are kept for
	// Report.List; nil: none.
	List func(Finding, State) bool
	// Progress is told how many accounts were read, now and then; nil: nobody.
	Progress func(accounts int)
}

// sortRoom is how many bytes of records are held in memory, batch how many
// accounts are looked up in the ledger at once.
const sortRoom, batch = 32 << 20, 400

// Report is what a reading found.
type Report struct {
	Accounts   int
	Unreadable int          // rows that are no account; whoever scans counts them
	States     []StateCount // every state and cohort that occurs
	Findings   []FindingCount
	Duplicates []DuplicateCount // nil where they were not looked for

	list *spill
}

// StateCount is how many accounts of a cohort are in a state.
type StateCount struct {
	State    State
	Cohort   string
	Accounts int
}

// FindingCount is how many accounts have a finding.
type FindingCount struct {
	Finding  Finding
	Accounts int
}

// DuplicateCount is how many groups of accounts share something, and how many
// accounts they are.
type DuplicateCount struct {
	Finding          Finding
	Groups, Accounts int
}

// Item is one account of a list.
type Item struct {
	Finding Finding // "" for a state's
	State   State   // "" for a duplicate
	Cohort  string
	Group   int // accounts of one duplicate have the same, from 1 on; else 0
	Account identity.AccountID
	Text    identity.NumberText // what stands in a number's place and is none
}

// Take reads the whole directory once. The report must be closed.
func Take(ctx context.Context, c Config) (_ *Report, err error) {
	t := &taking{Config: c, states: map[StateCount]int{}, findings: map[Finding]int{}, report: &Report{}}
	defer func() {
		if err != nil {
			err = errors.Join(err, t.report.Close())
		}
	}()
	if t.report.list, err = newSpill(c.Folder); err != nil {
		return nil, err
	}
	if c.Duplicates {
		t.duplicates = newDuplicates(c.Folder, sortRoom)
		defer func() { err = errors.Join(err, t.duplicates.close()) }()
	}
	if err := c.Directory.Scan(ctx, func(r directory.Record) error { return t.visit(ctx, r) }); err != nil {
		return nil, err
	}
	if err := t.settle(ctx); err != nil {
		return nil, err
	}
	return t.report, t.finish()
}

// taking is a reading under way.
type taking struct {
	Config
	report     *Report
	waiting    []Reading // for the ledger's word
	states     map[StateCount]int
	findings   map[Finding]int
	duplicates *duplicates
}

func (t *taking) visit(ctx context.Context, r directory.Record) error {
	reading := t.Rules.Read(r)
	if t.Duplicates {
		if err := t.duplicates.add(reading); err != nil {
			return err
		}
	}
	if t.waiting = append(t.waiting, reading); len(t.waiting) < batch {
		return nil
	}
	return t.settle(ctx)
}

// settle counts the accounts that wait.
func (t *taking) settle(ctx context.Context) error {
	known, err := cleaned(ctx, t.Ledger, t.waiting)
	if err != nil {
		return err
	}
	for i, f := range t.waiting {
		state := f.state(known[i])
		t.states[StateCount{State: state, Cohort: f.Cohort}]++
		for _, finding := range f.Findings {
			t.findings[finding]++
			if err := t.keep(Item{Finding: finding, State: state, Cohort: f.Cohort, Account: f.Account.ID, Text: f.Text}); err != nil {
				return err
			}
		}
		if err := t.keep(Item{State: state, Cohort: f.Cohort, Account: f.Account.ID, Text: f.Text}); err != nil {
			return err
		}
	}
	t.report.Accounts += len(t.waiting)
	t.waiting = t.waiting[:0]
	if t.Progress != nil {
		t.Progress(t.report.Accounts)
	}
	return nil
}

func cleaned(ctx context.Context, l Ledger, readings []Reading) ([]ledger.Cleaned, error) {
	questions := make([]ledger.CleanQuestion, len(readings))
	for i, f := range readings {
		questions[i], _ = f.question()
	}
	return l.Cleaned(ctx, questions)
}

// kept is an item in the list's file, which is encrypted.
type kept struct {
	Item
	Text string
}

func (t *taking) keep(item Item) error {
	if t.List == nil || !t.List(item.Finding, item.State) {
		return nil
	}
	text, err := json.Marshal(kept{item, item.Text.Reveal()})
	if err != nil {
		return err
	}
	return t.report.list.put(text)
}

// finish puts the counts in order.
func (t *taking) finish() error {
	r := t.report
	for count, accounts := range t.states {
		count.Accounts = accounts
		r.States = append(r.States, count)
	}
	order := States()
	slices.SortFunc(r.States, func(a, b StateCount) int {
		return cmp.Or(slices.Index(order, a.State)-slices.Index(order, b.State), cmp.Compare(a.Cohort, b.Cohort))
	})
	for _, finding := range Findings() {
		r.Findings = append(r.Findings, FindingCount{finding, t.findings[finding]})
	}
	if !t.Duplicates {
		return nil
	}
	counts := map[Finding]*DuplicateCount{}
	for _, finding := range Duplicates() {
		counts[finding] = &DuplicateCount{Finding: finding}
	}
	if err := t.duplicates.each(func(g group) error {
		count := counts[g.finding]
		count.Groups++
		count.Accounts += g.accounts
		for _, account := range g.listed {
			if err := t.keep(Item{Finding: g.finding, Group: count.Groups, Account: account}); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		return err
	}
	for _, finding := range Duplicates() {
		r.Duplicates = append(r.Duplicates, *counts[finding])
	}
	return nil
}

// List calls with every account that was kept, in the order of the reading;
// duplicates come last, group by group. It can be called once.
func (r *Report) List(with func(Item) error) error {
	reader, err := r.list.read()
	if err != nil {
		return err
	}
	for {
		text, err := reader.next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		var k kept
		if err := json.Unmarshal(text, &k); err != nil {
			return err
		}
		k.Item.Text = identity.NumberTextOf(k.Text)
		if err := with(k.Item); err != nil {
			return err
		}
	}
}

// Counts are the states as the ledger keeps them.
func (r *Report) Counts() (counts []ledger.CleanCount) {
	for _, c := range r.States {
		counts = append(counts, ledger.CleanCount{State: string(c.State), Cohort: c.Cohort, Accounts: c.Accounts})
	}
	return counts
}

// In is how many accounts are in any of these states.
func (r *Report) In(states ...State) (accounts int) {
	for _, c := range r.States {
		if slices.Contains(states, c.State) {
			accounts += c.Accounts
		}
	}
	return accounts
}

// Cohorts are those that occur, in order.
func (r *Report) Cohorts() []string {
	seen := map[string]bool{}
	for _, c := range r.States {
		seen[c.Cohort] = true
	}
	return slices.Sorted(maps.Keys(seen))
}

// Close lets go of the list.
func (r *Report) Close() error {
	if r.list == nil {
		return nil
	}
	return r.list.close()
}
