package session

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"vneid-proxy/identity"
)

var codec = serializer{version}

// records are the three kinds, empty.
var records = []func() record{
	func() record { return new(Attempt) },
	func() record { return new(Proof) },
	func() record { return new(Session) },
}

// reread is what comes back of what is sealed.
func reread[R any, P interface {
	*R
	record
}](t *testing.T, from R) R {
	t.Helper()
	b, err := codec.Serialize(P(&from))
	require.NoError(t, err)
	var into R
	require.NoError(t, codec.Deserialize(b, P(&into)))
	return into
}

var alphabet = []string{
	"a", "Z", "9", "ệ", "Đ", "ươ", " ", ",", ";", "=", "|", "\"", "\\", "\x00", "\xff", "\n", "文", "😀", "%2c", "\u200b",
}

func someText() string {
	var b strings.Builder
	for range rand.IntN(24) {
		b.WriteString(alphabet[rand.IntN(len(alphabet))])
	}
	return b.String()
}

// someTime has the precision that a cookie keeps, and the zero time's zone.
func someTime() time.Time {
	if rand.IntN(8) == 0 {
		return time.Time{}
	}
	return time.UnixMilli(rand.Int64N(1 << 43)).UTC()
}

func someCitizen(t *testing.T) identity.Citizen {
	c := identity.Citizen{
		Provider: someText(), Subject: someText(), Name: someText(), AuthenticationLevel: someText(),
		AccountType: someText(), PreferredUsername: someText(), Email: someText(),
		Organisation: identity.Organisation{ID: someText(), TaxCode: someText(), Name: someText(), Role: someText()},
		AccountLevel: []int{0, 1, 2, -1, 255, 256, 1 << 40}[rand.IntN(7)],
		BirthDate: []identity.BirthDate{
			{}, {Year: 1950}, {Year: 1800, Month: 1, Day: 1}, {Year: 2999, Month: 12, Day: 31},
		}[rand.IntN(4)],
	}
	if rand.IntN(2) == 0 {
		var err error
		c.Number, err = identity.VouchedCitizenNumber(fmt.Sprintf("099%09d", rand.IntN(1e9)))
		require.NoError(t, err)
	}
	return c
}

func someIDCards(t *testing.T) (cards []identity.IDCardNumber) {
	for range rand.IntN(3) {
		card, err := identity.ParseIDCardNumber(fmt.Sprintf("990%06d", rand.IntN(1e6)))
		require.NoError(t, err)
		cards = append(cards, card)
	}
	return cards
}

func someAccount() AccountRef {
	a := AccountRef{ID: identity.AccountID(someText()), Username: someText(), Email: someText(), Kind: identity.Kind(someText()),
		Cohort: someText(), Excused: someTime()}
	for range rand.IntN(4) {
		a.Roles = append(a.Roles, someText())
	}
	return a
}

func utc(times ...*time.Time) {
	for _, at := range times {
		*at = at.UTC()
	}
}

func TestRecordsComeBackAsTheyWere(t *testing.T) {
	for range 1000 {
		a := Attempt{
			State: someText(), Nonce: someText(), Verifier: someText(), Provider: someText(), ReturnTo: someText(),
			Begun: someTime(), Demand: Demand{MaxAge: time.Duration(rand.IntN(86401)) * time.Second}, Spent: rand.IntN(2) == 0,
		}
		gotAttempt := reread(t, a)
		utc(&gotAttempt.Begun)
		require.Equal(t, a, gotAttempt)

		p := Proof{
			ID: NewID(), Begun: someTime(), ReturnTo: someText(), Account: someAccount(), Method: someText(),
			Citizen: someCitizen(t), Authenticated: someTime(), LookedUp: rand.IntN(2) == 0, IDCards: someIDCards(t), ProviderSID: someText(), Tokens: NewID(),
		}
		gotProof := reread(t, p)
		utc(&gotProof.Begun, &gotProof.Account.Excused, &gotProof.Authenticated)
		require.Equal(t, p, gotProof)

		s := Session{
			ID: NewID(), Begun: someTime(), Sealed: someTime(), Read: someTime(), Account: someAccount(),
			Citizen: someCitizen(t), Authenticated: someTime(), Standing: identity.Standing(someText()), ReadOnly: rand.IntN(2) == 0, ProviderSID: someText(), Tokens: NewID(),
		}
		gotSession := reread(t, s)
		utc(&gotSession.Begun, &gotSession.Sealed, &gotSession.Read, &gotSession.Account.Excused, &gotSession.Authenticated)
		require.Equal(t, s, gotSession)
	}
}

// Nothing of one person is added to or taken from another's roles.
func TestRolesWithCommas(t *testing.T) {
	for _, roles := range [][]string{nil, {""}, {"", ""}, {"cán bộ,quản trị"}, {",", "a"}, {"a", "b,c", ""}} {
		assert.Equal(t, roles, reread(t, Session{Account: AccountRef{Roles: roles}}).Account.Roles)
	}
}

// A level that no provider should state must not come back as a higher one.
func TestOddLevels(t *testing.T) {
	for _, level := range []int{-1, -256, 127, 128, 255, 256, 258} {
		assert.Equal(t, level, reread(t, Session{Citizen: identity.Citizen{AccountLevel: level}}).Citizen.AccountLevel)
	}
}

func TestMalformedRecords(t *testing.T) {
	number, err := identity.VouchedCitizenNumber("099204001238")
	require.NoError(t, err)
	card, err := identity.ParseIDCardNumber("990204001")
	require.NoError(t, err)
	citizen := identity.Citizen{Provider: "vneid", Subject: "s", Number: number, Name: "Nguyễn Văn An"}
	// A random id is now and then the beginning of another record; what keeps
	// them apart for certain is that each is sealed under a key of its own.
	id := ID{200, 201, 202}
	for i, whole := range []record{
		&Attempt{State: "state", ReturnTo: "/", Begun: time.Now()},
		&Proof{ID: id, Begun: time.Now(), Citizen: citizen, LookedUp: true, IDCards: []identity.IDCardNumber{card}},
		&Session{ID: id, Begun: time.Now(), Citizen: citizen, Account: AccountRef{ID: "a", Roles: []string{"r"}}},
	} {
		b, err := codec.Serialize(whole)
		require.NoError(t, err)
		require.NoError(t, codec.Deserialize(b, records[i]()))
		for n := range b {
			assert.Error(t, codec.Deserialize(b[:n], records[i]()), "%T cut to %d bytes", whole, n)
		}
		assert.Error(t, codec.Deserialize(append(b, 0), records[i]()), "%T and a byte more", whole)
		for _, version := range []byte{0, version - 1, version + 1, 255} {
			other := append([]byte{version}, b[1:]...)
			assert.Error(t, codec.Deserialize(other, records[i]()), "%T of version %d", whole, version)
		}
		for j, other := range records {
			if i != j {
				assert.Error(t, codec.Deserialize(b, other()), "%T read as %T", whole, other())
			}
		}
	}

	b, err := codec.Serialize(&Session{Citizen: citizen})
	require.NoError(t, err)
	for _, bad := range []string{"09920400123x", "099 04001238", "999999999999"} {
		spoilt := strings.Replace(string(b), "099204001238", bad, 1)
		require.NotEqual(t, string(b), spoilt)
		assert.Error(t, codec.Deserialize([]byte(spoilt), new(Session)), bad)
	}

	b, err = codec.Serialize(&Attempt{Spent: true})
	require.NoError(t, err)
	b[len(b)-1] = 2
	assert.Error(t, codec.Deserialize(b, new(Attempt)), "neither spent nor not")
}

// What can be read is read alike when it is written again.
func FuzzCodec(f *testing.F) {
	for kind, r := range []record{
		&Attempt{State: "state", ReturnTo: "/", Begun: time.Now(), Spent: true},
		&Proof{ID: NewID(), Account: AccountRef{Roles: []string{"a", "b"}}},
		&Session{ID: NewID(), Citizen: identity.Citizen{Name: "Nguyễn Văn An", BirthDate: identity.BirthDate{Year: 1985}, AccountLevel: 2}},
	} {
		b, err := codec.Serialize(r)
		require.NoError(f, err)
		f.Add(byte(kind), b)
		f.Add(byte(kind), append(b[:len(b)/2], 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1))
	}
	f.Fuzz(func(t *testing.T, kind byte, b []byte) {
		empty := records[int(kind)%len(records)]
		once := empty()
		if codec.Deserialize(b, once) != nil {
			return
		}
		written, err := codec.Serialize(once)
		require.NoError(t, err)
		twice := empty()
		require.NoError(t, codec.Deserialize(written, twice))
		require.Equal(t, once, twice)
		again, err := codec.Serialize(twice)
		require.NoError(t, err)
		require.Equal(t, written, again)
	})
}
