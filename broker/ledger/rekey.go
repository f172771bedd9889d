package ledger

import (
	"context"
	"fmt"
	"strconv"
	"time"
)

// Progress is how far a long command has come, in rows. Total may grow under
// way, since others write.
type Progress struct{ Done, Total int64 }

// rekeyBatch is how many rows a transaction takes, so that others need not
// wait long for theirs.
const rekeyBatch = 200

// sealedTables are the tables whose rows are sealed, and the column that each
// row is bound to.
var sealedTables = []struct{ name, row string }{
	{"citizens", "id"}, {"identifiers", "id"}, {"links", "id"}, {"skips", "id"}, {"pending", "id"}, {"reviews", "id"},
	{"exemptions", "id"}, {"review_votes", "id"}, {"notices", "id"}, {"clean_states", "account_hmac"}, {"audit_keys", "id"}, {"revocations", "seq"},
}

// Rekey seals under the first of Config.Keys whatever lies under another one,
// and signs the audit's checkpoints with it, while others serve. It can be cut
// off at any moment and called again. When it returns nil nothing needs the
// other keys any more, provided that no process that still has another key
// first has written since. ErrChain: a checkpoint is not signed.
func (l *Ledger) Rekey(ctx context.Context, tell func(Progress)) error {
	var p Progress
	if err := l.read(ctx, func(t *transaction) (err error) {
		p.Total, err = t.underOtherKeys()
		return err
	}); err != nil {
		return err
	}
	tell(p)
	if p.Total == 0 {
		return nil
	}
	for _, batch := range l.rekeyBatches() {
		for {
			var done int
			took := time.Now()
			if err := l.change(ctx, func(t *transaction) (err error) {
				done, err = batch(t)
				return err
			}); err != nil {
				return err
			}
			if done == 0 {
				break
			}
			p.Done += int64(done)
			p.Total = max(p.Total, p.Done)
			tell(p)
			if err := rest(ctx, time.Since(took)); err != nil {
				return err
			}
		}
	}
	return l.Audit(ctx, Event{Name: EventRekeyed, Detail: map[string]string{"key": l.keys.active}})
}

// rest leaves others as much time as we have taken: who holds the lock half of
// the time holds nobody up.
func rest(ctx context.Context, took time.Duration) error {
	select {
	case <-ctx.Done():
		return fault(ctx.Err())
	case <-time.After(took):
		return nil
	}
}

// otherKeys are those that open and do not seal.
func (k *keyring) otherKeys() (ids []string) {
	for id := range k.aeads {
		if id != k.active {
			ids = append(ids, id)
		}
	}
	return ids
}

func (t *transaction) underOtherKeys() (total int64, err error) {
	for _, table := range keyedTables {
		for _, id := range t.ledger.keys.otherKeys() {
			var count int64
			if _, err := t.one("SELECT COUNT(*) FROM "+table+" WHERE key_id = ?", []any{id}, &count); err != nil {
				return 0, err
			}
			total += count
		}
	}
	return total, nil
}

// rekeyBatches are the kinds of step; each does some rows and returns how many.
func (l *Ledger) rekeyBatches() (batches []func(*transaction) (int, error)) {
	for _, id := range l.keys.otherKeys() {
		for _, table := range sealedTables {
			batches = append(batches, func(t *transaction) (int, error) { return t.reseal(table.name, table.row, id) })
		}
		batches = append(batches,
			func(t *transaction) (int, error) { return t.resignCheckpoints(id) },
			func(t *transaction) (int, error) { return t.resignHead(id) })
	}
	return batches
}

func (t *transaction) reseal(table, column, keyID string) (int, error) {
	type row struct {
		id  any
		at  string
		box []byte
	}
	var rows []row
	if err := t.each("SELECT "+column+", sealed FROM "+table+" WHERE key_id = ? LIMIT ?", []any{keyID, rekeyBatch},
		func(scan func(...any) error) error {
			var r row
			err := scan(&r.id, &r.box)
			r.at = rowName(r.id)
			rows = append(rows, r)
			return err
		}); err != nil {
		return 0, err
	}
	keys := t.ledger.keys
	for _, r := range rows {
		plain, err := keys.open(table, r.at, sealed{keyID, r.box})
		if err != nil {
			return 0, err
		}
		s := keys.seal(table, r.at, plain)
		if _, err := t.exec("UPDATE "+table+" SET key_id = ?, sealed = ? WHERE "+column+" = ?", s.keyID, s.box, r.id); err != nil {
			return 0, err
		}
	}
	return len(rows), nil
}

// rowName is what a value is bound to: its row's key, as text.
func rowName(key any) string {
	switch key := key.(type) {
	case int64:
		return strconv.FormatInt(key, 10)
	case []byte:
		return string(key)
	}
	return fmt.Sprint(key)
}

// resignCheckpoints says with the active key what the other one has signed.
func (t *transaction) resignCheckpoints(keyID string) (int, error) {
	var found []statement
	if err := t.each("SELECT seq, at, hash, key_id, signer, signature FROM audit_checkpoints WHERE key_id = ? LIMIT ?",
		[]any{keyID, rekeyBatch}, func(scan func(...any) error) error {
			s := statement{about: atCheckpoint}
			err := scan(s.fields()...)
			found = append(found, s)
			return err
		}); err != nil {
		return 0, err
	}
	for _, s := range found {
		if !t.ledger.keys.signed(s) {
			return 0, fmt.Errorf("%w: checkpoint %d is not signed", ErrChain, s.seq)
		}
		s = t.ledger.keys.state(s.about, s.seq, s.at, s.hash)
		if _, err := t.exec("UPDATE audit_checkpoints SET key_id = ?, signer = ?, signature = ? WHERE seq = ?",
			s.keyID, s.signer, s.signature, s.seq); err != nil {
			return 0, err
		}
	}
	return len(found), nil
}

func (t *transaction) resignHead(keyID string) (int, error) {
	head, found, err := t.head()
	if err != nil || !found || head.keyID != keyID {
		return 0, err
	}
	if head, _, err = t.soundEnd(); err != nil {
		return 0, err
	}
	return 1, t.setHead(head.seq, head.hash)
}
