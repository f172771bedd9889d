package directory

import (
	"slices"
	"strings"

	"vneid-proxy/identity"
)

// record reads an account of an answer. What cannot be read and decides
// nothing by itself is left out of the account, never guessed, and kept beside
// it; problem names the field without which there is no account, "" for none.
func (q Queries) record(answer map[string]datum) (r Record, problem string) {
	a := &r.Account
	text := func(field string) string {
		text, _ := q.text(field, answer)
		return text
	}
	a.ID = identity.AccountID(text("id"))
	if !validID(a.ID) {
		return r, "id"
	}
	r.Version = text("version")
	if _, kept := q.columns["version"]; kept && !validVersion(r.Version) {
		return r, "version"
	}
	a.Username, a.Name, a.Email, a.Phone = text("username"), text("name"), text("email"), text("phone")
	a.Group, a.Subject = text("group"), text("subject")
	if a.Kind = identity.Kind(q.word("kind", answer)); a.Kind == "" {
		return r, "kind"
	}
	a.CreatedBy = identity.Creator(q.word("created_by", answer))
	a.Locked = q.holds("locked", answer)
	q.numbers(&r, answer)
	a.NumberVerified = !a.Number.IsZero() && q.holds("citizen_number_verified", answer)
	q.date(&r, answer)
	a.Roles = q.roles(answer)
	return r, ""
}

// datum is what the field holds, "" where it is not mapped.
func (q Queries) datum(field string, answer map[string]datum) datum {
	s, mapped := q.columns[field]
	switch {
	case !mapped:
		return datum{readable: true}
	case s.constant != "":
		return datum{text: s.constant, readable: true}
	}
	return answer[strings.ToLower(s.column)].pick(s.json, field == "name")
}

// text is a field as a text that fits into a header, else "" and false. What
// names an account is taken byte for byte.
func (q Queries) text(field string, answer map[string]datum) (string, bool) {
	c := q.datum(field, answer)
	if !slices.Contains([]string{"id", "username", "subject", "version"}, field) {
		c.text = strings.TrimSpace(c.text)
	}
	if !c.readable || !plain(c.text) {
		return "", false
	}
	return c.text, true
}

// word is what a value means; "" is one that the file does not know.
func (q Queries) word(field string, answer map[string]datum) string {
	s, mapped := q.columns[field]
	if !mapped && field == "kind" {
		return string(identity.KindCitizen)
	}
	text, _ := q.text(field, answer)
	if s.constant != "" || s.words == nil && slices.Contains(meanings(field), text) {
		return text
	}
	if meaning := s.words[text]; meaning != "" {
		return meaning
	}
	return s.otherwise
}

// holds tells whether the field's value is one of those it is to be held
// against. One that cannot be read is none of them.
func (q Queries) holds(field string, answer map[string]datum) bool {
	s := q.columns[field]
	text, _ := q.text(field, answer)
	if len(s.unless) > 0 {
		return !oneOf(s.unless, text)
	}
	return oneOf(s.when, text)
}

func (q Queries) numbers(r *Record, answer map[string]datum) {
	const citizen, card = 12, 9
	s := q.columns["citizen_number"]
	c := q.datum("citizen_number", answer)
	text := strings.TrimSpace(c.text)
	whole := text
	if s.restoreZeros {
		// No number begins with more than two zeros, for no province does;
		// nor an ID card with more than one.
		whole = restored(whole, citizen, 2)
		if s.form == formBoth {
			whole = restored(whole, card, 1)
		}
	}
	var err error
	if r.Account.Number, err = identity.ParseCitizenNumber(whole); err != nil {
		r.NumberText = identity.NumberTextOf(text)
	}
	if err != nil && s.form == formBoth {
		if r.Account.IDCard, err = identity.ParseIDCardNumber(whole); err == nil {
			r.NumberText = identity.NumberText{}
		}
	}
	if s.form == formBoth {
		return
	}
	s = q.columns["id_card_number"]
	text = strings.TrimSpace(q.datum("id_card_number", answer).text)
	whole = text
	if s.restoreZeros {
		whole = restored(whole, card, 1)
	}
	if r.Account.IDCard, err = identity.ParseIDCardNumber(whole); err != nil {
		r.IDCardText = identity.NumberTextOf(text)
	}
}

func (q Queries) date(r *Record, answer map[string]datum) {
	s, mapped := q.columns["birth_date"]
	if !mapped {
		return
	}
	c := q.datum("birth_date", answer)
	read := func() (identity.BirthDate, bool) { return c.birthDate(s.form, s.zone) }
	if s.form == formParts {
		read = func() (identity.BirthDate, bool) { return c.dateOfParts(s.parts[0], s.parts[1], s.parts[2]) }
	}
	d, ok := read()
	if !ok {
		r.BirthDateText = c.text
		return
	}
	r.Account.BirthDate = d
}

// roles are none where they would not fit into a header: fewer open less.
func (q Queries) roles(answer map[string]datum) (roles []string) {
	text, _ := q.text("roles", answer)
	for role := range strings.SplitSeq(text, q.columns["roles"].separator) {
		if strings.Contains(role, ",") {
			return nil
		}
		if role = strings.TrimSpace(role); role != "" {
			roles = append(roles, role)
		}
	}
	return roles
}
