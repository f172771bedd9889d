package directory_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vneid-proxy/broker/directory"
	"vneid-proxy/identity"
)

// reader is what every directory can be asked.
type reader interface {
	ByID(ctx context.Context, id identity.AccountID) (identity.Account, error)
	ByUsername(ctx context.Context, username string) ([]identity.Account, error)
	ByCitizenNumber(ctx context.Context, number identity.CitizenNumber) ([]identity.Account, error)
	ByIDCardNumber(ctx context.Context, number identity.IDCardNumber) ([]identity.Account, error)
	BySubject(ctx context.Context, subject string) ([]identity.Account, error)
}

func citizenNumber(t testing.TB, digits string) identity.CitizenNumber {
	n, err := identity.VouchedCitizenNumber(digits)
	require.NoError(t, err)
	return n
}

func idCardNumber(t testing.TB, digits string) identity.IDCardNumber {
	n, err := identity.ParseIDCardNumber(digits)
	require.NoError(t, err)
	return n
}

// conformance is what any directory must do; open makes one that holds the
// accounts.
func conformance(t *testing.T, open func(t *testing.T, accounts []identity.Account) reader) {
	full := identity.Account{
		ID: "17", Username: "nguyenvana", Kind: identity.KindCitizen, Number: citizenNumber(t, "099202000345"), NumberVerified: true,
		IDCard: idCardNumber(t, "099000345"), Name: "Nguyễn Văn Á", BirthDate: identity.BirthDate{Year: 2002, Month: 3, Day: 4},
		Email: "a@example.vn", Phone: "0000000000", Roles: []string{"nộp hồ sơ", "admin"},
		Group: "Sở Y tế", Subject: "99a7c1f0-1", CreatedBy: identity.CreatedByOfficial,
	}
	second := identity.Account{ID: "18", Username: "nguyenvana2", Kind: identity.KindOfficial, Number: full.Number, IDCard: full.IDCard, Locked: true, Subject: full.Subject, CreatedBy: identity.CreatedBySelf}
	bare := identity.Account{ID: "Tài khoản/19", Kind: identity.KindOrganisation, BirthDate: identity.BirthDate{Year: 1950}}
	namesake := identity.Account{ID: "20", Username: "nguyenvana", Kind: identity.KindCitizen}
	accounts := []identity.Account{full, second, bare, namesake}
	d := open(t, accounts)
	ctx := t.Context()

	t.Run("each by its id, whole", func(t *testing.T) {
		for _, want := range accounts {
			got, err := d.ByID(ctx, want.ID)
			require.NoError(t, err)
			assert.Equal(t, want, got)
		}
	})
	t.Run("no such id", func(t *testing.T) {
		for _, id := range []identity.AccountID{"", "1", "17 ", "171", "tài khoản/19", "' OR ''='", "*"} {
			got, err := d.ByID(ctx, id)
			require.ErrorIs(t, err, directory.ErrNotFound)
			assert.Zero(t, got)
		}
	})
	t.Run("none, one, several", func(t *testing.T) {
		for username, want := range map[string][]identity.Account{
			"nguyenvana2": {second}, "nguyenvana": {full, namesake}, "nguyenvan": nil, "NGUYENVANA2": nil, "": nil, "nguyen%": nil, "*": nil,
		} {
			got, err := d.ByUsername(ctx, username)
			require.NoError(t, err)
			assert.ElementsMatch(t, want, got, username)
		}
		for digits, want := range map[string][]identity.Account{"099202000345": {full, second}, "099202000346": nil} {
			got, err := d.ByCitizenNumber(ctx, citizenNumber(t, digits))
			require.NoError(t, err)
			assert.ElementsMatch(t, want, got)
		}
		for digits, want := range map[string][]identity.Account{"099000345": {full, second}, "099000346": nil} {
			got, err := d.ByIDCardNumber(ctx, idCardNumber(t, digits))
			require.NoError(t, err)
			assert.ElementsMatch(t, want, got)
		}
	})
	t.Run("by subject", func(t *testing.T) {
		for subject, want := range map[string][]identity.Account{
			full.Subject: {full, second}, "99a7c1f0-2": nil, "99A7C1F0-1": nil, "99a7c1f0-1 ": nil, "": nil, "%": nil,
		} {
			got, err := d.BySubject(ctx, subject)
			require.NoError(t, err)
			assert.ElementsMatch(t, want, got, subject)
		}
	})
	t.Run("an unknown number is nobody's", func(t *testing.T) {
		got, err := d.ByCitizenNumber(ctx, identity.CitizenNumber{})
		require.NoError(t, err)
		assert.Empty(t, got)
		got, err = d.ByIDCardNumber(ctx, identity.IDCardNumber{})
		require.NoError(t, err)
		assert.Empty(t, got)
	})
	t.Run("what is handed out is the caller's", func(t *testing.T) {
		got, err := d.ByID(ctx, "17")
		require.NoError(t, err)
		got.Roles[0] = "root"
		again, err := d.ByID(ctx, "17")
		require.NoError(t, err)
		assert.Equal(t, "nộp hồ sơ", again.Roles[0])
	})
	t.Run("empty", func(t *testing.T) {
		_, err := open(t, nil).ByID(ctx, "17")
		require.ErrorIs(t, err, directory.ErrNotFound)
	})
}
