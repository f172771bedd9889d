-- What officers say should become of a review.

-- +goose Up
ALTER TABLE reviews ADD COLUMN decision TEXT NOT NULL DEFAULT '' CHECK (decision IN ('', 'link', 'reject'));

-- One vote an officer; "officer" is their pseudonym.
CREATE TABLE review_votes (
    id        TEXT PRIMARY KEY,
    review_id TEXT NOT NULL REFERENCES reviews (id) ON DELETE CASCADE,
    officer   TEXT NOT NULL,
    decision  TEXT NOT NULL CHECK (decision IN ('link', 'reject')),
    key_id    TEXT NOT NULL,
    sealed    BYTEA NOT NULL,
    at        BIGINT NOT NULL
);
CREATE UNIQUE INDEX review_votes_officer ON review_votes (review_id, officer);
CREATE INDEX review_votes_key ON review_votes (key_id);
