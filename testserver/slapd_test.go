package testserver_test

import (
	"crypto/tls"
	"testing"

	"github.com/go-ldap/ldap/v3"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vneid-proxy/testserver"
)

func TestSlapd(t *testing.T) {
	server := testserver.StartSlapd(t)
	first, second := server.Base(t), server.Base(t)
	require.NotEqual(t, first, second)
	server.Add(t, "cn=service,"+first, map[string][]string{"objectClass": {"person"}, "sn": {"service"}, "userPassword": {"p"}})
	for _, how := range []func() (*ldap.Conn, error){
		func() (*ldap.Conn, error) { return ldap.DialURL("ldap://" + server.Host) },
		func() (*ldap.Conn, error) {
			return ldap.DialURL("ldaps://"+server.TLSHost, ldap.DialWithTLSConfig(&tls.Config{RootCAs: server.CA}))
		},
	} {
		c, err := how()
		require.NoError(t, err)
		require.NoError(t, c.Bind("cn=service,"+first, "p"))
		found, err := c.Search(ldap.NewSearchRequest(first, ldap.ScopeWholeSubtree, ldap.NeverDerefAliases, 0, 0, false, "(sn=service)", nil, nil))
		require.NoError(t, err)
		assert.Len(t, found.Entries, 1)
		require.NoError(t, c.Close())
	}
	c, err := ldap.DialURL("ldap://" + server.Host)
	require.NoError(t, err)
	defer c.Close()
	for range 3 {
		require.True(t, ldap.IsErrorWithCode(c.Bind("cn=service,"+first, "wrong"), ldap.LDAPResultInvalidCredentials))
	}
	require.True(t, ldap.IsErrorWithCode(c.Bind("cn=service,"+first, "p"), ldap.LDAPResultInvalidCredentials), "locked by now")
}
