-- Links whose citizen number the portal's directory is to hold as verified.

-- +goose Up

-- A row has the id of its link, which knows account and number.
CREATE TABLE write_backs (
    id        TEXT PRIMARY KEY REFERENCES links (id),
    at        INTEGER NOT NULL,
    tries     INTEGER NOT NULL,
    next_at   INTEGER NOT NULL,
    outcome   TEXT NOT NULL CHECK (outcome IN ('', 'written', 'there', 'dropped', 'refused')),
    reference TEXT NOT NULL,
    closed_at INTEGER
) STRICT;
CREATE INDEX write_backs_next ON write_backs (next_at) WHERE closed_at IS NULL;
CREATE INDEX write_backs_waiting ON write_backs (at) WHERE closed_at IS NULL;
CREATE INDEX write_backs_closed ON write_backs (closed_at);
