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

// await writes down a check that the population database has not answered and
// lets the person in: an outage costs neither the right to skip nor a day. A
// check of the account that is open already stands, whatever was typed now.
func (l *Link) await(w http.ResponseWriter, r *http.Request, h holder, found seen) {
	account, citizen := found.account, h.citizen(found.account)
	var card identity.IDCardNumber
	if l.Lookup != nil {
		card = account.IDCard
	}
	_, err := l.Ledger.AddPending(r.Context(), ledger.NewPending{
		Account: account.ID, Kind: account.Kind, Number: citizen.Number, Name: citizen.Name, BirthDate: citizen.BirthDate, IDCard: card,
		ReviewWeak: l.Policy().TermsOf(found.facts.Class).ReviewWeak, Proof: h.id[:], ProofExpires: h.expires, Consent: l.consent(r), Source: l.Source(r),
	})
	if errors.Is(err, ledger.ErrPending) {
		err = l.use(r.Context(), h.id, h.expires)
	}
	if err != nil {
		l.overtaken(w, r, h, err)
		return
	}
	l.Metrics.Step(session.Portal, metrics.StepPending, "")
	citizen.Number = identity.CitizenNumber{} // nobody has confirmed it
	l.admit(w, r, entrance{account: account, citizen: citizen, standing: identity.StandingPending, excused: found.excused(), tokens: h.tokens, provider: session.Portal, atPortal: h.method == link.ByPortalSession},
		l.Prefix+"/link?"+url.Values{"rd": {h.returnTo}}.Encode())
}

// showPending says that the check awaits its answer, with the way on.
func (l *Link) showPending(w http.ResponseWriter, r *http.Request, account identity.AccountID, returnTo string) {
	open, err := l.Ledger.PendingByAccount(r.Context(), account)
	if errors.Is(err, ledger.ErrNotFound) {
		to(w, r, returnTo) // answered this moment: the gate will see to it
		return
	}
	if err != nil {
		l.refuse(w, r, err)
		return
	}
	l.Screens.Write(w, r, http.StatusOK, screen.Pending{ReturnTo: returnTo, Number: open.Number, Since: open.At})
}
