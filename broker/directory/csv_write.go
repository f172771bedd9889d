package directory

import (
	"encoding/csv"
	"io"
	"strconv"
	"strings"

	"vneid-proxy/identity"
)

// CSVWriter writes accounts as ReadCSV reads them, values byte for byte: it is
// for programs. A spreadsheet would drop leading zeros and run cells that begin
// with "=".
type CSVWriter struct {
	rows  *csv.Writer
	cells []string
}

// NewCSVWriter writes the header.
func NewCSVWriter(to io.Writer) (*CSVWriter, error) {
	w := &CSVWriter{rows: csv.NewWriter(to)}
	for _, c := range columns() {
		w.cells = append(w.cells, c.name)
	}
	return w, w.rows.Write(w.cells)
}

// Write writes one account.
func (w *CSVWriter) Write(a identity.Account) error {
	w.cells = w.cells[:0]
	for _, c := range columns() {
		w.cells = append(w.cells, columnText(a, c.name))
	}
	return w.rows.Write(w.cells)
}

// Flush writes what is still held, and returns the first error of all.
func (w *CSVWriter) Flush() error {
	w.rows.Flush()
	return w.rows.Error()
}

// columnText is an account's text in a column; a column that is not among these
// would be lost, which a test notices.
func columnText(a identity.Account, column string) string {
	switch column {
	case "id":
		return string(a.ID)
	case "username":
		return a.Username
	case "kind":
		return string(a.Kind)
	case "status":
		if a.Locked {
			return "locked"
		}
		return "active"
	case "citizen_number":
		return a.Number.Reveal()
	case "citizen_number_verified":
		return strconv.FormatBool(a.NumberVerified)
	case "id_card_number":
		return a.IDCard.Reveal()
	case "name":
		return a.Name
	case "birth_date":
		return a.BirthDate.String()
	case "email":
		return a.Email
	case "phone":
		return a.Phone
	case "roles":
		return strings.Join(a.Roles, ";")
	case "group":
		return a.Group
	case "subject":
		return a.Subject
	case "created_by":
		return string(a.CreatedBy)
	}
	return ""
}
