-- Links that have ended, by account: each sign-in without a link asks for them.

-- +goose Up
CREATE INDEX links_ended ON links (account_hmac) WHERE ended_at IS NOT NULL;
