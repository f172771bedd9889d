package cleanup

import (
	"bytes"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"hash"

	"vneid-proxy/identity"
)

// keyBytes is the length of a key by which accounts are compared: a byte for
// the kind and 120 bits of a keyed hash; numberBytes that of a number's hash in
// what is kept beside it.
const keyBytes, numberBytes = 16, 8

// groupListed is how many accounts of one group are listed at most; all are
// counted.
const groupListed = 10_000

// duplicates finds accounts that share something. What it keeps of numbers and
// names is hashed under a key of this one reading.
type duplicates struct {
	sorter *sorter
	mac    hash.Hash
	record []byte
	sum    []byte
}

func newDuplicates(folder string, room int) *duplicates {
	key := make([]byte, sha256.Size)
	_, _ = rand.Read(key) // never fails, crypto/rand
	return &duplicates{sorter: newSorter(folder, room), mac: hmac.New(sha256.New, key)}
}

// add takes an account in. A repeated id shows even where nothing else does.
func (d *duplicates) add(f Reading) error {
	a := f.Account
	number := a.Number.Reveal()
	for i, shared := range [...]string{number, a.IDCard.Reveal(), d.person(f), string(a.ID)} {
		if shared == "" {
			continue
		}
		d.record = append(append(d.record[:0], byte(i)), d.hash("key", shared)[:keyBytes-1]...)
		if number == "" {
			d.record = append(d.record, make([]byte, numberBytes)...)
		} else {
			d.record = append(d.record, d.hash("number", number)[:numberBytes]...)
		}
		d.record = append(d.record, a.ID...)
		if err := d.sorter.add(d.record); err != nil {
			return err
		}
	}
	return nil
}

// person is a name and a full birth date; "" where they are not known or the
// day is 1 January, which often stands for a year alone.
func (d *duplicates) person(f Reading) string {
	b := f.Account.BirthDate
	if f.stateName == "" || b.IsZero() || b.YearOnly() || b.Month == 1 && b.Day == 1 {
		return ""
	}
	return f.stateName + " " + b.String()
}

func (d *duplicates) hash(domain, text string) []byte {
	d.mac.Reset()
	_, _ = d.mac.Write([]byte(domain)) // never fails, hash.Hash
	_, _ = d.mac.Write([]byte{0})
	_, _ = d.mac.Write([]byte(text))
	d.sum = d.mac.Sum(d.sum[:0])
	return d.sum
}

// group is accounts that share a key.
type group struct {
	finding  Finding
	accounts int
	listed   []identity.AccountID // the first groupListed of them
	numbers  int                  // different citizen numbers among them
	none     bool                 // one of them has no number
}

// counts reports whether the group is a finding. Two people of one name and
// birth date are no rarity: accounts with different numbers are theirs, and one
// without a number could be either's.
func (g group) counts() bool {
	return g.accounts > 1 && (g.finding != PersonPossible || g.none && g.numbers <= 1)
}

// each calls with every group that counts.
func (d *duplicates) each(with func(group) error) error {
	var g group
	var key, number []byte
	finish := func() error {
		if !g.counts() {
			return nil
		}
		return with(g)
	}
	err := d.sorter.each(func(record []byte) error {
		if !bytes.Equal(key, record[:keyBytes]) {
			if err := finish(); err != nil {
				return err
			}
			key, number = append(key[:0], record[:keyBytes]...), number[:0]
			g = group{finding: Duplicates()[key[0]], listed: g.listed[:0]}
		}
		g.accounts++
		// Within a group, records are in the order of their numbers.
		switch of := record[keyBytes : keyBytes+numberBytes]; {
		case bytes.Equal(of, make([]byte, numberBytes)):
			g.none = true
		case !bytes.Equal(of, number):
			g.numbers++
			number = append(number[:0], of...)
		}
		if len(g.listed) < groupListed {
			g.listed = append(g.listed, identity.AccountID(record[keyBytes+numberBytes:]))
		}
		return nil
	})
	if err != nil {
		return err
	}
	return finish()
}

func (d *duplicates) close() error { return d.sorter.close() }
