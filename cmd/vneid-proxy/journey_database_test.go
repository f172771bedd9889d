package main

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/bcrypt"

	"vneid-proxy/config"
	"vneid-proxy/testserver"
	"vneid-proxy/vneidtest"
)

// portalQueries is the file of a portal that keeps its accounts in one table,
// in which dates are written as people do and one code says what is verified.
const portalQueries = `
accounts: SELECT ma, ten_dang_nhap, loai, khoa, so_dinh_danh, xac_thuc, cmnd, ho_ten, ngay_sinh, mat_khau, phien_ban FROM tai_khoan
queries:
  by_id: WHERE ma = :account_id
  by_username: WHERE ten_dang_nhap = :username
  by_citizen_number: WHERE so_dinh_danh = :citizen_number
  by_id_card_number: WHERE cmnd = :id_card_number
  scan: WHERE ma > :after ORDER BY ma LIMIT :limit
  credential: WHERE ten_dang_nhap = :username
  write_back: >-
    UPDATE tai_khoan SET so_dinh_danh = :citizen_number, xac_thuc = 'C06', phien_ban = phien_ban + 1
    WHERE ma = :account_id AND phien_ban = CAST(:version AS INTEGER)
columns:
  id: ma
  username: ten_dang_nhap
  kind: {column: loai, map: {CN: citizen, CB: official, TC: organisation}}
  locked: {column: khoa, unless: "0"}
  citizen_number: so_dinh_danh
  citizen_number_verified: {column: xac_thuc, when: C06}
  id_card_number: cmnd
  name: ho_ten
  birth_date: {column: ngay_sinh, form: dd/mm/yyyy}
  version: phien_ban
credential:
  hash: mat_khau
`

// database is the accounts of a rig in PostgreSQL.
type database struct {
	server *testserver.PostgreSQL
	url    string
}

func fillDatabase(t *testing.T, people []vneidtest.Persona) database {
	t.Helper()
	d := database{server: testserver.StartPostgreSQL(t)}
	d.url = d.server.Database(t)
	d.do(t, `CREATE TABLE tai_khoan (ma TEXT PRIMARY KEY, ten_dang_nhap TEXT, loai TEXT, khoa INTEGER, so_dinh_danh TEXT, xac_thuc TEXT,
		cmnd TEXT, ho_ten TEXT, ngay_sinh TEXT, mat_khau TEXT, phien_ban INTEGER)`)
	for _, who := range people {
		for _, a := range who.Accounts {
			d.insert(t, a)
		}
	}
	return d
}

func (d database) do(t *testing.T, statements string) { d.server.Do(t, d.url, statements) }

func (d database) insert(t *testing.T, a vneidtest.PortalAccount) {
	t.Helper()
	hash, err := bcrypt.GenerateFromPassword([]byte(a.Password), bcrypt.MinCost)
	require.NoError(t, err)
	verified, locked := "", "0"
	if a.CitizenNumberVerified {
		verified = "C06"
	}
	if a.Locked {
		locked = "1"
	}
	born := a.BirthDate
	if parts := strings.Split(born, "-"); len(parts) == 3 {
		born = parts[2] + "/" + parts[1] + "/" + parts[0]
	} else if born != "" {
		born = "00/00/" + born
	}
	values := []string{
		a.ID, a.Username, map[string]string{"citizen": "CN", "official": "CB", "organisation": "TC"}[kind(a)], locked,
		a.CitizenNumber, verified, a.IDCardNumber, a.Name, born, string(hash), "1",
	}
	for i, value := range values {
		values[i] = "'" + strings.ReplaceAll(value, "'", "''") + "'"
	}
	d.do(t, "INSERT INTO tai_khoan VALUES ("+strings.Join(values, ", ")+")")
}

// verified is the number that the database has for an account, as verified.
func (d database) verified(t *testing.T, account, number string) {
	t.Helper()
	d.do(t, "DO $$ BEGIN ASSERT (SELECT so_dinh_danh = '"+number+"' AND xac_thuc = 'C06' AND phien_ban = 2 FROM tai_khoan WHERE ma = '"+account+"'); END $$")
}

// environ is what tells the product of it.
func (d database) environ(t *testing.T, queries string) map[string]string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "queries.yaml")
	require.NoError(t, os.WriteFile(path, []byte(queries), 0o600))
	return map[string]string{
		"DIRECTORY_URL": d.url, "DIRECTORY_QUERIES_FILE": path, "DIRECTORY_WRITE_BACK": "true",
		"DIRECTORY_CREDENTIAL": "sql", "DIRECTORY_CREDENTIAL_URL": "", "DIRECTORY_TOKEN": "",
		"PORTAL_LOGIN_URL": "", "PORTAL_WHOAMI_URL": "", "PORTAL_SESSION_COOKIES": "",
	}
}

// TestJourneyDatabase: both flows with the accounts in the portal's database,
// where the password is checked and the number comes to stand.
func TestJourneyDatabase(t *testing.T) {
	t.Parallel()
	d := fillDatabase(t, append(vneidtest.Personas(), vneidtest.Persona{Accounts: lockedAccounts()}))
	r := newRig(t, rigWorld{env: d.environ(t, portalQueries)})
	written := func(count int) {
		require.Eventually(t, func() bool {
			return r.metric(`vneid_proxy_write_backs_total{outcome="written"}`) == float64(count)
		}, time.Minute, 50*time.Millisecond)
	}

	// Flow A: the portal account, then its number.
	who := r.persona("cmnd")
	account := who.Accounts[0]
	p := r.person(t)
	chooser := p.visit(wanted)
	for name, pair := range map[string][2]string{
		"wrong": {account.Username, "no"}, "unknown": {"nobody", "no"}, "locked": {lockedAccounts()[0].Username, lockedAccounts()[0].Password},
	} {
		answer := p.submit(chooser, "/sign-in/legacy", "username", pair[0], "password", pair[1])
		assert.Equal(t, http.StatusUnprocessableEntity, answer.status, name)
	}
	at := p.follow(p.submit(chooser, "/sign-in/legacy", "username", account.Username, "password", account.Password))
	require.Equal(t, titleLink, at.title())
	at = p.follow(p.submit(at, "/link/update", "citizen_number", who.CitizenNumber, "consent", "yes"))
	p.landed(at, account, matched(who, account), "linked")
	written(1)
	d.verified(t, account.ID, who.CitizenNumber)

	// Flow B: VNeID, then the old account by its password.
	who = r.persona("tone")
	account = who.Accounts[0]
	p = r.person(t)
	at = p.vneid(p.visit(wanted), "tone")
	require.Equal(t, titleProve, at.title())
	wrong := p.submit(at, "/link/proof", "username", account.Username, "password", "no", "consent", "yes")
	assert.Equal(t, http.StatusUnprocessableEntity, wrong.status)
	at = p.follow(p.submit(at, "/link/proof", "username", account.Username, "password", account.Password, "consent", "yes"))
	p.landed(at, account, &who, "linked")
	written(2)
	d.verified(t, account.ID, who.CitizenNumber)

	// Two accounts that are found by the number, and the database away.
	p = r.person(t)
	chooser = p.visit(wanted)
	callback := p.callback(chooser, "two")
	d.do(t, "ALTER TABLE tai_khoan RENAME TO di_vang")
	away := p.visit(callback)
	assert.Equal(t, http.StatusServiceUnavailable, away.status)
	assert.NotEmpty(t, away.header.Get("Retry-After"))
	assert.NotContains(t, p.cookies(), "vneid_session")
	d.do(t, "ALTER TABLE di_vang RENAME TO tai_khoan")
	choose := p.vneid(p.visit(away.link("/_vneid/sign-in?rd=")), "two")
	require.Equal(t, titleChoose, choose.title())
	assert.Len(t, choose.choices(), 2)
	for _, operation := range []string{"by_id", "by_citizen_number", "write_back"} {
		assert.Positive(t, r.metric(`vneid_proxy_call_duration_seconds_count{operation="`+operation+`",outcome="ok",system="directory"}`), operation)
	}
	assert.Positive(t, r.metric(`vneid_proxy_call_duration_seconds_count{operation="credential",outcome="refused",system="directory"}`))

	// A password stored in clear proves nothing, not even the right one.
	account = r.persona("diacritics").Accounts[0]
	d.do(t, "UPDATE tai_khoan SET mat_khau = '"+account.Password+"' WHERE ma = '"+account.ID+"'")
	p = r.person(t)
	answer := p.submit(p.visit(wanted), "/sign-in/legacy", "username", account.Username, "password", account.Password)
	assert.Equal(t, http.StatusServiceUnavailable, answer.status)
	assert.NotContains(t, p.cookies(), "vneid_proof")
	assert.EqualValues(t, 1, r.metric(`vneid_proxy_call_duration_seconds_count{operation="credential",outcome="malformed",system="directory"}`))
}

// TestCheckDatabase: what check says of a database, right and wrong.
func TestCheckDatabase(t *testing.T) {
	t.Parallel()
	d := fillDatabase(t, vneidtest.Personas())
	look := func(t *testing.T, queries string, over map[string]string) findings {
		r := &rig{t: t}
		environ := []string{}
		given := d.environ(t, queries)
		for name, value := range map[string]string{
			"PUBLIC_URL": "http://127.0.0.1:8080", "UPSTREAM_URL": "http://127.0.0.1:8000", "ISSUER_URL": "http://127.0.0.1:8001",
			"CLIENT_ID": "portal", "CLIENT_SECRET": "s", "SECRET_KEYS": base64Key(1), "LEDGER_KEYS": base64Key(2), "LEDGER_INDEX_KEY": base64Key(3),
			"LEDGER_URL": "sqlite:///ledger.db", "POPULATION_URL": "http://127.0.0.1:8002", "POPULATION_TOKEN": "t", "CALL_TIMEOUT": "20s",
		} {
			given[name] = value
		}
		for name, value := range over {
			given[name] = value
		}
		for name, value := range given {
			environ = append(environ, config.Prefix+name+"="+value)
		}
		c, err := config.Load(environ)
		require.NoError(r.t, err)
		providers, err := providersOf(c)
		require.NoError(r.t, err)
		return newInspection(c, providers, false).directory(t.Context())
	}
	states := func(found findings) (list []string) {
		for _, one := range found {
			list = append(list, string(one.State)+" "+string(one.Check))
		}
		return list
	}
	assert.Equal(t, []string{"ok directory.accounts", "ok directory.search", "ok directory.credential", "note directory.write-back"}, states(look(t, portalQueries, nil)))
	for name, test := range map[string]struct {
		old, new, fault, says string
	}{
		"no column":     {"birth_date: {column: ngay_sinh,", "birth_date: {column: ngay_ra_doi,", "directory.accounts", "without the column of birth_date"},
		"no table":      {"FROM tai_khoan\n", "FROM tai_khoan_cu\n", "directory.search", "by_id: the database answers SQLSTATE 42P01"},
		"everybody":     {"by_citizen_number: WHERE so_dinh_danh = :citizen_number", "by_citizen_number: WHERE so_dinh_danh <> :citizen_number", "directory.search", "by_citizen_number"},
		"hash nowhere":  {"hash: mat_khau", "hash: mat_khau_cu", "directory.credential", "without the column of credential.hash"},
		"another's sql": {"WHERE ma = :account_id\n", "WHERE ma = lower(:account_id, 1)\n", "directory.search", "SQLSTATE 42883"},
	} {
		t.Run(name, func(t *testing.T) {
			require.Contains(t, portalQueries, test.old)
			found := look(t, strings.Replace(portalQueries, test.old, test.new, 1), nil)
			for _, one := range found {
				assert.NotContains(t, one.Says, "127.0.0.1")
				if string(one.Check) == test.fault {
					assert.Equal(t, stateFault, one.State)
					assert.Contains(t, one.Says, test.says)
					assert.Contains(t, one.Mend, "VNEID_PROXY_DIRECTORY_QUERIES_FILE")
				}
			}
			assert.Contains(t, states(found), "fault "+test.fault)
		})
	}
	away := look(t, portalQueries, map[string]string{"DIRECTORY_URL": "postgres://u@127.0.0.1:1/db"})
	require.Len(t, away, 1)
	assert.Contains(t, away[0].Says, "nothing listens there")
}
