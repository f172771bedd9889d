-- Links that their citizens have asked to end, after a time to think it over.

-- +goose Up
CREATE TABLE unlinks (
    id        TEXT PRIMARY KEY,
    link_id   TEXT NOT NULL REFERENCES links (id),
    at        BIGINT NOT NULL,
    due_at    BIGINT NOT NULL,
    outcome   TEXT NOT NULL CHECK (outcome IN ('', 'done', 'withdrawn', 'gone')),
    closed_at BIGINT
);
CREATE UNIQUE INDEX unlinks_open ON unlinks (link_id) WHERE closed_at IS NULL;
CREATE INDEX unlinks_due ON unlinks (due_at) WHERE closed_at IS NULL;
CREATE INDEX unlinks_closed ON unlinks (closed_at);
