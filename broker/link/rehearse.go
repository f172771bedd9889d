package link

import (
	"time"

	"vneid-proxy/identity"
)

// Outcome is what enforcing makes of one account on one day, in the word that
// the rehearsal lists and observing counts.
type Outcome string

// The outcomes.
const (
	// In without being asked.
	OutcomeLinked        Outcome = "linked"         // by VNeID, through the link
	OutcomeTrustedNumber Outcome = "trusted_number" // by the portal account: its number is verified
	OutcomeVNeIDNumber   Outcome = "vneid_number"   // by VNeID alone, where its name and birth date agree with the account's
	OutcomeExempt        Outcome = "exempt"         // by the portal account, excused by staff
	OutcomePending       Outcome = "pending"        // by the portal account, until its check is answered
	// Asked.
	OutcomeMaySkip  Outcome = "may_skip"  // at the link screen, with skipping
	OutcomeReadOnly Outcome = "read_only" // at the link screen; whoever puts it off reads and changes nothing
	// Blocked.
	OutcomeMustLink     Outcome = "must_link"     // at the link screen, without skipping
	OutcomeUseEnded     Outcome = "use_ended"     // at a page: VNeID and proof of the account are the way on
	OutcomeLegacyClosed Outcome = "legacy_closed" // the portal's own sign-in is over: likewise
	// By no policy.
	OutcomeLocked Outcome = "locked" // in the directory
	// Of nobody's account, and so in no rehearsal.
	OutcomeMustProve Outcome = "must_prove" // VNeID came first, and no account is known to be theirs
)

// Outcomes are all outcomes, in the order of a report.
func Outcomes() []Outcome {
	return []Outcome{OutcomeLinked, OutcomeTrustedNumber, OutcomeVNeIDNumber, OutcomeExempt, OutcomePending,
		OutcomeMaySkip, OutcomeReadOnly, OutcomeMustLink, OutcomeUseEnded, OutcomeLegacyClosed, OutcomeLocked, OutcomeMustProve}
}

// Blocked reports that whoever signs in as they did before gets nowhere until
// they link.
func (o Outcome) Blocked() bool {
	return o == OutcomeMustLink || o == OutcomeUseEnded || o == OutcomeLegacyClosed
}

// Rehearse says what enforcing makes of an account at a moment, as far as the
// account alone decides: its owner signs in by VNeID where there is a link,
// else by the portal account while that is open. It asks Decide, as a sign-in
// does.
func (p Policy) Rehearse(a Account, on time.Time) Outcome {
	if a.Link != NotLinked && !a.Locked {
		return OutcomeLinked
	}
	p.Mode = Enforce
	d := p.Decide(Evidence{On: on, Account: &a, Proof: ByCredential})
	switch {
	case d.Action == Admit && d.Standing == identity.StandingExempt:
		return OutcomeExempt
	case d.Action == Admit && d.Standing == identity.StandingPending:
		return OutcomePending
	case d.Action == Admit:
		return OutcomeTrustedNumber
	case d.Action == Ask && d.ReadOnly:
		return OutcomeReadOnly
	case d.Action == Ask && d.CanSkip:
		return OutcomeMaySkip
	case d.Action == Ask:
		return OutcomeMustLink
	case d.Reason == Locked:
		return OutcomeLocked
	case d.Reason == UseEnded:
		return OutcomeUseEnded
	}
	// In flow A an account's data are compared with themselves, so that they
	// agree with VNeID's at best as far as this.
	if p.byDirectory(a) && !a.Organisation {
		return OutcomeVNeIDNumber
	}
	return OutcomeLegacyClosed
}
