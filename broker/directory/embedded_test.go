package directory_test

import (
	"bytes"
	"context"
	"encoding/csv"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vneid-proxy/broker/directory"
	"vneid-proxy/identity"
)

func embedded(t *testing.T, accounts []identity.Account) reader {
	d, err := directory.NewEmbedded(directory.EmbeddedConfig{Accounts: accounts})
	require.NoError(t, err)
	return d
}

func TestEmbeddedConforms(t *testing.T) { conformance(t, embedded) }

// The same accounts, by way of the file.
func TestEmbeddedFromCSVConforms(t *testing.T) {
	conformance(t, func(t *testing.T, accounts []identity.Account) reader {
		path := filepath.Join(t.TempDir(), "accounts.csv")
		require.NoError(t, os.WriteFile(path, write(accounts), 0o600))
		read, err := directory.OpenCSV(path)
		require.NoError(t, err)
		return embedded(t, read)
	})
}

func write(accounts []identity.Account) []byte {
	var b bytes.Buffer
	b.WriteString("\ufeff")
	w := csv.NewWriter(&b)
	_ = w.Write([]string{"roles", "id", "username", "kind", "status", "citizen_number", "citizen_number_verified", "id_card_number", "name", "birth_date", "email", "phone", "group", "subject", "created_by"})
	for _, a := range accounts {
		status := "active"
		if a.Locked {
			status = "locked"
		}
		_ = w.Write([]string{
			strings.Join(a.Roles, " ; "), string(a.ID), a.Username, string(a.Kind), status, a.Number.Reveal(), fmt.Sprint(a.NumberVerified),
			a.IDCard.Reveal(), a.Name, a.BirthDate.String(), a.Email, a.Phone, a.Group, a.Subject, string(a.CreatedBy),
		})
	}
	w.Flush()
	return b.Bytes()
}

func TestNewEmbeddedRefuses(t *testing.T) {
	for name, accounts := range map[string][]identity.Account{
		"no id":         {{Username: "a"}},
		"one id twice":  {{ID: "1"}, {ID: "1"}},
		"id with break": {{ID: "1\n2"}},
	} {
		_, err := directory.NewEmbedded(directory.EmbeddedConfig{Accounts: accounts})
		assert.Error(t, err, name)
	}
}

type check struct{}

func (check) Check(_ context.Context, username, password string) (identity.AccountID, error) {
	return identity.AccountID(username + password), nil
}

func TestEmbeddedCheck(t *testing.T) {
	without, err := directory.NewEmbedded(directory.EmbeddedConfig{})
	require.NoError(t, err)
	_, err = without.Check(t.Context(), "a", "b")
	require.ErrorIs(t, err, directory.ErrUnavailable)

	with, err := directory.NewEmbedded(directory.EmbeddedConfig{Check: check{}})
	require.NoError(t, err)
	id, err := with.Check(t.Context(), "a", "b")
	require.NoError(t, err)
	assert.Equal(t, identity.AccountID("ab"), id)
}

func TestReadCSV(t *testing.T) {
	accounts, faults := directory.ReadCSV(strings.NewReader("id,birth_date,citizen_number,status\n 7 ,04/03/2002,099202000345,closed\n\n8,,,\n"))
	require.Empty(t, faults)
	assert.Equal(t, []identity.Account{
		{ID: "7", Kind: identity.KindCitizen, Locked: true, Number: citizenNumber(t, "099202000345"), BirthDate: identity.BirthDate{Year: 2002, Month: 3, Day: 4}},
		{ID: "8", Kind: identity.KindCitizen},
	}, accounts)
}

func TestReadCSVFaults(t *testing.T) {
	for name, test := range map[string]struct {
		text string
		want []directory.RowError // without Problem
		kept int
	}{
		"empty file":         {"", []directory.RowError{{Line: 1}}, 0},
		"no id column":       {"username\na\n", []directory.RowError{{Line: 1, Column: "id"}}, 0},
		"unknown column":     {"id,099202000345\n", []directory.RowError{{Line: 1, Column: "2"}}, 0},
		"column twice":       {"id,name,name\n", []directory.RowError{{Line: 1, Column: "name"}}, 0},
		"column folded":      {"ID\n1\n", []directory.RowError{{Line: 1, Column: "1"}, {Line: 1, Column: "id"}}, 0},
		"no id":              {"id,name\n1,a\n,b\n3,c\n", []directory.RowError{{Line: 3, Column: "id"}}, 2},
		"id twice":           {"id\n1\n2\n1\n", []directory.RowError{{Line: 4, Column: "id"}}, 2},
		"number lost a zero": {"id,citizen_number\n1,99202000345\n2,\n", []directory.RowError{{Line: 2, Column: "citizen_number"}}, 1},
		"CMND of 12 digits":  {"id,id_card_number\n1,099202000345\n", []directory.RowError{{Line: 2, Column: "id_card_number"}}, 0},
		"no such day":        {"id,birth_date\n1,31/02/2002\n", []directory.RowError{{Line: 2, Column: "birth_date"}}, 0},
		"unknown kind":       {"id,kind\n1,robot\n", []directory.RowError{{Line: 2, Column: "kind"}}, 0},
		"unknown status":     {"id,status\n1,gone\n", []directory.RowError{{Line: 2, Column: "status"}}, 0},
		"verified perhaps":   {"id,citizen_number_verified\n1,TRUE\n", []directory.RowError{{Line: 2, Column: "citizen_number_verified"}}, 0},
		"verified nothing":   {"id,citizen_number_verified\n1,true\n", []directory.RowError{{Line: 2, Column: "citizen_number_verified"}}, 0},
		"roles by comma":     {"id,roles\n1,\"a,b\"\n", []directory.RowError{{Line: 2, Column: "roles"}}, 0},
		"line break inside":  {"id,name\n1,\"a\nb\"\n2,c\n", []directory.RowError{{Line: 2, Column: "name"}}, 1},
		"not UTF-8":          {"id,name\n1,\xff\n", []directory.RowError{{Line: 2, Column: "name"}}, 0},
		"too long":           {"id\n" + strings.Repeat("1", 256) + "\n", []directory.RowError{{Line: 2, Column: "id"}}, 0},
		"field too many":     {"id\n1,2\n3\n", []directory.RowError{{Line: 2}}, 1},
		"open quote":         {"id\n1\n\"2\n3\n", []directory.RowError{{Line: 3}}, 1},
		"two faults, a row":  {"id,kind,status\n1,x,y\n", []directory.RowError{{Line: 2, Column: "kind"}, {Line: 2, Column: "status"}}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			accounts, faults := directory.ReadCSV(strings.NewReader(test.text))
			assert.Len(t, accounts, test.kept)
			for i := range faults {
				assert.NotEmpty(t, faults[i].Problem)
				assert.NotContains(t, faults[i].Error(), "99202000345")
				faults[i].Problem = ""
			}
			assert.Equal(t, test.want, faults)
		})
	}
}

func TestOpenCSVRefusesWhole(t *testing.T) {
	path := filepath.Join(t.TempDir(), "accounts.csv")
	require.NoError(t, os.WriteFile(path, []byte("id,kind\n1,citizen\n2,robot\n3,\n4,x\n"), 0o600))
	accounts, err := directory.OpenCSV(path)
	require.Error(t, err)
	assert.Nil(t, accounts)
	assert.Contains(t, err.Error(), "line 3, column kind")
	assert.Contains(t, err.Error(), "line 5, column kind")
	assert.NotContains(t, err.Error(), "robot")
	_, err = directory.OpenCSV(path + ".gone")
	require.ErrorIs(t, err, os.ErrNotExist)
}

// Whatever is read can be opened as a directory, and written out reads the same.
func FuzzReadCSV(f *testing.F) {
	f.Add([]byte("\ufeffid,username,citizen_number,citizen_number_verified,roles\n1,a,099202000345,true,x;y\n"))
	f.Add([]byte("id,birth_date,status,kind,id_card_number\n\"1\",2002,locked,official,099 000 345\n2,\"\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		accounts, _ := directory.ReadCSV(bytes.NewReader(text))
		_, err := directory.NewEmbedded(directory.EmbeddedConfig{Accounts: accounts})
		require.NoError(t, err)
		again, faults := directory.ReadCSV(bytes.NewReader(write(accounts)))
		require.Empty(t, faults)
		require.Equal(t, len(accounts), len(again))
		for i := range accounts {
			require.Equal(t, accounts[i], again[i])
		}
	})
}
