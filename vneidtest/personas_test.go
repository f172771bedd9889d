package vneidtest_test

import (
	"encoding/json"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vneid-proxy/identity"
	"vneid-proxy/vneidtest"
)

func TestPersonasAreInvented(t *testing.T) {
	for _, p := range vneidtest.Personas() {
		_, err := identity.VouchedCitizenNumber(p.CitizenNumber)
		require.NoError(t, err, p.Key)
		// No province has code 099, and no ID card's number began with 99.
		assert.Regexp(t, `^099[0-9]{9}$`, p.CitizenNumber, p.Key)
		assert.Regexp(t, `^(99[0-9]{7})?$`, p.IDCardNumber, p.Key)
		assert.Equal(t, p.CitizenNumber, p.VNeID.Username, p.Key)
		assert.Equal(t, p.BirthDate[2:4], p.CitizenNumber[4:6], "%s: digits 5 and 6 are the birth year", p.Key)
		assert.NotContains(t, p.VNeID.Subject, p.CitizenNumber, p.Key)
		for _, a := range p.Accounts {
			assert.Regexp(t, `^(099[0-9]{9})?$`, a.CitizenNumber, p.Key)
			assert.Regexp(t, `^(99[0-9]{7})?$`, a.IDCardNumber, p.Key)
		}
	}
}

func TestPersonasAreThoseOfTheStory(t *testing.T) {
	people := vneidtest.Personas()
	byKey := map[string]vneidtest.Persona{}
	for _, p := range people {
		byKey[p.Key] = p
	}
	require.Len(t, byKey, len(people), "keys are unique")
	assert.Equal(t, people, vneidtest.Personas(), "the same at every call")
	vneidtest.Personas()[0].Accounts[0].ID = "changed"
	assert.Equal(t, people, vneidtest.Personas(), "a caller's change stays the caller's")

	own := byKey["linked"]
	require.Len(t, own.Accounts, 1)
	assert.True(t, own.Accounts[0].CitizenNumberVerified)
	assert.Equal(t, own.CitizenNumber, own.Accounts[0].ID, "leak tests need an id that is a number")

	require.Len(t, byKey["cmnd"].Accounts, 1)
	assert.Empty(t, byKey["cmnd"].Accounts[0].CitizenNumber)
	require.Len(t, byKey["two"].Accounts, 2)
	assert.Equal(t, byKey["two"].Accounts[0].IDCardNumber, byKey["two"].Accounts[1].IDCardNumber)
	assert.Equal(t, identity.NameStrong, identity.MatchNames(byKey["two"].Accounts[0].Name, byKey["two"].Accounts[1].Name))
	assert.Empty(t, byKey["none"].Accounts)
	require.Len(t, byKey["mismatch"].Accounts, 1)
	wrong := byKey["mismatch"]
	assert.Equal(t, identity.NameDiffers, identity.MatchNames(wrong.Name, wrong.Accounts[0].Name))
	assert.NotEqual(t, wrong.BirthDate, wrong.Accounts[0].BirthDate)
}

func TestPersonasOutOfTheOrdinary(t *testing.T) {
	byKey, numbers, usernames := map[string]vneidtest.Persona{}, map[string]bool{}, map[string]bool{}
	for _, p := range vneidtest.Personas() {
		byKey[p.Key] = p
		assert.False(t, numbers[p.CitizenNumber], "%s: one number, one person", p.Key)
		numbers[p.CitizenNumber] = true
		for _, a := range p.Accounts {
			assert.False(t, usernames[a.Username], a.Username)
			usernames[a.Username] = true
		}
	}
	account := func(key string) vneidtest.PortalAccount {
		require.NotEmpty(t, byKey[key].Accounts, key)
		return byKey[key].Accounts[0]
	}
	match := func(key string) identity.NameMatch {
		return identity.MatchNames(byKey[key].Name, account(key).Name)
	}
	assert.Equal(t, byKey["cmnd"].IDCardNumber, account("cmnd_stranger").IDCardNumber)
	assert.NotEqual(t, byKey["cmnd_stranger"].IDCardNumber, account("cmnd_stranger").IDCardNumber)
	assert.Equal(t, identity.NameStrong, match("tone"))
	assert.NotEqual(t, byKey["tone"].Name, account("tone").Name)
	assert.Equal(t, identity.NameStateEqual, match("diacritics"))
	assert.Len(t, account("year_only").BirthDate, 4)
	assert.True(t, account("locked").Locked)
	assert.Equal(t, "official", account("official").Kind)
	assert.Equal(t, 1, byKey["level1"].AccountLevel)
	require.Len(t, byKey["elsewhere"].Accounts, 2)
	assert.Equal(t, byKey["owner"].CitizenNumber, account("squatter").CitizenNumber)
	assert.False(t, account("squatter").CitizenNumberVerified)
	assert.Equal(t, identity.NameDiffers, identity.MatchNames(byKey["owner"].Name, account("squatter").Name))
	assert.Equal(t, identity.NameStrong, match("foreigner"))
}

func TestAccountsLoseNothing(t *testing.T) {
	accounts := vneidtest.Accounts()
	require.Len(t, accounts, 17)
	byID := map[identity.AccountID]identity.Account{}
	for _, a := range accounts {
		byID[a.ID] = a
	}
	require.Len(t, byID, 17, "ids are unique")
	for _, p := range vneidtest.Personas() {
		for _, a := range p.Accounts {
			got := byID[identity.AccountID(a.ID)]
			assert.Equal(t, a.Username, got.Username)
			assert.Equal(t, a.Name, got.Name)
			assert.Equal(t, a.BirthDate, got.BirthDate.String())
			assert.Equal(t, a.IDCardNumber, got.IDCard.Reveal())
			assert.Equal(t, a.CitizenNumber, got.Number.Reveal())
			assert.Equal(t, a.CitizenNumberVerified, got.NumberVerified)
			assert.Equal(t, a.Kind == "official", got.Kind == identity.KindOfficial)
		}
	}
}

func TestEverySimulatorServesThePersonas(t *testing.T) {
	_, vneid := startVNeID(t)
	_, population := startPopulation(t)
	_, portal := startPortal(t)
	for name, address := range map[string]string{"vneid": vneid, "population": population, "portal": portal} {
		status, body := do(t, http.MethodGet, address+"/personas.json", "", nil)
		require.Equal(t, http.StatusOK, status, name)
		var people []vneidtest.Persona
		require.NoError(t, json.Unmarshal([]byte(body), &people), name)
		assert.Equal(t, vneidtest.Personas(), people, name)
		assert.Contains(t, body, `"expected_standing":{"legacy_update":"linked"`, name)
	}
}
