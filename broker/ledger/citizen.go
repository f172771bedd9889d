package ledger

import (
	"encoding/json"

	"vneid-proxy/identity"
)

// The kinds of identifier. A number has no provider: it is the State's.
const (
	kindSubject = "subject"
	kindNumber  = "number"
	// kindOrganisation names no identifier of a citizen: it is in links.
	kindOrganisation = "organisation"
)

// profile is what is known of a citizen beside their identifiers.
type profile struct {
	Name      string             `json:"name"`
	BirthDate identity.BirthDate `json:"birth_date"`
	IDCard    string             `json:"id_card,omitempty"` // that the population database says is theirs
}

func (t *transaction) subjectKey(c identity.Citizen) digest {
	return t.find(kindSubject, c.Provider, c.Subject)
}

// organisationKey is a zero byte for nobody: empty values come back from a
// database as NULL.
func (t *transaction) organisationKey(o identity.Organisation) digest {
	if o.IsZero() {
		return digest{[]byte{0}, []byte{0}}
	}
	return t.find(kindOrganisation, o.ID)
}

func (t *transaction) numberKey(c identity.Citizen) digest {
	return t.find(kindNumber, c.Number.Reveal())
}

// citizen finds who it is: by (provider, subject) first, else by number; ""
// where nobody is known by either. ErrConflict where the number belongs to
// somebody with another subject of the same provider (numbers are cancelled
// and given anew), or to another citizen than the subject does and strict asks
// that both agree. Where somebody acts for an organisation the subject counts
// for nothing: it may be the organisation's account, whose next representative
// is somebody else.
func (t *transaction) citizen(c identity.Citizen, strict bool) (id string, err error) {
	var bySubject, byNumber string
	if !c.Organisation.IsZero() {
		c.Subject = ""
	}
	if c.Subject != "" {
		if bySubject, err = t.identified(kindSubject, t.subjectKey(c)); err != nil || (bySubject != "" && !strict) {
			return bySubject, err
		}
	}
	if !c.Number.IsZero() {
		if byNumber, err = t.identified(kindNumber, t.numberKey(c)); err != nil {
			return "", err
		}
	}
	switch {
	case bySubject == "" && byNumber != "" && c.Subject != "":
		var one int
		other, err := t.one(`SELECT 1 FROM identifiers WHERE citizen_id = ? AND kind = ? AND provider = ?
			AND ended_at IS NULL`, []any{byNumber, kindSubject, c.Provider}, &one)
		if err == nil && other {
			err = ErrConflict
		}
		return byNumber, err
	case bySubject != "" && byNumber != "" && bySubject != byNumber:
		return "", ErrConflict
	case bySubject != "":
		return bySubject, nil
	}
	return byNumber, nil
}

func (t *transaction) identified(kind string, key digest) (citizenID string, err error) {
	_, err = t.one("SELECT citizen_id FROM identifiers WHERE kind = ? AND hmac IN (?, ?) AND ended_at IS NULL",
		[]any{kind, key.now, key.old}, &citizenID)
	return citizenID, err
}

// meet makes or updates the record of a citizen whom strict look-up found as
// id, "" being a new one, and returns its id. Of whoever acts for an
// organisation the number alone is taken over where they are new.
func (t *transaction) meet(id string, c identity.Citizen) (string, error) {
	isNew := id == ""
	if !c.Organisation.IsZero() {
		if !isNew {
			return id, nil
		}
		c.Subject = ""
	}
	review := false
	if isNew {
		id = newID()
		s, err := t.sealProfile(id, profile{Name: c.Name, BirthDate: c.BirthDate})
		if err != nil {
			return "", err
		}
		if _, err := t.exec("INSERT INTO citizens (id, key_id, sealed, created_at) VALUES (?, ?, ?, ?)",
			id, s.keyID, s.box, stamp(t.at)); err != nil {
			return "", err
		}
	} else {
		var err error
		if review, err = t.updateProfile(id, c); err != nil {
			return "", err
		}
	}
	if err := t.meetNumber(id, c, isNew, review); err != nil {
		return "", err
	}
	return id, t.meetSubject(id, c, isNew)
}

func (t *transaction) meetNumber(id string, c identity.Citizen, isNew, review bool) error {
	var old string
	var oldKey []byte
	key := t.numberKey(c)
	found, err := t.one("SELECT id, hmac FROM identifiers WHERE citizen_id = ? AND kind = ? AND ended_at IS NULL",
		[]any{id, kindNumber}, &old, &oldKey)
	if err != nil || found && key.is(oldKey) {
		return err
	}
	if found {
		if _, err := t.exec("UPDATE identifiers SET ended_at = ? WHERE id = ?", stamp(t.at), old); err != nil {
			return err
		}
	}
	if err := t.addIdentifier(id, kindNumber, "", key, c.Number.Reveal()); err != nil || isNew {
		return err
	}
	detail := map[string]string{"provider": c.Provider}
	if review {
		detail["review"] = "true"
	}
	return t.audit(Event{Name: EventNumberChanged, CitizenID: id, Detail: detail})
}

func (t *transaction) meetSubject(id string, c identity.Citizen, isNew bool) error {
	if c.Subject == "" {
		return nil
	}
	key := t.subjectKey(c)
	holder, err := t.identified(kindSubject, key)
	if err != nil || holder != "" {
		return err
	}
	if err := t.addIdentifier(id, kindSubject, c.Provider, key, c.Subject); err != nil || isNew {
		return err
	}
	return t.audit(Event{Name: EventSubjectNoted, CitizenID: id, Detail: map[string]string{"provider": c.Provider}})
}

func (t *transaction) addIdentifier(citizenID, kind, provider string, key digest, value string) error {
	id := newID()
	s := t.ledger.keys.seal("identifiers", id, []byte(value))
	_, err := t.exec(`INSERT INTO identifiers (id, citizen_id, kind, provider, hmac, key_id, sealed, since)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?)`, id, citizenID, kind, provider, key.now, s.keyID, s.box, stamp(t.at))
	return err
}

// updateProfile takes over what a provider vouches for; what was only matched
// fills gaps. It reports whether the person now has another name or birth date
// than before.
func (t *transaction) updateProfile(id string, c identity.Citizen) (differs bool, err error) {
	var s sealed
	if _, err := t.one("SELECT key_id, sealed FROM citizens WHERE id = ?", []any{id}, &s.keyID, &s.box); err != nil {
		return false, err
	}
	old, err := t.ledger.openProfile(id, s)
	if err != nil {
		return false, err
	}
	vouched, next := c.Subject != "", old
	if c.Name != "" && (vouched || old.Name == "") {
		next.Name = c.Name
	}
	if !c.BirthDate.IsZero() && (vouched || old.BirthDate.IsZero()) {
		next.BirthDate = c.BirthDate
	}
	if next == old {
		return false, nil
	}
	differs = old.Name != "" && identity.MatchNames(old.Name, next.Name) == identity.NameDiffers ||
		!old.BirthDate.IsZero() && old.BirthDate.Match(next.BirthDate) == identity.DateDiffers
	if s, err = t.sealProfile(id, next); err != nil {
		return false, err
	}
	_, err = t.exec("UPDATE citizens SET key_id = ?, sealed = ? WHERE id = ?", s.keyID, s.box, id)
	return differs, err
}

func (t *transaction) sealProfile(id string, p profile) (sealed, error) {
	plain, err := json.Marshal(p)
	if err != nil {
		return sealed{}, err
	}
	return t.ledger.keys.seal("citizens", id, plain), nil
}

func (l *Ledger) openProfile(id string, s sealed) (p profile, err error) {
	plain, err := l.keys.open("citizens", id, s)
	if err != nil {
		return p, err
	}
	return p, json.Unmarshal(plain, &p)
}
