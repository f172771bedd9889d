-- Links of people who act for an organisation: which, as a keyed hash; 00
-- is for themselves. Each has a default of its own.

-- +goose Up
ALTER TABLE links ADD COLUMN organisation_hmac BYTEA NOT NULL DEFAULT '\x00';
DROP INDEX links_default;
CREATE UNIQUE INDEX links_default ON links (citizen_id, organisation_hmac) WHERE ended_at IS NULL AND is_default = 1;
