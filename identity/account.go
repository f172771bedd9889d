package identity

// AccountID is an account's id in the portal's own words. It may itself be
// somebody's number (many portals use it as user name), so it is treated as
// personal: not logged, encrypted at rest.
type AccountID string

// Account is one row of the portal's directory, in canonical form.
type Account struct {
	ID       AccountID
	Username string
	Kind     Kind
	Locked   bool // locked or closed: it is not signed in to, whoever asks

	// Number is the CCCD that the directory holds, if it has 12 digits.
	// NumberVerified says that the directory marks it as verified; without
	// that the number only makes the account a candidate.
	Number         CitizenNumber
	NumberVerified bool
	IDCard         IDCardNumber

	Name      string
	BirthDate BirthDate
	Email     string
	Phone     string
	Roles     []string

	// Group is the part of the portal that the account belongs to (a tenant, an
	// office), "" where it has none; policies may tell cohorts by it.
	Group string
	// Subject is the provider's stable key for the person, where the portal
	// has kept one from an earlier sign-in; never proof of anything.
	Subject string
	// CreatedBy is who made the account, "" where the portal does not say.
	CreatedBy Creator
}

// Creator is who made an account.
type Creator string

// The creators.
const (
	CreatedBySelf     Creator = "self"
	CreatedByOfficial Creator = "official" // phone and mail are then often the office's
)

// Kind is the kind of account: policies differ by it.
type Kind string

// The kinds of account.
const (
	KindCitizen      Kind = "citizen"
	KindOfficial     Kind = "official"
	KindOrganisation Kind = "organisation"
)

// Standing is what an account's link is now.
type Standing string

// The standings. The zero value is none of them and never admits.
const (
	StandingLinked   Standing = "linked"
	StandingSkipped  Standing = "skipped"
	StandingPending  Standing = "pending"
	StandingExempt   Standing = "exempt"
	StandingUnlinked Standing = "unlinked"
	StandingConflict Standing = "conflict"
	StandingNone     Standing = "none"
)
