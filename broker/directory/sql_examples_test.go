package directory_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vneid-proxy/broker/directory"
	"vneid-proxy/identity"
)

func example(t testing.TB, name string) string {
	text, err := os.ReadFile(filepath.Join("..", "..", "docs", "directory-queries", name))
	require.NoError(t, err)
	return string(text)
}

// Every example is a file that can be used, for the database that it names.
func TestExampleQueries(t *testing.T) {
	files, err := filepath.Glob(filepath.Join("..", "..", "docs", "directory-queries", "*.yaml"))
	require.NoError(t, err)
	require.Len(t, files, 3)
	for _, file := range files {
		text := example(t, filepath.Base(file))
		_, rest, found := strings.Cut(text, "DIRECTORY_URL=")
		require.True(t, found)
		scheme, _, _ := strings.Cut(rest, ":")
		queries, err := directory.ParseQueries(scheme, []byte(text))
		require.NoError(t, err, file)
		for _, purpose := range []string{"by_id", "by_username", "by_citizen_number", "by_id_card_number", "scan", "credential"} {
			assert.True(t, queries.Has(purpose), "%s: %s", file, purpose)
		}
	}
}

// sqlExamples runs the examples on tables as those portals have them.
func sqlExamples(t *testing.T, on server) {
	const liferay = "AAAAoAAB9ADJZ16OuMAPPHe2CUbP0HPyXvagoKHumh7iHU3c" // of password
	ctx := t.Context()
	scanned := func(t *testing.T, d *directory.SQL) map[identity.AccountID]directory.Record {
		all := map[identity.AccountID]directory.Record{}
		require.NoError(t, d.Scan(ctx, func(r directory.Record) error { all[r.Account.ID] = r; return nil }))
		return all
	}
	if on.scheme == "mysql" {
		t.Run("opencps", func(t *testing.T) {
			database := on.database(t)
			on.do(t, database, `CREATE TABLE User_ (userId BIGINT PRIMARY KEY, screenName VARCHAR(75), password_ VARCHAR(75), status INT, lockout TINYINT);
				CREATE TABLE opencps_applicant (applicantId BIGINT PRIMARY KEY, groupId BIGINT, mappingUserId BIGINT, applicantName VARCHAR(255),
					applicantIdType VARCHAR(75), applicantIdNo VARCHAR(75), contactEmail VARCHAR(75), contactTelNo VARCHAR(75), lock_ TINYINT);
				INSERT INTO User_ VALUES (101, '099202000345', '`+liferay+`', 0, 0), (102, '099000345', '`+liferay+`', 0, 1), (103, 'doanhnghiep', '', 0, 0);
				INSERT INTO opencps_applicant VALUES (1, 20126, 101, 'Nguyễn Văn Á', 'citizen', '099 202 000 345', 'a@example.vn', '0', 0),
					(2, 20126, 102, 'Nguyễn Văn Á', 'citizen', '099000345', '', '', 0), (3, 20126, 103, 'Công ty Đ', 'business', '0100109106', '', '', 0),
					(4, 20999, 101, 'Của nơi khác', 'citizen', '099202000345', '', '', 0)`)
			d := openSQL(t, database, example(t, "opencps.yaml"))
			a, err := d.ByID(ctx, "101")
			require.NoError(t, err)
			assert.Equal(t, identity.Account{ID: "101", Username: "099202000345", Kind: identity.KindCitizen, Number: citizenNumber(t, private), Name: "Nguyễn Văn Á", Email: "a@example.vn", Phone: "0"}, a)
			found, err := d.ByIDCardNumber(ctx, idCardNumber(t, "099000345"))
			require.NoError(t, err)
			require.Len(t, found, 1)
			assert.Equal(t, identity.AccountID("102"), found[0].ID)
			assert.True(t, found[0].Locked)
			id, err := d.Check(ctx, "099202000345", "password")
			require.NoError(t, err)
			assert.Equal(t, identity.AccountID("101"), id)
			_, err = d.Check(ctx, "099000345", "password")
			require.ErrorIs(t, err, directory.ErrLocked)
			all := scanned(t, d)
			require.Len(t, all, 3)
			assert.Equal(t, identity.KindOrganisation, all["103"].Account.Kind)
			assert.Equal(t, "0100109106", all["103"].NumberText.Reveal(), "a tax number is neither")
		})
		t.Run("nukeviet", func(t *testing.T) {
			database := on.database(t)
			on.do(t, database, `CREATE TABLE nv4_users (userid MEDIUMINT UNSIGNED PRIMARY KEY, username VARCHAR(100), password VARCHAR(150), email VARCHAR(100),
					first_name VARCHAR(100), last_name VARCHAR(100), active TINYINT, birthday INT, in_groups VARCHAR(255));
				CREATE TABLE nv4_users_info (userid MEDIUMINT UNSIGNED PRIMARY KEY, so_giay_to VARCHAR(30));
				INSERT INTO nv4_users VALUES (1, 'lan', '{SSHA512}`+nukeviet+`', 'lan@example.vn', 'Thị Lan', 'Trần', 1, -304243200, '4,7'),
					(2, 'hai', '', '', 'Hải', '', 0, 0, ''), (3, 'son', '', '', 'Sơn', 'Lê', 1, 1078333200, '');
				INSERT INTO nv4_users_info VALUES (1, '99160000345'), (2, '99.000.0345'), (3, 'chưa có')`)
			d := openSQL(t, database, example(t, "nukeviet.yaml"))
			number := citizenNumber(t, "099160000345")
			found, err := d.ByCitizenNumber(ctx, number)
			require.NoError(t, err)
			assert.Equal(t, []identity.Account{{ID: "1", Username: "lan", Kind: identity.KindCitizen, Number: number, Name: "Trần Thị Lan",
				BirthDate: identity.BirthDate{Year: 1960, Month: 5, Day: 12}, Email: "lan@example.vn", Roles: []string{"4", "7"}}}, found)
			id, err := d.Check(ctx, "lan", "mật khẩu")
			require.NoError(t, err)
			assert.Equal(t, identity.AccountID("1"), id)
			all := scanned(t, d)
			assert.Equal(t, identity.BirthDate{Year: 2004, Month: 3, Day: 4}, all["3"].Account.BirthDate)
			assert.Equal(t, "chưa có", all["3"].NumberText.Reveal())
			assert.True(t, all["2"].Account.BirthDate.IsZero())
			assert.Empty(t, all["2"].BirthDateText)
			assert.True(t, all["2"].Account.Locked)
		})
		return
	}
	// What SQL Server alone understands of it is written otherwise.
	t.Run("aspnet", func(t *testing.T) {
		database := on.database(t)
		on.do(t, database, `CREATE SCHEMA "Identity"; CREATE TABLE "Identity"."Users" (Id TEXT PRIMARY KEY, UserName TEXT, TypeUser TEXT, IsActive BOOLEAN,
				SoDinhDanh TEXT, DaXacThucCSDLDC INT, SoCMND TEXT, HoVaTen TEXT, NgayThangNamSinh TEXT, Email TEXT, PhoneNumber TEXT, TechID TEXT, PasswordHash TEXT);
			INSERT INTO "Identity"."Users" VALUES
				('a1', '099202000345', 'CongDan', true, '099202000345', 1, '', '{"Ten":"Nguyễn Văn Á"}', '{"Nam":"2002","NgayThangNam":"20020304"}', '', '', 't-1', ''),
				('a2', '990000345', 'CongDan', true, NULL, NULL, '990000345', 'Trần Thị Bé', '1950', NULL, NULL, NULL, ''),
				('a3', 'canbo', 'CanBo', NULL, NULL, NULL, NULL, '{"Ten":', '{"Nam":"1950","NgayThangNam":null}', NULL, NULL, NULL, ''),
				('a4', 'hong', 'CongDan', true, '', 1, '', 'Lê Hồng', '{"NgayThangNam":"20023112"}', NULL, NULL, NULL, '')`)
		queries := strings.ReplaceAll(example(t, "aspnet.yaml"), "CONVERT(varchar(18), RowVersion, 1)", "xmin::text")
		queries = strings.Replace(queries, "NEXT :limit ROWS", "NEXT (:limit) ROWS", 1)
		d := openSQL(t, database, queries)
		all := scanned(t, d)
		require.Len(t, all, 4)
		full := identity.Account{ID: "a1", Username: private, Kind: identity.KindCitizen, Number: citizenNumber(t, private), NumberVerified: true,
			Name: "Nguyễn Văn Á", BirthDate: identity.BirthDate{Year: 2002, Month: 3, Day: 4}, Subject: "t-1"}
		assert.Equal(t, full, all["a1"].Account)
		assert.Equal(t, "Trần Thị Bé", all["a2"].Account.Name)
		assert.Equal(t, identity.BirthDate{Year: 1950}, all["a2"].Account.BirthDate)
		official := all["a3"].Account
		assert.Equal(t, identity.Account{ID: "a3", Username: "canbo", Kind: identity.KindOfficial, Locked: true, BirthDate: identity.BirthDate{Year: 1950}}, official)
		assert.True(t, all["a4"].Account.BirthDate.IsZero())
		assert.Equal(t, "20023112", all["a4"].BirthDateText)
		assert.False(t, all["a4"].Account.NumberVerified)
		found, err := d.BySubject(ctx, "t-1")
		require.NoError(t, err)
		assert.Equal(t, []identity.Account{full}, found)
		_, version, err := d.Versioned(ctx, "a2")
		require.NoError(t, err)
		number := citizenNumber(t, "099150000345")
		require.NoError(t, d.WriteCitizenNumber(ctx, "a2", number, version))
		written, err := d.ByID(ctx, "a2")
		require.NoError(t, err)
		assert.Equal(t, number, written.Number)
		assert.True(t, written.NumberVerified)
	})
}

// nukeviet is "mật khẩu" as PHP's hash("sha512") stores it with a salt of four
// characters.
const nukeviet = "m4VfkOrc8iIO7bwDn/Uej2NSIm6z6wBRrrRHS5JWjKdeOaupAYVcjGhs/Ce1+MNcu/VkSkBQPQARoHmZZlOtqng5QXo="
