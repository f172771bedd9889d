package main_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vneid-proxy/testserver"
)

// TestCheckOfLDAP: what check says of an LDAP server, good and bad.
func TestCheckOfLDAP(t *testing.T) {
	t.Parallel()
	server := testserver.StartSlapd(t)
	w := newProcWorld(t, procWorldConfig{})
	base := server.Base(t)
	server.Add(t, "cn=service,"+base, map[string][]string{"objectClass": {"person"}, "sn": {"x"}, "userPassword": {checkCanary + "!"}})
	server.Add(t, "cn=1,"+base, map[string][]string{"objectClass": {"inetOrgPerson"}, "sn": {"x"}, "uid": {checkCanary}})
	file := func(text string) string {
		name := filepath.Join(t.TempDir(), "ldap.yaml")
		require.NoError(t, os.WriteFile(name, []byte(text), 0o600))
		return "DIRECTORY_QUERIES_FILE=" + name
	}
	good := []string{
		"DIRECTORY_URL=ldaps://" + server.TLSHost + "/" + base, "DIRECTORY_USER=cn=service," + base, "DIRECTORY_PASSWORD=" + checkCanary + "!",
		"DIRECTORY_CA_FILE=" + server.CAFile, "DIRECTORY_CREDENTIAL=ldap", "DIRECTORY_WRITE_BACK=true", "DIRECTORY_CREDENTIAL_URL=",
		file("ldap: {accounts: (objectClass=inetOrgPerson), attributes: {id: uid, username: uid, citizen_number: employeeNumber, version: entryCSN}, marks: {verified: [{attribute: title, value: verified}]}}"),
	}
	for name, test := range map[string]struct {
		environ      []string
		others, says string
	}{
		"good":           {nil, "", "an account can be read as the queries file says"},
		"refused":        {nil, "", "a user name that cannot exist is refused"},
		"not written":    {nil, "", "would change an account"},
		"wrong password": {[]string{"DIRECTORY_PASSWORD=" + checkCanary}, "fault directory.accounts", "Invalid Credentials"},
		"no such base":   {[]string{"DIRECTORY_URL=ldaps://" + server.TLSHost + "/ou=nowhere," + base}, "fault directory.accounts", "No Such Object"},
		"no account":     {[]string{file("ldap: {accounts: (objectClass=country), attributes: {id: c, username: c, citizen_number: c, version: entryCSN}, marks: {verified: [{attribute: c, value: a}]}}")}, "warning directory.accounts", "no account is found"},
		"another CA":     {[]string{"DIRECTORY_CA_FILE="}, "fault directory.accounts", "authority that this machine does not know"},
		"no TLS":         {[]string{"DIRECTORY_URL=ldaps://" + server.Host + "/" + base}, "fault directory.accounts", "it cannot be reached"},
		"nobody there":   {[]string{"DIRECTORY_URL=ldap://127.0.0.1:1/" + base}, "fault directory.accounts", "nothing listens there"},
	} {
		t.Run(name, func(t *testing.T) {
			_, found := checkRun(t, w, w.environ(append(slices.Clone(good), test.environ...)...))
			assert.Equal(t, test.others, strings.Join(checkOthers(found), " "))
			checkMentions(t, found, test.says, "")
		})
	}
}
