-- What staff must look at: data that name two people, numbers and accounts
-- that are linked otherwise.

-- +goose Up

-- "who" says that a review is the same as an open one: account, reason and
-- the subject that a provider vouched for. subject_hmac is empty where the
-- account came first.
CREATE TABLE reviews (
    id           TEXT PRIMARY KEY,
    who          BLOB NOT NULL,
    account_hmac BLOB NOT NULL,
    subject_hmac BLOB NOT NULL,
    key_id       TEXT NOT NULL,
    sealed       BLOB NOT NULL,
    kind         TEXT NOT NULL,
    reason       TEXT NOT NULL CHECK (reason IN ('conflict', 'mismatch_review')),
    reference    TEXT NOT NULL,
    at           INTEGER NOT NULL,
    last_at      INTEGER NOT NULL,
    times        INTEGER NOT NULL,
    outcome      TEXT NOT NULL CHECK (outcome IN ('', 'linked')),
    closed_at    INTEGER
) STRICT;
CREATE UNIQUE INDEX reviews_open ON reviews (who) WHERE closed_at IS NULL;
CREATE UNIQUE INDEX reviews_reference ON reviews (reference);
CREATE INDEX reviews_account ON reviews (account_hmac) WHERE closed_at IS NULL;
CREATE INDEX reviews_waiting ON reviews (at) WHERE closed_at IS NULL;
CREATE INDEX reviews_closed ON reviews (closed_at);
CREATE INDEX reviews_key ON reviews (key_id);
