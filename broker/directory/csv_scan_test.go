package directory_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vneid-proxy/broker/directory"
	"vneid-proxy/identity"
)

func TestScanShowsWhatIsWrong(t *testing.T) {
	path := accountsFile(t, "\ufeffid,kind,citizen_number,citizen_number_verified,id_card_number,birth_date\n"+
		"a,citizen,099090012345,true,099123456,1990-01-31\n"+
		"b,,99090012345,false,99123456,31.01.1990\n"+
		"c,robot,,,,\n"+
		"d,citizen\n"+
		"\"e\nf\",,,,,\n"+
		"g,official,,true,,\n")
	var faults []directory.RowError
	var found []directory.Record
	lines := []int{}
	err := directory.CSVScan{Path: path, Fault: func(e directory.RowError) { faults = append(faults, e) }}.Rows(t.Context(),
		func(line int, r directory.Record) error {
			found, lines = append(found, r), append(lines, line)
			return nil
		})
	require.NoError(t, err)
	require.Len(t, found, 3)
	assert.Equal(t, []int{2, 3, 8}, lines)
	assert.Equal(t, "099090012345", found[0].Account.Number.Reveal())
	assert.True(t, found[0].NumberText.IsZero())
	assert.Equal(t, "99090012345", found[1].NumberText.Reveal())
	assert.True(t, found[1].Account.Number.IsZero())
	assert.Equal(t, "99123456", found[1].IDCardText.Reveal())
	assert.Equal(t, "31.01.1990", found[1].BirthDateText)
	assert.Equal(t, identity.KindCitizen, found[1].Account.Kind)
	require.Len(t, faults, 3)
	assert.Equal(t, directory.RowError{Line: 4, Column: "kind", Problem: "want citizen, official or organisation"}, faults[0])
	assert.Equal(t, 5, faults[1].Line)
	assert.Equal(t, 6, faults[2].Line)
}

func TestScanEndsWithTheFirstError(t *testing.T) {
	path := accountsFile(t, "id\na\nb\n")
	enough := errors.New("enough")
	seen := 0
	err := directory.CSVScan{Path: path}.Scan(t.Context(), func(directory.Record) error { seen++; return enough })
	assert.Equal(t, enough, err)
	assert.Equal(t, 1, seen)
	assert.Error(t, directory.CSVScan{Path: path + "x"}.Scan(t.Context(), nil))
	assert.ErrorContains(t, directory.CSVScan{Path: accountsFile(t, "id,id,shoe\n")}.Scan(t.Context(), nil), "no such column")
	assert.ErrorContains(t, directory.CSVScan{Path: accountsFile(t, "id\n\"a\n")}.Scan(t.Context(), nil), "line 2")
}

// What is written reads the same, in every column that a file may have.
func TestWrittenAccountsReadTheSame(t *testing.T) {
	const text = "id,username,kind,status,citizen_number,citizen_number_verified,id_card_number,name,birth_date,email,phone,roles,group,subject,created_by\n" +
		"a,\"u,\"\"x\",official,locked,099090012345,true,099123456,Đỗ Thị Thử,1990,=1@x.example,+84900000001,r;s,g,s,self\n" +
		"b,,,,,,,,,,,,,,\n"
	read := func(text string) (accounts []identity.Account) {
		require.NoError(t, directory.CSVScan{Path: accountsFile(t, text)}.Scan(t.Context(), func(r directory.Record) error {
			accounts = append(accounts, r.Account)
			return nil
		}))
		return accounts
	}
	written := strings.TrimPrefix(string(write(read(text))), "\ufeff")
	header, _, _ := strings.Cut(written, "\n")
	known, _, _ := strings.Cut(text, "\n")
	assert.Equal(t, known, header, "a column was added: write it here and in columnText")
	assert.Equal(t, read(text), read(written))
}
