package directory

import (
	"slices"
	"strings"

	"vneid-proxy/identity"
)

// maxRows is how many accounts one answer may hold, maxVersion how long a
// version may be, in bytes.
const (
	maxRows    = 100
	maxVersion = 64
)

// reply is the answer to a search, as docs/directory-api.yaml has it.
type reply struct {
	Accounts []row `json:"accounts"`
}

// row is an account on the wire. A pointer tells a member that is absent from
// one that is empty: all are there, always, but for the last three.
type row struct {
	ID             *string  `json:"id"`
	Username       *string  `json:"username"`
	Kind           *string  `json:"kind"`
	Status         *string  `json:"status"`
	Number         *string  `json:"citizen_number"`
	NumberVerified *bool    `json:"citizen_number_verified"`
	IDCard         *string  `json:"id_card_number"`
	Name           *string  `json:"name"`
	BirthDate      *string  `json:"birth_date"`
	Email          *string  `json:"email"`
	Phone          *string  `json:"phone"`
	Roles          []string `json:"roles"`
	Version        *string  `json:"version"`
	Group          *string  `json:"group"`
	Subject        *string  `json:"subject"`
	CreatedBy      *string  `json:"created_by"`
}

// versioned is an account and the version of its row.
type versioned struct {
	account identity.Account
	version string
}

// rows are the accounts of the answer; ok is false where one of them, or the
// answer, is not as agreed.
func (r reply) rows() (rows []versioned, ok bool) {
	if r.Accounts == nil || len(r.Accounts) > maxRows {
		return nil, false
	}
	for _, row := range r.Accounts {
		read, ok := row.read()
		if !ok {
			return nil, false
		}
		rows = append(rows, read)
	}
	return rows, true
}

func (r row) read() (versioned, bool) {
	texts := []*string{r.ID, r.Username, r.Kind, r.Status, r.Number, r.IDCard, r.Name, r.BirthDate, r.Email, r.Phone, r.Version}
	unfit := func(text *string) bool { return text == nil || !plain(*text) }
	if slices.ContainsFunc(texts, unfit) || r.NumberVerified == nil || r.Roles == nil {
		return versioned{}, false
	}
	for _, optional := range []**string{&r.Group, &r.Subject, &r.CreatedBy} {
		if *optional == nil {
			*optional = new(string)
		}
	}
	a := identity.Account{
		ID: identity.AccountID(*r.ID), Username: *r.Username, Kind: identity.Kind(*r.Kind), Locked: *r.Status == "locked",
		NumberVerified: *r.NumberVerified, Name: *r.Name, Email: *r.Email, Phone: *r.Phone, Roles: r.Roles,
		Group: *r.Group, Subject: *r.Subject, CreatedBy: identity.Creator(*r.CreatedBy),
	}
	if len(r.Roles) == 0 {
		a.Roles = nil
	}
	ok := validID(a.ID) && validKind(a.Kind) && (*r.Status == "active" || a.Locked) && validVersion(*r.Version) &&
		plain(a.Group) && plain(a.Subject) && validCreator(a.CreatedBy) &&
		!slices.Contains(r.Roles, "") && plain(strings.Join(r.Roles, ";")) &&
		r.readNumbers(&a) && r.readBirthDate(&a) && !(a.NumberVerified && a.Number.IsZero())
	return versioned{a, *r.Version}, ok
}

// readNumbers takes numbers with nothing to tidy.
func (r row) readNumbers(a *identity.Account) bool {
	var err error
	if *r.Number != "" {
		if a.Number, err = identity.VouchedCitizenNumber(*r.Number); err != nil {
			return false
		}
	}
	if *r.IDCard != "" {
		a.IDCard, err = identity.ParseIDCardNumber(*r.IDCard)
	}
	return err == nil && a.IDCard.Reveal() == *r.IDCard
}

// readBirthDate takes yyyy-mm-dd and yyyy, of the forms that people write.
func (r row) readBirthDate(a *identity.Account) bool {
	if *r.BirthDate == "" {
		return true
	}
	var err error
	a.BirthDate, err = identity.ParseBirthDate(*r.BirthDate)
	return err == nil && a.BirthDate.String() == *r.BirthDate
}

func validVersion(version string) bool {
	return version != "" && len(version) <= maxVersion && plain(version)
}
