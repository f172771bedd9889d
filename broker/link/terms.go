package link

import (
	"slices"
	"time"

	"vneid-proxy/identity"
)

// Terms are what holds for one account. The zero value is the strictest: no
// legacy sign-in, no skipping.
type Terms struct {
	// LegacySignInUntil is the last day on which a portal account alone signs
	// in. It does not bound the account's use as proof beside VNeID.
	LegacySignInUntil Day
	// SkipUntil is the last day on which the link screen may be skipped, and
	// on which a skipped session is forwarded without reserve.
	SkipUntil Day
	// SkipLimit is how often an account may skip; 0 is as often as it likes.
	SkipLimit int
	// After is what becomes of an account without a link once it may skip no
	// more.
	After After
	// Proof is what proves an old account beside VNeID (flow B).
	Proof Proof
	// ReviewWeak has staff look where the data agree only weakly, instead of
	// linking.
	ReviewWeak bool
	// PassNoAccount admits a citizen who owns no account, without one; false
	// refuses. Such a person is of the kind citizen and of no cohort.
	PassNoAccount bool
}

// After is what becomes of an account without a link in the end.
type After int

// The ends.
const (
	MustLink After = iota // the link screen, and nothing besides
	ReadOnly              // whoever puts it off still reads, and changes nothing
	UseEnds               // a page that says so: VNeID is the one way on
)

// Proof is which proof of an old account counts.
type Proof int

// The proofs.
const (
	EitherProof Proof = iota
	CredentialProof
	PortalProof
)

func (p Proof) takes(m Method) bool {
	return m != "" && (p == EitherProof || p == CredentialProof && m == ByCredential || p == PortalProof && m == ByPortalSession)
}

// Class is what terms go by: the kind of an account, and its cohort, "" for
// none.
type Class struct {
	Kind   identity.Kind
	Cohort string
}

// Cohort is some of the accounts, told by what the directory says of them. Of
// each list one entry is enough; an empty one asks nothing.
type Cohort struct {
	Name      string
	Kinds     []identity.Kind
	Groups    []string
	Roles     []string
	CreatedBy []identity.Creator
	Holds     []Holding
}

// Holding is which number an account holds in the directory.
type Holding string

// The holdings; each account has one of them.
const (
	HoldsVerified Holding = "verified" // a citizen number, marked verified
	HoldsTyped    Holding = "typed"    // a citizen number that somebody wrote
	HoldsIDCard   Holding = "id_card"  // an ID-card number (CMND) alone
	HoldsNothing  Holding = "nothing"
)

// Holdings are all holdings.
func Holdings() []Holding {
	return []Holding{HoldsVerified, HoldsTyped, HoldsIDCard, HoldsNothing}
}

// HoldingOf is which number the account holds.
func HoldingOf(a identity.Account) Holding {
	switch {
	case !a.Number.IsZero() && a.NumberVerified:
		return HoldsVerified
	case !a.Number.IsZero():
		return HoldsTyped
	case !a.IDCard.IsZero():
		return HoldsIDCard
	}
	return HoldsNothing
}

// Has reports whether the account is of the cohort.
func (c Cohort) Has(a identity.Account) bool {
	return among(c.Kinds, a.Kind) && among(c.Groups, a.Group) && among(c.CreatedBy, a.CreatedBy) && among(c.Holds, HoldingOf(a)) &&
		(len(c.Roles) == 0 || slices.ContainsFunc(a.Roles, func(role string) bool { return slices.Contains(c.Roles, role) }))
}

func among[T comparable](list []T, one T) bool { return len(list) == 0 || slices.Contains(list, one) }

// ClassOf is the account's class: its kind, and the first cohort that has it.
func (p Policy) ClassOf(a identity.Account) Class {
	for _, cohort := range p.Cohorts {
		if cohort.Has(a) {
			return Class{a.Kind, cohort.Name}
		}
	}
	return Class{Kind: a.Kind}
}

// TermsOf are the terms of a class: those of kind and cohort together, else of
// the kind (a session may name a cohort that is no more), else Default.
func (p Policy) TermsOf(c Class) Terms {
	if terms, known := p.Classes[c]; known {
		return terms
	}
	if terms, known := p.Classes[Class{Kind: c.Kind}]; known {
		return terms
	}
	return p.Default
}

// NoAccount are the terms of a citizen who owns no account.
func (p Policy) NoAccount() Terms { return p.TermsOf(Class{Kind: identity.KindCitizen}) }

// terms are an account's, with its extension.
func (p Policy) terms(a *Account, on time.Time) Terms {
	terms := p.TermsOf(a.Class)
	if on.Before(a.ExtendedUntil) {
		until := DayOf(a.ExtendedUntil.Add(-time.Millisecond))
		terms.LegacySignInUntil, terms.SkipUntil = terms.LegacySignInUntil.later(until), terms.SkipUntil.later(until)
		terms.SkipLimit = 0
	}
	return terms
}

// LegacyOffered reports whether the portal's own sign-in is open to anybody:
// whose account it is, and which terms it has, shows only after it.
func (p Policy) LegacyOffered(at time.Time) bool {
	switch p.Mode {
	case Off:
		return false
	case Observe:
		return true
	}
	return !p.LegacyUntil().Reached(at) || at.Before(p.ExcusedUntil)
}

// LegacyDay is the last day on which portal accounts sign in, where it is one
// day for all; else the zero Day, for a page that does not know whose account
// it will be.
func (p Policy) LegacyDay() Day {
	last := p.LegacyUntil()
	if p.Classes == nil {
		return last
	}
	for _, terms := range p.Classes {
		if !terms.LegacySignInUntil.Equal(last) {
			return Day{}
		}
	}
	return last
}

// LegacyUntil is the last day on which any class signs in by its portal
// account.
func (p Policy) LegacyUntil() Day {
	last := p.Default.LegacySignInUntil
	if p.Classes != nil {
		last = Day{} // every account is of a class
	}
	for _, terms := range p.Classes {
		last = last.later(terms.LegacySignInUntil)
	}
	return last
}
