package directory_test

import (
	"context"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vneid-proxy/broker/directory"
	"vneid-proxy/identity"
	"vneid-proxy/testserver"
)

// server is a database server of the tests.
type server struct {
	scheme   string
	database func(t testing.TB) string // makes an empty one
	do       func(t testing.TB, database, statements string)
}

func postgreSQL(t testing.TB) server {
	p := testserver.StartPostgreSQL(t)
	return server{"postgres", p.Database, p.Do}
}

func mariaDB(t testing.TB) server {
	m := testserver.StartMariaDB(t)
	return server{"mysql", m.Database, m.Do}
}

// TestSQL is all that a database can be asked, on each of the servers that
// Debian has.
func TestSQL(t *testing.T) {
	t.Parallel()
	for name, start := range map[string]func(testing.TB) server{"PostgreSQL": postgreSQL, "MariaDB": mariaDB} {
		t.Run(name, func(t *testing.T) {
			on := start(t)
			for name, test := range map[string]func(*testing.T, server){
				"conforms": sqlConforms, "scans": sqlScans, "writes back": sqlWritesBack, "faults": sqlFaults, "reads only": sqlReadsOnly,
				"examples": sqlExamples, "credentials": sqlCredentials, "deadline": sqlDeadline,
			} {
				t.Run(name, func(t *testing.T) { test(t, on) })
			}
		})
	}
}

func openSQL(t testing.TB, address, queries string) *directory.SQL {
	t.Helper()
	u, err := url.Parse(address)
	require.NoError(t, err)
	read, err := directory.ParseQueries(u.Scheme, []byte(queries))
	require.NoError(t, err)
	d, err := directory.NewSQL(directory.SQLConfig{URL: u, Queries: read, Timeout: time.Minute})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, d.Close()) })
	return d
}

// shape is a way in which a portal keeps its accounts.
type shape struct {
	schema, queries string
	insert          func(a identity.Account) string
}

// quote is a text in SQL, for what the tests themselves write.
func quote(text string) string { return "'" + strings.ReplaceAll(text, "'", "''") + "'" }

func (s shape) open(t testing.TB, on server, accounts []identity.Account) (*directory.SQL, string) {
	t.Helper()
	database := on.database(t)
	on.do(t, database, s.schema)
	for _, a := range accounts {
		on.do(t, database, s.insert(a))
	}
	return openSQL(t, database, s.queries), database
}

// plainShape is a table made for us.
func plainShape() shape {
	const selected = "SELECT id, username, kind, status, citizen_number, verified, id_card_number, name, birth_date, email, phone, roles, office, subject, created_by, version FROM accounts "
	queries := "queries:\n"
	for purpose, rest := range map[string]string{
		"by_id": "WHERE id = :account_id", "by_username": "WHERE username = :username", "by_citizen_number": "WHERE citizen_number = :citizen_number",
		"by_id_card_number": "WHERE id_card_number = :id_card_number", "by_subject": "WHERE subject = :subject",
		"scan": "WHERE id > :after ORDER BY id LIMIT :limit",
	} {
		queries += "  " + purpose + ": \"" + selected + rest + "\"\n"
	}
	queries += `  write_back: >-
    UPDATE accounts SET citizen_number = :citizen_number, verified = '1', version = version + 1
    WHERE id = :account_id AND version = :version
columns:
  id: id
  username: username
  kind: kind
  locked: {column: status, unless: active}
  citizen_number: citizen_number
  citizen_number_verified: {column: verified, when: "1"}
  id_card_number: id_card_number
  name: name
  birth_date: birth_date
  email: email
  phone: phone
  roles: roles
  group: office
  subject: subject
  created_by: created_by
  version: version
`
	return shape{
		schema: `CREATE TABLE accounts (id VARCHAR(255) PRIMARY KEY, username VARCHAR(255), kind VARCHAR(20), status VARCHAR(20),
			citizen_number VARCHAR(30), verified CHAR(1), id_card_number VARCHAR(30), name VARCHAR(255), birth_date VARCHAR(10),
			email VARCHAR(255), phone VARCHAR(255), roles VARCHAR(255), office VARCHAR(255), subject VARCHAR(255), created_by VARCHAR(20),
			version INTEGER NOT NULL DEFAULT 1)`,
		queries: queries,
		insert: func(a identity.Account) string {
			values := []string{
				string(a.ID), a.Username, string(a.Kind), map[bool]string{false: "active", true: "closed"}[a.Locked],
				a.Number.Reveal(), map[bool]string{false: "0", true: "1"}[a.NumberVerified], a.IDCard.Reveal(), a.Name, a.BirthDate.String(),
				a.Email, a.Phone, strings.Join(a.Roles, ";"), a.Group, a.Subject, string(a.CreatedBy),
			}
			for i, value := range values {
				values[i] = quote(value)
			}
			return "INSERT INTO accounts VALUES (" + strings.Join(values, ", ") + ", 1)"
		},
	}
}

// oddShape is what years of portals make of it: numbers in columns of numbers,
// names and dates as JSON, codes for kinds, NULL for nothing, blanks behind.
func oddShape() shape {
	const selected = "SELECT TenTaiKhoan, MaTaiKhoan, LoaiTK, HoatDong, SoDinhDanh, DaXacThuc, SoCMND, HoVaTen, NgaySinh, ThuDien, DienThoai, Quyen, DonVi, TechID, NguoiTao FROM TaiKhoan "
	return shape{
		schema: `CREATE TABLE TaiKhoan (MaTaiKhoan VARCHAR(200) PRIMARY KEY, TenTaiKhoan VARCHAR(200), LoaiTK INTEGER, HoatDong INTEGER,
			SoDinhDanh BIGINT, DaXacThuc VARCHAR(5), SoCMND INTEGER, HoVaTen TEXT, NgaySinh TEXT, ThuDien CHAR(50), DienThoai CHAR(20),
			Quyen TEXT, DonVi TEXT, TechID VARCHAR(100), NguoiTao VARCHAR(10))`,
		queries: `# Đây là tệp của người vận hành.
queries:
  by_id: ` + selected + `WHERE MaTaiKhoan = :account_id -- ai?
  by_username: ` + selected + `WHERE TenTaiKhoan = :username;
  by_citizen_number: ` + selected + `WHERE SoDinhDanh IN (:citizen_number_integer, :citizen_number_integer)
  by_id_card_number: ` + selected + `WHERE SoCMND = :id_card_number_integer
  by_subject: ` + selected + `WHERE TechID = :subject
  scan: ` + selected + `WHERE MaTaiKhoan > :after ORDER BY MaTaiKhoan LIMIT :limit
columns:
  id: MaTaiKhoan
  username: {column: TENTAIKHOAN}
  kind: {column: LoaiTK, map: {1: citizen, 2: official, 3: organisation}}
  locked: {column: HoatDong, when: [0, -1]}
  citizen_number: {column: SoDinhDanh, restore_zeros: true}
  citizen_number_verified: {column: DaXacThuc, when: [Y, "true"]}
  id_card_number: {column: SoCMND, restore_zeros: true}
  name: {column: HoVaTen, json: [Ten.Ho, Ten.Dem, Ten.Ten]}
  birth_date: {column: NgaySinh, form: parts, year: Nam, month: Thang, day: Ngay}
  email: ThuDien
  phone: DienThoai
  roles: {column: Quyen, separator: "|"}
  group: DonVi
  subject: TechID
  created_by: {column: NguoiTao, map: {cd: self, mc: official}}
`,
		insert: func(a identity.Account) string {
			or := func(value, none string) string {
				if value == "" {
					return none
				}
				return value
			}
			text := func(value string) string {
				if value == "" {
					return "NULL"
				}
				return quote(value)
			}
			name, date := "", ""
			if parts := strings.Fields(a.Name); len(parts) == 3 {
				name = fmt.Sprintf(`{"Ten": {"Ho":%q, "Dem":"%s ", "Ten":%q}, "Khac": [1]}`, parts[0], parts[1], parts[2])
			}
			if d := a.BirthDate; d.YearOnly() {
				date = fmt.Sprintf(`{"Nam":"%d","Thang":null,"Ngay":""}`, d.Year)
			} else if !d.IsZero() {
				date = fmt.Sprintf(` {"Nam":%d,"Thang":%d,"Ngay":"%02d"}`, d.Year, d.Month, d.Day)
			}
			return "INSERT INTO TaiKhoan VALUES (" + strings.Join([]string{
				text(string(a.ID)), text(a.Username),
				map[identity.Kind]string{identity.KindCitizen: "1", identity.KindOfficial: "2", identity.KindOrganisation: "3"}[a.Kind],
				map[bool]string{false: "1", true: "0"}[a.Locked], or(a.Number.Reveal(), "NULL"), map[bool]string{false: "NULL", true: "'Y'"}[a.NumberVerified],
				or(a.IDCard.Reveal(), "NULL"), text(name), text(date), text(a.Email), text(a.Phone), text(strings.Join(a.Roles, " | ")),
				text(a.Group), text(a.Subject), text(map[identity.Creator]string{identity.CreatedBySelf: "cd", identity.CreatedByOfficial: "mc"}[a.CreatedBy]),
			}, ", ") + ")"
		},
	}
}

func sqlConforms(t *testing.T, on server) {
	for name, s := range map[string]shape{"plain": plainShape(), "odd": oddShape()} {
		t.Run(name, func(t *testing.T) {
			conformance(t, func(t *testing.T, accounts []identity.Account) reader {
				d, _ := s.open(t, on, accounts)
				return d
			})
		})
	}
}

// A connection of the read side cannot write, whatever the statement: this one
// is a SELECT that calls for a write.
func sqlReadsOnly(t *testing.T, on server) {
	s := plainShape()
	code := "SQLSTATE 25006"
	if on.scheme == "mysql" {
		code = "error 1792"
		s.schema += `; CREATE FUNCTION touched(which VARCHAR(255)) RETURNS VARCHAR(255) MODIFIES SQL DATA
			BEGIN UPDATE accounts SET name = 'x' WHERE username = 'a'; RETURN which; END`
	} else {
		s.schema += `; CREATE FUNCTION touched(text) RETURNS text LANGUAGE sql AS $$ UPDATE accounts SET name = 'x' WHERE id = $1 RETURNING id $$`
	}
	s.queries = strings.Replace(s.queries, "WHERE id = :account_id\"", "WHERE id = touched(:account_id)\"", 1)
	d, _ := s.open(t, on, []identity.Account{{ID: "17", Username: "a", Kind: identity.KindCitizen, Name: "A"}})
	_, err := d.ByID(t.Context(), "17")
	require.ErrorIs(t, err, directory.ErrUnavailable)
	assert.Contains(t, err.Error(), code, "a transaction that cannot write")
	found, err := d.ByUsername(t.Context(), "a")
	require.NoError(t, err)
	assert.Equal(t, "A", found[0].Name)
}

func sqlScans(t *testing.T, on server) {
	s := plainShape()
	// Integers as ids: in order 1, 2, …, 10, and not 1, 10, 2.
	s.schema = strings.Replace(s.schema, "id VARCHAR(255)", "id INTEGER", 1)
	s.queries = strings.Replace(s.queries, "id > :after ", "id > :after_integer ", 1)
	s.queries = strings.ReplaceAll(s.queries, "WHERE id = :account_id\"", "WHERE id = :account_id_integer\"")
	s.queries = strings.Replace(s.queries, "WHERE id = :account_id AND", "WHERE id = :account_id_integer AND", 1)
	d, database := s.open(t, on, nil)
	var rows []string
	const count = 1203
	for i := range count {
		number := "''"
		switch i % 5 {
		case 1:
			number = fmt.Sprintf("'099%09d'", i)
		case 2:
			number = "'99202000345'" // a zero lost, and nobody has said that it may be put back
		}
		rows = append(rows, fmt.Sprintf("(%d, 'u%d', 'citizen', 'active', %s, '1', '12', 'N', '%s', '', '', '', '', '', '', 1)",
			i-3, i, number, []string{"2002-03-04", "31/02/2002"}[i%2]))
	}
	on.do(t, database, "INSERT INTO accounts VALUES "+strings.Join(rows, ","))
	seen := map[identity.AccountID]directory.Record{}
	require.NoError(t, d.Scan(t.Context(), func(r directory.Record) error {
		assert.NotContains(t, seen, r.Account.ID)
		seen[r.Account.ID] = r
		return nil
	}))
	require.Len(t, seen, count)
	assert.Equal(t, "99202000345", seen["-1"].NumberText.Reveal())
	assert.True(t, seen["-1"].Account.Number.IsZero())
	assert.False(t, seen["-1"].Account.NumberVerified, "there is no number")
	assert.Equal(t, "12", seen["-1"].IDCardText.Reveal())
	assert.Equal(t, "", seen["-1"].BirthDateText)
	assert.Equal(t, "31/02/2002", seen["-2"].BirthDateText)
	assert.Equal(t, "099000000001", seen["-2"].Account.Number.Reveal())
	assert.True(t, seen["-2"].Account.NumberVerified)
	assert.Equal(t, "1", seen["-2"].Version)

	stop := fmt.Errorf("enough")
	visited := 0
	assert.Equal(t, stop, d.Scan(t.Context(), func(directory.Record) error { visited++; return stop }))
	assert.Equal(t, 1, visited)
	_, err := d.ByID(t.Context(), "0017")
	require.ErrorIs(t, err, directory.ErrNotFound, "written otherwise, it is another's")
	_, err = d.ByID(t.Context(), "17x")
	require.ErrorIs(t, err, directory.ErrNotFound)

	// A scan that begins anew for ever is noticed.
	s.queries = strings.Replace(s.queries, "id > :after_integer ORDER BY id", "id > COALESCE(NULL, -100, :after_integer) ORDER BY id", 1)
	again := openSQL(t, database, s.queries)
	require.ErrorIs(t, again.Scan(t.Context(), func(directory.Record) error { return nil }), directory.ErrMalformed)
}

func sqlWritesBack(t *testing.T, on server) {
	ctx := t.Context()
	number, other := citizenNumber(t, "099202000345"), citizenNumber(t, "099202000346")
	accounts := []identity.Account{{ID: "17", Username: "a", Kind: identity.KindCitizen}, {ID: "18", Username: "b", Kind: identity.KindCitizen}}
	d, database := plainShape().open(t, on, accounts)
	_, version, err := d.Versioned(ctx, "17")
	require.NoError(t, err)
	require.NoError(t, d.WriteCitizenNumber(ctx, "17", number, version))
	account, next, err := d.Versioned(ctx, "17")
	require.NoError(t, err)
	assert.Equal(t, number, account.Number)
	assert.True(t, account.NumberVerified)
	assert.NotEqual(t, version, next)
	require.NoError(t, d.WriteCitizenNumber(ctx, "17", number, version), "it stands there already")
	require.ErrorIs(t, d.WriteCitizenNumber(ctx, "17", other, version), directory.ErrChanged)
	require.ErrorIs(t, d.WriteCitizenNumber(ctx, "19", number, "1"), directory.ErrNotFound)
	untouched, err := d.ByID(ctx, "18")
	require.NoError(t, err)
	assert.Equal(t, accounts[1], untouched)

	// What does not do what it is for leaves nothing behind.
	for name, change := range map[string][2]string{
		"more than one":   {"WHERE id = :account_id AND version = :version", "WHERE id = :account_id OR 1 = 1 OR version = :version"},
		"not verified":    {"verified = '1', ", ""},
		"another's":       {"WHERE id = :account_id AND version = :version", "WHERE id <> :account_id AND version > :version"},
		"another number":  {"citizen_number = :citizen_number,", "citizen_number = '099202000999', name = :citizen_number,"},
		"of another kind": {"version = version + 1", "kind = 'x', version = version + 1"},
	} {
		t.Run(name, func(t *testing.T) {
			s := plainShape()
			require.Contains(t, s.queries, change[0])
			broken := openSQL(t, database, strings.Replace(s.queries, change[0], change[1], 1))
			_, version, err := broken.Versioned(ctx, "18")
			require.NoError(t, err)
			err = broken.WriteCitizenNumber(ctx, "18", number, version)
			require.ErrorIs(t, err, directory.ErrMalformed)
			again, err := d.ByID(ctx, "18")
			require.NoError(t, err)
			assert.Equal(t, untouched, again)
		})
	}
}

// What is wrong with the database or the operator's query is never somebody's
// account, and its words are nobody's to read.
func sqlFaults(t *testing.T, on server) {
	full := identity.Account{ID: "17", Username: "canary", Kind: identity.KindCitizen, Number: citizenNumber(t, private), IDCard: idCardNumber(t, "990000345")}
	second := full
	second.ID, second.Username, second.Number, second.IDCard = "18", "other", identity.CitizenNumber{}, identity.IDCardNumber{}
	s := plainShape()
	_, database := s.open(t, on, []identity.Account{full, second})
	const byID, byNumber = `WHERE id = :account_id"`, `WHERE citizen_number = :citizen_number"`
	for name, test := range map[string]struct {
		old, new string
		want     error
	}{
		"no such table":      {"accounts " + byID, "nowhere " + byID, directory.ErrUnavailable},
		"value in an error":  {byID, `WHERE id = :account_id AND 1 = CAST(username AS INTEGER) / 0"`, nil},
		"a column missing":   {"username, kind, status", "username, kind", directory.ErrMalformed},
		"kind unknown":       {"username, kind,", "username, 'canary' AS kind,", directory.ErrMalformed},
		"id unusable":        {"SELECT id,", "SELECT '' AS id,", directory.ErrMalformed},
		"two columns alike":  {"username, kind,", "username, username, kind,", directory.ErrMalformed},
		"an account twice":   {byID, `WHERE id = :account_id UNION ALL ` + "SELECT * FROM accounts WHERE id = :account_id\"", directory.ErrMalformed},
		"not asked for":      {byNumber, `WHERE citizen_number = :citizen_number OR username = 'other'"`, directory.ErrMalformed},
		"too many":           {byNumber, `CROSS JOIN (SELECT 1 AS one UNION ALL SELECT 2) x CROSS JOIN (SELECT 1 AS two UNION ALL SELECT 2 UNION ALL SELECT 3) y, (SELECT 1 AS c UNION ALL SELECT 2 UNION ALL SELECT 3 UNION ALL SELECT 4) z, (SELECT 1 AS d UNION ALL SELECT 2 UNION ALL SELECT 3 UNION ALL SELECT 4) v, (SELECT 1 AS e UNION ALL SELECT 2) w WHERE citizen_number = :citizen_number"`, directory.ErrMalformed},
		"another is not one": {byID, `WHERE id <> :account_id"`, directory.ErrNotFound},
	} {
		t.Run(name, func(t *testing.T) {
			require.Contains(t, s.queries, test.old)
			d := openSQL(t, database, strings.ReplaceAll(s.queries, test.old, test.new))
			_, err := d.ByID(t.Context(), "17")
			if strings.HasPrefix(test.old, "WHERE citizen") {
				_, err = d.ByCitizenNumber(t.Context(), full.Number)
			}
			if test.want != nil {
				require.ErrorIs(t, err, test.want)
			}
			if err != nil {
				for _, word := range []string{"canary", private, "nowhere", "accounts", "127.0.0.1"} {
					assert.NotContains(t, fmt.Sprintf("%v %+v %s", err, err, err), word)
				}
			}
		})
	}
}

func TestSQLUnreachable(t *testing.T) {
	for scheme, address := range map[string]string{
		"postgres": "postgres://u@127.0.0.1:1/db", "mysql": "mysql://u@127.0.0.1:1/db",
		"sqlserver": "sqlserver://u@127.0.0.1:1?database=db", "oracle": "oracle://u@127.0.0.1:1/db",
	} {
		t.Run(scheme, func(t *testing.T) {
			u, err := url.Parse(address)
			require.NoError(t, err)
			queries := strings.ReplaceAll(plainShape().queries, "LIMIT :limit", "OFFSET 0 ROWS FETCH NEXT :limit ROWS ONLY")
			read, err := directory.ParseQueries(scheme, []byte(queries))
			require.NoError(t, err)
			d, err := directory.NewSQL(directory.SQLConfig{URL: u, Password: "canary", Queries: read})
			require.NoError(t, err)
			_, err = d.ByID(t.Context(), "17")
			require.ErrorIs(t, err, directory.ErrUnavailable)
			assert.NotContains(t, err.Error(), "canary")
			assert.NotContains(t, err.Error(), "127.0.0.1")
			require.NoError(t, d.Close())
		})
	}
}

func sqlDeadline(t *testing.T, on server) {
	s := plainShape()
	_, database := s.open(t, on, []identity.Account{{ID: "17", Kind: identity.KindCitizen}})
	u, err := url.Parse(database)
	require.NoError(t, err)
	wait := map[string]string{"postgres": "pg_sleep(600) IS NOT NULL", "mysql": "SLEEP(600) = 0"}[on.scheme]
	read, err := directory.ParseQueries(on.scheme, []byte(strings.Replace(s.queries, `WHERE id = :account_id"`, `WHERE id = :account_id AND `+wait+`"`, 1)))
	require.NoError(t, err)
	d, err := directory.NewSQL(directory.SQLConfig{URL: u, Queries: read, Timeout: 50 * time.Millisecond})
	require.NoError(t, err)
	defer func() { _ = d.Close() }()
	_, err = d.ByID(t.Context(), "17")
	require.ErrorIs(t, err, directory.ErrUnavailable)
	require.ErrorIs(t, err, context.DeadlineExceeded)
}
