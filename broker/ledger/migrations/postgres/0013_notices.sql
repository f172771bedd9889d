-- What the people behind an account are to be told.

-- +goose Up
CREATE TABLE notices (
    id           TEXT PRIMARY KEY,
    account_hmac BYTEA NOT NULL,
    citizen_id   TEXT NOT NULL,
    key_id       TEXT NOT NULL,
    sealed       BYTEA NOT NULL,
    event        TEXT NOT NULL,
    at           BIGINT NOT NULL,
    tries        BIGINT NOT NULL,
    next_at      BIGINT NOT NULL,
    outcome      TEXT NOT NULL CHECK (outcome IN ('', 'delivered', 'shown', 'failed')),
    closed_at    BIGINT
);
CREATE INDEX notices_account ON notices (account_hmac) WHERE closed_at IS NULL;
CREATE INDEX notices_citizen ON notices (citizen_id) WHERE closed_at IS NULL;
CREATE INDEX notices_next ON notices (next_at) WHERE closed_at IS NULL;
CREATE INDEX notices_waiting ON notices (at) WHERE closed_at IS NULL;
CREATE INDEX notices_closed ON notices (closed_at);
CREATE INDEX notices_key ON notices (key_id);
