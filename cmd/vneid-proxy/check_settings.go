package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"vneid-proxy/broker/link"
	"vneid-proxy/config"
	"vneid-proxy/identity"
)

// soon is how many days before a date of the policy people should hear of it.
const soon = 14

// settings looks at what the configuration says by itself.
func (i *inspection) settings(context.Context) findings {
	c := i.config
	found := findings{configRead.ok("every variable can be used")}
	found = append(found, i.dates()...)

	switch {
	case inClear(c.Public.URL):
		found = append(found, configPublicURL.warning("browsers come over plain http: whoever shares the network reads passwords and takes sessions over",
			variable("PUBLIC_URL")+": https, and "+variable("ALLOW_HTTP")+" unset"))
	case c.Public.AllowHTTP:
		found = append(found, configPublicURL.warning("plain http is let through, for trials only", "unset "+variable("ALLOW_HTTP")))
	default:
		found = append(found, configPublicURL.ok("browsers come over https, or from this machine alone"))
	}

	names := clearText(c)
	for _, f := range i.providers[1:] {
		if inClear(f.IssuerURL) || inClear(f.TokenURL) {
			names = append(names, variable("PROVIDERS_FILE")+" ("+f.Name+")")
		}
	}
	if len(names) > 0 {
		found = append(found, configClearText.warning("passwords, portal cookies or numbers cross the network in clear",
			strings.Join(names, ", ")+": https, wherever others share the network"))
	} else {
		found = append(found, configClearText.ok("passwords and numbers travel over https, or stay on this machine"))
	}

	trusts := false
	if c.Directory.TrustNumber {
		trusts = true
		found = append(found, configTrust.warning("every number in the directory counts as verified: somebody who typed a stranger's number is taken for them",
			variable("TRUST_DIRECTORY_NUMBER")+": leave it unset unless nobody could ever type the number"))
	}
	if c.Population.TrustIDCard {
		trusts = true
		found = append(found, configTrust.warning("an ID-card number, which was given to several people now and then, stands in for the old account's password",
			variable("TRUST_POPULATION_ID_CARD")+": leave it unset unless the portal never let people change it, nor their name and birth date"))
	}
	for _, f := range i.providers {
		if f.Envelope == "optional" {
			trusts = true
			mend := variable("ENVELOPE")
			if f.Name != mainProvider {
				mend = variable("PROVIDERS_FILE") + ", " + f.Name + ": envelope"
			}
			found = append(found, configTrust.warning("answers of "+f.Name+" that are not encrypted are believed, and with them whoever strips the encryption", mend+": required"))
		}
		if slices.Contains(f.Account.Kinds, string(identity.KindCitizen)) {
			trusts = true
			found = append(found, configTrust.warning("citizens' accounts are opened by whoever "+f.Name+" names them for, without a citizen number",
				variable("PROVIDERS_FILE")+", "+f.Name+": leave citizen out of kinds, or link: enforce"))
		}
	}
	if !trusts {
		found = append(found, configTrust.ok("nothing is believed that is usually not"))
	}

	if _, err := newAssertion(c); err != nil {
		return append(found, configAssertion.fault("the assertion cannot be signed: "+err.Error(),
			variable("ASSERTION_KEY_FILES")+": private keys in PEM, Ed25519 or P-256, readable by this process"))
	}
	return append(found, configAssertion.ok("the assertion can be signed"))
}

// clearText are the variables whose addresses carry passwords, cookies or
// numbers over plain http to another machine.
func clearText(c config.Config) (names []string) {
	if inClear(c.Directory.CredentialURL) {
		names = append(names, variable("DIRECTORY_CREDENTIAL_URL"))
	}
	if servedDirectory(c.Directory) && inClear(c.Directory.URL) {
		names = append(names, variable("DIRECTORY_URL"))
	}
	if c.Portal.LoginURL != nil && inClear(c.Portal.Upstream) {
		names = append(names, variable("UPSTREAM_URL"))
	}
	if c.Portal.LoginURL != nil && inClear(c.Portal.WhoamiURL) {
		names = append(names, variable("PORTAL_WHOAMI_URL"))
	}
	if inClear(c.Population.URL) {
		names = append(names, variable("POPULATION_URL"))
	}
	if inClear(c.Population.LookupURL) {
		names = append(names, variable("POPULATION_LOOKUP_URL"))
	}
	if inClear(c.Population.TokenURL) {
		names = append(names, variable("POPULATION_TOKEN_URL"))
	}
	if inClear(c.Provider.IssuerURL) {
		names = append(names, variable("ISSUER_URL"))
	}
	if inClear(c.Provider.TokenURL) {
		names = append(names, variable("TOKEN_URL"))
	}
	return names
}

// dates looks at the days of the environment, and at those of the policy file
// that are others.
func (i *inspection) dates() (found findings) {
	rules, err := loadPolicy(i.config)
	if err != nil {
		return findings{configDates.fault(oneLine(err), variable("POLICY_FILE")+": as docs/policy.md says")}
	}
	given, err := parsePolicy(i.config, nil)
	if err != nil {
		return findings{configDates.fault(oneLine(err), "report it: this is a fault of vneid-proxy")}
	}
	base := given.Default
	holds := func(of func(link.Terms) link.Day) bool { // for somebody at least
		return rules.Classes == nil || slices.ContainsFunc(classes(rules), func(c link.Class) bool { return of(rules.TermsOf(c)).Equal(of(base)) })
	}
	legacy, skip := func(t link.Terms) link.Day { return t.LegacySignInUntil }, func(t link.Terms) link.Day { return t.SkipUntil }
	if holds(legacy) {
		found = i.endings(found, variable("LEGACY_SIGN_IN_UNTIL"), "the sign-in by portal account", legacy(base))
	}
	if holds(skip) {
		found = i.endings(found, variable("SKIP_UNTIL"), "skipping", skip(base))
	}
	if holds(legacy) && holds(skip) && !legacy(base).IsZero() && skip(base).Time().After(legacy(base).Time()) {
		found = append(found, configDates.warning("who skipped can go on for longer than portal accounts can sign in: the last days of skipping are of little use",
			fmt.Sprintf("%s: no later than %s", variable("SKIP_UNTIL"), variable("LEGACY_SIGN_IN_UNTIL"))))
	}
	for _, class := range classes(rules) {
		terms, whose := rules.TermsOf(class), " of "+className(class)
		if !terms.LegacySignInUntil.Equal(base.LegacySignInUntil) {
			found = i.endings(found, variable("POLICY_FILE"), "the sign-in by portal account"+whose, terms.LegacySignInUntil)
		}
		if !terms.SkipUntil.Equal(base.SkipUntil) {
			found = i.endings(found, variable("POLICY_FILE"), "skipping"+whose, terms.SkipUntil)
		}
	}
	if len(found) == 0 {
		found = findings{configDates.ok("no date of the policy is past or near on " + i.now().In(vietnam()).Format(time.DateOnly))}
	}
	return found
}

// endings warns of a day that is past or near.
func (i *inspection) endings(found findings, where, what string, day link.Day) findings {
	date := day.Time().Format(time.DateOnly)
	switch left := day.DaysLeft(i.now()); {
	case day.IsZero():
	case day.Reached(i.now()):
		return append(found, configDates.warning(fmt.Sprintf("%s ended on %s", what, date), where+": a later day, or unset it if this is meant"))
	case left <= soon:
		return append(found, configDates.warning(fmt.Sprintf("%s ends on %s", what, date), where+": a later day, or tell people now"))
	}
	return found
}

// vietnam is where the policy's days begin and end.
func vietnam() *time.Location { return time.FixedZone("+07", 7*60*60) }
