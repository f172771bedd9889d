-- The audit chain, pending checks and exemptions.

-- +goose Up

-- What an audit row holds of one citizen is sealed under a key of that
-- citizen's, which lies here, itself sealed; erasing the citizen destroys it.
-- The row without a citizen is the ledger's own.
CREATE TABLE audit_keys (
    id           TEXT PRIMARY KEY,
    citizen_id   TEXT NOT NULL,
    key_id       TEXT NOT NULL,
    sealed       BYTEA NOT NULL,
    created_at   BIGINT NOT NULL,
    destroyed_at BIGINT
);
CREATE UNIQUE INDEX audit_keys_citizen ON audit_keys (citizen_id) WHERE destroyed_at IS NULL;
CREATE INDEX audit_keys_key ON audit_keys (key_id);

-- "mac" is made by whoever appends the row; chain_seq, prev and hash by the
-- sealer. key_id is empty: data_key says what opens the row.
ALTER TABLE audit ADD COLUMN data_key TEXT NOT NULL DEFAULT '';
ALTER TABLE audit ADD COLUMN mac BYTEA;
ALTER TABLE audit ADD COLUMN chain_seq BIGINT;
ALTER TABLE audit ADD COLUMN prev BYTEA;
ALTER TABLE audit ADD COLUMN hash BYTEA;
CREATE UNIQUE INDEX audit_chain ON audit (chain_seq);

CREATE TABLE audit_checkpoints (
    seq       BIGINT PRIMARY KEY,
    at        BIGINT NOT NULL,
    hash      BYTEA NOT NULL,
    key_id    TEXT NOT NULL,
    signer    TEXT NOT NULL,
    signature BYTEA NOT NULL
);
CREATE INDEX audit_checkpoints_key ON audit_checkpoints (key_id);

-- One row: the chain's newest end, and which process may lengthen it.
CREATE TABLE audit_head (
    name      TEXT PRIMARY KEY CHECK (name = 'head'),
    holder    TEXT NOT NULL,
    until_at  BIGINT NOT NULL,
    seq       BIGINT NOT NULL,
    at        BIGINT NOT NULL,
    hash      BYTEA NOT NULL,
    key_id    TEXT NOT NULL,
    signer    TEXT NOT NULL,
    signature BYTEA NOT NULL
);

-- Matches that the population database has not answered yet, and how those
-- that it has answered ended.
CREATE TABLE pending (
    id               TEXT PRIMARY KEY,
    account_hmac     BYTEA NOT NULL,
    key_id           TEXT NOT NULL,
    sealed           BYTEA NOT NULL,
    kind             TEXT NOT NULL,
    consent_version  TEXT NOT NULL,
    consent_language TEXT NOT NULL,
    at               BIGINT NOT NULL,
    tries            BIGINT NOT NULL,
    next_at          BIGINT NOT NULL,
    outcome          TEXT NOT NULL CHECK (outcome IN ('', 'matched', 'not_matched', 'conflict')),
    reference        TEXT NOT NULL,
    closed_at        BIGINT
);
CREATE UNIQUE INDEX pending_open ON pending (account_hmac) WHERE closed_at IS NULL;
CREATE INDEX pending_account ON pending (account_hmac, closed_at);
CREATE INDEX pending_next ON pending (next_at) WHERE closed_at IS NULL;
CREATE INDEX pending_closed ON pending (closed_at);
CREATE INDEX pending_key ON pending (key_id);

CREATE TABLE exemptions (
    id           TEXT PRIMARY KEY,
    account_hmac BYTEA NOT NULL,
    key_id       TEXT NOT NULL,
    sealed       BYTEA NOT NULL,
    until_at     BIGINT NOT NULL,
    at           BIGINT NOT NULL,
    ended_at     BIGINT
);
CREATE UNIQUE INDEX exemptions_account ON exemptions (account_hmac) WHERE ended_at IS NULL;
CREATE INDEX exemptions_key ON exemptions (key_id);
