package screen

// Choose asks which of several accounts to sign in to. It posts account and
// consent to link/choose, or nothing to link/none.
type Choose struct {
	Citizen        CitizenView
	Accounts       []AccountView
	ConsentVersion string
	CSRF           string
	Errors         FieldErrors
}

func (Choose) template() string { return "choose" }

// Consent is the consent box.
func (p Choose) Consent() consent {
	return consent{p.Errors[FieldConsent], p.ConsentVersion, "link", p.Citizen.Provider}
}

// Prove asks whoever came by a provider to prove their old account (flow B). It
// posts username, password and consent to link/proof, or nothing to link/none.
type Prove struct {
	Citizen    CitizenView
	Candidates []AccountView // accounts that may be theirs; none says nothing about it

	CredentialForm bool   // offer the old account's user name and password
	Username       string // what they typed, after a 422
	PortalLogin    string // address of the portal's own sign-in through us; "" is not offered
	ReferenceCode  string // to read out to staff; "" is none
	ConsentVersion string
	CSRF           string
	Errors         FieldErrors
}

func (Prove) template() string { return "prove" }

// Consent is the consent box.
func (p Prove) Consent() consent {
	return consent{p.Errors[FieldConsent], p.ConsentVersion, "link", p.Citizen.Provider}
}

// Credential is the form's two fields.
func (p Prove) Credential() credential { return credential{p.Username, p.Errors} }
