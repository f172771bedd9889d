package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"vneid-proxy/broker/link"
	"vneid-proxy/config"
	"vneid-proxy/identity"
)

// maxCohorts bounds the series that count them.
const maxCohorts = 32

// kinds are the kinds of account, in the order of every report.
func kinds() []identity.Kind {
	return []identity.Kind{identity.KindCitizen, identity.KindOfficial, identity.KindOrganisation}
}

// classes are all classes of a policy, in the order of every report: each kind,
// then its cohorts.
func classes(policy link.Policy) (all []link.Class) {
	for _, kind := range kinds() {
		all = append(all, link.Class{Kind: kind})
		for _, cohort := range policy.Cohorts {
			if len(cohort.Kinds) == 0 || slices.Contains(cohort.Kinds, kind) {
				all = append(all, link.Class{Kind: kind, Cohort: cohort.Name})
			}
		}
	}
	return all
}

// className is a class in words.
func className(c link.Class) string {
	if c.Cohort == "" {
		return string(c.Kind)
	}
	return string(c.Kind) + " in " + c.Cohort
}

// loadPolicy is the policy of the environment and of the file that it names. A
// fault is one of the configuration.
func loadPolicy(c config.Config) (link.Policy, error) {
	var text []byte
	if name := c.Link.PolicyFile; name != "" {
		var err error
		if text, err = config.ReadFile(name); err != nil {
			return link.Policy{}, policyFault(err)
		}
	}
	policy, err := parsePolicy(c, text)
	return policy, policyFault(err)
}

// readPolicy puts the policy in force and has its file watched.
func (a *app) readPolicy() error {
	if a.config.Link.PolicyFile == "" {
		return a.usePolicy(nil)
	}
	return policyFault(a.reload("policy", []string{a.config.Link.PolicyFile}, func(texts [][]byte) error { return a.usePolicy(texts[0]) }))
}

func policyFault(err error) error {
	if err == nil {
		return nil
	}
	return &config.Faults{List: []config.Fault{{Variable: config.Prefix + "POLICY_FILE", Mend: err.Error()}}}
}

// parsePolicy lays the file's text over what the environment says; no text is
// no file. Every fault is named at once.
func parsePolicy(c config.Config, text []byte) (link.Policy, error) {
	policy := link.Policy{
		Mode: map[string]link.Mode{"observe": link.Observe, "off": link.Off}[c.Link.Mode],
		Default: link.Terms{
			LegacySignInUntil: link.DayOf(c.Link.LegacySignInUntil.Time()), SkipUntil: link.DayOf(c.Link.SkipUntil.Time()),
			PassNoAccount: c.Link.OnNoAccount == "pass",
		},
		TrustDirectoryNumber: c.Directory.TrustNumber, TrustPopulationIDCard: c.Population.TrustIDCard,
	}
	if text == nil {
		return policy, nil
	}
	file, err := config.ParsePolicy(text)
	if err != nil {
		return link.Policy{}, err
	}
	r := policyReader{credential: c.Directory.CredentialURL != nil || c.Directory.Credential == "sql", page: c.Portal.LoginURL != nil}
	policy.Default = r.over(policy.Default, "default", file.Default)
	policy.Classes = map[link.Class]link.Terms{}
	for name := range file.Kinds {
		r.oneOf("kinds", name, words(kinds())...)
	}
	for _, kind := range kinds() {
		policy.Classes[link.Class{Kind: kind}] = r.over(policy.Default, "kinds."+string(kind), file.Kinds[string(kind)])
	}
	for i, given := range file.Cohorts {
		cohort := r.cohort(fmt.Sprintf("cohorts[%d]", i+1), given, policy.Cohorts)
		policy.Cohorts = append(policy.Cohorts, cohort)
		for _, kind := range kinds() {
			if len(cohort.Kinds) == 0 || slices.Contains(cohort.Kinds, kind) {
				class := link.Class{Kind: kind, Cohort: cohort.Name}
				policy.Classes[class] = r.over(policy.Classes[link.Class{Kind: kind}], "cohort "+cohort.Name, given.Terms)
			}
		}
	}
	if len(file.Cohorts) > maxCohorts {
		r.fault("cohorts", "write %d at most", maxCohorts)
	}
	if len(r.faults) > 0 {
		return link.Policy{}, errors.New(strings.Join(r.faults, "; "))
	}
	return policy, nil
}

// rules is the policy that holds now.
func (a *app) rules() link.Policy {
	policy := *a.policy.Load()
	if until := a.excused.Load(); until != 0 {
		policy.ExcusedUntil = time.UnixMilli(until)
	}
	return policy
}

// usePolicy puts a text of POLICY_FILE in force.
func (a *app) usePolicy(text []byte) error {
	policy, err := parsePolicy(a.config, text)
	if err == nil {
		a.policy.Store(&policy)
	}
	return err
}

// readExcuses asks the ledger how long anybody is exempt or extended.
func (a *app) readExcuses(ctx context.Context) error {
	until, err := a.ledger.LastExemption(ctx)
	if err != nil {
		return err
	}
	milli := int64(0)
	if !until.IsZero() {
		milli = until.UnixMilli()
	}
	a.excused.Store(milli)
	return nil
}

// watchExcuses does so until ctx ends, since staff grant them in another
// process.
func (a *app) watchExcuses(ctx context.Context) {
	look := time.NewTicker(reloadEvery)
	defer look.Stop()
	failing := false
	for {
		select {
		case <-ctx.Done():
			return
		case <-look.C:
		}
		err := a.readExcuses(ctx)
		if err != nil && !failing && ctx.Err() == nil {
			a.logger.Warn("exemptions not read; those before hold", "cause", err.Error())
		}
		failing = err != nil
	}
}
