-- What a person should hear of: episodes, what belongs to each, and the messages about them.

-- +goose Up

CREATE TABLE episodes (
    id          INTEGER PRIMARY KEY NOT NULL,
    revision    BIGINT NOT NULL, -- rises with every change of any episode
    kind        TEXT NOT NULL,
    line        TEXT NOT NULL,
    device      TEXT NOT NULL,
    agent       TEXT NOT NULL,
    anomaly     BIGINT NOT NULL, -- 0 where it is about none
    service     TEXT NOT NULL,   -- of the line, when it opened
    opened_at   BIGINT NOT NULL, -- by our clock
    first_at    BIGINT NOT NULL, -- when the first of it had happened
    last_at     BIGINT NOT NULL, -- when the last of it had happened
    noticed_at  BIGINT NOT NULL, -- when we heard of the last of it
    closed_at   BIGINT NOT NULL, -- 0 = open
    closed_by   TEXT NOT NULL,   -- who; empty = by itself
    reason      TEXT NOT NULL,   -- of closing
    lasting     BIGINT NOT NULL, -- 1: a person closed it, but what it is about goes on
    count       BIGINT NOT NULL,
    unit        TEXT NOT NULL,
    direction   TEXT NOT NULL,
    certainty   TEXT NOT NULL,
    sums        TEXT NOT NULL,   -- JSON: its events added up
    evidence    TEXT NOT NULL    -- JSON
);

CREATE INDEX episodes_revision ON episodes (revision);

-- Faxes after a cut-off or the end of copper, each judged. None is removed.
CREATE TABLE events (
    id         INTEGER PRIMARY KEY NOT NULL,
    kind       TEXT NOT NULL,   -- of episode
    episode    BIGINT NOT NULL, -- 0: a test that belongs to none
    line       TEXT NOT NULL,
    device     TEXT NOT NULL,
    activity   BIGINT NOT NULL, -- 0: a counter that began anew
    anomaly    BIGINT NOT NULL, -- and which one; 0: activity
    measure    TEXT NOT NULL,
    unit       TEXT NOT NULL,
    from_at    BIGINT NOT NULL,
    to_at      BIGINT NOT NULL,
    error_ms   BIGINT NOT NULL, -- by how much both may be off
    count      BIGINT NOT NULL,
    value      BIGINT NOT NULL, -- of a counter that began anew
    certainty  TEXT NOT NULL,   -- certain, probable, unsure; withdrawn: the date moved; test: in a test window
    doubt      TEXT NOT NULL,   -- why it is unsure
    noticed_at BIGINT NOT NULL,
    counted    BIGINT NOT NULL, -- 1: it is in the line's totals after the cut-off, for good
    told       BIGINT NOT NULL, -- 1: a message told of it
    UNIQUE (activity, anomaly, line, kind)
);

CREATE INDEX events_episode ON events (episode, id);
CREATE INDEX events_untold ON events (episode, id) WHERE told = 0;
CREATE INDEX events_device ON events (device);

-- What the events of a line that counted add up to; never falls.
CREATE TABLE after_cutoff (
    line       TEXT PRIMARY KEY NOT NULL,
    pages      BIGINT NOT NULL,
    faxes      BIGINT NOT NULL,
    noticed_at BIGINT NOT NULL -- when the last of it was booked
);

-- By how much times may be off, where clocks were wrong.
ALTER TABLE activity ADD COLUMN error_ms BIGINT NOT NULL DEFAULT 0;
ALTER TABLE anomalies ADD COLUMN error_ms BIGINT NOT NULL DEFAULT 0;
ALTER TABLE tallies ADD COLUMN error_ms BIGINT NOT NULL DEFAULT 0;

-- To find all that a device's counters ever did.
CREATE INDEX activity_counter ON activity (counter, to_at);
CREATE INDEX anomalies_device ON anomalies (device, to_at);

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

-- How many messages were given up by retention, by what had become of them.
CREATE TABLE messages_gone (
    channel TEXT NOT NULL,
    sent    BIGINT NOT NULL, -- 1; 0: given up
    count   BIGINT NOT NULL,
    PRIMARY KEY (channel, sent)
);

-- What was put into messages of episodes, a few rows each, so that nothing is told twice however it was put together.
CREATE TABLE told (
    name TEXT PRIMARY KEY NOT NULL,
    at   BIGINT NOT NULL -- when last
);

-- +goose Down

DROP TABLE told;
DROP TABLE messages_gone;
DROP TABLE messages;
DROP TABLE test_windows;
DROP INDEX anomalies_device;
DROP INDEX activity_counter;
ALTER TABLE tallies DROP COLUMN error_ms;
ALTER TABLE anomalies DROP COLUMN error_ms;
ALTER TABLE activity DROP COLUMN error_ms;
DROP TABLE after_cutoff;
DROP TABLE events;
DROP TABLE episodes;
