package ledger

import (
	"context"
	"net/netip"
	"time"

	"vneid-proxy/identity"
)

// Method is how it was proved that an account belongs to a citizen.
type Method string

// The methods.
const (
	MethodMatch         Method = "match"          // flow A: account proved, number matched
	MethodCredential    Method = "credential"     // flow B: the account's own password
	MethodPortalSession Method = "portal_session" // flow B: the portal's own session
	MethodDirectory     Method = "directory"      // the directory's number, name and birth date agree with the provider's
	MethodPopulation    Method = "population"     // the population database ties the account to the citizen
	MethodReview        Method = "review"         // two officers decided a review
)

// Strength is how well it was proved.
type Strength string

// The strengths.
const (
	Strong Strength = "strong"
	Weak   Strength = "weak"
)

// Consent is which text somebody agreed to, and in which language it stood.
type Consent struct{ Version, Language string }

// NewLink is a link to be made. Every field without a remark is required.
type NewLink struct {
	Account identity.AccountID
	Kind    identity.Kind
	// Citizen needs the number. Provider and Subject are empty in flow A: they
	// become known at the next sign-in by the provider (NoteSubject). Its
	// Organisation is whom the account is opened for.
	Citizen  identity.Citizen
	Method   Method
	Strength Strength
	// Proof is spent with the link, so that it makes one link at most. Where
	// no screen was shown it is the state of the attempt.
	Proof        []byte
	ProofExpires time.Time
	// Consent may be zero for MethodDirectory, MethodPopulation and
	// MethodReview, where nothing was asked.
	Consent Consent
	Source  netip.AddrPort // may be zero
	// IDCard is an ID-card number that the population database says is the
	// citizen's; zero for none.
	IDCard identity.IDCardNumber

	check   string    // the pending check that became the link, "" for none
	asked   time.Time // when it was asked for
	officer string    // who decided the review that became the link, "" for none
}

func (n NewLink) complete() bool {
	silent := n.Method == MethodDirectory || n.Method == MethodPopulation || n.Method == MethodReview
	return n.Account != "" && n.Kind != "" && !n.Citizen.Number.IsZero() &&
		(n.Citizen.Provider == "") == (n.Citizen.Subject == "") &&
		n.Method != "" && n.Strength != "" && (n.Consent.Version != "" || silent)
}

// Link is an active link.
type Link struct {
	ID        string
	Account   identity.AccountID
	Kind      identity.Kind
	CitizenID string // the ledger's own name for the citizen
	Number    identity.CitizenNumber
	Name      string
	BirthDate identity.BirthDate
	// IDCard is the ID-card number that the population database says is the
	// citizen's, zero where it was not asked.
	IDCard   identity.IDCardNumber
	Method   Method
	Strength Strength
	Default  bool // the account that the citizen lands on unless they choose
	// Since is when it was made. Sessions of the account that began before it
	// have ended; the caller begins the new one after Link has returned. Where
	// it was made by a pending check, those have ended that began before the
	// check was asked for.
	Since time.Time
	// ProviderUsed says that somebody has signed in to the account by the
	// provider: its legacy sign-in is refused from then on.
	ProviderUsed bool
	// UnlinkDue is when the link ends because its citizen asked for it; zero
	// where nobody has.
	UnlinkDue time.Time

	// ForOrganisation says that the citizen acts for an organisation by it.
	ForOrganisation bool

	organisation digest // by what whom is found
}

// Link makes a link, in one transaction with all that follows from it: the
// proof is spent, the citizen found or made, the consent recorded, older
// sessions of the account ended, its skips closed, the audit row written.
//
// ErrSpent: the proof was used. ErrAccountTaken: the account has an active
// link of another citizen, or of this one for another organisation. ErrAlreadyLinked: it is this citizen's already; the
// link that exists is returned with it. ErrConflict: number and subject belong
// to different citizens. ErrIncomplete: a field is missing. In each of these
// nothing has changed, and the proof is not spent.
func (l *Ledger) Link(ctx context.Context, n NewLink) (link Link, err error) {
	err = l.change(ctx, func(t *transaction) error {
		if !n.complete() {
			return ErrIncomplete
		}
		if err := t.spend(PurposeProof, n.Proof, n.ProofExpires); err != nil {
			return err
		}
		link, err = t.link(n)
		return err
	})
	return link, err
}

// link does all that Link does except to spend the proof. A refusal comes
// before anything is written.
func (t *transaction) link(n NewLink) (Link, error) {
	citizenID, err := t.citizen(n.Citizen, true)
	if err != nil {
		return Link{}, err
	}
	active, err := t.links("l.account_hmac IN (?, ?)", t.accountKey(n.Account).both()...)
	if err != nil {
		return Link{}, err
	}
	if len(active) > 0 {
		if active[0].CitizenID != citizenID || !active[0].organisation.same(t.organisationKey(n.Citizen.Organisation)) {
			return Link{}, ErrAccountTaken
		}
		return active[0], ErrAlreadyLinked
	}
	if citizenID, err = t.meet(citizenID, n.Citizen); err != nil {
		return Link{}, err
	}
	if err := t.noteIDCard(citizenID, n.IDCard); err != nil {
		return Link{}, err
	}
	id, err := t.insertLink(citizenID, n)
	if err != nil {
		return Link{}, err
	}
	if n.Citizen.Organisation.IsZero() { // a person's number is none of the organisation's
		if err := t.queueWriteBack(id); err != nil {
			return Link{}, err
		}
	}
	made, err := t.active("l.id = ?", id)
	if err != nil {
		return Link{}, err
	}
	detail := map[string]string{"link": id, "kind": string(n.Kind), "method": string(n.Method),
		"strength": string(n.Strength), "provider": n.Citizen.Provider, "consent": n.Consent.Version}
	if len(n.Proof) > 0 {
		detail["proof"] = t.ledger.proofName(n.Proof)
	}
	if n.check != "" {
		detail["check"] = n.check
	}
	if !n.Citizen.Organisation.IsZero() {
		detail["for"] = "organisation"
	}
	seen := n.officer == "" && n.check == ""
	if err := t.notify(Notice{Event: EventLinked, Account: n.Account, Method: n.Method}, citizenID, seen); err != nil {
		return Link{}, err
	}
	actor := actorCitizen
	if n.officer != "" {
		actor = n.officer
	}
	return made, t.audit(Event{Name: EventLinked, Actor: actor, Account: n.Account, CitizenID: citizenID,
		Source: n.Source, Detail: detail})
}

// insertLink writes the link and what goes with it.
func (t *transaction) insertLink(citizenID string, n NewLink) (id string, err error) {
	var one int
	organisation := t.organisationKey(n.Citizen.Organisation)
	hasDefault, err := t.one("SELECT 1 FROM links WHERE citizen_id = ? AND organisation_hmac IN (?, ?) AND is_default = 1 AND ended_at IS NULL",
		[]any{citizenID, organisation.now, organisation.old}, &one)
	if err != nil {
		return "", err
	}
	id, key := newID(), t.accountKey(n.Account)
	isDefault := 1
	if hasDefault {
		isDefault = 0
	}
	s, err := t.ledger.sealParties(id, n.Account, n.Citizen.Organisation)
	if err != nil {
		return "", err
	}
	if _, err := t.exec(`INSERT INTO links
		(id, citizen_id, organisation_hmac, account_hmac, key_id, sealed, kind, method, strength, is_default, since)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`, id, citizenID, organisation.now, key.now, s.keyID, s.box,
		string(n.Kind), string(n.Method), string(n.Strength), isDefault, stamp(t.at)); err != nil {
		return "", err
	}
	if n.Consent.Version != "" {
		if _, err := t.exec("INSERT INTO consents (id, link_id, version, language, method, at) VALUES (?, ?, ?, ?, ?, ?)",
			newID(), id, n.Consent.Version, n.Consent.Language, string(n.Method), stamp(t.at)); err != nil {
			return "", err
		}
	}
	if _, err := t.exec("UPDATE skips SET closed_at = ? WHERE account_hmac IN (?, ?) AND closed_at IS NULL",
		stamp(t.at), key.now, key.old); err != nil {
		return "", err
	}
	if err := t.closeReviews(n); err != nil {
		return "", err
	}
	before := t.at
	if n.check != "" {
		before = n.asked
	}
	return id, t.endAccount(n.Account, before)
}

// endAccount ends the account's sessions begun before a moment.
func (t *transaction) endAccount(account identity.AccountID, before time.Time) error {
	return t.revoke(entry{kind: endedAccount, value: string(account)}, before, t.at.Add(t.ledger.config.SessionLifetime))
}

// accountChanged has sessions of the account read its standing anew. Those
// that read it within this very millisecond do so once more than they need.
func (t *transaction) accountChanged(account identity.AccountID) error {
	return t.revoke(entry{kind: changed, value: string(account)}, t.at.Add(time.Millisecond),
		t.at.Add(t.ledger.config.SessionLifetime))
}
