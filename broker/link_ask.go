package broker

import (
	"errors"
	"net/http"

	"vneid-proxy/broker/ledger"
	"vneid-proxy/broker/link"
	"vneid-proxy/broker/screen"
	"vneid-proxy/identity"
	"vneid-proxy/metrics"
	"vneid-proxy/session"
)

// ask shows the link screen to a session that is let through without a link.
func (l *Link) ask(w http.ResponseWriter, r *http.Request, h holder) {
	found, err := l.see(r.Context(), h.account, identity.Citizen{})
	if err != nil {
		l.refuse(w, r, err)
		return
	}
	l.askAgain(w, r, h, found, link.Decision{})
}

// askAgain shows it with what became of an earlier check.
func (l *Link) askAgain(w http.ResponseWriter, r *http.Request, h holder, found seen, d link.Decision) {
	var page screen.Link
	answered, err := l.Ledger.AnsweredByAccount(r.Context(), h.account)
	switch {
	case errors.Is(err, ledger.ErrNotFound):
	case err != nil:
		l.refuse(w, r, err)
		return
	case found.pending == nil && answered.Outcome != ledger.OutcomeMatched:
		page.Answer, page.ReferenceCode = screen.Answer(answered.Outcome), answered.Reference
	}
	l.write(w, r, http.StatusOK, h, found, d, page)
}

// mismatch asks once more, and has staff look: where the number was right, the
// portal's own data must be corrected.
func (l *Link) mismatch(w http.ResponseWriter, r *http.Request, h holder, found seen, d link.Decision, typed string) {
	reference, err := l.Ledger.AskReview(r.Context(), ledger.NewReview{
		Account: h.account, Kind: found.account.Kind, Reason: ledger.ReviewMismatch, Citizen: h.citizen(found.account), Source: l.Source(r),
	})
	if err != nil {
		l.refuse(w, r, err)
		return
	}
	l.Metrics.Step(session.Portal, metrics.StepRefused, "mismatch")
	l.Logger.Info("not matched", "account", l.pseudonym(h.account), "reference", reference)
	l.write(w, r, http.StatusUnprocessableEntity, h, found, d, screen.Link{
		TypedNumber: typed, ReferenceCode: reference,
		Errors: screen.FieldErrors{screen.FieldCitizenNumber: screen.NumberMismatch},
	})
}

// write fills in what every link screen of flow A has.
func (l *Link) write(w http.ResponseWriter, r *http.Request, status int, h holder, found seen, d link.Decision, page screen.Link) {
	page.Account, page.CMND = l.view(found.account, h.id), found.account.IDCard.Reveal()
	page.CanSkip, page.SkipsLeft, page.ReadOnly, page.Pending = d.CanSkip, d.SkipsLeft, d.ReadOnly, found.pending != nil
	page.ConsentVersion, page.CSRF = ConsentVersion, l.token(h.id)
	if d.CanSkip && !d.ReadOnly {
		page.Deadline = d.SkipUntil.Time()
		page.DaysLeft = d.SkipUntil.DaysLeft(l.Now()) - 1
	}
	l.Screens.Write(w, r, status, page)
}

// citizen is who the holder of an account says they are: the number typed,
// with the account's own name and birth date.
func (h holder) citizen(account identity.Account) identity.Citizen {
	return identity.Citizen{Number: h.typed, Name: account.Name, BirthDate: account.BirthDate}
}
