package directory

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"vneid-proxy/identity"
)

// maxField is the longest field of an account, in bytes: it must fit into a
// header.
const maxField = 255

// column is one column of the file and how it is read; problem "" is none.
type column struct {
	name string
	read func(a *identity.Account, text string) (problem string)
}

// columns are those that a file may have, in any order. Only id is required:
// without kind an account is a citizen's, without status it is active.
func columns() []column {
	return []column{
		{"id", func(a *identity.Account, text string) string {
			a.ID = identity.AccountID(text)
			return unless(text != "", "is required")
		}},
		{"username", func(a *identity.Account, text string) string { a.Username = text; return "" }},
		{"kind", func(a *identity.Account, text string) string {
			a.Kind = identity.Kind(text)
			if text == "" {
				a.Kind = identity.KindCitizen
			}
			return unless(validKind(a.Kind), "want citizen, official or organisation")
		}},
		{"status", func(a *identity.Account, text string) string {
			a.Locked = text == "locked" || text == "closed"
			return unless(a.Locked || text == "" || text == "active", "want active, locked or closed")
		}},
		{"citizen_number", func(a *identity.Account, text string) (problem string) {
			var err error
			if text != "" {
				a.Number, err = identity.VouchedCitizenNumber(text)
			}
			return unless(err == nil, "want 12 digits")
		}},
		{"citizen_number_verified", func(a *identity.Account, text string) string {
			a.NumberVerified = text == "true"
			return unless(text == "" || text == "true" || text == "false", "want true or false")
		}},
		{"id_card_number", func(a *identity.Account, text string) string {
			var err error
			if text != "" {
				a.IDCard, err = identity.ParseIDCardNumber(text)
			}
			return unless(err == nil, "want 9 digits")
		}},
		{"name", func(a *identity.Account, text string) string { a.Name = text; return "" }},
		{"birth_date", func(a *identity.Account, text string) string {
			var err error
			if text != "" {
				a.BirthDate, err = identity.ParseBirthDate(text)
			}
			return unless(err == nil, "want yyyy-mm-dd, dd/mm/yyyy or yyyy")
		}},
		{"email", func(a *identity.Account, text string) string { a.Email = text; return "" }},
		{"phone", func(a *identity.Account, text string) string { a.Phone = text; return "" }},
		{"roles", func(a *identity.Account, text string) string {
			for role := range strings.SplitSeq(text, ";") {
				if role = strings.TrimSpace(role); role != "" {
					a.Roles = append(a.Roles, role)
				}
			}
			return unless(!strings.Contains(text, ","), "want roles separated by semicolons, without commas")
		}},
		{"group", func(a *identity.Account, text string) string { a.Group = text; return "" }},
		{"subject", func(a *identity.Account, text string) string { a.Subject = text; return "" }},
		{"created_by", func(a *identity.Account, text string) string {
			a.CreatedBy = identity.Creator(text)
			return unless(validCreator(a.CreatedBy), "want self, official or nothing")
		}},
	}
}

func unless(good bool, problem string) string {
	if good {
		return ""
	}
	return problem
}

func validKind(k identity.Kind) bool {
	return slices.Contains([]identity.Kind{identity.KindCitizen, identity.KindOfficial, identity.KindOrganisation}, k)
}

// validID reports whether an account's id can be carried in a header and a
// sealed cookie.
func validID(id identity.AccountID) bool { return id != "" && plain(string(id)) }

func validCreator(c identity.Creator) bool {
	return slices.Contains([]identity.Creator{"", identity.CreatedBySelf, identity.CreatedByOfficial}, c)
}

func plain(text string) bool {
	return len(text) <= maxField && utf8.ValidString(text) && !strings.ContainsFunc(text, unicode.IsControl)
}
