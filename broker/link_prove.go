package broker

import (
	"net/http"
	"strings"

	"vneid-proxy/broker/link"
	"vneid-proxy/broker/screen"
	"vneid-proxy/identity"
	"vneid-proxy/metrics"
	"vneid-proxy/session"
)

// forgetAccount takes a refused account out of the proof, so that the person
// can prove another.
func (l *Link) forgetAccount(w http.ResponseWriter, proof *session.Proof) {
	proof.Account, proof.Method = session.AccountRef{}, ""
	if err := l.Jar.Prove(w, proof); err != nil {
		l.Logger.Warn("proof not rewritten", "error", err)
	}
}

func (l *Link) offerChoice(w http.ResponseWriter, r *http.Request, status int, proof *session.Proof, own []candidate, faults screen.FieldErrors) {
	page := screen.Choose{
		Citizen: l.citizenView(proof.Citizen), ConsentVersion: ConsentVersion, CSRF: l.token(proof.ID), Errors: faults,
	}
	for _, c := range own {
		page.Accounts = append(page.Accounts, l.view(c.account, proof.ID))
	}
	l.Screens.Write(w, r, status, page)
}

func (l *Link) askProof(w http.ResponseWriter, r *http.Request, status int, proof *session.Proof, hints []candidate, username string, faults screen.FieldErrors) {
	page := screen.Prove{
		Citizen: l.citizenView(proof.Citizen), CredentialForm: l.Credential != nil, Username: username,
		ConsentVersion: ConsentVersion, CSRF: l.token(proof.ID), Errors: faults,
	}
	for _, hint := range hints {
		page.Candidates = append(page.Candidates, l.view(hint.account, proof.ID))
	}
	if l.Portal.LoginURL != "" {
		page.PortalLogin = l.portalStart(proof.ReturnTo)
	}
	l.Screens.Write(w, r, status, page)
}

func (l *Link) citizenView(c identity.Citizen) screen.CitizenView {
	by, _ := l.vouchedBy(c)
	return screen.CitizenView{Name: c.Name, Number: c.Number, BirthDate: c.BirthDate, Provider: by.Title, Organisation: c.Organisation}
}

// providerProof is who may post in flow B; anybody else is sent to sign in.
func (l *Link) providerProof(w http.ResponseWriter, r *http.Request) (*session.Proof, bool) {
	proof, ok := l.live(r).(*session.Proof)
	if !ok || proof.LegacyFirst() {
		to(w, r, l.Prefix+"/sign-in")
		return nil, false
	}
	if by, known := l.vouchedBy(proof.Citizen); !known || by.Appointment != nil {
		to(w, r, l.Prefix+"/link") // which ends it
		return nil, false
	}
	return proof, l.authentic(w, r, proof.ID)
}

// proof takes the old account's user name and password. Before they are right
// there is one answer for unknown, wrong, locked and somebody else's.
func (l *Link) proof(w http.ResponseWriter, r *http.Request) {
	proof, ok := l.providerProof(w, r)
	if !ok {
		return
	}
	username, password := r.PostForm.Get(screen.FieldUsername), r.PostForm.Get(screen.FieldPassword)
	faults := screen.FieldErrors{}
	if strings.TrimSpace(username) == "" || password == "" {
		faults[screen.FieldUsername] = screen.CredentialWrong
	}
	if !consented(r) {
		faults[screen.FieldConsent] = screen.ConsentMissing
	}
	if l.Credential == nil {
		to(w, r, l.Prefix+"/link")
		return
	}
	again := func(faults screen.FieldErrors) {
		var hints []candidate
		var err error
		if len(proof.IDCards) > 0 {
			if _, hints, err = l.candidates(r.Context(), proof); err != nil {
				l.refuse(w, r, err)
				return
			}
		}
		l.askProof(w, r, http.StatusUnprocessableEntity, proof, hints, username, faults)
	}
	if len(faults) > 0 {
		again(faults)
		return
	}
	wrong := func() {
		l.Metrics.Step(l.sideOf(proof), metrics.StepRefused, "credential")
		again(screen.FieldErrors{screen.FieldUsername: screen.CredentialWrong})
	}
	id, undo, ok := l.checkCredential(w, r, username, password, wrong)
	if !ok {
		return
	}
	found, err := l.see(r.Context(), id, proof.Citizen)
	if err != nil {
		l.refuse(w, r, err)
		return
	}
	if found.facts.Locked || found.facts.Link == link.LinkedToOther {
		// An old password overrides no link, and does not tell that there is one.
		wrong()
		return
	}
	undo()
	l.proved(l.sideOf(proof))
	if !found.account.IDCard.IsZero() {
		l.lookUp(r.Context(), proof)
	}
	card := whose(found.account.IDCard, proof.IDCards)
	d := l.Policy().Decide(link.Evidence{On: l.Now(), Vouched: true, ForOrganisation: acts(proof), Account: &found.facts, Proof: link.ByCredential, IDCard: card})
	switch d.Action {
	case link.Refuse:
		l.refuseBy(w, r, d, found.account, proof.Citizen, proof.ReturnTo)
		return
	case link.Prove:
		l.askProof(w, r, http.StatusUnprocessableEntity, proof, nil, username, screen.FieldErrors{"": screen.ProofOther})
		return
	}
	l.recordProvider(w, r, proof, []candidate{{found, d, card}}, l.consent(r))
}

// choose links every account offered, the chosen one first and so the default:
// all of them are this citizen's by the directory, by the population database
// or by the portal's word.
func (l *Link) choose(w http.ResponseWriter, r *http.Request) {
	proof, ok := l.providerProof(w, r)
	if !ok {
		return
	}
	own, _, err := l.candidates(r.Context(), proof)
	if err != nil {
		l.refuse(w, r, err)
		return
	}
	chosen := -1
	for i, c := range own {
		if c.decision.Action == link.Record && r.PostForm.Get(screen.FieldAccount) == l.handle(proof.ID, c.account.ID) {
			chosen = i
		}
	}
	faults := screen.FieldErrors{}
	if chosen < 0 {
		faults[screen.FieldAccount] = screen.AccountMissing
	}
	if !consented(r) {
		faults[screen.FieldConsent] = screen.ConsentMissing
	}
	if len(faults) > 0 {
		if len(own) == 0 {
			to(w, r, l.Prefix+"/link")
			return
		}
		l.offerChoice(w, r, http.StatusUnprocessableEntity, proof, own, faults)
		return
	}
	own[0], own[chosen] = own[chosen], own[0]
	l.recordProvider(w, r, proof, own, l.consent(r))
}
