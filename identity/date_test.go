package identity_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vneid-proxy/identity"
)

func TestParseBirthDate(t *testing.T) {
	good := map[string]identity.BirthDate{
		"1985-12-31": {Year: 1985, Month: 12, Day: 31},
		"19851231":   {Year: 1985, Month: 12, Day: 31},
		"31/12/1985": {Year: 1985, Month: 12, Day: 31},
		"31-12-1985": {Year: 1985, Month: 12, Day: 31},
		"02/03/1985": {Year: 1985, Month: 3, Day: 2},
		"2000-02-29": {Year: 2000, Month: 2, Day: 29},
		"29/02/1996": {Year: 1996, Month: 2, Day: 29},
		"1800-01-01": {Year: 1800, Month: 1, Day: 1},
		"01/01/1950": {Year: 1950, Month: 1, Day: 1},
		"1950":       {Year: 1950},
		"1800":       {Year: 1800},
	}
	for text, want := range good {
		t.Run(text, func(t *testing.T) {
			d, err := identity.ParseBirthDate(text)
			require.NoError(t, err)
			assert.Equal(t, want, d)
			assert.False(t, d.IsZero())
			assert.Equal(t, want.Month == 0, d.YearOnly())
		})
	}
	for _, text := range []string{
		"", " ", "0", "85", "198", "+985", "-985", "1_85", "19e2", "0x7c", "19 5", "１９８５", "19851", "abcd",
		"0000", "0001", "1799", "3000", "9999",
		"0000-12-31", "0000-00-00", "1799-12-31", "31/12/0000", "3000-01-01",
		"1985-00-00", "1985-00-31", "1985-12-00", "1985-13-01", "1985-12-32", "19850000", "00/00/1985",
		"1985-02-29", "1900-02-29", "29/02/2001", "1985-04-31", "31/11/1985", "19850230",
		"12/31/1985", "1985-31-12", "19853112",
		"1985/12/31", "31.12.1985", "31 12 1985", "1985-12-3", "1985-1-31", "1/2/1985", "31/12/85",
		" 1985-12-31", "1985-12-31 ", "1985-12-31\n", "1985-12-31T00:00:00Z", "1985-12-31\x00",
		"1985-12/31", "31/12-1985", "1985- 2-03", " 2/03/1985", "+1985-2-3", "-985-12-31", "1985-+1-31",
		"１985-1-3", "1985-12-３", "9223372036854775808", "null", "NaN",
	} {
		t.Run("refused "+text, func(t *testing.T) {
			d, err := identity.ParseBirthDate(text)
			assert.ErrorIs(t, err, identity.ErrDate)
			assert.True(t, d.IsZero())
		})
	}
}

func TestBirthDateString(t *testing.T) {
	assert.Equal(t, "1985-03-02", identity.BirthDate{Year: 1985, Month: 3, Day: 2}.String())
	assert.Equal(t, "1985", identity.BirthDate{Year: 1985}.String())
	assert.Empty(t, identity.BirthDate{}.String())
	assert.True(t, identity.BirthDate{}.IsZero())
	assert.False(t, identity.BirthDate{}.YearOnly())
}

func TestBirthDateMatch(t *testing.T) {
	const differs, weak, full = identity.DateDiffers, identity.DateWeak, identity.DateFull
	tests := []struct {
		what, a, b string
		want       identity.DateMatch
	}{
		{"the same day", "1985-12-31", "31/12/1985", full},
		{"the same 1 January", "1985-01-01", "01/01/1985", full},
		{"year and day", "1985", "1985-12-31", weak},
		{"year and 1 January", "1985", "1985-01-01", weak},
		{"year and year", "1985", "1985", weak},
		{"1 January for the year", "1985-01-01", "1985-12-31", weak},
		{"another day", "1985-12-30", "1985-12-31", differs},
		{"day and month changed about", "1985-03-02", "1985-02-03", differs},
		{"another year, same day", "1986-12-31", "1985-12-31", differs},
		{"another year, 1 January", "1986-01-01", "1985-01-01", differs},
		{"another year alone", "1986", "1985", differs},
		{"1 January of the next year", "1985-12-31", "1986-01-01", differs},
		{"1 February is a day", "1985-02-01", "1985-12-31", differs},
		{"2 January is a day", "1985-01-02", "1985-12-31", differs},
		{"nothing and a day", "", "1985-12-31", differs},
		{"nothing and a year", "", "1985", differs},
		{"nothing and nothing", "", "", differs},
	}
	for _, tt := range tests {
		t.Run(tt.what, func(t *testing.T) {
			a, _ := identity.ParseBirthDate(tt.a)
			b, _ := identity.ParseBirthDate(tt.b)
			assert.Equal(t, tt.want, a.Match(b))
			assert.Equal(t, tt.want, b.Match(a), "symmetric")
		})
	}
}

func FuzzParseBirthDate(f *testing.F) {
	for _, text := range []string{
		"1985-12-31", "19851231", "31/12/1985", "31-12-1985", "1985", "0000-01-01", "1985-02-29", "19850000",
		"2000-02-29", "1900-02-29", "+985", "1985-12-3\x00", "31/12/85",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		d, err := identity.ParseBirthDate(text)
		if err != nil {
			require.ErrorIs(t, err, identity.ErrDate)
			require.True(t, d.IsZero())
			return
		}
		again, err := identity.ParseBirthDate(d.String())
		require.NoError(t, err)
		require.Equal(t, d, again)
		if d.YearOnly() {
			require.Zero(t, d.Day)
			require.Equal(t, identity.DateWeak, d.Match(d))
			return
		}
		day := time.Date(d.Year, time.Month(d.Month), d.Day, 0, 0, 0, 0, time.UTC)
		require.Equal(t, d.String(), day.Format(time.DateOnly), "a day that exists")
		require.Equal(t, identity.DateFull, d.Match(again))
	})
}
