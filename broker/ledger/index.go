package ledger

import (
	"bytes"
	"fmt"
	"strconv"
)

// The rows of meta that say which index key finds what. All but the first are
// there only while the ledger moves from one key to another (RekeyIndex).
const (
	metaIndex      = "index_key"       // the id of the key that rows are written under
	metaIndexOld   = "index_key_old"   // of the one before it, under which some may still lie
	metaIndexUntil = "index_key_until" // when the last of those that cannot be found anew is void
	metaIndexDone  = "index_key_done"  // all others are under the new key
)

// index is what a transaction finds rows by. Which keys those are stands in
// the ledger itself and is read in each transaction, so that all processes
// change over at one moment; a process without the key does nothing more.
type index struct {
	now, old     []byte // old is nil where there is only one
	nowID, oldID string
}

// digest is the keyed hash under which a value is found: rows are written with
// the one and looked up by both, which are the same but while the ledger moves
// from one index key to another.
type digest struct{ now, old []byte }

func (d digest) both() []any { return []any{d.now, d.old} }

func (d digest) same(other digest) bool { return bytes.Equal(d.now, other.now) }

func (d digest) is(hash []byte) bool { return bytes.Equal(hash, d.now) || bytes.Equal(hash, d.old) }

// find is the digest of a value.
func (t *transaction) find(domain string, parts ...string) digest {
	d := digest{now: keyedHash(t.index.now, domain, parts...)}
	d.old = d.now
	if t.index.old != nil {
		d.old = keyedHash(t.index.old, domain, parts...)
	}
	return d
}

// adopt brings a row whose value is not kept under the new key, so that what is
// unique under one is unique under both.
func (t *transaction) adopt(table, column, value string, d digest) error {
	if t.index.old == nil {
		return nil
	}
	condition, args := "hmac = ?", []any{d.now, d.old}
	if column != "" {
		condition, args = condition+" AND "+column+" = ?", append(args, value)
	}
	_, err := t.exec("UPDATE "+table+" SET hmac = ? WHERE "+condition, args...)
	return err
}

// readIndex learns which keys find rows. A new ledger has none yet: the
// configured one will be it.
func (t *transaction) readIndex() error {
	keys := t.ledger.keys
	meta, err := t.indexMeta()
	if err != nil {
		return err
	}
	t.index = index{nowID: meta[metaIndex], oldID: meta[metaIndexOld]}
	if t.index.nowID == "" {
		t.index.nowID = keys.indexID
	}
	if meta[metaIndexDone] != "" && t.indexVoid(meta) {
		t.index.oldID = ""
	}
	for _, one := range []struct {
		id  string
		key *[]byte
	}{{t.index.nowID, &t.index.now}, {t.index.oldID, &t.index.old}} {
		if one.id == "" {
			continue
		}
		if *one.key = keys.indexes[one.id]; *one.key == nil {
			return fmt.Errorf("%w: rows are found by index key %s, the configured one is %s", ErrKey, one.id, keys.indexID)
		}
	}
	return nil
}

// indexVoid reports whether nothing is found by the old key any more.
func (t *transaction) indexVoid(meta map[string]string) bool {
	until, err := strconv.ParseInt(meta[metaIndexUntil], 10, 64)
	return err == nil && until <= stamp(t.at.Add(-clockSkew))
}

func (t *transaction) indexMeta() (map[string]string, error) {
	meta := make(map[string]string)
	return meta, t.each("SELECT name, value FROM meta WHERE name IN (?, ?, ?, ?)",
		[]any{metaIndex, metaIndexOld, metaIndexUntil, metaIndexDone}, func(scan func(...any) error) error {
			var name, value string
			err := scan(&name, &value)
			meta[name] = value
			return err
		})
}

func (t *transaction) setMeta(name, value string) error {
	_, err := t.exec("INSERT INTO meta (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value", name, value)
	return err
}

// endIndexMove forgets the old key once nothing is found by it.
func (t *transaction) endIndexMove() error {
	meta, err := t.indexMeta()
	if err != nil || meta[metaIndexDone] == "" || !t.indexVoid(meta) {
		return err
	}
	_, err = t.exec("DELETE FROM meta WHERE name IN (?, ?, ?)", metaIndexOld, metaIndexUntil, metaIndexDone)
	return err
}
