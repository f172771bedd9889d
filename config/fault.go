package config

import (
	"fmt"
	"slices"
	"strings"
)

// Fault is one thing wrong: the variable and what to write instead. It never
// holds the value, which may be a secret put in the wrong place.
type Fault struct {
	Variable string // the full name, VNEID_PROXY_…
	Mend     string
}

// Faults is every fault of one environment, by name, at most one a variable.
// It is the only error that Load returns.
type Faults struct{ List []Fault }

// Error names each fault on a line of its own.
func (f *Faults) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d of the variables cannot be used:", len(f.List))
	if len(f.List) == 1 {
		b.Reset()
		b.WriteString("1 variable cannot be used:")
	}
	for _, fault := range f.List {
		fmt.Fprintf(&b, "\n  %s: %s", fault.Variable, fault.Mend)
	}
	return b.String()
}

// add notes a fault, unless the variable has one already: what follows from
// the first would only confuse.
func (f *Faults) add(variable, format string, args ...any) {
	if !slices.ContainsFunc(f.List, func(have Fault) bool { return have.Variable == variable }) {
		f.List = append(f.List, Fault{variable, fmt.Sprintf(format, args...)})
	}
}

// orNil is f as an error, sorted, or nil where nothing is wrong.
func (f *Faults) orNil() error {
	if len(f.List) == 0 {
		return nil
	}
	slices.SortFunc(f.List, func(a, b Fault) int { return strings.Compare(a.Variable, b.Variable) })
	return f
}
