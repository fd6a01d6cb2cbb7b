-- What a person should hear of: episodes, what belongs to each, and the messages about them.

-- +goose Up

CREATE TABLE episodes (
    id          INTEGER PRIMARY KEY NOT NULL,
    revision    BIGINT NOT NULL, -- rises with every change of any episode
    kind        TEXT NOT NULL,
    line        TEXT NOT NULL,
    device      TEXT NOT NULL,
    agent       TEXT NOT NULL,
    service     TEXT NOT NULL,
    opened_at   BIGINT NOT NULL, -- receipt
    last_at     BIGINT NOT NULL, -- receipt of the last of it
    closed_at   BIGINT NOT NULL, -- 0 = open
    closed_by   TEXT NOT NULL,   -- who; empty = by itself
    reason      TEXT NOT NULL,   -- of closing
    first_at    BIGINT NOT NULL, -- when the first of it happened, at the latest
    count       BIGINT NOT NULL,
    unit        TEXT NOT NULL,
    direction   TEXT NOT NULL,
    certainty   TEXT NOT NULL,
    evidence    TEXT NOT NULL    -- JSON: list of texts
);

CREATE INDEX episodes_revision ON episodes (revision);

-- Faxes after a cut-off, each judged.
CREATE TABLE events (
    id         INTEGER PRIMARY KEY NOT NULL,
    episode    BIGINT NOT NULL,
    line       TEXT NOT NULL,
    device     TEXT NOT NULL,
    activity   BIGINT NOT NULL, -- 0: a reset
    measure    TEXT NOT NULL,
    unit       TEXT NOT NULL,
    from_at    BIGINT NOT NULL,
    to_at      BIGINT NOT NULL,
    count      BIGINT NOT NULL,
    certainty  TEXT NOT NULL,   -- certain, probable, unsure; withdrawn: the date moved; test: in a test window
    noticed_at BIGINT NOT NULL,
    counted    BIGINT NOT NULL  -- 1: it is in the line's total after the cut-off for good
);

CREATE INDEX events_line ON events (line, to_at);
CREATE INDEX events_activity ON events (activity);

-- Announced tests: what is faxed meanwhile is none.
CREATE TABLE test_windows (
    id      INTEGER PRIMARY KEY NOT NULL,
    line    TEXT NOT NULL,
    from_at BIGINT NOT NULL,
    to_at   BIGINT NOT NULL,
    reason  TEXT NOT NULL,
    who     TEXT NOT NULL
);

-- The outbox. The name of a message is what it says and to whom: it is written once.
CREATE TABLE messages (
    id          INTEGER PRIMARY KEY NOT NULL,
    name        TEXT NOT NULL UNIQUE,
    channel     TEXT NOT NULL,   -- email, webhook
    recipient   TEXT NOT NULL,   -- one address: what happens to one delays no other; empty: the channel has but one
    thread      TEXT NOT NULL,   -- those of one thread and channel go out in order; empty: in none
    payload     TEXT NOT NULL,   -- as its channel understands it
    created_at  BIGINT NOT NULL,
    next_at     BIGINT NOT NULL, -- not before
    attempts    BIGINT NOT NULL,
    sent_at     BIGINT NOT NULL, -- 0 = not yet
    given_up_at BIGINT NOT NULL, -- 0 = not
    error       TEXT NOT NULL    -- of the last attempt
);

CREATE INDEX messages_due ON messages (sent_at, given_up_at, channel, id);

-- What was put into messages, so that nothing is told twice however it was put together.
CREATE TABLE told (
    name TEXT PRIMARY KEY NOT NULL,
    at   BIGINT NOT NULL
);

-- +goose Down

DROP TABLE told;
DROP TABLE messages;
DROP TABLE test_windows;
DROP TABLE events;
DROP TABLE episodes;
