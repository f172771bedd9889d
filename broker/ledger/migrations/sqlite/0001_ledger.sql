-- Times are milliseconds of Unix time. "sealed" holds what is personal,
-- encrypted under the key that key_id names; an "hmac" finds it again.

-- +goose Up
CREATE TABLE meta (
    name  TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT;

-- The number of the newest revocation. It is raised in the transaction that
-- writes the row, so rows become visible in the order of their numbers.
CREATE TABLE sequences (
    name  TEXT PRIMARY KEY,
    value INTEGER NOT NULL
) STRICT;
INSERT INTO sequences (name, value) VALUES ('revocations', 0);

CREATE TABLE citizens (
    id         TEXT PRIMARY KEY,
    key_id     TEXT NOT NULL,
    sealed     BLOB NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;
CREATE INDEX citizens_key ON citizens (key_id);

CREATE TABLE identifiers (
    id         TEXT PRIMARY KEY,
    citizen_id TEXT NOT NULL REFERENCES citizens (id),
    kind       TEXT NOT NULL CHECK (kind IN ('subject', 'number')),
    provider   TEXT NOT NULL,
    hmac       BLOB NOT NULL,
    key_id     TEXT NOT NULL,
    sealed     BLOB NOT NULL,
    since      INTEGER NOT NULL,
    ended_at   INTEGER
) STRICT;
CREATE UNIQUE INDEX identifiers_active ON identifiers (kind, hmac) WHERE ended_at IS NULL;
CREATE UNIQUE INDEX identifiers_citizen ON identifiers (citizen_id, kind, provider) WHERE ended_at IS NULL;
CREATE INDEX identifiers_key ON identifiers (key_id);

CREATE TABLE links (
    id               TEXT PRIMARY KEY,
    citizen_id       TEXT NOT NULL REFERENCES citizens (id),
    account_hmac     BLOB NOT NULL,
    key_id           TEXT NOT NULL,
    sealed           BLOB NOT NULL,
    kind             TEXT NOT NULL,
    method           TEXT NOT NULL,
    strength         TEXT NOT NULL,
    is_default       INTEGER NOT NULL CHECK (is_default IN (0, 1)),
    since            INTEGER NOT NULL,
    provider_used_at INTEGER,
    ended_at         INTEGER
) STRICT;
CREATE UNIQUE INDEX links_account ON links (account_hmac) WHERE ended_at IS NULL;
CREATE UNIQUE INDEX links_default ON links (citizen_id) WHERE ended_at IS NULL AND is_default = 1;
CREATE INDEX links_citizen ON links (citizen_id);
CREATE INDEX links_key ON links (key_id);

CREATE TABLE consents (
    id       TEXT PRIMARY KEY,
    link_id  TEXT NOT NULL REFERENCES links (id),
    version  TEXT NOT NULL,
    language TEXT NOT NULL,
    method   TEXT NOT NULL,
    at       INTEGER NOT NULL
) STRICT;
CREATE INDEX consents_link ON consents (link_id);

CREATE TABLE skips (
    id           TEXT PRIMARY KEY,
    account_hmac BLOB NOT NULL,
    key_id       TEXT NOT NULL,
    sealed       BLOB NOT NULL,
    kind         TEXT NOT NULL,
    at           INTEGER NOT NULL,
    closed_at    INTEGER
) STRICT;
CREATE INDEX skips_account ON skips (account_hmac);
CREATE INDEX skips_key ON skips (key_id);

CREATE TABLE spent (
    purpose    TEXT NOT NULL,
    hmac       BLOB NOT NULL,
    expires_at INTEGER NOT NULL,
    PRIMARY KEY (purpose, hmac)
) STRICT;
CREATE INDEX spent_expires ON spent (expires_at);

CREATE TABLE counters (
    scope    TEXT NOT NULL,
    hmac     BLOB NOT NULL,
    tries    INTEGER NOT NULL,
    until_at INTEGER NOT NULL,
    PRIMARY KEY (scope, hmac)
) STRICT;
CREATE INDEX counters_until ON counters (until_at);

CREATE TABLE revocations (
    seq       INTEGER PRIMARY KEY,
    kind      TEXT NOT NULL,
    key_id    TEXT NOT NULL,
    sealed    BLOB NOT NULL,
    before_at INTEGER NOT NULL,
    until_at  INTEGER NOT NULL
) STRICT;
CREATE INDEX revocations_until ON revocations (until_at);
CREATE INDEX revocations_key ON revocations (key_id);

CREATE TABLE secrets (
    hmac       BLOB PRIMARY KEY,
    value      BLOB NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT;
CREATE INDEX secrets_expires ON secrets (expires_at);

CREATE TABLE audit (
    seq     INTEGER PRIMARY KEY AUTOINCREMENT,
    id      TEXT NOT NULL UNIQUE,
    at      INTEGER NOT NULL,
    event   TEXT NOT NULL,
    actor   TEXT NOT NULL,
    account TEXT NOT NULL,
    citizen TEXT NOT NULL,
    key_id  TEXT NOT NULL,
    sealed  BLOB NOT NULL
) STRICT;
CREATE INDEX audit_account ON audit (account);
CREATE INDEX audit_citizen ON audit (citizen);
CREATE INDEX audit_key ON audit (key_id);
