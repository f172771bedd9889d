package identity

// Citizen is a person as a provider vouches for them. The stable key is
// (Provider, Subject); the number can change.
type Citizen struct {
	Provider  string // the provider's name in our configuration, e.g. "vneid"
	Subject   string // the provider's stable key for the person
	Number    CitizenNumber
	Name      string
	BirthDate BirthDate

	// AccountLevel is the level of the electronic identity: 1 or 2, 0 when
	// the provider did not say. It is not the authentication level.
	AccountLevel int
	// AuthenticationLevel is how this one sign-in was made (1 to 4, Decree
	// 69/2024 article 20; or the provider's acr), "" when not said.
	AuthenticationLevel string
	// AccountType is the provider's word for person or organisation, "" when
	// not said.
	AccountType string

	// Organisation is whom the person acts for in this sign-in, zero for
	// themselves. Subject and the levels are then those of the sign-in all the
	// same, but Subject may be the organisation's and says nothing lasting of
	// the person.
	Organisation Organisation

	PreferredUsername string
	Email             string
}
