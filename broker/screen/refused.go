package screen

import (
	"net/http"
	"time"
)

// Reason is why somebody cannot go on. An unknown one is shown in general
// words.
type Reason string

// The reasons.
const (
	Cancelled        Reason = "cancelled"          // at VNeID, by the person
	LevelTooLow      Reason = "level_too_low"      // of the electronic identity
	NoAccount        Reason = "no_account"         // nobody to be at this portal
	AccountLocked    Reason = "account_locked"     // by the portal; told after proof only
	Conflict         Reason = "conflict"           // another active link stands against this one
	MismatchReview   Reason = "mismatch_review"    // data differ; staff must look
	DeadlinePassed   Reason = "deadline_passed"    // no skipping any more
	LegacyClosed     Reason = "legacy_closed"      // the portal's own sign-in is over
	AlreadyLinked    Reason = "already_linked"     // this account signs in with VNeID now
	TooManyTries     Reason = "too_many_tries"     // with RetryAfter
	Protocol         Reason = "protocol"           // the provider's answer was faulty
	Expired          Reason = "expired"            // the attempt is lost or too old
	Spent            Reason = "spent"              // the attempt was used already
	ProviderDown     Reason = "provider_down"      // VNeID
	DirectoryDown    Reason = "directory_down"     // the portal's accounts
	LedgerDown       Reason = "ledger_down"        // our own record
	NotFound         Reason = "not_found"          // under the prefix
	MethodNotAllowed Reason = "method_not_allowed" // under the prefix
	ForbiddenForm    Reason = "forbidden_form"     // a form that is not from our page
	Misdirected      Reason = "misdirected"        // another host name
	Unavailable      Reason = "unavailable"        // the portal itself
	Loop             Reason = "loop"               // sent to sign in again and again
	NotAllowed       Reason = "not_allowed"        // this person may not see this page
	Closed           Reason = "closed"             // this page, for everybody, since a day
	TooLarge         Reason = "too_large"          // what was sent
	LinkNeeded       Reason = "link_needed"        // this page is for linked accounts
	NotAppointed     Reason = "not_appointed"      // the provider named no account that is its to open
	UseEnded         Reason = "use_ended"          // accounts without a link are of no use any more

	OrganisationAccount Reason = "organisation_account" // it is an organisation's: sign in for that
	PersonalAccount     Reason = "personal_account"     // it is a person's: sign in for oneself
	NoRepresentative    Reason = "no_representative"    // an organisation's sign-in that names no person
	SignInTooOld        Reason = "sign_in_too_old"      // this page wants a sign-in of just now
)

// Reasons are all reasons.
func Reasons() []Reason {
	return []Reason{Cancelled, LevelTooLow, NoAccount, AccountLocked, Conflict, MismatchReview,
		DeadlinePassed, LegacyClosed, AlreadyLinked, TooManyTries, Protocol, Expired, Spent,
		ProviderDown, DirectoryDown, LedgerDown, NotFound, MethodNotAllowed,
		ForbiddenForm, Misdirected, Unavailable, Loop, NotAllowed, Closed, TooLarge, LinkNeeded, NotAppointed,
		OrganisationAccount, PersonalAccount, NoRepresentative, SignInTooOld, UseEnded}
}

// Status is the status that a refusal for this reason usually has.
func (r Reason) Status() int {
	switch r {
	case Protocol, Expired, Spent:
		return http.StatusBadRequest
	case TooManyTries, Loop:
		return http.StatusTooManyRequests
	case ProviderDown, DirectoryDown, LedgerDown:
		return http.StatusServiceUnavailable
	case Unavailable:
		return http.StatusBadGateway
	case NotFound:
		return http.StatusNotFound
	case MethodNotAllowed:
		return http.StatusMethodNotAllowed
	case Misdirected:
		return http.StatusMisdirectedRequest
	}
	return http.StatusForbidden
}

// ActionLabel is what a way on is called: the key of a text.
type ActionLabel string

// The ways on.
const (
	ActionSignIn   ActionLabel = "sign_in"   // begin again
	ActionVNeID    ActionLabel = "vneid"     // sign in with VNeID
	ActionLink     ActionLabel = "link"      // to the link screen
	ActionRetry    ActionLabel = "retry"     // the same once more
	ActionHome     ActionLabel = "home"      // the portal's start
	ActionSignOut  ActionLabel = "sign_out"  // use another account
	ActionRegister ActionLabel = "register"  // at the portal
	ActionIdentity ActionLabel = "identity"  // the identity page
	ActionContinue ActionLabel = "go_on"     // to the page first asked for
	ActionOther    ActionLabel = "other_way" // another way to sign in
)

// Action is a way on: a link, never a form.
type Action struct {
	Label ActionLabel
	Href  string
}

// Refused is the page for whoever cannot go on: what happened, what is not
// lost, and the next step.
type Refused struct {
	Reason        Reason
	Provider      string        // whom the words are about where they would name VNeID; "" is VNeID
	ReferenceCode string        // to read out to staff; "" is none
	Next          []Action      // nil is what fits the reason; empty is none
	RetryAfter    time.Duration // zero says nothing about it
}

func (Refused) template() string            { return "refused" }
func (p Refused) retryAfter() time.Duration { return p.RetryAfter }

// actions are the ways on of a refusal. The sign-in page is the one safe
// action after most: whoever still has a session or proof is sent on from it.
func (w words) actions(p Refused) []Action {
	if p.Next != nil {
		return p.Next
	}
	signIn := w.prefix + "/sign-in"
	switch p.Reason {
	case Misdirected:
		return nil
	case LinkNeeded:
		return []Action{{ActionIdentity, w.prefix + "/identity"}, {ActionHome, "/"}}
	case Unavailable, NotFound, Closed, TooLarge:
		return []Action{{ActionHome, "/"}}
	case DeadlinePassed:
		return []Action{{ActionLink, w.prefix + "/link"}}
	case LegacyClosed, AlreadyLinked, UseEnded:
		return []Action{{ActionVNeID, signIn}}
	case TooManyTries, NotAppointed:
		return []Action{{ActionOther, signIn}}
	case NotAllowed, SignInTooOld:
		return []Action{{ActionHome, "/"}, {ActionSignOut, w.prefix + "/sign-out"}}
	case Loop:
		return []Action{{ActionSignOut, w.prefix + "/sign-out"}, {ActionSignIn, signIn}}
	case NoAccount:
		if w.register != "" {
			return []Action{{ActionRegister, w.register}, {ActionOther, signIn}}
		}
		return []Action{{ActionOther, signIn}}
	case ProviderDown, DirectoryDown, LedgerDown:
		return []Action{{ActionRetry, signIn}}
	}
	return []Action{{ActionSignIn, signIn}}
}
