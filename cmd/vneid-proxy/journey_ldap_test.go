package main

import (
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/go-ldap/ldap/v3"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vneid-proxy/broker/ledger"
	"vneid-proxy/testserver"
	"vneid-proxy/vneidtest"
)

const ldapQueries = `
ldap:
  accounts: (objectClass=portalAccount)
  attributes:
    id: portalID
    username: uid
    citizen_number: employeeNumber
    id_card_number: portalIDCard
    name: displayName
    birth_date: portalBirthDate
    version: entryCSN
  marks:
    locked:
      - {attribute: portalStatus, value: locked}
      - {attribute: pwdAccountLockedTime}
    verified:
      - {attribute: portalCitizenNumberVerified, value: TRUE}
    official:
      - {attribute: objectClass, value: portalOfficial}
`

// ldapDirectory keeps the people's accounts in an LDAP server, passwords too;
// it returns where, and the environment that names it.
func ldapDirectory(t *testing.T, server *testserver.Slapd, people []vneidtest.Persona) (base string, env map[string]string) {
	t.Helper()
	base = server.Base(t)
	server.Add(t, "cn=service,"+base, map[string][]string{"objectClass": {"person"}, "sn": {"service"}, "userPassword": {"service secret"}})
	for _, who := range people {
		for _, a := range who.Accounts {
			e := map[string][]string{"objectClass": {"inetOrgPerson", "portalAccount"}, "sn": {"x"}, "portalID": {a.ID}}
			if a.Kind == "official" {
				e["objectClass"] = append(e["objectClass"], "portalOfficial")
			}
			if a.Locked {
				e["portalStatus"] = []string{"locked"}
			}
			if a.CitizenNumberVerified {
				e["portalCitizenNumberVerified"] = []string{"TRUE"}
			}
			for name, value := range map[string]string{
				"uid": a.Username, "userPassword": a.Password, "employeeNumber": a.CitizenNumber, "portalIDCard": a.IDCardNumber,
				"displayName": a.Name, "portalBirthDate": a.BirthDate,
			} {
				if value != "" {
					e[name] = []string{value}
				}
			}
			server.Add(t, ldapDN(a, base), e)
		}
	}
	file := filepath.Join(t.TempDir(), "ldap.yaml")
	require.NoError(t, os.WriteFile(file, []byte(ldapQueries), 0o600))
	return base, map[string]string{
		"DIRECTORY_URL":  (&url.URL{Scheme: "ldaps", Host: server.TLSHost, Path: "/" + base}).String(),
		"DIRECTORY_USER": "cn=service," + base, "DIRECTORY_PASSWORD": "service secret", "DIRECTORY_QUERIES_FILE": file,
		"DIRECTORY_CA_FILE": server.CAFile, "DIRECTORY_CREDENTIAL": "ldap", "DIRECTORY_WRITE_BACK": "true",
		"DIRECTORY_CREDENTIAL_URL": "", "DIRECTORY_TOKEN": "",
	}
}

func ldapDN(a vneidtest.PortalAccount, base string) string {
	return "cn=" + ldap.EscapeDN(a.ID) + "," + base
}

// TestJourneyLDAP: accounts and passwords are in an LDAP server alone. Each
// flow proves the account by a bind there, and the number is written back.
func TestJourneyLDAP(t *testing.T) {
	t.Parallel()
	r := newRig(t, rigWorld{})
	server := testserver.StartSlapd(t)
	base, env := ldapDirectory(t, server, r.people)
	env["PORTAL_LOGIN_URL"], env["PORTAL_WHOAMI_URL"], env["PORTAL_SESSION_COOKIES"] = "", "", ""
	r.accounts = nil
	r.restart(env)

	who := r.persona("cmnd")
	account := who.Accounts[0]
	p := r.person(t)
	chooser := p.visit(wanted)
	for _, pair := range [][2]string{{account.Username, "sai-mat-khau"}, {"*", account.Password}, {"khong-co", account.Password}} {
		answer := p.submit(chooser, "/sign-in/legacy", "username", pair[0], "password", pair[1])
		assert.Equal(t, http.StatusUnprocessableEntity, answer.status, pair[0])
	}
	at := p.follow(p.submit(chooser, "/sign-in/legacy", "username", account.Username, "password", account.Password))
	require.Equal(t, titleLink, at.title())
	at = p.follow(p.submit(at, "/link/update", "citizen_number", who.CitizenNumber, "consent", "yes"))
	p.landed(at, account, matched(who, account), "linked")
	require.Eventually(t, func() bool {
		return r.metric(`vneid_proxy_write_backs_total{outcome="written"}`) == 1
	}, time.Minute, 50*time.Millisecond)
	assert.Equal(t, map[string]string{"employeeNumber": who.CitizenNumber, "portalCitizenNumberVerified": "TRUE"},
		server.Get(t, ldapDN(account, base), "employeeNumber", "portalCitizenNumberVerified"))

	who = r.persona("tone")
	account = who.Accounts[0]
	p = r.person(t)
	at = p.vneid(p.visit(wanted), who.Key)
	require.Equal(t, titleProve, at.title())
	wrong := p.submit(at, "/link/proof", "username", account.Username, "password", "sai-mat-khau", "consent", "yes")
	assert.Equal(t, http.StatusUnprocessableEntity, wrong.status)
	at = p.submit(at, "/link/proof", "username", account.Username, "password", account.Password, "consent", "yes")
	require.Equal(t, http.StatusSeeOther, at.status, at.body)
	assert.Equal(t, ledger.MethodCredential, r.onlyLink(account, who.Expected.VNeIDWeak).Method)
	p.landed(p.follow(at), account, &who, "linked")

	// Found by the number that the server holds.
	who = r.persona("linked")
	p = r.person(t)
	p.landed(p.vneid(p.visit(wanted), "linked"), who.Accounts[0], &who, "linked")
	for _, operation := range []string{"by_id", "by_username", "by_citizen_number", "credential", "write_back"} {
		assert.Positive(t, r.metric(`vneid_proxy_call_duration_seconds_count{operation="`+operation+`",outcome="ok",system="directory"}`), operation)
	}
}
