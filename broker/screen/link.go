package screen

import (
	"time"

	"vneid-proxy/identity"
)

// AccountView is an account as its owner may see it before it is proved theirs:
// Title and Detail are already masked.
type AccountView struct {
	Handle string // valid in this proof only, never the portal's id
	Title  string
	Detail string
}

// CitizenView is a person as VNeID vouched for them. The number prints masked.
type CitizenView struct {
	Name      string
	Number    identity.CitizenNumber
	BirthDate identity.BirthDate
	Provider  string // who vouches for them; "" is VNeID
	// Organisation is whom they act for, zero for themselves.
	Organisation identity.Organisation
}

// Link is the forced screen "Cập nhật thông tin từ CSDL dân cư". It posts
// citizen_number (flow A) and consent to link/update, or nothing to link/skip.
type Link struct {
	Account AccountView
	CMND    string // the person's own 9-digit number, shown as the official guide does; "" is none

	FlowB         bool                   // VNeID has vouched for the number: it is shown and not asked
	CitizenNumber identity.CitizenNumber // flow B
	TypedNumber   string                 // flow A: what they typed, after a 422

	Deadline  time.Time // last day on which skipping is possible; zero is no skipping
	DaysLeft  int       // until Deadline; 0 is today
	CanSkip   bool      // false hides the skip button whatever the deadline
	SkipsLeft int       // with CanSkip: how often, this time included; 0 is as often as one likes
	ReadOnly  bool      // with CanSkip: whoever skips only reads
	Pending   bool      // an earlier check awaits its answer
	Answer    Answer    // how an earlier check ended; "" says nothing about one

	ReferenceCode string // of a mismatch or of Answer, to read out to staff; "" is none

	ConsentVersion string
	CSRF           string
	Errors         FieldErrors
}

func (Link) template() string { return "link" }

// Consent is the consent box.
func (p Link) Consent() consent {
	kind := "match"
	if p.FlowB {
		kind = "link"
	}
	return consent{p.Errors[FieldConsent], p.ConsentVersion, kind, ""}
}

// Answer is how a check ended that the population database answered late.
type Answer string

// The answers that ask for another number.
const (
	AnswerNotMatched Answer = "not_matched" // the data are not one person's
	AnswerConflict   Answer = "conflict"    // they are, but staff must look at the account
)

// Linked confirms a link that the ledger holds.
type Linked struct {
	ReturnTo string // where the person goes on to; "" is the portal's start
	Account  AccountView
	Weak     bool // linked, but only the year of birth or the name without marks agreed
}

func (Linked) template() string { return "linked" }

// Pending says that the number was taken down and the population database has
// yet to answer: neither the deadline nor the skip allowance is used up.
type Pending struct {
	ReturnTo string                 // where the person goes on to; "" is the portal's start
	Number   identity.CitizenNumber // zero is not shown
	Since    time.Time              // zero is not shown
}

func (Pending) template() string { return "pending" }
