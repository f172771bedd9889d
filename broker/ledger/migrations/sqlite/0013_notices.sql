-- What the people behind an account are to be told.

-- +goose Up
CREATE TABLE notices (
    id           TEXT PRIMARY KEY,
    account_hmac BLOB NOT NULL,
    citizen_id   TEXT NOT NULL,
    key_id       TEXT NOT NULL,
    sealed       BLOB NOT NULL,
    event        TEXT NOT NULL,
    at           INTEGER NOT NULL,
    tries        INTEGER NOT NULL,
    next_at      INTEGER NOT NULL,
    outcome      TEXT NOT NULL CHECK (outcome IN ('', 'delivered', 'shown', 'failed')),
    closed_at    INTEGER
) STRICT;
CREATE INDEX notices_account ON notices (account_hmac) WHERE closed_at IS NULL;
CREATE INDEX notices_citizen ON notices (citizen_id) WHERE closed_at IS NULL;
CREATE INDEX notices_next ON notices (next_at) WHERE closed_at IS NULL;
CREATE INDEX notices_waiting ON notices (at) WHERE closed_at IS NULL;
CREATE INDEX notices_closed ON notices (closed_at);
CREATE INDEX notices_key ON notices (key_id);
