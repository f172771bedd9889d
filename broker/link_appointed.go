package broker

import (
	"errors"
	"fmt"
	"net/http"

	"vneid-proxy/broker/link"
	"vneid-proxy/broker/screen"
	"vneid-proxy/identity"
	"vneid-proxy/session"
)

// byProvider is the Method of a proof whose account its provider has named.
const byProvider = "provider"

// arriveAppointed goes on with somebody whose provider has named their account:
// in at once, or not at all. Nothing is linked, so that no proof is held.
func (l *Link) arriveAppointed(w http.ResponseWriter, r *http.Request, proof *session.Proof, by Offer, found []identity.Account) {
	again := screen.Refused{Next: l.again(proof.ReturnTo)}
	if d := by.Appointment.Decide(found); d.Action != link.Admit {
		cause := fmt.Errorf("policy: the provider's name for it leads to %d accounts", len(found))
		if len(found) == 1 {
			cause = fmt.Errorf("policy: an account of the kind %q", found[0].Kind)
		}
		l.refuseWith(w, r, &Fault{screen.Reason(d.Reason), cause}, again)
		return
	}
	if err := l.use(r.Context(), proof.ID, proof.Expires()); err != nil {
		l.refuseWith(w, r, err, again)
		return
	}
	// Number and account level are the State's to tell, not an organisation's:
	// neither is told on, and no rule that asks for a level is met.
	citizen := proof.Citizen
	citizen.Number, citizen.AccountLevel = identity.CitizenNumber{}, 0
	l.admit(w, r, entrance{
		account: found[0], citizen: citizen, standing: identity.StandingNone,
		sid: proof.ProviderSID, tokens: proof.Tokens, provider: by.Name,
	}, proof.ReturnTo)
}

// reappoint reads the account of such a proof anew.
func (l *Link) reappoint(w http.ResponseWriter, r *http.Request, proof *session.Proof, by Offer) {
	if proof.Method != byProvider {
		l.gone(w, r, proof)
		return
	}
	found, err := l.find(r.Context(), &Appointment{ByID: true}, string(proof.Account.ID))
	if err != nil {
		l.refuseWith(w, r, err, screen.Refused{Next: l.again(proof.ReturnTo)})
		return
	}
	l.arriveAppointed(w, r, proof, by, found)
}

// gone ends a proof that the providers configured now do not stand behind.
func (l *Link) gone(w http.ResponseWriter, r *http.Request, proof *session.Proof) {
	l.drop(w, r)
	l.refuseWith(w, r, &Fault{screen.Expired, errors.New("its provider is not configured as it was")}, screen.Refused{Next: l.again(proof.ReturnTo)})
}
