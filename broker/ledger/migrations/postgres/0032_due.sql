-- Secrets that fall due: what somebody is to do something with, one at a time.

-- +goose Up

-- due_at is 0 for a secret that never does. fence is raised by each claim: who
-- held an earlier one is too late.
ALTER TABLE secrets ADD COLUMN due_at BIGINT NOT NULL DEFAULT 0;
ALTER TABLE secrets ADD COLUMN fence BIGINT NOT NULL DEFAULT 0;
