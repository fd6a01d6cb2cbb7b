-- Who may sign in, and who is signed in.

-- +goose Up

CREATE TABLE users (
    name           TEXT PRIMARY KEY NOT NULL, -- lower case
    hash           TEXT NOT NULL,             -- bcrypt, of the password
    must_change    BIGINT NOT NULL,           -- 1: somebody else knows the password; nothing else until it is another
    role           TEXT NOT NULL,             -- reader, editor, admin
    establishments TEXT NOT NULL,             -- ids for which the role holds, JSON; empty = all
    disabled       BIGINT NOT NULL,           -- 1: may not sign in
    created_at     BIGINT NOT NULL
);

CREATE TABLE sign_ins (
    name TEXT PRIMARY KEY NOT NULL,
    at   BIGINT NOT NULL            -- the last one
);

CREATE TABLE sessions (
    id             TEXT PRIMARY KEY NOT NULL, -- SHA-256 of what the browser holds
    name           TEXT NOT NULL,
    provider       TEXT NOT NULL,             -- who vouches for the name; empty: a local user
    role           TEXT NOT NULL,             -- as the provider said; of a local user that of the user holds
    establishments TEXT NOT NULL,
    opened_at      BIGINT NOT NULL,
    seen_at        BIGINT NOT NULL,           -- to a minute
    address        TEXT NOT NULL,
    browser        TEXT NOT NULL
);

CREATE INDEX sessions_name ON sessions (name);

-- +goose Down

DROP TABLE sessions;
DROP TABLE sign_ins;
DROP TABLE users;
