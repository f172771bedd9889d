package ledger

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"vneid-proxy/identity"
)

// RekeyIndex has rows found by Config.NextIndexKey, or where there is none by
// Config.IndexKey, while processes that have both keys serve. From its first
// moment rows are written under the new key and looked up by both; then it
// brings the older ones over. It can be cut off at any moment and called again.
//
// Ids, counters and secrets whose value is not kept cannot be brought over.
// They are looked up by both keys until the last of them is void: old is
// needed until then, and is zero where nothing needs it. After that
// Config.IndexKey may be the new key, alone.
func (l *Ledger) RekeyIndex(ctx context.Context, tell func(Progress)) (old time.Time, err error) {
	if err := l.change(ctx, (*transaction).switchIndex); err != nil {
		return time.Time{}, err
	}
	var p Progress
	if err := l.read(ctx, func(t *transaction) error {
		p.Total = 0
		if t.index.old == nil {
			return nil
		}
		for _, table := range foundTables() {
			var count int64
			if _, err := t.one("SELECT COUNT(*) FROM "+table.name, nil, &count); err != nil {
				return err
			}
			p.Total += count
		}
		return nil
	}); err != nil {
		return time.Time{}, err
	}
	tell(p)
	if p.Total > 0 {
		for _, table := range foundTables() {
			if err := l.refindTable(ctx, table, &p, tell); err != nil {
				return time.Time{}, err
			}
		}
		if err := l.refindClean(ctx, &p, tell); err != nil {
			return time.Time{}, err
		}
	}
	err = l.change(ctx, func(t *transaction) error {
		old = time.Time{}
		if t.index.old == nil {
			return nil
		}
		if err := t.setMeta(metaIndexDone, "1"); err != nil {
			return err
		}
		meta, err := t.indexMeta()
		if err != nil {
			return err
		}
		if !t.indexVoid(meta) {
			until, err := strconv.ParseInt(meta[metaIndexUntil], 10, 64)
			old = moment(until).Add(clockSkew)
			return err
		}
		return t.endIndexMove()
	})
	return old, err
}

// switchIndex has rows written under the new key from the next transaction on.
// It waits for those under way.
func (t *transaction) switchIndex() error {
	if err := t.ledger.db.alone(t); err != nil {
		return err
	}
	keys := t.ledger.keys
	next := keys.nextID
	if next == "" {
		next = keys.indexID
	}
	switch {
	case t.index.nowID == next:
		return nil
	case t.index.oldID == next:
		return fmt.Errorf("%w: the ledger moves from index key %s to %s already", ErrKey, t.index.oldID, t.index.nowID)
	case t.index.oldID != "":
		return fmt.Errorf("%w: the ledger still moves from index key %s to %s", ErrKey, t.index.oldID, t.index.nowID)
	}
	until := stamp(t.at)
	for _, of := range []string{"expires_at) FROM spent", "until_at) FROM counters", "expires_at) FROM secrets"} {
		var last *int64
		if _, err := t.one("SELECT MAX("+of, nil, &last); err != nil {
			return err
		}
		if last != nil {
			until = max(until, *last)
		}
	}
	if _, err := t.exec("DELETE FROM meta WHERE name = ?", metaIndexDone); err != nil {
		return err
	}
	for name, value := range map[string]string{
		metaIndex: next, metaIndexOld: t.index.nowID, metaIndexUntil: strconv.FormatInt(until, 10),
	} {
		if err := t.setMeta(name, value); err != nil {
			return err
		}
	}
	return t.audit(Event{Name: EventIndexMoved, Detail: map[string]string{"from": t.index.nowID, "to": next}})
}

// foundTable is a table whose rows are found by hashes of what is sealed in
// them.
type foundTable struct {
	name  string
	clear string   // what of it the hashes need beside, as a column; "''" for nothing
	other string   // likewise
	hash  []string // the columns
	// of is what the columns ought to hold.
	of func(t *transaction, id, clear, other string, s sealed) ([]digest, error)
}

// foundTables are all of those.
func foundTables() []foundTable {
	return []foundTable{
		{"identifiers", "kind", "provider", []string{"hmac"}, func(t *transaction, id, kind, provider string, s sealed) ([]digest, error) {
			plain, err := t.ledger.keys.open("identifiers", id, s)
			if kind == kindNumber {
				return []digest{t.find(kindNumber, string(plain))}, err
			}
			return []digest{t.find(kindSubject, provider, string(plain))}, err
		}},
		{"links", "organisation_hmac", "''", []string{"account_hmac", "organisation_hmac"}, func(t *transaction, id, organisation, _ string, s sealed) ([]digest, error) {
			p, err := t.ledger.openParties(id, []byte(organisation), s)
			return []digest{t.accountKey(identity.AccountID(p.Account)), t.organisationOf(p, []byte(organisation))}, err
		}},
		{"skips", "''", "''", []string{"account_hmac"}, plainAccount("skips")},
		{"pending", "''", "''", []string{"account_hmac"}, func(t *transaction, id, _, _ string, s sealed) ([]digest, error) {
			var q question
			err := t.openJSON("pending", id, s, &q)
			return []digest{t.accountKey(identity.AccountID(q.Account))}, err
		}},
		{"exemptions", "''", "''", []string{"account_hmac"}, func(t *transaction, id, _, _ string, s sealed) ([]digest, error) {
			var e sealedExemption
			err := t.openJSON("exemptions", id, s, &e)
			return []digest{t.accountKey(identity.AccountID(e.Account))}, err
		}},
		{"notices", "''", "''", []string{"account_hmac"}, func(t *transaction, id, _, _ string, s sealed) ([]digest, error) {
			var n sealedNotice
			err := t.openJSON("notices", id, s, &n)
			return []digest{t.accountKey(identity.AccountID(n.Account))}, err
		}},
		{"reviews", "reason", "''", []string{"who", "account_hmac", "subject_hmac"}, func(t *transaction, id, reason, _ string, s sealed) ([]digest, error) {
			var r reviewed
			err := t.openJSON("reviews", id, s, &r)
			return []digest{
				t.find("review", r.Account, reason, r.Provider, r.Subject), t.accountKey(identity.AccountID(r.Account)),
				t.reviewSubject(identity.Citizen{Provider: r.Provider, Subject: r.Subject}),
			}, err
		}},
	}
}

func plainAccount(table string) func(t *transaction, id, _, _ string, s sealed) ([]digest, error) {
	return func(t *transaction, id, _, _ string, s sealed) ([]digest, error) {
		plain, err := t.ledger.keys.open(table, id, s)
		return []digest{t.accountKey(identity.AccountID(plain))}, err
	}
}

func (t *transaction) openJSON(table, id string, s sealed, into any) error {
	plain, err := t.ledger.keys.open(table, id, s)
	if err != nil {
		return err
	}
	return json.Unmarshal(plain, into)
}

// foundRow is a row of such a table.
type foundRow struct {
	id, clear, other string
	sealed           sealed
	hashes           [3][]byte
}

// query reads rows in the order of their ids.
func (f foundTable) query(rest string) string {
	query := "SELECT id, " + f.clear + ", " + f.other + ", key_id, sealed"
	for i := range 3 {
		query += ", " + f.hash[min(i, len(f.hash)-1)]
	}
	return query + " FROM " + f.name + rest
}

func (r *foundRow) fields() []any {
	return []any{&r.id, &r.clear, &r.other, &r.sealed.keyID, &r.sealed.box, &r.hashes[0], &r.hashes[1], &r.hashes[2]}
}

// refindTable brings a table's rows under the new key.
func (l *Ledger) refindTable(ctx context.Context, f foundTable, p *Progress, tell func(Progress)) error {
	for last := ""; ; {
		var rows []foundRow
		took := time.Now()
		if err := l.change(ctx, func(t *transaction) error {
			rows = nil
			if err := t.each(f.query(" WHERE id > ? ORDER BY id LIMIT ?"), []any{last, rekeyBatch}, func(scan func(...any) error) error {
				var r foundRow
				err := scan(r.fields()...)
				rows = append(rows, r)
				return err
			}); err != nil {
				return err
			}
			for _, r := range rows {
				if err := t.refind(f, r); err != nil {
					return err
				}
			}
			return nil
		}); err != nil {
			return err
		}
		if len(rows) == 0 {
			return nil
		}
		last = rows[len(rows)-1].id
		p.Done += int64(len(rows))
		p.Total = max(p.Total, p.Done)
		tell(*p)
		if err := rest(ctx, time.Since(took)); err != nil {
			return err
		}
	}
}

func (t *transaction) refind(f foundTable, r foundRow) error {
	want, err := f.of(t, r.id, r.clear, r.other, r.sealed)
	if err != nil {
		return err
	}
	for i, column := range f.hash {
		if bytes.Equal(r.hashes[i], want[i].now) {
			continue
		}
		if _, err := t.exec("UPDATE "+f.name+" SET "+column+" = ? WHERE id = ?", want[i].now, r.id); err != nil {
			return err
		}
	}
	return nil
}

// refindClean brings the states of the clean-up under the new key. Their rows
// are bound to the hash itself, so that they are sealed anew. The question
// that was asked is not kept: it counts as another one from then on, and the
// account may be asked about once more.
func (l *Ledger) refindClean(ctx context.Context, p *Progress, tell func(Progress)) error {
	for last := []byte{0}; ; { // below every hash: an empty one would be NULL
		var rows []cleanRow
		took := time.Now()
		if err := l.change(ctx, func(t *transaction) (err error) {
			if rows, err = t.cleanRows("WHERE account_hmac > ? ORDER BY account_hmac LIMIT ?", last, rekeyBatch); err != nil {
				return err
			}
			for _, r := range rows {
				if err := t.refindCleanRow(r); err != nil {
					return err
				}
			}
			return nil
		}); err != nil {
			return err
		}
		if len(rows) == 0 {
			return nil
		}
		last = rows[len(rows)-1].hmac
		p.Done += int64(len(rows))
		p.Total = max(p.Total, p.Done)
		tell(*p)
		if err := rest(ctx, time.Since(took)); err != nil {
			return err
		}
	}
}

// cleanRow is a state of the clean-up as it lies.
type cleanRow struct {
	hmac   []byte
	sealed sealed
}

func (t *transaction) cleanRows(rest string, args ...any) (rows []cleanRow, err error) {
	err = t.each("SELECT account_hmac, key_id, sealed FROM clean_states "+rest, args, func(scan func(...any) error) error {
		var r cleanRow
		err := scan(&r.hmac, &r.sealed.keyID, &r.sealed.box)
		rows = append(rows, r)
		return err
	})
	return rows, err
}

// cleanAccount opens a row.
func (t *transaction) cleanAccount(r cleanRow) (plain []byte, account digest, err error) {
	if plain, err = t.ledger.keys.open("clean_states", string(r.hmac), r.sealed); err != nil {
		return nil, digest{}, err
	}
	var inside sealedClean
	err = json.Unmarshal(plain, &inside)
	return plain, t.accountKey(identity.AccountID(inside.Account)), err
}

func (t *transaction) refindCleanRow(r cleanRow) error {
	plain, account, err := t.cleanAccount(r)
	if err != nil || bytes.Equal(r.hmac, account.now) {
		return err
	}
	s := t.ledger.keys.seal("clean_states", string(account.now), plain)
	_, err = t.exec("UPDATE clean_states SET account_hmac = ?, key_id = ?, sealed = ? WHERE account_hmac = ?",
		account.now, s.keyID, s.box, r.hmac)
	return err
}
