-- What the clean-up of accounts has asked the population database, and what
-- staff have given up.

-- +goose Up

-- question_hmac is over number, name and birth date: other data in the
-- directory are another question. It is empty where staff set the state.
-- "run" is who asked last.
CREATE TABLE clean_states (
    account_hmac  BYTEA PRIMARY KEY,
    key_id        TEXT NOT NULL,
    sealed        BYTEA NOT NULL,
    question_hmac BYTEA NOT NULL,
    state         TEXT NOT NULL CHECK (state IN ('asking', 'confirmed', 'not_matched', 'unanswered', 'cannot_be_cleaned')),
    cohort        TEXT NOT NULL,
    run           TEXT NOT NULL,
    tries         BIGINT NOT NULL,
    at            BIGINT NOT NULL
);
CREATE INDEX clean_states_key ON clean_states (key_id);
CREATE INDEX clean_states_at ON clean_states (at);

-- The accounts of the whole directory as the last reading counted them, moved
-- on with each answer since.
CREATE TABLE clean_counts (
    state    TEXT NOT NULL,
    cohort   TEXT NOT NULL,
    accounts BIGINT NOT NULL,
    PRIMARY KEY (state, cohort)
);
