// Package link is the decision about one account and one citizen: what the
// evidence gathered so far allows, and whether a standing still admits today.
//
// It is pure: evidence and a moment in, a decision out. It reads no clock,
// calls nobody and keeps nothing; whoever calls it gathers the evidence and
// carries the decision out.
package link

import (
	"time"

	"vneid-proxy/identity"
)

// Policy is what the operator decided. The zero value is the strictest: no
// legacy sign-in, no skipping, no trust in typed numbers.
type Policy struct {
	Mode Mode
	// Default are the terms of every class that Classes does not name.
	Default Terms
	// Classes are whole terms by kind, and by kind and cohort; nil where Default
	// is for all, else every kind is there. They are shared and not written to.
	Classes map[Class]Terms
	// Cohorts are tried in order.
	Cohorts []Cohort
	// TrustDirectoryNumber takes a citizen number in the directory for
	// verified even where the directory does not mark it so.
	TrustDirectoryNumber bool
	// TrustPopulationIDCard takes an account for the citizen's whose ID-card
	// number the population database says is theirs, where name and full birth
	// date agree too.
	TrustPopulationIDCard bool
	// ExcusedUntil is when the last exemption or extension of any account
	// ends; zero where there is none.
	ExcusedUntil time.Time
}

// Mode is how much of the policy is carried out.
type Mode int

// The modes.
const (
	Enforce Mode = iota
	// Observe admits whoever proves a side, shows no link screen and records no
	// link. What is refused for safety, and not by the policy, stays refused.
	Observe
	// Off is a plain OpenID Connect proxy: whoever the provider vouches for is
	// admitted, and there are no accounts.
	Off
)

// Action is what happens next.
type Action int

// The actions. The zero value is none of them: callers treat it as a fault.
const (
	// Refuse ends the sign-in with a page; Reason says which.
	Refuse Action = iota + 1
	// Admit begins a session with Standing.
	Admit
	// Record writes the link (Method, Strength), then admits as linked.
	Record
	// Await writes the check down to be answered later, then admits with
	// Standing: neither the skip allowance nor a deadline is used up (flow A).
	Await
	// Ask shows the link screen: the number must be typed (flow A).
	Ask
	// Choose shows the chooser: several accounts are this citizen's.
	Choose
	// Prove asks for proof of an old account (flow B).
	Prove
)

// Reason says why a page refuses.
type Reason string

// The reasons, as the pages and the metrics name them.
const (
	LegacyClosed  Reason = "legacy_closed"   // the portal's own sign-in has ended
	AlreadyLinked Reason = "already_linked"  // VNeID has been used: the old password opens nothing
	Locked        Reason = "account_locked"  // locked or closed in the directory
	Conflict      Reason = "conflict"        // the number or the account is somebody's already
	NotAppointed  Reason = "not_appointed"   // the provider is no authority for such an account, or for none at all
	Mismatch      Reason = "mismatch_review" // both sides proved, but the data name two people, or may
	UseEnded      Reason = "use_ended"       // an account without a link is of no use any more

	// OrganisationAccount is an organisation's account, where somebody signs in
	// for themselves or links it by their own number; PersonalAccount a
	// person's, where they act for an organisation.
	OrganisationAccount Reason = "organisation_account"
	PersonalAccount     Reason = "personal_account"
)

// Method is how a link was proved.
type Method string

// The methods.
const (
	ByMatch         Method = "match"          // flow A: the population database confirmed the typed number
	ByCredential    Method = "credential"     // flow B: the old account's password
	ByPortalSession Method = "portal_session" // the portal said who was signed in
	ByPopulation    Method = "population"     // by record lookup: the population database ties the account's ID-card number to the citizen
	ByDirectory     Method = "directory"      // the directory's verified number, name and date agree with VNeID
)

// Strength is how far the data of both sides agree.
type Strength string

// The strengths.
const (
	Strong Strength = "strong" // name letter for letter, full birth date
	Weak   Strength = "weak"   // year only, or the name without its marks
)

// Decision is what the policy makes of the evidence.
type Decision struct {
	Action    Action
	Reason    Reason            // with Refuse
	Standing  identity.Standing // with Admit and Await
	Method    Method            // with Record
	Strength  Strength          // with Record
	CanSkip   bool              // with Ask
	SkipUntil Day               // with CanSkip, unless ReadOnly: the last day of skipping
	// SkipsLeft is how often the account may skip, this time included; with
	// CanSkip 0 is no limit.
	SkipsLeft int
	// ReadOnly is set with Ask and CanSkip where whoever skips may only read.
	ReadOnly bool
	// OtherProof is set with Prove where the account was proved, but not in the
	// way that its terms ask for.
	OtherProof bool
	// Wrong is set with Ask when a typed number was checked and did not match.
	Wrong bool
}

// Verdict is what a session is worth at one moment.
type Verdict int

// The verdicts.
const (
	ToLink  Verdict = iota // to the link screen, or 403 for a program
	Forward                // to the portal
	Read                   // to the portal for what changes nothing, else as ToLink
	Closed                 // to the page that says so
)

// Held is what a session says of itself.
type Held struct {
	Standing identity.Standing
	Class    Class
	// Nobody says that it names no account.
	Nobody bool
	// ReadOnly says that it was begun to read alone.
	ReadOnly bool
	// Excused is when the account's exemption or extension ends, zero for none.
	Excused time.Time
}

// Admit judges a session at a moment. It is asked at every request, so that a
// date ends what it ends on the stroke.
func (p Policy) Admit(h Held, at time.Time) Verdict {
	if p.Mode == Observe {
		return Forward
	}
	switch h.Standing {
	case identity.StandingLinked, identity.StandingPending:
		return Forward
	case identity.StandingNone:
		// With an account, its provider named it: there is nothing to link.
		if !h.Nobody || p.Mode == Off || p.NoAccount().PassNoAccount {
			return Forward
		}
	case identity.StandingExempt:
		if at.Before(h.Excused) {
			return Forward
		}
	case identity.StandingSkipped:
		terms := p.TermsOf(h.Class)
		if !h.ReadOnly && (!terms.SkipUntil.Reached(at) || at.Before(h.Excused)) {
			return Forward
		}
		switch terms.After {
		case ReadOnly:
			return Read
		case UseEnds:
			return Closed
		}
	}
	return ToLink
}
