package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"slices"
	"sync"
	"time"

	"vneid-proxy/broker/outbound"
	"vneid-proxy/config"
)

type checkCommand struct {
	JSON          bool   `help:"Print the findings as one JSON object."`
	URL           string `name:"url" placeholder:"\"METHOD PATH\"" help:"Only say which rule decides on that request, and reach nobody."`
	At            string `placeholder:"DATE" help:"With --url or --policy: on that day instead of today."`
	Policy        bool   `help:"Only rehearse: say what the policy would make of every account, and change nothing."`
	Account       bool   `help:"With --policy: only say what it would make of one account, whose id is read from standard input."`
	List          string `placeholder:"FILE" help:"With --policy: write who would be blocked into that file, as CSV, by the pseudonyms of the logs."`
	Clear         bool   `name:"reveal" help:"With --list: write the accounts in clear. It is written to the audit first, under --officer."`
	Officer       string `help:"Who asks; needed with --reveal."`
	Format        string `enum:"table,csv,json" default:"table" help:"With --policy: how the counts are printed (table, csv, json)."`
	AskPopulation bool   `help:"Ask the population database about a number that nobody has; it may cost money. Otherwise only connect."`
}

// Run loads the environment as serve does, reaches every live part and prints
// a line a finding. It changes nothing at anybody's. A fault is an error.
func (k checkCommand) Run(ctx context.Context, environ environment, at terminal) error {
	c, err := config.Load(environ)
	if err == nil {
		_, err = identityHeaders(c.Portal.IdentityHeaders)
	}
	if err == nil {
		err = routesFault(rulesOf(c))
	}
	if err == nil {
		_, err = loadPolicy(c)
	}
	if err == nil {
		err = checkQueries(c.Directory)
	}
	var providers []config.FurtherProvider
	if err == nil {
		providers, err = providersOf(c)
	}
	if err != nil {
		return errors.Join(err, k.refused(err))
	}
	if k.URL != "" {
		return explainURL(os.Stdout, c, k.URL, k.At)
	}
	if k.Policy {
		return k.rehearse(ctx, c, at)
	}
	found := newInspection(c, providers, k.AskPopulation).run(ctx)
	write := found.write
	if k.JSON {
		write = found.writeJSON
	}
	if err := write(os.Stdout); err != nil {
		return err
	}
	if faults := found.count(stateFault); faults > 0 {
		return fmt.Errorf("faults found: %d", faults)
	}
	return nil
}

// refused prints a configuration's faults as JSON where that was asked for;
// in words they go to standard error, as serve's do.
func (k checkCommand) refused(err error) error {
	var faults *config.Faults
	if !k.JSON || !errors.As(err, &faults) {
		return nil
	}
	type refusal struct {
		Variable string `json:"variable"`
		Mend     string `json:"mend"`
	}
	refused := make([]refusal, 0, len(faults.List))
	for _, fault := range faults.List {
		refused = append(refused, refusal{fault.Variable, fault.Mend})
	}
	return json.NewEncoder(os.Stdout).Encode(map[string]any{"refused": refused})
}

// inspection is one run of the checks.
type inspection struct {
	config    config.Config
	providers []config.FurtherProvider // the environment's first
	current   config.FurtherProvider   // the one looked at, config.Provider its settings
	http      *http.Client             // with the bounds of every call to others
	ask       bool                     // the population database, whatever it costs
	now       func() time.Time
}

func newInspection(c config.Config, providers []config.FurtherProvider, ask bool) *inspection {
	return &inspection{config: c, providers: providers, current: providers[0], http: outbound.New(outbound.Config{Timeout: c.Process.CallTimeout}), ask: ask, now: time.Now}
}

// run checks the parts side by side and reports them in their order.
func (i *inspection) run(ctx context.Context) findings {
	parts := []func(context.Context) findings{i.settings, i.listener, i.ledger, i.provider}
	for _, f := range i.providers[1:] {
		parts = append(parts, func(ctx context.Context) findings { return i.further(ctx, f) })
	}
	parts = append(parts, i.portal, i.directory, i.population)
	found := make([]findings, len(parts))
	var running sync.WaitGroup
	for n, part := range parts {
		running.Go(func() { found[n] = part(ctx) })
	}
	running.Wait()
	return slices.Concat(found...)
}
