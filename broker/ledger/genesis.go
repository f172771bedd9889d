package ledger

import (
	"bytes"
	"crypto/sha256"
)

// startChain signs the beginning of a new chain, once. A chain that has lost
// its end is left as it is: a new beginning would hide what is missing.
func (t *transaction) startChain() error {
	_, begun, err := t.head()
	if err != nil || begun {
		return err
	}
	last, err := t.checkpoint("DESC")
	if err != nil || last.seq >= 0 {
		return err
	}
	if err := t.adoptAudit(); err != nil {
		return err
	}
	genesis := make([]byte, sha256.Size)
	if _, err := t.signCheckpoint(0, genesis); err != nil {
		return err
	}
	if _, err := t.exec(`INSERT INTO audit_head (name, holder, until_at, seq, at, hash, key_id, signer, signature)
		VALUES ('head', '', 0, 0, 0, ?, '', '', ?)`, genesis, []byte{}); err != nil {
		return err
	}
	return t.setHead(0, bytes.Clone(genesis))
}

// adoptAudit takes rows from before there was a chain: sealed under a ledger's
// key then, they are sealed under data keys now.
func (t *transaction) adoptAudit() error {
	citizens := make(map[string]string) // id by pseudonym
	if err := t.each("SELECT id FROM citizens", nil, func(scan func(...any) error) error {
		var id string
		err := scan(&id)
		citizens[t.ledger.Pseudonym("citizen", id)] = id
		return err
	}); err != nil {
		return err
	}
	var rows []auditRow
	if err := t.each("SELECT "+auditColumns+" FROM audit a WHERE a.mac IS NULL", nil, func(scan func(...any) error) error {
		var r auditRow
		err := scan(r.fields()...)
		rows = append(rows, r)
		return err
	}); err != nil {
		return err
	}
	for _, r := range rows {
		plain, err := t.ledger.keys.open("audit", r.id, sealed{r.keyID, r.sealed})
		if err != nil {
			return err
		}
		key, err := t.dataKey(citizens[r.citizen])
		if err != nil {
			return err
		}
		r.keyID, r.dataKey, r.sealed = "", key.id, key.seal(r.id, plain)
		if _, err := t.exec("UPDATE audit SET key_id = '', data_key = ?, sealed = ?, mac = ? WHERE seq = ?",
			r.dataKey, r.sealed, t.ledger.own.mac(r), r.seq); err != nil {
			return err
		}
	}
	return nil
}
