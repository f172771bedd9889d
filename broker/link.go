package broker

import (
	"errors"
	"net/http"
	"net/url"

	"vneid-proxy/broker/ledger"
	"vneid-proxy/broker/link"
	"vneid-proxy/broker/screen"
	"vneid-proxy/identity"
	"vneid-proxy/metrics"
	"vneid-proxy/session"
)

// Link ties an account to a citizen, or lets somebody who may put it off.
// link_legacy.go is flow A (the account came first), link_provider.go flow B
// (the citizen came first) and link_prove.go its forms, identity.go the page
// for afterwards.
type Link struct{ *broker }

// arrive goes on with somebody who has just proved one side: in at once where
// the policy admits, else to the screen that asks for the other side.
func (l *Link) arrive(w http.ResponseWriter, r *http.Request, proof *session.Proof) {
	by, known := l.vouchedBy(proof.Citizen)
	switch {
	case proof.LegacyFirst():
		l.arriveLegacy(w, r, proof)
	case !known || by.Appointment == nil && proof.Citizen.Number.IsZero():
		l.gone(w, r, proof)
	case by.Appointment != nil:
		l.reappoint(w, r, proof, by)
	default:
		l.arriveProvider(w, r, proof)
	}
}

// hold writes the proof and sends the browser to the link screen.
func (l *Link) hold(w http.ResponseWriter, r *http.Request, proof *session.Proof) {
	if err := l.Jar.Prove(w, proof); err != nil {
		l.refuse(w, r, &Fault{screen.Protocol, err})
		return
	}
	to(w, r, l.Prefix+"/link")
}

// show is the link screen. What it shows is decided anew each time: another
// tab, or staff, may have changed the account's standing.
func (l *Link) show(w http.ResponseWriter, r *http.Request) {
	switch held := l.live(r).(type) {
	case nil:
		to(w, r, l.Prefix+"/sign-in")
	case *session.Session:
		l.showToSession(w, r, held)
	case *session.Proof:
		if held.LegacyFirst() {
			l.showLegacy(w, r, held)
			return
		}
		// A portal that cannot be told where to return sends people to its own
		// start, and the gate sends them here.
		at := &SignIn{l.broker}
		if _, ok := at.portalAttempt(r); ok && l.WhoAmI != nil && l.Portal.ReturnParameter == "" && at.hasPortalSession(r) {
			to(w, r, l.Prefix+"/portal-return")
			return
		}
		if by, known := l.vouchedBy(held.Citizen); !known || by.Appointment != nil {
			l.arrive(w, r, held)
			return
		}
		l.showProvider(w, r, held)
	}
}

// showToSession serves a session that the gate sent here: its date has come,
// or its standing changed since it was read. Who is still fine gets a session
// read anew; who is not becomes a proof again, for the account that this
// session proved.
func (l *Link) showToSession(w http.ResponseWriter, r *http.Request, held *session.Session) {
	returnTo := l.rd(r)
	if l.Policy().Admit(HeldBy(held), l.Now()) == link.Forward && l.Feed.State(Ref(held)) == ledger.Live {
		switch {
		case unlinked(held.Standing) && !r.URL.Query().Has("rd"):
			l.ask(w, r, holderOf(l.broker, held))
		case held.Standing == identity.StandingPending:
			l.showPending(w, r, held.Account.ID, returnTo)
		default:
			to(w, r, returnTo)
		}
		return
	}
	proof := &session.Proof{
		ID: session.NewID(), Begun: l.Now(), ReturnTo: returnTo,
		Citizen: held.Citizen, Authenticated: held.Authenticated, ProviderSID: held.ProviderSID, Tokens: held.Tokens,
	}
	if proof.LegacyFirst() {
		if held.Account.ID == "" {
			to(w, r, l.Prefix+"/sign-in?rd="+url.QueryEscape(returnTo))
			return
		}
		proof.Citizen = identity.Citizen{}
		proof.Account, proof.Method = held.Account, string(link.ByPortalSession)
	}
	if by, _ := l.vouchedBy(proof.Citizen); by.Appointment != nil {
		proof.Account, proof.Method = held.Account, byProvider
	}
	l.arrive(w, r, proof)
}

// unlinked are the standings of sessions that may still link their account, on
// the identity page.
func unlinked(s identity.Standing) bool {
	return s == identity.StandingSkipped || s == identity.StandingPending || s == identity.StandingExempt
}

// refuseBy writes the page for a decision to refuse. What a person must take
// up with staff waits in the ledger, and gets a reference code.
func (l *Link) refuseBy(w http.ResponseWriter, r *http.Request, d link.Decision, account identity.Account, citizen identity.Citizen, returnTo string) {
	if d.Reason == link.Conflict || d.Reason == link.Mismatch {
		l.review(w, r, ledger.NewReview{
			Account: account.ID, Kind: account.Kind, Reason: ledger.ReviewReason(d.Reason), Citizen: citizen,
		})
		return
	}
	l.refuseWith(w, r, &Fault{screen.Reason(d.Reason), errors.New("policy")}, screen.Refused{Next: l.nextFor(d.Reason, returnTo)})
}

func (l *Link) nextFor(reason link.Reason, returnTo string) []screen.Action {
	again := l.again(returnTo)
	switch reason {
	case link.LegacyClosed, link.UseEnded, link.AlreadyLinked, link.OrganisationAccount, link.PersonalAccount:
		again[0].Label = screen.ActionVNeID
	}
	return again
}

// consent is what the form agreed to, in the language in which it was read.
func (l *Link) consent(r *http.Request) ledger.Consent {
	return ledger.Consent{Version: ConsentVersion, Language: string(l.Screens.Language(r))}
}

func consented(r *http.Request) bool {
	return r.PostForm.Get(screen.FieldConsent) == screen.ConsentGiven
}

func (l *Link) proved(provider string) { l.Metrics.Step(provider, metrics.StepProved, "") }
