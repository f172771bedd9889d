package session

import (
	"crypto/rand"
	"encoding/binary"
	"time"

	"vneid-proxy/identity"
)

// ID names one proof, session or kept token set: 128 random bits, never
// reused, renewed whenever privilege changes.
type ID [16]byte

// NewID returns a fresh random ID.
func NewID() (id ID) {
	_, _ = rand.Read(id[:]) // never fails, crypto/rand
	return id
}

// Stage is what a browser holds once somebody has proved something: a *Proof
// or a *Session; nil is nobody.
type Stage interface{ stage() }

// Proof is held by somebody who proved one side and is not admitted: their
// account (flow A) or their citizenship (flow B), never forwarded. It is good
// for ProofLifetime, once.
type Proof struct {
	ID       ID
	Begun    time.Time
	ReturnTo string // path first asked for

	// Account and Method say which account is proved and how
	// ("portal_session", "credential"): always in flow A, and in flow B once
	// the portal has said whose it is.
	Account AccountRef
	Method  string

	// Citizen is set in flow B: as the provider vouched.
	Citizen identity.Citizen
	// Authenticated is when the person proved to the provider who they are;
	// zero where that is not known.
	Authenticated time.Time

	// LookedUp says that the population database was asked which ID-card numbers
	// are the citizen's, and IDCards what it said: it is asked once a sign-in.
	LookedUp bool
	IDCards  []identity.IDCardNumber

	// ProviderSID is the provider's session id, "" when it has none.
	ProviderSID string
	// Tokens opens the ledger row with what sign-out at the provider needs.
	Tokens ID
}

// LegacyFirst reports flow A: the account came first and no provider has
// vouched for a citizen.
func (p *Proof) LegacyFirst() bool { return p.Citizen.Subject == "" }

// Expires is when the proof ends by itself.
func (p *Proof) Expires() time.Time { return p.Begun.Add(ProofLifetime) }

// AccountRef is the part of an account that a browser carries: what the portal
// is told, and what the policy asks.
type AccountRef struct {
	ID       identity.AccountID
	Username string
	Email    string
	Kind     identity.Kind
	Roles    []string
	// Cohort is the policy's name for some of the accounts of a kind, "" for
	// none; Excused is when the account's exemption or extension ends, zero for
	// none.
	Cohort  string
	Excused time.Time
}

// RefOf is the reference to an account.
func RefOf(a identity.Account) AccountRef {
	return AccountRef{ID: a.ID, Username: a.Username, Email: a.Email, Kind: a.Kind, Roles: a.Roles}
}

// Session is held by somebody admitted: who they are to the portal.
type Session struct {
	ID     ID
	Begun  time.Time // the sign-in; the absolute lifetime counts from here
	Sealed time.Time // last written; the idle lifetime counts from here
	Read   time.Time // when the standing was read from the ledger

	Account  AccountRef
	Citizen  identity.Citizen // zero where no provider or match vouched
	Standing identity.Standing
	ReadOnly bool // begun to read alone, whatever the date
	// Authenticated is when the person proved to the provider who they are
	// (auth_time), which a provider's own session may put long before Begun;
	// zero where that is not known.
	Authenticated time.Time

	ProviderSID string
	Tokens      ID
}

func (*Proof) stage()   {}
func (*Session) stage() {}

func (a AccountRef) append(b []byte) []byte {
	for _, s := range []string{string(a.ID), a.Username, a.Email, string(a.Kind)} {
		b = appendText(b, s)
	}
	// Each role with its length: joined, one with a comma would return as two.
	b = binary.AppendUvarint(b, uint64(len(a.Roles)))
	for _, role := range a.Roles {
		b = appendText(b, role)
	}
	return appendEnd(appendText(b, a.Cohort), a.Excused)
}

func (f *fields) account() (a AccountRef) {
	a.ID, a.Username, a.Email = identity.AccountID(f.text()), f.text(), f.text()
	a.Kind = identity.Kind(f.text())
	for n := f.uvarint(); n > 0 && !f.bad; n-- {
		a.Roles = append(a.Roles, f.text())
	}
	a.Cohort, a.Excused = f.text(), f.end()
	return a
}

func (p *Proof) append(b []byte) []byte {
	b = append(b, p.ID[:]...)
	b = appendText(appendTime(b, p.Begun), p.ReturnTo)
	b = appendText(p.Account.append(b), p.Method)
	b = appendText(appendTime(appendCitizen(b, p.Citizen), p.Authenticated), p.ProviderSID)
	return appendIDCards(append(b, p.Tokens[:]...), p.LookedUp, p.IDCards)
}

func (p *Proof) read(f *fields) {
	p.ID, p.Begun, p.ReturnTo = f.id(), f.time(), f.text()
	p.Account, p.Method = f.account(), f.text()
	p.Citizen, p.Authenticated, p.ProviderSID, p.Tokens = f.citizen(), f.time(), f.text(), f.id()
	p.LookedUp, p.IDCards = f.idCards()
}

func (s *Session) append(b []byte) []byte {
	b = append(b, s.ID[:]...)
	b = appendTime(appendTime(appendTime(b, s.Begun), s.Sealed), s.Read)
	b = appendTime(appendCitizen(s.Account.append(b), s.Citizen), s.Authenticated)
	b = appendFlag(appendText(b, string(s.Standing)), s.ReadOnly)
	return append(appendText(b, s.ProviderSID), s.Tokens[:]...)
}

func (s *Session) read(f *fields) {
	s.ID, s.Begun, s.Sealed, s.Read = f.id(), f.time(), f.time(), f.time()
	s.Account, s.Citizen, s.Authenticated = f.account(), f.citizen(), f.time()
	s.Standing, s.ReadOnly = identity.Standing(f.text()), f.flag()
	s.ProviderSID, s.Tokens = f.text(), f.id()
}
