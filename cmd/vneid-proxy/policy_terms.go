package main

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"vneid-proxy/broker/link"
	"vneid-proxy/config"
	"vneid-proxy/identity"
)

// policyReader turns words of the file into terms and collects what is wrong.
type policyReader struct {
	credential, page bool // what can prove a portal account here
	faults           []string
}

func (r *policyReader) fault(where, format string, args ...any) {
	fault := where + ": " + fmt.Sprintf(format, args...)
	if !slices.Contains(r.faults, fault) { // a cohort's terms are read once for each kind
		r.faults = append(r.faults, fault)
	}
}

func (r *policyReader) oneOf(where, word string, allowed ...string) int {
	at := slices.Index(allowed, word)
	if at < 0 {
		r.fault(where, "write %s", strings.Join(allowed, ", "))
	}
	return at
}

// over lays given terms over those that hold otherwise.
func (r *policyReader) over(terms link.Terms, where string, given config.Terms) link.Terms {
	if given.LegacySignInUntil != nil {
		terms.LegacySignInUntil = link.DayOf(given.LegacySignInUntil.Time())
		if !terms.LegacySignInUntil.IsZero() && !r.credential && !r.page {
			r.fault(where+".legacy_sign_in_until", "remove it, or set PORTAL_LOGIN_URL or DIRECTORY_CREDENTIAL_URL: nothing checks a portal account")
		}
	}
	if given.SkipUntil != nil {
		terms.SkipUntil = link.DayOf(given.SkipUntil.Time())
	}
	if given.SkipLimit != nil {
		if terms.SkipLimit = *given.SkipLimit; terms.SkipLimit < 0 {
			r.fault(where+".skip_limit", "write how often, or 0 for as often as people like")
		}
	}
	if given.After != "" {
		terms.After = link.After(r.oneOf(where+".after", given.After, "link", "read_only", "refuse"))
	}
	if given.Proof != "" {
		terms.Proof = link.Proof(r.oneOf(where+".proof", given.Proof, "either", "credential", "portal_session"))
		if terms.Proof == link.CredentialProof && !r.credential {
			r.fault(where+".proof", "set DIRECTORY_CREDENTIAL_URL, or write either: nothing checks a password")
		}
		if terms.Proof == link.PortalProof && !r.page {
			r.fault(where+".proof", "set PORTAL_LOGIN_URL, or write either: nobody could sign in at the portal")
		}
	}
	if given.WeakMatch != "" {
		terms.ReviewWeak = r.oneOf(where+".weak_match", given.WeakMatch, "accept", "review") == 1
	}
	switch {
	case given.NoAccount == "":
	case given.NoAccount == "provision":
		r.fault(where+".no_account", "write refuse or pass: no directory of this release can make accounts")
	case where != "default" && where != "kinds."+string(identity.KindCitizen):
		r.fault(where+".no_account", "write it under default or kinds.citizen: whoever has no account is of no other kind and of no cohort")
	default:
		terms.PassNoAccount = r.oneOf(where+".no_account", given.NoAccount, "refuse", "pass") == 1
	}
	return terms
}

func (r *policyReader) cohort(where string, given config.Cohort, before []link.Cohort) link.Cohort {
	if !regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,31}$`).MatchString(given.Name) {
		r.fault(where+".name", "write small letters, digits and -, at most 32")
	}
	if slices.ContainsFunc(before, func(c link.Cohort) bool { return c.Name == given.Name }) {
		r.fault(where+".name", "write another name: %s is there already", given.Name)
	}
	who := given.Who
	if len(who.Kind)+len(who.Group)+len(who.Role)+len(who.CreatedBy)+len(who.Holds) == 0 {
		r.fault(where+".who", "write at least one of kind, group, role, created_by and holds; what is for all belongs under default")
	}
	for _, kind := range who.Kind {
		r.oneOf(where+".who.kind", kind, words(kinds())...)
	}
	creators := []identity.Creator{identity.CreatedBySelf, identity.CreatedByOfficial}
	for _, creator := range who.CreatedBy {
		r.oneOf(where+".who.created_by", creator, words(creators)...)
	}
	for _, holding := range who.Holds {
		r.oneOf(where+".who.holds", holding, words(link.Holdings())...)
	}
	return link.Cohort{
		Name: given.Name, Kinds: inWords[identity.Kind](who.Kind), Groups: who.Group, Roles: who.Role,
		CreatedBy: inWords[identity.Creator](who.CreatedBy), Holds: inWords[link.Holding](who.Holds),
	}
}

func words[T ~string](list []T) (texts []string) {
	for _, one := range list {
		texts = append(texts, string(one))
	}
	return texts
}

func inWords[T ~string](list []string) (all []T) {
	for _, one := range list {
		all = append(all, T(one))
	}
	return all
}
