package cleanup

import (
	"encoding/csv"
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"
	"unicode"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"vneid-proxy/identity"
)

// Show says how accounts are named in what is printed.
type Show struct {
	// Pseudonym stands for an account's id where Clear is not set; required.
	Pseudonym func(kind, value string) string
	// Clear prints ids and texts as they are. Whoever sets it has written an
	// audit row before.
	Clear bool
}

func (s Show) account(id identity.AccountID) string {
	if s.Clear {
		return string(id)
	}
	return s.Pseudonym("account", string(id))
}

func (s Show) text(t identity.NumberText) string {
	if s.Clear {
		return t.Reveal()
	}
	return t.String()
}

// Table prints the report for people: states by cohort, findings, duplicates,
// then the list.
func (r *Report) Table(to io.Writer, s Show) error {
	w := tabwriter.NewWriter(to, 0, 0, 2, ' ', 0)
	line := func(cells ...string) { _, _ = fmt.Fprintln(w, strings.Join(cells, "\t")) } // Flush tells
	number := strconv.Itoa
	line("accounts", number(r.Accounts))
	line("unreadable rows", number(r.Unreadable))
	line()
	cohorts := r.Cohorts()
	line(append(append([]string{"state", "all"}, cohorts...), "")...)
	for _, state := range States() {
		cells := []string{string(state), number(r.In(state))}
		for _, cohort := range cohorts {
			cells = append(cells, number(r.count(state, cohort)))
		}
		line(cells...)
	}
	line()
	line("finding", "accounts")
	for _, f := range r.Findings {
		line(string(f.Finding), number(f.Accounts))
	}
	if r.Duplicates != nil {
		line()
		line("duplicate", "accounts", "groups")
		for _, d := range r.Duplicates {
			line(string(d.Finding), number(d.Accounts), number(d.Groups))
		}
	}
	if err := w.Flush(); err != nil {
		return err
	}
	first := true
	// The list is not aligned: it may be longer than memory.
	return r.List(func(i Item) error {
		if first {
			first = false
			if _, err := fmt.Fprintf(to, "\nlisted\tgroup\tcohort\taccount\ttext\n"); err != nil {
				return err
			}
		}
		_, err := fmt.Fprintf(to, "%s\t%s\t%s\t%s\t%s\n", i.kind(), i.group(), i.Cohort, visible(s.account(i.Account)), visible(s.text(i.Text)))
		return err
	})
}

// CSV prints the report as one table: the sums, then the list. Cells that a
// spreadsheet would run are made text.
func (r *Report) CSV(to io.Writer, s Show) error {
	w := csv.NewWriter(to)
	row := func(cells ...string) error {
		for i, cell := range cells {
			cells[i] = inert(cell)
		}
		return w.Write(cells)
	}
	number := strconv.Itoa
	if err := row("row", "kind", "cohort", "accounts", "groups", "group", "account", "text"); err != nil {
		return err
	}
	_ = row("sum", "accounts", "", number(r.Accounts), "", "", "", "") // Error tells
	_ = row("sum", "unreadable", "", number(r.Unreadable), "", "", "", "")
	for _, c := range r.States {
		_ = row("state", string(c.State), c.Cohort, number(c.Accounts), "", "", "", "")
	}
	for _, f := range r.Findings {
		_ = row("finding", string(f.Finding), "", number(f.Accounts), "", "", "", "")
	}
	for _, d := range r.Duplicates {
		_ = row("duplicate", string(d.Finding), "", number(d.Accounts), number(d.Groups), "", "", "")
	}
	if err := r.List(func(i Item) error {
		return row("account", i.kind(), i.Cohort, "", "", i.group(), s.account(i.Account), s.text(i.Text))
	}); err != nil {
		return err
	}
	w.Flush()
	return w.Error()
}

// JSON prints the report as one object; docs/cleanup.md names its members.
func (r *Report) JSON(to io.Writer, s Show) error {
	type state struct {
		State    State  `json:"state"`
		Cohort   string `json:"cohort"`
		Accounts int    `json:"accounts"`
	}
	type finding struct {
		Finding  Finding `json:"finding"`
		Accounts int     `json:"accounts"`
	}
	type duplicate struct {
		Finding  Finding `json:"finding"`
		Groups   int     `json:"groups"`
		Accounts int     `json:"accounts"`
	}
	type item struct {
		Kind    string `json:"kind"`
		Cohort  string `json:"cohort,omitzero"`
		Group   int    `json:"group,omitzero"`
		Account string `json:"account"`
		Text    string `json:"text,omitzero"`
	}
	e := jsontext.NewEncoder(to)
	name := func(n string, value any) error {
		if err := e.WriteToken(jsontext.String(n)); err != nil {
			return err
		}
		return json.MarshalEncode(e, value)
	}
	states, findings, duplicates := []state{}, []finding{}, []duplicate{}
	for _, c := range r.States {
		states = append(states, state(c))
	}
	for _, f := range r.Findings {
		findings = append(findings, finding(f))
	}
	for _, d := range r.Duplicates {
		duplicates = append(duplicates, duplicate(d))
	}
	if err := e.WriteToken(jsontext.BeginObject); err != nil {
		return err
	}
	for _, member := range []struct {
		name  string
		value any
	}{{"accounts", r.Accounts}, {"unreadable", r.Unreadable}, {"states", states}, {"findings", findings}, {"duplicates", duplicates}} {
		if err := name(member.name, member.value); err != nil {
			return err
		}
	}
	if err := e.WriteToken(jsontext.String("list")); err != nil {
		return err
	}
	if err := e.WriteToken(jsontext.BeginArray); err != nil {
		return err
	}
	if err := r.List(func(i Item) error {
		return json.MarshalEncode(e, item{i.kind(), i.Cohort, i.Group, s.account(i.Account), s.text(i.Text)})
	}); err != nil {
		return err
	}
	if err := e.WriteToken(jsontext.EndArray); err != nil {
		return err
	}
	return e.WriteToken(jsontext.EndObject)
}

func (r *Report) count(state State, cohort string) int {
	for _, c := range r.States {
		if c.State == state && c.Cohort == cohort {
			return c.Accounts
		}
	}
	return 0
}

func (i Item) kind() string {
	if i.Finding != "" {
		return string(i.Finding)
	}
	return string(i.State)
}

func (i Item) group() string {
	if i.Group == 0 {
		return ""
	}
	return strconv.Itoa(i.Group)
}

// inert makes text of what a spreadsheet would take for a formula, and of what
// would steer a terminal.
func inert(cell string) string {
	cell = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return unicode.ReplacementChar
		}
		return r
	}, cell)
	if cell != "" && strings.ContainsRune("=+-@", rune(cell[0])) {
		return "'" + cell
	}
	return cell
}

// visible keeps a text from steering a terminal.
func visible(text string) string {
	quoted := strconv.Quote(text)
	return quoted[1 : len(quoted)-1]
}
