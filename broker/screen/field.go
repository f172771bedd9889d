package screen

// The names of the form fields, as the handlers read them.
const (
	FieldCSRF          = "csrf_token"
	FieldCitizenNumber = "citizen_number"
	FieldConsent       = "consent" // its only value is ConsentGiven; unticked it is absent
	FieldUsername      = "username"
	FieldPassword      = "password"
	FieldAccount       = "account"  // an AccountView's Handle
	FieldSeen          = "seen"     // Notices.Seen
	FieldFragment      = "fragment" // of the page first asked for, "#" included; a script's, absent without one
	FieldReturnTo      = "rd"       // Notices.ReturnTo
)

// ConsentGiven is what the ticked consent box sends.
const ConsentGiven = "yes"

// FieldError is what is wrong with a field: the key of a message. The empty
// one is no error; an unknown one is shown in general words.
type FieldError string

// The field errors.
const (
	NumberMalformed FieldError = "number_malformed" // not 12 digits
	NumberMismatch  FieldError = "number_mismatch"  // the population database says no; it cannot say which field
	ConsentMissing  FieldError = "consent_missing"
	CredentialWrong FieldError = "credential_wrong" // one text for unknown, wrong, locked and already linked
	AccountMissing  FieldError = "account_missing"  // none chosen, or not one of those offered
	ProofOther      FieldError = "proof_other"      // proved, but not in the way that this account needs
	TriesSpent      FieldError = "tries_spent"
)

// FieldErrors are the errors of one form by field name; "" is the form as a
// whole. Nil is none.
type FieldErrors map[string]FieldError

// consent is what the consent box needs. Kind says which words: "match" where
// the population database is asked, "link" where VNeID has vouched already.
type consent struct {
	Fault    FieldError
	Version  string
	Kind     string
	Provider string // who supplies the data; "" is VNeID
}

// credential is what the user name and password fields need.
type credential struct {
	Username string
	Errors   FieldErrors
}

// Faulty reports whether the pair was refused: which of the two is wrong is
// never said.
func (c credential) Faulty() bool {
	return c.Errors[FieldUsername] != "" || c.Errors[FieldPassword] != ""
}
