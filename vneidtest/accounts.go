package vneidtest

import (
	"slices"

	"vneid-proxy/identity"
)

// Accounts is the portal's directory, the accounts of all [Personas], in the
// form that an embedded directory takes.
func Accounts() []identity.Account {
	var accounts []identity.Account
	for _, p := range Personas() {
		for _, a := range p.Accounts {
			accounts = append(accounts, a.identity())
		}
	}
	return accounts
}

// identity drops what is not a number or date: portals hold such rows too. A
// test holds that none of the personas' is dropped.
func (a PortalAccount) identity() identity.Account {
	number, _ := identity.VouchedCitizenNumber(a.CitizenNumber)
	card, _ := identity.ParseIDCardNumber(a.IDCardNumber)
	born, _ := identity.ParseBirthDate(a.BirthDate)
	kind := identity.KindCitizen
	if a.Kind != "" {
		kind = identity.Kind(a.Kind)
	}
	return identity.Account{
		ID: identity.AccountID(a.ID), Username: a.Username, Kind: kind, Locked: a.Locked,
		Number: number, NumberVerified: a.CitizenNumberVerified, IDCard: card,
		Name: a.Name, BirthDate: born, Email: a.Email, Phone: a.Phone, Roles: slices.Clone(a.Roles),
		Group: a.Group, Subject: a.Subject, CreatedBy: identity.Creator(a.CreatedBy),
	}
}

// persona returns the persona whose field, as told by has, is the one sought.
func persona(all []Persona, has func(Persona) bool) (Persona, bool) {
	i := slices.IndexFunc(all, has)
	if i < 0 {
		return Persona{}, false
	}
	return all[i], true
}
