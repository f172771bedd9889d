package session

import (
	"encoding/binary"
	"errors"
	"time"

	"vneid-proxy/identity"
)

var errRecord = errors.New("session: malformed record")

// record is one of the three stages in its binary form: a version byte, then
// fields in a fixed order, each length-prefixed. It is short because portals
// and the proxies before them cap the header; and it is strict, so that what
// an older or newer version wrote is absent rather than half read.
type record interface {
	append(b []byte) []byte
	read(f *fields)
}

// version is that of all records: another one for every other shape of any.
const version = 3

// serializer is securecookie's view of a record.
type serializer struct{ version byte }

func (s serializer) Serialize(src any) ([]byte, error) {
	return src.(record).append(append(make([]byte, 0, 320), s.version)), nil
}

func (s serializer) Deserialize(src []byte, dst any) error {
	if len(src) == 0 || src[0] != s.version {
		return errRecord
	}
	f := &fields{rest: src[1:]}
	dst.(record).read(f)
	if f.bad || len(f.rest) != 0 {
		return errRecord
	}
	return nil
}

func appendText(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

// appendTime keeps milliseconds: the revocation feed compares with them.
func appendTime(b []byte, t time.Time) []byte {
	return binary.AppendVarint(b, t.UnixMilli())
}

// appendEnd is appendTime for a time that may be none: in one byte, as 0.
func appendEnd(b []byte, t time.Time) []byte {
	if t.IsZero() {
		return append(b, 0)
	}
	return appendTime(b, t)
}

func appendFlag(b []byte, flag bool) []byte {
	if flag {
		return append(b, 1)
	}
	return append(b, 0)
}

func appendDate(b []byte, d identity.BirthDate) []byte {
	b = binary.AppendUvarint(b, uint64(d.Year))
	return append(b, byte(d.Month), byte(d.Day))
}

func appendCitizen(b []byte, c identity.Citizen) []byte {
	for _, s := range []string{
		c.Provider, c.Subject, c.Number.Reveal(), c.Name,
		c.AuthenticationLevel, c.AccountType, c.PreferredUsername, c.Email,
		c.Organisation.ID, c.Organisation.TaxCode, c.Organisation.Name, c.Organisation.Role,
	} {
		b = appendText(b, s)
	}
	return binary.AppendVarint(appendDate(b, c.BirthDate), int64(c.AccountLevel))
}

func appendIDCards(b []byte, lookedUp bool, cards []identity.IDCardNumber) []byte {
	b = append(b, 0)
	if lookedUp {
		b[len(b)-1] = 1
	}
	b = binary.AppendUvarint(b, uint64(len(cards)))
	for _, card := range cards {
		b = appendText(b, card.Reveal())
	}
	return b
}

// fields reads what the append functions wrote; the first fault sticks.
type fields struct {
	rest []byte
	bad  bool
}

func (f *fields) take(n int) []byte {
	if f.bad || n < 0 || n > len(f.rest) {
		f.bad = true
		return nil
	}
	taken := f.rest[:n]
	f.rest = f.rest[n:]
	return taken
}

func (f *fields) uvarint() uint64 {
	v, n := binary.Uvarint(f.rest)
	if n <= 0 {
		f.bad = true
		return 0
	}
	f.take(n)
	return v
}

func (f *fields) text() string {
	n := f.uvarint()
	if n > uint64(len(f.rest)) {
		f.bad = true
		return ""
	}
	return string(f.take(int(n)))
}

func (f *fields) varint() int64 {
	v, n := binary.Varint(f.rest)
	if n <= 0 {
		f.bad = true
		return 0
	}
	f.take(n)
	return v
}

// seconds are no more than maxMaxAge.
func (f *fields) seconds() time.Duration {
	n := f.uvarint()
	if n > uint64(maxMaxAge/time.Second) {
		f.bad, n = true, 0
	}
	return time.Duration(n) * time.Second
}

func (f *fields) time() time.Time { return time.UnixMilli(f.varint()) }

func (f *fields) end() time.Time {
	if milli := f.varint(); milli != 0 {
		return time.UnixMilli(milli)
	}
	return time.Time{}
}

func (f *fields) octet() byte {
	if b := f.take(1); b != nil {
		return b[0]
	}
	return 0
}

func (f *fields) flag() bool {
	b := f.octet()
	f.bad = f.bad || b > 1
	return b == 1
}

func (f *fields) id() (id ID) {
	copy(id[:], f.take(len(id)))
	return id
}

func (f *fields) number() identity.CitizenNumber {
	text := f.text()
	if text == "" {
		return identity.CitizenNumber{}
	}
	number, err := identity.VouchedCitizenNumber(text)
	f.bad = f.bad || err != nil
	return number
}

func (f *fields) idCards() (lookedUp bool, cards []identity.IDCardNumber) {
	lookedUp = f.flag()
	for n := f.uvarint(); n > 0 && !f.bad; n-- {
		text := f.text()
		card, err := identity.ParseIDCardNumber(text)
		f.bad = f.bad || err != nil || card.Reveal() != text
		cards = append(cards, card)
	}
	return lookedUp, cards
}

func (f *fields) date() identity.BirthDate {
	return identity.BirthDate{Year: int(f.uvarint()), Month: int(f.octet()), Day: int(f.octet())}
}

func (f *fields) citizen() (c identity.Citizen) {
	c.Provider, c.Subject, c.Number, c.Name = f.text(), f.text(), f.number(), f.text()
	c.AuthenticationLevel, c.AccountType = f.text(), f.text()
	c.PreferredUsername, c.Email = f.text(), f.text()
	o := &c.Organisation
	o.ID, o.TaxCode, o.Name, o.Role = f.text(), f.text(), f.text(), f.text()
	c.BirthDate, c.AccountLevel = f.date(), int(f.varint())
	return c
}
