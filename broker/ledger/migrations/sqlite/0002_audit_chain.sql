-- The audit chain, pending checks and exemptions.

-- +goose Up

-- What an audit row holds of one citizen is sealed under a key of that
-- citizen's, which lies here, itself sealed; erasing the citizen destroys it.
-- The row without a citizen is the ledger's own.
CREATE TABLE audit_keys (
    id           TEXT PRIMARY KEY,
    citizen_id   TEXT NOT NULL,
    key_id       TEXT NOT NULL,
    sealed       BLOB NOT NULL,
    created_at   INTEGER NOT NULL,
    destroyed_at INTEGER
) STRICT;
CREATE UNIQUE INDEX audit_keys_citizen ON audit_keys (citizen_id) WHERE destroyed_at IS NULL;
CREATE INDEX audit_keys_key ON audit_keys (key_id);

-- "mac" is made by whoever appends the row; chain_seq, prev and hash by the
-- sealer. key_id is empty: data_key says what opens the row.
ALTER TABLE audit ADD COLUMN data_key TEXT NOT NULL DEFAULT '';
ALTER TABLE audit ADD COLUMN mac BLOB;
ALTER TABLE audit ADD COLUMN chain_seq INTEGER;
ALTER TABLE audit ADD COLUMN prev BLOB;
ALTER TABLE audit ADD COLUMN hash BLOB;
CREATE UNIQUE INDEX audit_chain ON audit (chain_seq);

CREATE TABLE audit_checkpoints (
    seq       INTEGER PRIMARY KEY,
    at        INTEGER NOT NULL,
    hash      BLOB NOT NULL,
    key_id    TEXT NOT NULL,
    signer    TEXT NOT NULL,
    signature BLOB NOT NULL
) STRICT;
CREATE INDEX audit_checkpoints_key ON audit_checkpoints (key_id);

-- One row: the chain's newest end, and which process may lengthen it.
CREATE TABLE audit_head (
    name      TEXT PRIMARY KEY CHECK (name = 'head'),
    holder    TEXT NOT NULL,
    until_at  INTEGER NOT NULL,
    seq       INTEGER NOT NULL,
    at        INTEGER NOT NULL,
    hash      BLOB NOT NULL,
    key_id    TEXT NOT NULL,
    signer    TEXT NOT NULL,
    signature BLOB NOT NULL
) STRICT;

-- Matches that the population database has not answered yet, and how those
-- that it has answered ended.
CREATE TABLE pending (
    id               TEXT PRIMARY KEY,
    account_hmac     BLOB NOT NULL,
    key_id           TEXT NOT NULL,
    sealed           BLOB NOT NULL,
    kind             TEXT NOT NULL,
    consent_version  TEXT NOT NULL,
    consent_language TEXT NOT NULL,
    at               INTEGER NOT NULL,
    tries            INTEGER NOT NULL,
    next_at          INTEGER NOT NULL,
    outcome          TEXT NOT NULL CHECK (outcome IN ('', 'matched', 'not_matched', 'conflict')),
    reference        TEXT NOT NULL,
    closed_at        INTEGER
) STRICT;
CREATE UNIQUE INDEX pending_open ON pending (account_hmac) WHERE closed_at IS NULL;
CREATE INDEX pending_account ON pending (account_hmac, closed_at);
CREATE INDEX pending_next ON pending (next_at) WHERE closed_at IS NULL;
CREATE INDEX pending_closed ON pending (closed_at);
CREATE INDEX pending_key ON pending (key_id);

CREATE TABLE exemptions (
    id           TEXT PRIMARY KEY,
    account_hmac BLOB NOT NULL,
    key_id       TEXT NOT NULL,
    sealed       BLOB NOT NULL,
    until_at     INTEGER NOT NULL,
    at           INTEGER NOT NULL,
    ended_at     INTEGER
) STRICT;
CREATE UNIQUE INDEX exemptions_account ON exemptions (account_hmac) WHERE ended_at IS NULL;
CREATE INDEX exemptions_key ON exemptions (key_id);
