package screen

import (
	"time"

	"vneid-proxy/identity"
)

// Row names one of the ten rows of "Thông tin định danh".
type Row string

// The rows, in the order of the official guide.
const (
	RowName          Row = "name"
	RowIDCard        Row = "id_card"
	RowCitizenNumber Row = "citizen_number"
	RowBirthDate     Row = "birth_date"
	RowSex           Row = "sex"
	RowIssueDate     Row = "issue_date"
	RowIssuePlace    Row = "issue_place"
	RowAddress       Row = "address"
	RowPhone         Row = "phone"
	RowEmail         Row = "email"
)

// Rows are the rows in the guide's order.
func Rows() []Row {
	return []Row{RowName, RowIDCard, RowCitizenNumber, RowBirthDate, RowSex,
		RowIssueDate, RowIssuePlace, RowAddress, RowPhone, RowEmail}
}

// Mark says what stands behind a value.
type Mark string

// The marks. The empty one shows nothing.
const (
	Verified   Mark = "verified"   // by match, record lookup or VNeID: there is evidence
	Unverified Mark = "unverified" // the portal's own value
)

// IdentityRow is one row. An empty value is shown as not known, without a mark.
type IdentityRow struct {
	Label Row
	Value string // masked where it is a citizen number
	Mark  Mark
}

// LinkedAccount is one entry of DANH SÁCH TÀI KHOẢN LIÊN KẾT.
type LinkedAccount struct {
	Title   string // masked
	Default bool
	Since   time.Time
	// Handle names the account in a form; "" offers no unlinking.
	Handle string
	// UnlinkDue is when the link ends because the person asked for it, zero
	// where they have not; with a Handle they may still keep it.
	UnlinkDue time.Time
}

// Identity is the page "Thông tin định danh". Its button posts to
// identity/update, those of its accounts to identity/unlink and identity/keep.
type Identity struct {
	Rows     []IdentityRow
	Accounts []LinkedAccount
	// Organisation is whom the person acts for, zero for themselves.
	Organisation identity.Organisation
	CanUpdate    bool // the number is not yet confirmed: offer the update
	CSRF         string
	ReturnTo     string // back to the portal; "" is its start
	Notice       Notice
}

func (Identity) template() string   { return "identity" }
func (p Identity) returnTo() string { return p.ReturnTo }
