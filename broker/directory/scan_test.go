package directory_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vneid-proxy/broker/directory"
	"vneid-proxy/identity"
)

// scanner is a directory that can be read whole.
type scanner interface {
	Scan(ctx context.Context, visit func(directory.Record) error) error
}

// scanRows is more than two pages of any connector.
const scanRows = 1203

// scanConformance is what the scan of any directory must do; open makes one
// that holds the accounts.
func scanConformance(t *testing.T, open func(t *testing.T, accounts []identity.Account) scanner) {
	var accounts []identity.Account
	want := map[identity.AccountID]identity.Account{}
	for i := range scanRows {
		a := identity.Account{
			ID: identity.AccountID(fmt.Sprintf("tk-%d", i)), Username: fmt.Sprintf("Người %d", i%1000), Kind: identity.KindCitizen,
			Name: "Nguyễn Văn Á", BirthDate: identity.BirthDate{Year: 1950}, Locked: i%2 == 0,
		}
		if i%3 == 0 {
			a.Number, a.NumberVerified = citizenNumber(t, fmt.Sprintf("09920%07d", i+1)), i%6 == 0
		}
		accounts, want[a.ID] = append(accounts, a), a
	}
	d := open(t, accounts)

	t.Run("every account once", func(t *testing.T) {
		got := scanned(t, d)
		require.Len(t, got, len(want))
		for id, r := range got {
			assert.Equal(t, want[id], r.Account)
			assert.True(t, r.NumberText.IsZero() && r.IDCardText.IsZero() && r.BirthDateText == "")
		}
	})
	t.Run("ends with the visitor's error", func(t *testing.T) {
		enough := errors.New("enough")
		for _, after := range []int{1, 600} {
			seen := 0
			err := d.Scan(t.Context(), func(directory.Record) error {
				if seen++; seen == after {
					return enough
				}
				return nil
			})
			assert.True(t, err == enough, "unchanged: %v", err)
			assert.Equal(t, after, seen)
		}
	})
	t.Run("ends with its context", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		seen := 0
		err := d.Scan(ctx, func(directory.Record) error { seen++; cancel(); return nil })
		require.ErrorIs(t, err, directory.ErrUnavailable)
		assert.Less(t, seen, scanRows)
	})
	t.Run("asked meanwhile", func(t *testing.T) {
		seen := 0
		require.NoError(t, d.Scan(t.Context(), func(r directory.Record) error {
			if seen++; seen%400 != 1 {
				return nil
			}
			account, err := d.(reader).ByID(t.Context(), r.Account.ID)
			require.NoError(t, err)
			assert.Equal(t, r.Account, account)
			return nil
		}))
	})
	t.Run("empty", func(t *testing.T) {
		assert.Empty(t, scanned(t, open(t, nil)))
	})
}

func TestEmbeddedScans(t *testing.T) {
	scanConformance(t, func(t *testing.T, accounts []identity.Account) scanner {
		return openEmbedded(t, imported(t, string(write(accounts))))
	})
}

func TestEmbeddedInMemoryScans(t *testing.T) {
	scanConformance(t, func(t *testing.T, accounts []identity.Account) scanner { return embedded(t, accounts).(scanner) })
}
