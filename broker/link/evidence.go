package link

import (
	"time"

	"vneid-proxy/identity"
)

// Evidence is all that is known about one sign-in when a decision is asked
// for. Fields that do not apply stay zero.
type Evidence struct {
	// On is the moment.
	On time.Time
	// Vouched says that a provider vouched for a citizen in this sign-in
	// (flow B). Without it the account came first (flow A).
	Vouched bool
	// ForOrganisation says that this citizen acts for an organisation.
	ForOrganisation bool
	// Account is the one account considered, nil when there is none yet.
	Account *Account
	// Proof is how that account was proved in this sign-in, "" when it was
	// not: ByCredential or ByPortalSession.
	Proof Method
	// Admissible counts the citizen's accounts that the directory alone would
	// link (flow B, no account chosen).
	Admissible int
	// Check is what the population database said of the number typed (flow A).
	Check Check
	// NumberElsewhere says that the number typed is linked to another account
	// (flow A).
	NumberElsewhere bool
	// IDCard is what the population database says of the account's ID-card
	// number.
	IDCard IDCard
}

// IDCard is whose an ID-card number is.
type IDCard int

// The answers.
const (
	IDCardNotSaid IDCard = iota // not asked, no answer, or one side holds none
	IDCardOwn                   // the citizen's
	IDCardOther                 // the citizen has another: an older one of theirs, or somebody else's
)

// Check is the population database's answer.
type Check int

// The answers.
const (
	NotAsked Check = iota
	Matched
	NotMatched
	Unanswered // down, slow or malformed
)

// Account is what is known of an account, compared with the citizen where one
// is vouched for.
type Account struct {
	Class  Class
	Locked bool
	// Organisation says that the account is an organisation's, not a person's.
	// Such a one has no birth date, and its name may be the organisation's:
	// Name is then the better of the two comparisons.
	Organisation bool
	// Link is the account's active link in the ledger; a link of the same
	// citizen for themselves, or for another organisation, is another's.
	Link Linked
	// ProviderUsed says that a provider has signed in to this account.
	ProviderUsed bool
	// Number is how the directory's citizen number stands.
	Number Number
	// Name and BirthDate compare the account's data with the citizen's (flow
	// B); in flow A with themselves: as well as they can agree with anybody's.
	Name      identity.NameMatch
	BirthDate identity.DateMatch
	// Pending says that an earlier check of the account awaits its answer.
	Pending bool
	// Skips is how often the link was put off.
	Skips int
	// ExemptUntil is when staff's excuse from linking ends: until then the
	// account is used without a link, and signs in by itself. ExtendedUntil is
	// when its later deadlines end. Zero is none.
	ExemptUntil, ExtendedUntil time.Time
}

// Linked is the state of an account's active link.
type Linked int

// The states of a link.
const (
	NotLinked     Linked = iota
	LinkedSame           // to the citizen vouched for; in flow A, to whoever proved it
	LinkedToOther        // to another citizen
)

// Number is how the directory holds a citizen number.
type Number int

// The ways a directory holds a number.
const (
	NoNumber       Number = iota
	NumberTyped           // somebody wrote it; not verified
	NumberVerified        // marked verified
	NumberOther           // verified, but another number than the citizen's (flow B)
)

// Decide says what the evidence allows.
func (p Policy) Decide(e Evidence) Decision {
	switch {
	case e.Account == nil && !e.Vouched:
		return Decision{Action: Refuse, Reason: Conflict}
	case e.Account == nil && e.Admissible > 1:
		return Decision{Action: Choose}
	case e.Account == nil:
		return Decision{Action: Prove}
	case e.Account.Locked:
		return Decision{Action: Refuse, Reason: Locked}
	case e.Vouched:
		return p.providerFirst(e)
	}
	return p.legacyFirst(e)
}

// legacyFirst is flow A: the account is proved, the number is what is asked.
func (p Policy) legacyFirst(e Evidence) Decision {
	a, terms := e.Account, p.terms(e.Account, e.On)
	exempt := e.On.Before(a.ExemptUntil)
	switch {
	case e.Proof == "":
		return Decision{Action: Refuse, Reason: Conflict}
	case a.Link != NotLinked && a.ProviderUsed:
		return Decision{Action: Refuse, Reason: AlreadyLinked}
	case terms.LegacySignInUntil.Reached(e.On) && !exempt && p.Mode != Observe:
		return Decision{Action: Refuse, Reason: LegacyClosed}
	case a.Link != NotLinked, p.trusted(a.Number):
		return Decision{Action: Admit, Standing: identity.StandingLinked}
	case a.Organisation && e.Check != NotAsked:
		// A person's number tells nothing about who may act for it.
		return Decision{Action: Refuse, Reason: OrganisationAccount}
	case e.Check == Matched && e.NumberElsewhere:
		return Decision{Action: Refuse, Reason: Conflict}
	case e.Check == Matched && e.IDCard == IDCardOther:
		return Decision{Action: Refuse, Reason: Mismatch}
	case e.Check == Matched:
		return terms.record(ByMatch, strength(identity.NameStrong, a.BirthDate))
	case e.Check == Unanswered:
		return Decision{Action: Await, Standing: identity.StandingPending}
	case e.Check == NotAsked && exempt:
		return Decision{Action: Admit, Standing: identity.StandingExempt}
	case e.Check == NotAsked && a.Pending:
		return Decision{Action: Admit, Standing: identity.StandingPending}
	case p.Mode == Observe:
		return Decision{Action: Admit, Standing: identity.StandingUnlinked}
	}
	return terms.ask(e)
}

// ask is the link screen, with what else there is to it.
func (t Terms) ask(e Evidence) Decision {
	d := Decision{Action: Ask, Wrong: e.Check == NotMatched}
	left := t.SkipLimit - e.Account.Skips
	switch {
	case !t.SkipUntil.Reached(e.On) && (t.SkipLimit == 0 || left > 0):
		d.CanSkip, d.SkipsLeft, d.SkipUntil = true, max(left, 0), t.SkipUntil
	case t.After == ReadOnly:
		d.CanSkip, d.ReadOnly = true, true
	case t.After == UseEnds:
		return Decision{Action: Refuse, Reason: UseEnded}
	}
	return d
}

// record is a link to be written, unless staff must look at it first.
func (t Terms) record(method Method, strength Strength) Decision {
	if strength == Weak && t.ReviewWeak {
		return Decision{Action: Refuse, Reason: Mismatch}
	}
	return Decision{Action: Record, Method: method, Strength: strength}
}

// providerFirst is flow B: the citizen is proved, the account is what is asked.
func (p Policy) providerFirst(e Evidence) Decision {
	a, terms := e.Account, p.terms(e.Account, e.On)
	born := a.BirthDate
	if a.Organisation {
		born = identity.DateFull // an organisation has none that could differ
	}
	agrees := a.Name != identity.NameDiffers && born != identity.DateDiffers
	switch {
	case a.Organisation && !e.ForOrganisation:
		return Decision{Action: Refuse, Reason: OrganisationAccount}
	case !a.Organisation && e.ForOrganisation:
		return Decision{Action: Refuse, Reason: PersonalAccount}
	case a.Link == LinkedSame:
		return Decision{Action: Admit, Standing: identity.StandingLinked}
	case a.Link == LinkedToOther:
		return Decision{Action: Refuse, Reason: Conflict}
	case e.Proof != "" && !terms.Proof.takes(e.Proof):
		return Decision{Action: Prove, OtherProof: true}
	case e.Proof != "" && a.Number == NumberOther && !e.ForOrganisation:
		return Decision{Action: Refuse, Reason: Conflict}
	case e.Proof != "" && agrees && e.IDCard != IDCardOther:
		return terms.record(e.Proof, strength(a.Name, born))
	case e.Proof != "":
		return Decision{Action: Refuse, Reason: Mismatch}
	case e.ForOrganisation:
		return Decision{Action: Prove} // the directory's number is the person's, not the organisation's
	case e.IDCard == IDCardOther:
		return Decision{Action: Prove}
	case p.byDirectory(*a):
		return terms.record(ByDirectory, strength(a.Name, a.BirthDate))
	case p.TrustPopulationIDCard && e.IDCard == IDCardOwn && a.Number != NumberOther && agrees && a.BirthDate == identity.DateFull:
		return terms.record(ByPopulation, strength(a.Name, a.BirthDate))
	}
	return Decision{Action: Prove}
}

// byDirectory reports that the directory alone makes the account the
// citizen's.
func (p Policy) byDirectory(a Account) bool {
	return p.trusted(a.Number) && a.Name != identity.NameDiffers && a.BirthDate == identity.DateFull
}

func (p Policy) trusted(n Number) bool {
	return n == NumberVerified || (n == NumberTyped && p.TrustDirectoryNumber)
}

func strength(name identity.NameMatch, date identity.DateMatch) Strength {
	if name == identity.NameStrong && date == identity.DateFull {
		return Strong
	}
	return Weak
}
