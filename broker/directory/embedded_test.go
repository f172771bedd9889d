package directory_test

import (
	"bytes"
	"context"
	"database/sql"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vneid-proxy/broker/directory"
	"vneid-proxy/identity"
)

// embedded is a directory of these accounts, read into memory.
func embedded(t *testing.T, accounts []identity.Account) reader {
	return openEmbedded(t, accountsFile(t, string(write(accounts))))
}

func accountsFile(t testing.TB, text string) string {
	path := filepath.Join(t.TempDir(), "accounts.csv")
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	return path
}

func openEmbedded(t testing.TB, path string) *directory.Embedded {
	d, err := directory.OpenEmbedded(t.Context(), path)
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, d.Close()) })
	return d
}

// imported is the file that an import of these accounts makes.
func imported(t testing.TB, text string) string {
	path := filepath.Join(t.TempDir(), "có dấu?#%.db")
	kept, err := directory.Import(t.Context(), path, strings.NewReader(text), nil)
	require.NoError(t, err)
	require.Equal(t, directory.Imported{Accounts: strings.Count(text, "\n") - 1}, kept)
	return path
}

func TestEmbeddedConforms(t *testing.T) {
	conformance(t, func(t *testing.T, accounts []identity.Account) reader {
		return openEmbedded(t, imported(t, string(write(accounts))))
	})
}

func TestEmbeddedInMemoryConforms(t *testing.T) { conformance(t, embedded) }

func write(accounts []identity.Account) []byte {
	var b bytes.Buffer
	b.WriteString("\ufeff")
	w, err := directory.NewCSVWriter(&b)
	if err != nil {
		panic(err)
	}
	for _, a := range accounts {
		if err := w.Write(a); err != nil {
			panic(err)
		}
	}
	if err := w.Flush(); err != nil {
		panic(err)
	}
	return b.Bytes()
}

// scanned is every account of a directory, by its id.
func scanned(t testing.TB, d scanner) map[identity.AccountID]directory.Record {
	all := map[identity.AccountID]directory.Record{}
	require.NoError(t, d.Scan(t.Context(), func(r directory.Record) error {
		require.NotContains(t, all, r.Account.ID)
		all[r.Account.ID] = r
		return nil
	}))
	return all
}

func TestImport(t *testing.T) {
	path := filepath.Join(t.TempDir(), "accounts.db")
	kept, err := directory.Import(t.Context(), path, strings.NewReader(
		"id,birth_date,citizen_number,citizen_number_verified,status,id_card_number,group,subject,created_by\n"+
			" 7 ,04/03/2002,099202000345,true,closed,099 000 345,so-y-te,s-1,official\n"+
			"\n"+
			"8,,,,,,,,\n"+
			"9,31/02/2002,99202000345,true,,09900034,,s-1,self\n"), nil)
	require.NoError(t, err)
	assert.Equal(t, directory.Imported{Accounts: 3, Unreadable: 1}, kept)
	info, err := os.Stat(path)
	require.NoError(t, err)
	assert.EqualValues(t, 0o600, info.Mode().Perm())

	d := openEmbedded(t, path)
	seven := identity.Account{
		ID: "7", Kind: identity.KindCitizen, Locked: true, Number: citizenNumber(t, "099202000345"), NumberVerified: true,
		IDCard: idCardNumber(t, "099000345"), BirthDate: identity.BirthDate{Year: 2002, Month: 3, Day: 4},
		Group: "so-y-te", Subject: "s-1", CreatedBy: identity.CreatedByOfficial,
	}
	nine := identity.Account{ID: "9", Kind: identity.KindCitizen, Subject: "s-1", CreatedBy: identity.CreatedBySelf}
	assert.Equal(t, map[identity.AccountID]directory.Record{
		"7": {Account: seven},
		"8": {Account: identity.Account{ID: "8", Kind: identity.KindCitizen}},
		"9": {
			Account: nine, NumberText: identity.NumberTextOf("99202000345"), IDCardText: identity.NumberTextOf("09900034"),
			BirthDateText: "31/02/2002",
		},
	}, scanned(t, d))
	found, err := d.BySubject(t.Context(), "s-1")
	require.NoError(t, err)
	assert.Equal(t, []identity.Account{seven, nine}, found)
}

func TestImportFaults(t *testing.T) {
	for name, test := range map[string]struct {
		text, want string // where the faults are
	}{
		"empty file":        {"", "line 1: no header"},
		"no id column":      {"username\na\n", "line 1, column id"},
		"unknown column":    {"id,099202000345\n", "line 1, column 2"},
		"column twice":      {"id,name,name\n", "line 1, column name"},
		"column folded":     {"ID\n1\n", "line 1, column 1; line 1, column id"},
		"no id":             {"id,name\n1,a\n,b\n3,c\n", "line 3, column id"},
		"id twice":          {"id\n1\n2\n1\n2\n1\n", "line 6, column id; line 5, column id"},
		"unknown kind":      {"id,kind\n1,robot\n", "line 2, column kind"},
		"unknown status":    {"id,status\n1,gone\n", "line 2, column status"},
		"unknown creator":   {"id,created_by\n1,eve\n", "line 2, column created_by"},
		"verified perhaps":  {"id,citizen_number_verified\n1,TRUE\n", "line 2, column citizen_number_verified"},
		"roles by comma":    {"id,roles\n1,\"a,b\"\n", "line 2, column roles"},
		"line break inside": {"id,name\n1,\"a\nb\"\n2,c\n", "line 2, column name"},
		"not UTF-8":         {"id,name\n1,\xff\n", "line 2, column name"},
		"number not UTF-8":  {"id,citizen_number\n1,\xff\n", "line 2, column citizen_number"},
		"too long":          {"id\n" + strings.Repeat("1", 256) + "\n", "line 2, column id"},
		"field too many":    {"id\n1,2\n3\n", "line 2:"},
		"open quote":        {"id\n1\n\"2\n3\n", "line 3:"},
		"quote after fault": {"id,kind\n1,x\n2,\"\n", "line 2, column kind; line 3:"},
		"two faults, a row": {"id,kind,status\n1,x,y\n", "line 2, column kind; line 2, column status"},
	} {
		t.Run(name, func(t *testing.T) {
			folder := t.TempDir()
			path := filepath.Join(folder, "accounts.db")
			_, err := directory.Import(t.Context(), path, strings.NewReader("id\nold\n"), nil)
			require.NoError(t, err)
			kept, err := directory.Import(t.Context(), path, strings.NewReader(test.text), nil)
			require.Error(t, err)
			assert.Zero(t, kept)
			lines := strings.Split(err.Error(), "\n")
			wanted := strings.Split(test.want, "; ")
			require.Len(t, lines, 1+len(wanted), err)
			assert.Contains(t, lines[0], fmt.Sprintf("%d faults", len(wanted)))
			assert.NotContains(t, err.Error(), "99202000345")
			for i, want := range wanted {
				assert.Contains(t, lines[1+i], want)
			}
			_, err = openEmbedded(t, path).ByID(t.Context(), "old")
			require.NoError(t, err, "what was there stays")
			left, err := os.ReadDir(folder)
			require.NoError(t, err)
			assert.Len(t, left, 1)
		})
	}
}

func TestImportNamesTheFirstFaults(t *testing.T) {
	_, err := directory.OpenEmbedded(t.Context(), accountsFile(t, "id,kind\n"+strings.Repeat("1,robot\n", 50)))
	require.ErrorContains(t, err, "50 faults")
	assert.ErrorContains(t, err, "line 21, column kind")
	assert.NotContains(t, err.Error(), "line 22")
	assert.ErrorContains(t, err, "and 30 more")
	assert.NotContains(t, err.Error(), "robot")
}

func TestImportReplacesNothingElse(t *testing.T) {
	folder := t.TempDir()
	path := filepath.Join(folder, "ledger.db")
	require.NoError(t, os.WriteFile(path, []byte("the only copy"), 0o600))
	_, err := directory.Import(t.Context(), path, strings.NewReader("id\n1\n"), nil)
	require.Error(t, err)
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	assert.Equal(t, "the only copy", string(text))

	empty := filepath.Join(folder, "empty.db")
	require.NoError(t, os.WriteFile(empty, nil, 0o600))
	_, err = directory.OpenEmbedded(t.Context(), empty)
	require.ErrorContains(t, err, "accounts import")
	_, err = directory.OpenEmbedded(t.Context(), filepath.Join(folder, "gone.db"))
	require.ErrorIs(t, err, os.ErrNotExist)
	assert.NoFileExists(t, filepath.Join(folder, "gone.db"))
}

// A killed import leaves personal data, which the next one removes.
func TestImportRemovesLeftovers(t *testing.T) {
	path := filepath.Join(t.TempDir(), "accounts.db")
	require.NoError(t, os.WriteFile(path+".import-1", nil, 0o600))
	_, err := directory.Import(t.Context(), path, strings.NewReader("id\n1\n"), nil)
	require.NoError(t, err)
	assert.NoFileExists(t, path+".import-1")
}

func TestImportStops(t *testing.T) {
	path := filepath.Join(t.TempDir(), "accounts.db")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := directory.Import(ctx, path, strings.NewReader("id\n1\n"), nil)
	require.ErrorIs(t, err, context.Canceled)
	assert.NoFileExists(t, path)
}

// While one import follows another, every answer is of one of them, and a scan
// that has begun ends as it began.
func TestImportWhileServing(t *testing.T) {
	const rows = 3 * 500 // several pages of a scan
	generation := func(name string) string {
		var b strings.Builder
		b.WriteString("id,username,name\n")
		for i := range rows {
			fmt.Fprintf(&b, "%d,everybody,%s\n", i, name)
		}
		return b.String()
	}
	path := imported(t, generation("0"))
	d := openEmbedded(t, path)
	done := make(chan struct{})
	var readers sync.WaitGroup
	readers.Go(func() {
		for over := false; !over; {
			select {
			case <-done:
				over = true
			default:
			}
			found, err := d.ByUsername(t.Context(), "everybody")
			assert.NoError(t, err)
			names := map[string]bool{}
			for _, a := range found {
				names[a.Name] = true
			}
			assert.Len(t, names, 1)
			assert.Len(t, found, rows)
		}
	})
	readers.Go(func() {
		for over := false; !over; {
			select {
			case <-done:
				over = true
			default:
			}
			names := map[string]int{}
			assert.NoError(t, d.Scan(t.Context(), func(r directory.Record) error { names[r.Account.Name]++; return nil }))
			assert.Len(t, names, 1)
			for _, count := range names {
				assert.Equal(t, rows, count)
			}
		}
	})
	for i := range 10 {
		_, err := directory.Import(t.Context(), path, strings.NewReader(generation(fmt.Sprint(i+1))), nil)
		require.NoError(t, err)
	}
	close(done)
	readers.Wait()
	account, err := d.ByID(t.Context(), "0")
	require.NoError(t, err)
	assert.Equal(t, "10", account.Name)

	require.NoError(t, os.Remove(path))
	_, err = d.ByID(t.Context(), "0")
	require.ErrorIs(t, err, directory.ErrUnavailable, "what is not there is not guessed")
}

// Each question is answered by an index: five million accounts are no slower.
func TestEmbeddedAsksItsIndexes(t *testing.T) {
	path := imported(t, "id\n1\n")
	db, err := sql.Open("sqlite", "file:"+(&url.URL{Path: path}).EscapedPath())
	require.NoError(t, err)
	defer db.Close()
	for _, column := range []string{"id", "username", "citizen_number", "id_card_number", "subject"} {
		var id, parent, unused int
		var detail string
		require.NoError(t, db.QueryRow("EXPLAIN QUERY PLAN SELECT name FROM account WHERE "+column+" = ? ORDER BY line", "1").Scan(&id, &parent, &unused, &detail))
		assert.Contains(t, detail, "USING INDEX account_by_"+column)
	}
}

// Whatever is read can be asked, and written out reads the same.
func FuzzImport(f *testing.F) {
	f.Add([]byte("\ufeffid,username,citizen_number,citizen_number_verified,roles\n1,a,099202000345,true,x;y\n"))
	f.Add([]byte("id,birth_date,status,kind,id_card_number\n\"1\",2002,locked,official,099 000 345\n2,\"\n"))
	f.Add([]byte("id,citizen_number,group,subject,created_by\n1,x,g,s,self\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		d, err := directory.OpenEmbedded(t.Context(), accountsFile(t, string(text)))
		if err != nil {
			return
		}
		defer d.Close()
		var accounts []identity.Account
		for id, record := range scanned(t, d) {
			found, err := d.ByID(t.Context(), id)
			require.NoError(t, err)
			require.Equal(t, record.Account, found)
			accounts = append(accounts, found)
		}
		again := scanned(t, openEmbedded(t, accountsFile(t, string(write(accounts)))))
		require.Len(t, again, len(accounts))
		for _, a := range accounts {
			require.Equal(t, directory.Record{Account: a}, again[a.ID])
		}
	})
}
