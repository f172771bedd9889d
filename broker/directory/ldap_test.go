package directory_test

import (
	"context"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-ldap/ldap/v3"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vneid-proxy/broker/directory"
	"vneid-proxy/broker/outbound"
	"vneid-proxy/identity"
	"vneid-proxy/testserver"
)

const servicePassword = "service secret"

func ldapMap() directory.LDAPMap {
	return directory.LDAPMap{
		Accounts: "(objectClass=portalAccount)",
		Attributes: map[string]string{
			"id": "portalID", "username": "uid", "citizen_number": "employeeNumber", "id_card_number": "portalIDCard", "name": "displayName",
			"birth_date": "portalBirthDate", "email": "mail", "phone": "telephoneNumber", "roles": "title", "group": "ou",
			"subject": "portalSubject", "version": "entryCSN",
		},
		Marks: map[string][]directory.LDAPTest{
			"locked":              {{Attribute: "portalStatus", Value: "LOCKED"}, {Attribute: "portalFlags", Bits: 2}, {Attribute: "pwdAccountLockedTime"}},
			"verified":            {{Attribute: "portalCitizenNumberVerified", Value: "TRUE"}},
			"official":            {{Attribute: "objectClass", Value: "portalOfficial"}},
			"organisation":        {{Attribute: "objectClass", Value: "portalOrganisation"}},
			"created_by_official": {{Attribute: "portalCreator", Value: "official"}},
			"created_by_self":     {{Attribute: "portalCreator", Value: "self"}},
		},
	}
}

// ldapWorld is one subtree of a server.
type ldapWorld struct {
	*testserver.Slapd
	base string
}

func newLDAPWorld(t *testing.T, server *testserver.Slapd) ldapWorld {
	w := ldapWorld{server, server.Base(t)}
	w.Add(t, w.service(), map[string][]string{"objectClass": {"person"}, "sn": {"service"}, "userPassword": {servicePassword}})
	return w
}

func (w ldapWorld) service() string { return "cn=service," + w.base }

func (w ldapWorld) url() string {
	return (&url.URL{Scheme: "ldap", Host: w.Host, Path: "/" + w.base}).String()
}

func (w ldapWorld) config() directory.LDAPConfig {
	return directory.LDAPConfig{URL: w.url(), User: w.service(), Password: servicePassword, Map: ldapMap(), Timeout: 20 * time.Second}
}

func (w ldapWorld) open(t *testing.T, change func(*directory.LDAPConfig)) *directory.LDAP {
	cfg := w.config()
	if change != nil {
		change(&cfg)
	}
	d, err := directory.NewLDAP(cfg)
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, d.Close()) })
	return d
}

func (w ldapWorld) dn(id identity.AccountID) string {
	return "cn=" + ldap.EscapeDN(string(id)) + "," + w.base
}

// entry is an account as the portal might keep it.
func entry(a identity.Account) map[string][]string {
	e := map[string][]string{
		"objectClass": {"inetOrgPerson", "portalAccount"}, "sn": {"x"}, "portalID": {string(a.ID)}, "title": a.Roles,
		"portalCitizenNumberVerified": {strings.ToUpper(fmt.Sprint(a.NumberVerified))},
	}
	switch a.Kind {
	case identity.KindOfficial:
		e["objectClass"] = append(e["objectClass"], "portalOfficial")
	case identity.KindOrganisation:
		e["objectClass"] = append(e["objectClass"], "portalOrganisation")
	}
	if a.Locked {
		e["portalStatus"] = []string{"locked"}
	}
	for name, value := range map[string]string{
		"uid": a.Username, "employeeNumber": a.Number.Reveal(), "portalIDCard": a.IDCard.Reveal(), "displayName": a.Name,
		"portalBirthDate": a.BirthDate.String(), "mail": a.Email, "telephoneNumber": a.Phone, "ou": a.Group, "portalSubject": a.Subject,
		"portalCreator": string(a.CreatedBy),
	} {
		if value != "" {
			e[name] = []string{value}
		}
	}
	if len(a.Roles) == 0 {
		delete(e, "title")
	}
	return e
}

func (w ldapWorld) hold(t *testing.T, accounts ...identity.Account) {
	entries := map[string]map[string][]string{}
	for _, a := range accounts {
		entries[w.dn(a.ID)] = entry(a)
	}
	w.AddAll(t, entries)
}

// withLDAP is a directory in a subtree of its own for each set of accounts.
func withLDAP(server *testserver.Slapd, change func(*directory.LDAPConfig)) func(t *testing.T, accounts []identity.Account) *directory.LDAP {
	return func(t *testing.T, accounts []identity.Account) *directory.LDAP {
		w := newLDAPWorld(t, server)
		w.hold(t, accounts...)
		return w.open(t, change)
	}
}

func TestLDAPConforms(t *testing.T) {
	server := testserver.StartSlapd(t)
	for name, change := range map[string]func(*directory.LDAPConfig){
		"in clear on loopback": nil,
		"StartTLS": func(c *directory.LDAPConfig) {
			c.URL, c.RootCAs = strings.Replace(c.URL, "127.0.0.1", "0.0.0.0", 1), server.CA
		},
		"TLS": func(c *directory.LDAPConfig) {
			c.URL, c.RootCAs = strings.Replace(c.URL, "ldap://"+server.Host, "ldaps://"+server.TLSHost, 1), server.CA
		},
	} {
		t.Run(name, func(t *testing.T) {
			open := withLDAP(server, change)
			conformance(t, func(t *testing.T, accounts []identity.Account) reader { return open(t, accounts) })
		})
	}
}

func TestLDAPScans(t *testing.T) {
	open := withLDAP(testserver.StartSlapd(t), nil)
	scanConformance(t, func(t *testing.T, accounts []identity.Account) scanner { return open(t, accounts) })
}

// What the server is asked says only what was asked for, however it is written.
func TestLDAPEscapes(t *testing.T) {
	w := newLDAPWorld(t, testserver.StartSlapd(t))
	odd := identity.Account{ID: `)(uid=*))(|(uid=*`, Username: `*)(\2a|&=,+"<>;#`, Kind: identity.KindCitizen, Subject: `\`}
	w.hold(t, odd, identity.Account{ID: "1", Username: "a", Kind: identity.KindCitizen, Subject: "s"})
	for name, change := range map[string]func(*directory.LDAPConfig){
		"by attribute": nil,
		"by filter": func(c *directory.LDAPConfig) {
			c.Map.Filters = map[string]string{"id": "(|(portalID={value})(portalID={value}))", "username": "(uid={value})", "subject": "(portalSubject={value})"}
		},
	} {
		d := w.open(t, change)
		got, err := d.ByID(t.Context(), odd.ID)
		require.NoError(t, err, name)
		assert.Equal(t, odd, got)
		for _, ask := range []func() ([]identity.Account, error){
			func() ([]identity.Account, error) { return d.ByUsername(t.Context(), odd.Username) },
			func() ([]identity.Account, error) { return d.BySubject(t.Context(), odd.Subject) },
		} {
			found, err := ask()
			require.NoError(t, err)
			assert.Equal(t, []identity.Account{odd}, found)
		}
		for _, text := range []string{"*", "a*", "a)(uid=*", `\61`, "A", " a", "a ", "a\x00"} {
			found, err := d.ByUsername(t.Context(), text)
			require.NoError(t, err)
			assert.Empty(t, found, text)
		}
	}
}

func TestLDAPByDN(t *testing.T) {
	server := testserver.StartSlapd(t)
	w, others := newLDAPWorld(t, server), newLDAPWorld(t, server)
	w.hold(t, identity.Account{ID: "Tài khoản, 1", Username: "a"})
	others.hold(t, identity.Account{ID: "1"})
	d := w.open(t, func(c *directory.LDAPConfig) { c.Map.Attributes["id"] = "dn" })
	found, err := d.ByUsername(t.Context(), "a")
	require.NoError(t, err)
	require.Len(t, found, 1)
	id := found[0].ID
	assert.Contains(t, string(id), w.base)
	got, err := d.ByID(t.Context(), id)
	require.NoError(t, err)
	assert.Equal(t, found[0], got)
	assert.Len(t, scanned(t, d), 1)
	for name, id := range map[string]identity.AccountID{
		"another subtree's": identity.AccountID(others.dn("1")), "no account's": identity.AccountID(w.service()), "the base": identity.AccountID(w.base),
		"nobody's": identity.AccountID("cn=nobody," + w.base), "no DN": "17", "in another case": identity.AccountID(strings.ToUpper(string(id))), "everybody's": "",
	} {
		_, err := d.ByID(t.Context(), id)
		require.ErrorIs(t, err, directory.ErrNotFound, name)
	}
}

// recordOf reads one entry, over the usual one, by ByID and by a scan.
func (w ldapWorld) recordOf(t *testing.T, change func(*directory.LDAPConfig), attributes map[string][]string) directory.Record {
	e := entry(identity.Account{ID: "1"})
	for name, values := range attributes {
		e[name] = values
	}
	w.Add(t, w.dn("1"), e)
	d := w.open(t, change)
	record := scanned(t, d)["1"]
	account, version, err := d.Versioned(t.Context(), "1")
	require.NoError(t, err)
	assert.Equal(t, record.Account, account)
	assert.Equal(t, record.Version, version)
	assert.NotEmpty(t, version)
	record.Version = ""
	return record
}

func TestLDAPReads(t *testing.T) {
	server := testserver.StartSlapd(t)
	both := func(c *directory.LDAPConfig) { c.Map.Attributes["citizen_number"] = "portalIDCard" }
	text := identity.NumberTextOf
	account := func(change func(*identity.Account)) directory.Record {
		a := identity.Account{ID: "1", Kind: identity.KindCitizen}
		change(&a)
		return directory.Record{Account: a}
	}
	const verified, number, card, born = "portalCitizenNumberVerified", "employeeNumber", "portalIDCard", "portalBirthDate"
	for name, test := range map[string]struct {
		attributes map[string][]string
		change     func(*directory.LDAPConfig)
		want       directory.Record
	}{
		"nothing else":    {nil, nil, account(func(*identity.Account) {})},
		"locked by a bit": {map[string][]string{"portalFlags": {"514"}}, nil, account(func(a *identity.Account) { a.Locked = true })},
		"another bit":     {map[string][]string{"portalFlags": {"512"}}, nil, account(func(*identity.Account) {})},
		"one of several":  {map[string][]string{"portalStatus": {"odd", "Locked"}}, nil, account(func(a *identity.Account) { a.Locked = true })},
		"official first": {map[string][]string{"objectClass": {"inetOrgPerson", "portalAccount", "portalOrganisation", "portalOfficial"}, "portalCreator": {"self", "official"}}, nil,
			account(func(a *identity.Account) { a.Kind, a.CreatedBy = identity.KindOfficial, identity.CreatedByOfficial })},
		"names in several ways": {map[string][]string{"uid": {"b", "a"}, "mail": {"b@x", "a@x"}}, nil,
			account(func(a *identity.Account) { a.Username, a.Email = "a", "a@x" })},
		"subjects of several": {map[string][]string{"portalSubject": {"b", "a"}}, nil, account(func(*identity.Account) {})},
		"number of 11":        {map[string][]string{number: {"99202000345"}, verified: {"TRUE"}}, nil, directory.Record{Account: identity.Account{ID: "1", Kind: identity.KindCitizen}, NumberText: text("99202000345")}},
		"several cards":       {map[string][]string{card: {"990000345", "990000346"}}, nil, directory.Record{Account: identity.Account{ID: "1", Kind: identity.KindCitizen}, IDCardText: text("990000345, 990000346")}},
		"several birth dates": {map[string][]string{born: {"1990", "1991"}}, nil, directory.Record{Account: identity.Account{ID: "1", Kind: identity.KindCitizen}, BirthDateText: "1990, 1991"}},
		"no birth date":       {map[string][]string{born: {"31/02/1990"}}, nil, directory.Record{Account: identity.Account{ID: "1", Kind: identity.KindCitizen}, BirthDateText: "31/02/1990"}},
		"verified nothing":    {map[string][]string{verified: {"TRUE"}}, nil, account(func(*identity.Account) {})},
		"one for both, CMND":  {map[string][]string{card: {"990 000 345"}}, both, account(func(a *identity.Account) { a.IDCard = idCardNumber(t, "990000345") })},
		"one for both, CCCD":  {map[string][]string{card: {"099202000345"}}, both, account(func(a *identity.Account) { a.Number = citizenNumber(t, "099202000345") })},
		"one for both, both": {map[string][]string{card: {"099202000345", "990000345"}}, both, account(func(a *identity.Account) {
			a.IDCard, a.Number = idCardNumber(t, "990000345"), citizenNumber(t, "099202000345")
		})},
		"one for both, neither":  {map[string][]string{card: {"99202000345"}}, both, directory.Record{Account: identity.Account{ID: "1", Kind: identity.KindCitizen}, NumberText: text("99202000345")}},
		"one for both, two CCCD": {map[string][]string{card: {"099202000345", "099202000346"}}, both, directory.Record{Account: identity.Account{ID: "1", Kind: identity.KindCitizen}, NumberText: text("099202000345, 099202000346")}},
		"roles of groups":        {map[string][]string{"title": {"cn=Quản trị,ou=groups,dc=example,dc=vn", "nop-ho-so"}}, nil, account(func(a *identity.Account) { a.Roles = []string{"Quản trị", "nop-ho-so"} })},
		"roles too long":         {map[string][]string{"title": {strings.Repeat("a", 200), strings.Repeat("b", 200)}}, nil, account(func(*identity.Account) {})},
		"name too long":          {map[string][]string{"displayName": {strings.Repeat("a", 256)}}, nil, account(func(*identity.Account) {})},
	} {
		t.Run(name, func(t *testing.T) {
			w := newLDAPWorld(t, server)
			assert.Equal(t, test.want, w.recordOf(t, test.change, test.attributes))
		})
	}
}

// Whoever is asked for by one of several names or old numbers has it.
func TestLDAPFindsOneOfSeveral(t *testing.T) {
	w := newLDAPWorld(t, testserver.StartSlapd(t))
	e := entry(identity.Account{ID: "1"})
	e["uid"], e["portalIDCard"] = []string{"a", "b"}, []string{"990000345", "990000346"}
	w.Add(t, w.dn("1"), e)
	d := w.open(t, nil)
	found, err := d.ByUsername(t.Context(), "b")
	require.NoError(t, err)
	require.Len(t, found, 1)
	assert.Equal(t, "b", found[0].Username)
	found, err = d.ByIDCardNumber(t.Context(), idCardNumber(t, "990000346"))
	require.NoError(t, err)
	require.Len(t, found, 1)
	assert.Equal(t, idCardNumber(t, "990000346"), found[0].IDCard)
}

func TestLDAPIsStrict(t *testing.T) {
	w := newLDAPWorld(t, testserver.StartSlapd(t))
	twice := identity.Account{ID: "2", Username: "twice", Kind: identity.KindCitizen}
	w.hold(t, twice)
	w.Add(t, "cn=again,"+w.base, entry(twice))
	several := entry(identity.Account{ID: "3", Username: "several"})
	several["portalID"] = []string{"3", "4"}
	w.Add(t, w.dn("3"), several)
	for i := range 101 {
		w.hold(t, identity.Account{ID: identity.AccountID(fmt.Sprintf("many-%d", i)), Username: "many"})
	}
	d := w.open(t, nil)
	_, err := d.ByID(t.Context(), "2")
	require.ErrorIs(t, err, directory.ErrMalformed, "two of one id")
	for _, username := range []string{"twice", "several", "many"} {
		_, err := d.ByUsername(t.Context(), username)
		require.ErrorIs(t, err, directory.ErrMalformed, username)
		assert.NotContains(t, err.Error(), username)
	}
	require.ErrorIs(t, d.Scan(t.Context(), func(directory.Record) error { return nil }), directory.ErrMalformed)
}

func TestLDAPConfigurations(t *testing.T) {
	good := func() directory.LDAPConfig {
		return directory.LDAPConfig{URL: "ldaps://ldap.example/ou=people,dc=example", User: "cn=a", Password: "secret-word", Map: ldapMap()}
	}
	_, err := directory.NewLDAP(good())
	require.NoError(t, err)
	for name, test := range map[string]struct {
		change func(*directory.LDAPConfig)
		want   []string
	}{
		"nothing": {func(c *directory.LDAPConfig) { *c = directory.LDAPConfig{} }, []string{
			"URL: want", "User: want", "Password is required", "accounts: want a filter", "attributes.id is required", "attributes.username is required",
		}},
		"no base":       {func(c *directory.LDAPConfig) { c.URL = "ldaps://ldap.example" }, []string{"URL: want"}},
		"http":          {func(c *directory.LDAPConfig) { c.URL = "https://ldap.example/dc=a" }, []string{"URL: want"}},
		"secret in URL": {func(c *directory.LDAPConfig) { c.URL = "ldaps://cn=a:secret-word@ldap.example/dc=a" }, []string{"URL: want"}},
		"URL's filter":  {func(c *directory.LDAPConfig) { c.URL += "?uid?sub" }, []string{"URL: want"}},
		"no password":   {func(c *directory.LDAPConfig) { c.Password = "" }, []string{"Password is required"}},
		"no DN":         {func(c *directory.LDAPConfig) { c.User = "admin" }, []string{"User: want"}},
		"many": {func(c *directory.LDAPConfig) {
			c.Map.Accounts = "(objectClass=a"
			c.Map.Attributes["id"], c.Map.Attributes["shoe"], c.Map.Attributes["name"] = "uid;lang-vi", "a", "a b"
			c.Map.Filters = map[string]string{"username": "(uid=*)", "name": "(cn={value})", "subject": "(cn={value}"}
			c.Map.Marks["lokced"] = nil
			c.Map.Marks["locked"] = []directory.LDAPTest{{Attribute: ""}, {Attribute: "a", Value: "b", Bits: 1}, {Attribute: "a", Bits: -1}}
		}, []string{
			"accounts: want", "attributes.id: want", "attributes.name: want", "attributes.shoe: no such name", "filters.name: no such name",
			"filters.subject: want", "filters.username: want", "marks.locked, number 1", "marks.locked, number 2", "marks.locked, number 3", "marks.lokced: no such name",
		}},
		"filter by DN": {func(c *directory.LDAPConfig) {
			c.Map.Attributes["id"], c.Map.Filters = "dn", map[string]string{"id": "(cn={value})", "subject": "(cn={value})"}
			delete(c.Map.Attributes, "subject")
		}, []string{"filters.id: remove it", "filters.subject: name its attribute"}},
	} {
		cfg := good()
		test.change(&cfg)
		_, err := directory.NewLDAP(cfg)
		require.Error(t, err, name)
		lines := strings.Split(err.Error(), "\n")
		require.Len(t, lines, len(test.want), "%s: %v", name, err)
		for i, want := range test.want {
			assert.Contains(t, lines[i], want, name)
		}
		assert.NotContains(t, err.Error(), "secret-word")
	}
}

const ldapFile = `
ldap:
  accounts: (objectClass=inetOrgPerson)
  attributes:
    id: uid
    username: uid
    citizen_number: employeeNumber
  filters:
    username: (|(uid={value})(mail={value}))
  marks:
    locked:
      - {attribute: pwdAccountLockedTime}
      - {attribute: userAccountControl, bits: 2}
    verified:
      - {attribute: portalCitizenNumberVerified, value: TRUE}
`

func TestParseLDAPMap(t *testing.T) {
	m, err := directory.ParseLDAPMap([]byte(ldapFile))
	require.NoError(t, err)
	assert.Equal(t, directory.LDAPMap{
		Accounts:   "(objectClass=inetOrgPerson)",
		Attributes: map[string]string{"id": "uid", "username": "uid", "citizen_number": "employeeNumber"},
		Filters:    map[string]string{"username": "(|(uid={value})(mail={value}))"},
		Marks: map[string][]directory.LDAPTest{
			"locked":   {{Attribute: "pwdAccountLockedTime"}, {Attribute: "userAccountControl", Bits: 2}},
			"verified": {{Attribute: "portalCitizenNumberVerified", Value: "TRUE"}},
		},
	}, m)
	for name, test := range map[string]struct{ text, want string }{
		"empty":         {"", "it is empty"},
		"nothing":       {"# nothing", "it is empty"},
		"a database's":  {"queries: {}", "line 1: field queries not found"},
		"two documents": {ldapFile + "---\nldap: {}", "one document"},
		"twice":         {"ldap: {accounts: (a=b), accounts: (a=c)}", "already"},
		"unknown":       {"ldap: {account: (a=b), attribute: {}}", "line 1: field attribute not found"},
		"bits as text":  {"ldap: {marks: {locked: [{attribute: a, bits: x}]}}", "line 1: cannot unmarshal"},
		"many faults":   {"ldap: {accounts: a, attributes: {id: uid, shoe: b}}", "ldap.accounts: want a filter, such as (objectClass=inetOrgPerson)\nldap.attributes.shoe: no such name"},
	} {
		_, err := directory.ParseLDAPMap([]byte(test.text))
		require.ErrorContains(t, err, test.want, name)
	}
}

// The file that docs/directories.md shows can be used as it stands.
func TestTheDocumentsLDAPFileIsRead(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "..", "docs", "directories.md"))
	require.NoError(t, err)
	_, rest, found := strings.Cut(string(text), "```yaml\nldap:")
	require.True(t, found)
	shown, _, _ := strings.Cut(rest, "```")
	m, err := directory.ParseLDAPMap([]byte("ldap:" + shown))
	require.NoError(t, err)
	assert.NoError(t, m.Writable())
}

// relay passes bytes to a server until it is told otherwise.
type relay struct {
	address  string
	accepted atomic.Int32
	held     atomic.Bool // nothing comes back
	open     chan net.Conn
}

func newRelay(t *testing.T, to string) *relay {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	r := &relay{address: listener.Addr().String(), open: make(chan net.Conn, 100)}
	t.Cleanup(func() { _ = listener.Close(); r.cut() })
	go func() {
		for {
			here, err := listener.Accept()
			if err != nil {
				return
			}
			r.accepted.Add(1)
			there, err := net.Dial("tcp", to)
			if err != nil {
				_ = here.Close()
				return
			}
			r.open <- here
			r.open <- there
			go pass(there, here, func() bool { return true })
			go pass(here, there, func() bool { return !r.held.Load() })
		}
	}()
	return r
}

func pass(to, from net.Conn, on func() bool) {
	defer to.Close()
	buffer := make([]byte, 32<<10)
	for {
		n, err := from.Read(buffer)
		if err != nil {
			return
		}
		if on() {
			_, _ = to.Write(buffer[:n])
		}
	}
}

// cut closes every connection.
func (r *relay) cut() {
	for {
		select {
		case c := <-r.open:
			_ = c.Close()
		default:
			return
		}
	}
}

func TestLDAPConnections(t *testing.T) {
	w := newLDAPWorld(t, testserver.StartSlapd(t))
	w.hold(t, identity.Account{ID: "1", Kind: identity.KindCitizen})
	between := newRelay(t, w.Host)
	d := w.open(t, func(c *directory.LDAPConfig) { c.URL = strings.Replace(c.URL, w.Host, between.address, 1) })
	for range 5 {
		_, err := d.ByID(t.Context(), "1")
		require.NoError(t, err)
	}
	assert.EqualValues(t, 1, between.accepted.Load(), "a connection is kept")
	between.cut()
	_, err := d.ByID(t.Context(), "1")
	require.NoError(t, err, "one that was closed is made anew")
	assert.EqualValues(t, 2, between.accepted.Load())

	between.held.Store(true)
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	_, err = d.ByID(ctx, "1")
	require.ErrorIs(t, err, directory.ErrUnavailable)
	assert.Equal(t, outbound.Timeout, outbound.CauseOf(err))
	between.held.Store(false)
	_, err = d.ByID(t.Context(), "1")
	require.NoError(t, err)
}

func TestLDAPFaults(t *testing.T) {
	server := testserver.StartSlapd(t)
	w := newLDAPWorld(t, server)
	w.hold(t, identity.Account{ID: "1"})
	gone, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, gone.Close())
	for name, test := range map[string]struct {
		change func(*directory.LDAPConfig)
		cause  outbound.Cause
	}{
		"wrong password": {func(c *directory.LDAPConfig) { c.Password = "canary" }, outbound.Refused},
		"no such base":   {func(c *directory.LDAPConfig) { c.URL = strings.Replace(c.URL, "/ou=", "/ou=canary", 1) }, outbound.Refused},
		"nobody listens": {func(c *directory.LDAPConfig) { c.URL = strings.Replace(c.URL, server.Host, gone.Addr().String(), 1) }, outbound.Unavailable},
		"unknown authority, StartTLS": {func(c *directory.LDAPConfig) {
			c.URL = strings.Replace(c.URL, "127.0.0.1", "0.0.0.0", 1)
		}, outbound.Unavailable},
		"unknown authority, TLS": {func(c *directory.LDAPConfig) {
			c.URL = strings.Replace(c.URL, "ldap://"+server.Host, "ldaps://"+server.TLSHost, 1)
		}, outbound.Unavailable},
		"no TLS at all": {func(c *directory.LDAPConfig) { c.URL = strings.Replace(c.URL, "ldap:", "ldaps:", 1) }, outbound.Unavailable},
	} {
		d := w.open(t, test.change)
		_, err := d.ByID(t.Context(), "1")
		require.ErrorIs(t, err, directory.ErrUnavailable, name)
		assert.Equal(t, test.cause, outbound.CauseOf(err), "%s: %v", name, err)
		scan := d.Scan(t.Context(), func(directory.Record) error { return nil })
		require.ErrorIs(t, scan, directory.ErrUnavailable, name)
		for _, text := range []string{err.Error(), scan.Error()} {
			assert.NotContains(t, text, "canary")
			assert.NotContains(t, text, w.base)
		}
	}
}

// Beyond loopback nothing is said before TLS.
func TestLDAPSaysNothingInClear(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer listener.Close()
	said := make(chan string, 2)
	go func() {
		defer close(said)
		c, err := listener.Accept()
		if err != nil {
			return
		}
		buffer := make([]byte, 4096)
		n, _ := c.Read(buffer)
		said <- string(buffer[:n])
		// StartTLS refused: protocolError.
		_, _ = c.Write([]byte("\x30\x0c\x02\x01\x01\x78\x07\x0a\x01\x02\x04\x00\x04\x00"))
		n, _ = c.Read(buffer)
		said <- string(buffer[:n])
	}()
	_, port, err := net.SplitHostPort(listener.Addr().String())
	require.NoError(t, err)
	d, err := directory.NewLDAP(directory.LDAPConfig{
		// It leads to this machine, which only the system knows.
		URL: "ldap://0.0.0.0:" + port + "/dc=example", User: "cn=canary", Password: "canary", Map: ldapMap(),
	})
	require.NoError(t, err)
	_, err = d.ByID(t.Context(), "1")
	require.ErrorIs(t, err, directory.ErrUnavailable)
	first := <-said
	assert.Contains(t, first, "1.3.6.1.4.1.1466.20037", "StartTLS")
	assert.NotContains(t, first, "canary")
	assert.Empty(t, <-said)
}

func TestLDAPCredential(t *testing.T) {
	w := newLDAPWorld(t, testserver.StartSlapd(t))
	const password = ` mật "khẩu" *`
	keep := func(id identity.AccountID, username string, locked bool) {
		e := entry(identity.Account{ID: id, Username: username, Locked: locked})
		e["userPassword"] = []string{password}
		w.Add(t, w.dn(id), e)
	}
	keep("1", "nguyenvana", false)
	keep("2", "twice", false)
	keep("3", "twice", false)
	keep("4", "locked", true)
	keep("5", "guessed", false)
	w.hold(t, identity.Account{ID: "6", Username: "without"})
	d := w.open(t, nil)
	id, err := d.Check(t.Context(), "nguyenvana", password)
	require.NoError(t, err)
	assert.Equal(t, identity.AccountID("1"), id)

	for name, test := range map[string]struct {
		username, password string
		want               error
	}{
		"wrong password":          {"nguyenvana", "canary", directory.ErrWrong},
		"empty password":          {"nguyenvana", "", directory.ErrWrong},
		"password of nothing":     {"nguyenvana", "\x00", directory.ErrWrong},
		"password not UTF-8":      {"nguyenvana", "\xff", directory.ErrWrong},
		"nobody":                  {"nobody", password, directory.ErrWrong},
		"no name":                 {"", password, directory.ErrWrong},
		"everybody":               {"*", password, directory.ErrWrong},
		"in another case":         {"NguyenVanA", password, directory.ErrWrong},
		"with blanks":             {"nguyenvana ", password, directory.ErrWrong},
		"two of a name":           {"twice", password, directory.ErrWrong},
		"no password there":       {"without", password, directory.ErrWrong},
		"not an account's":        {"service", servicePassword, directory.ErrWrong},
		"locked by the directory": {"locked", password, directory.ErrLocked},
		"locked, wrong password":  {"locked", "canary", directory.ErrWrong},
	} {
		id, err := d.Check(t.Context(), test.username, test.password)
		require.ErrorIs(t, err, test.want, name)
		assert.Empty(t, id, name)
		assert.NotContains(t, err.Error(), "canary")
	}

	for range 3 {
		_, err := d.Check(t.Context(), "guessed", "wrong")
		require.ErrorIs(t, err, directory.ErrWrong)
	}
	_, err = d.Check(t.Context(), "guessed", password)
	require.ErrorIs(t, err, directory.ErrLocked, "by the server's password policy")
	account, err := d.ByID(t.Context(), "5")
	require.NoError(t, err)
	assert.True(t, account.Locked, "pwdAccountLockedTime")
}

// Whoever is unknown costs a bind as well.
func TestLDAPCredentialOfNobodyBinds(t *testing.T) {
	w := newLDAPWorld(t, testserver.StartSlapd(t))
	between := newRelay(t, w.Host)
	d := w.open(t, func(c *directory.LDAPConfig) { c.URL = strings.Replace(c.URL, w.Host, between.address, 1) })
	for range 3 {
		_, err := d.Check(t.Context(), "nobody", "password")
		require.ErrorIs(t, err, directory.ErrWrong)
	}
	assert.EqualValues(t, 1+3, between.accepted.Load())
	between.held.Store(true)
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	_, err := d.Check(ctx, "nobody", "password")
	require.ErrorIs(t, err, directory.ErrUnavailable)
}

func TestLDAPWriteBack(t *testing.T) {
	w := newLDAPWorld(t, testserver.StartSlapd(t))
	w.hold(t, identity.Account{ID: "1", Kind: identity.KindCitizen, Number: citizenNumber(t, "099202000346")})
	d := w.open(t, nil)
	number := citizenNumber(t, "099202000345")
	require.NoError(t, d.CanWrite(t.Context()))
	_, before, err := d.Versioned(t.Context(), "1")
	require.NoError(t, err)
	w.Set(t, w.dn("1"), "displayName", "Đào")
	require.ErrorIs(t, d.WriteCitizenNumber(t.Context(), "1", number, before), directory.ErrChanged)
	account, version, err := d.Versioned(t.Context(), "1")
	require.NoError(t, err)
	assert.Equal(t, "099202000346", account.Number.Reveal())
	require.NoError(t, d.WriteCitizenNumber(t.Context(), "1", number, version))
	account, after, err := d.Versioned(t.Context(), "1")
	require.NoError(t, err)
	assert.Equal(t, number, account.Number)
	assert.True(t, account.NumberVerified)
	assert.NotEqual(t, version, after)
	require.NoError(t, d.WriteCitizenNumber(t.Context(), "1", number, version), "it stands there already")
	require.ErrorIs(t, d.WriteCitizenNumber(t.Context(), "2", number, version), directory.ErrNotFound)
	require.ErrorIs(t, d.WriteCitizenNumber(t.Context(), "1", citizenNumber(t, "099202000347"), version), directory.ErrChanged)

	for name, change := range map[string]func(*directory.LDAPMap){
		"no version":         func(m *directory.LDAPMap) { delete(m.Attributes, "version") },
		"no number":          func(m *directory.LDAPMap) { delete(m.Attributes, "citizen_number") },
		"no mark":            func(m *directory.LDAPMap) { delete(m.Marks, "verified") },
		"a mark by presence": func(m *directory.LDAPMap) { m.Marks["verified"] = []directory.LDAPTest{{Attribute: "title"}} },
		"one for both":       func(m *directory.LDAPMap) { m.Attributes["id_card_number"] = "EmployeeNumber" },
	} {
		d := w.open(t, func(c *directory.LDAPConfig) { change(&c.Map) })
		require.ErrorIs(t, d.WriteCitizenNumber(t.Context(), "1", number, after), directory.ErrUnsupported, name)
	}
}

// The change and the look at the version are one step of the server's: of many
// at once with one version, one is written.
func TestLDAPWriteBackRace(t *testing.T) {
	w := newLDAPWorld(t, testserver.StartSlapd(t))
	w.hold(t, identity.Account{ID: "1", Kind: identity.KindCitizen})
	d := w.open(t, nil)
	_, version, err := d.Versioned(t.Context(), "1")
	require.NoError(t, err)
	answers := make(chan error, 8)
	for i := range cap(answers) {
		go func() {
			answers <- d.WriteCitizenNumber(t.Context(), "1", citizenNumber(t, fmt.Sprintf("09920200034%d", i)), version)
		}()
	}
	var all []error
	for range cap(answers) {
		all = append(all, <-answers)
	}
	written := slices.DeleteFunc(all, func(err error) bool { return err != nil })
	assert.Len(t, written, 1)
}
