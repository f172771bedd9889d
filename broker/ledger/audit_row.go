package ledger

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"strconv"
)

// auditRow is an audit row as it lies in the table.
type auditRow struct {
	seq                                   int64 // order of writing; rows are chained by chainSeq
	id                                    string
	at                                    int64
	event, actor, account, citizen, keyID string
	dataKey                               string
	sealed, mac                           []byte

	chainSeq   int64
	prev, hash []byte
}

const (
	auditColumns = "a.seq, a.id, a.at, a.event, a.actor, a.account, a.citizen, a.key_id, a.data_key, a.sealed, a.mac"
	chainColumns = auditColumns + ", a.chain_seq, a.prev, a.hash"
)

// fields are where auditColumns are read to.
func (r *auditRow) fields() []any {
	return []any{&r.seq, &r.id, &r.at, &r.event, &r.actor, &r.account, &r.citizen, &r.keyID, &r.dataKey, &r.sealed, &r.mac}
}

// chainFields are where chainColumns are read to.
func (r *auditRow) chainFields() []any { return append(r.fields(), &r.chainSeq, &r.prev, &r.hash) }

// content is what whoever appends the row knows of it.
func (r auditRow) content() []string {
	return []string{r.id, strconv.FormatInt(r.at, 10), r.event, r.actor, r.account, r.citizen, r.keyID, r.dataKey, string(r.sealed)}
}

// link is the row's hash: SHA-256 over its place, its predecessor's hash, its
// content and its mac, each with its length before it.
func (r auditRow) link(prev []byte) []byte {
	sum := sha256.Sum256(lengthPrefixed(append([]string{"vneid-proxy audit row",
		strconv.FormatInt(r.chainSeq, 10), string(prev), strconv.FormatInt(r.seq, 10), string(r.mac)}, r.content()...)...))
	return sum[:]
}

// chained reports whether the row follows prev as it was sealed.
func (r auditRow) chained(prev []byte) bool {
	return bytes.Equal(r.prev, prev) && bytes.Equal(r.hash, r.link(prev))
}

// mac proves that the ledger wrote the row: whoever can write to the database
// and has no key cannot have a row of theirs sealed unnoticed.
func (k *dataKey) mac(r auditRow) []byte { return keyedHash(k.macKey, "audit row", r.content()...) }

func (k *dataKey) wrote(r auditRow) bool { return hmac.Equal(r.mac, k.mac(r)) }
