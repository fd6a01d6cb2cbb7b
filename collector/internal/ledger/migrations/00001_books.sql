-- The books. SQL that SQLite and PostgreSQL both take. Times are Unix milliseconds UTC, 0 = not known;
-- yes/no is 1/0. An "INTEGER PRIMARY KEY" is the row's own number in SQLite, which is fast; PostgreSQL
-- wants BIGINT there. Numbers are given by the one writer, not by the database.

-- +goose Up

CREATE TABLE agents (
    id         TEXT PRIMARY KEY NOT NULL,
    online     BIGINT NOT NULL,
    session    TEXT NOT NULL,   -- of the last born
    started_at BIGINT NOT NULL,
    sent_at    BIGINT NOT NULL, -- of the last state
    version    TEXT NOT NULL,
    os         TEXT NOT NULL,
    targets    BIGINT NOT NULL,
    poll_ms    BIGINT NOT NULL,
    spool      TEXT NOT NULL,   -- JSON, as told
    silent     TEXT NOT NULL,   -- JSON, as told
    dropped    BIGINT NOT NULL, -- readings given up; never falls
    first_seen BIGINT NOT NULL,
    last_seen  BIGINT NOT NULL,
    clock_ms   BIGINT NOT NULL, -- how far its clock is behind ours
    too_new    BIGINT NOT NULL  -- the anomaly that says so, 0 if none
);

-- What is in the books of each numbered sequence of envelopes.
CREATE TABLE streams (
    id      INTEGER PRIMARY KEY NOT NULL,
    agent   TEXT NOT NULL,
    stream  TEXT NOT NULL,
    next    BIGINT NOT NULL, -- all below is in the books
    crc     BIGINT NOT NULL, -- of the batch applied last
    last_at BIGINT NOT NULL, -- time of its last reading
    overlap BIGINT NOT NULL, -- it was noted that this agent was restored or cloned
    UNIQUE (agent, stream)
);

-- Envelopes that never came: blind time.
CREATE TABLE holes (
    id         INTEGER PRIMARY KEY NOT NULL,
    agent      TEXT NOT NULL,
    stream     TEXT NOT NULL,
    first_seq  BIGINT NOT NULL,
    last_seq   BIGINT NOT NULL,
    from_at    BIGINT NOT NULL, -- last reading before, 0 = not known
    to_at      BIGINT NOT NULL, -- first reading after
    lost       BIGINT NOT NULL, -- readings that the agent says it gave up in this stream so far
    noticed_at BIGINT NOT NULL
);

-- Deliveries by verdict, since the books began.
CREATE TABLE envelopes (
    verdict TEXT PRIMARY KEY NOT NULL,
    count   BIGINT NOT NULL
);

CREATE TABLE devices (
    id          INTEGER PRIMARY KEY NOT NULL,
    device      TEXT NOT NULL UNIQUE, -- vendor-serial
    vendor      TEXT NOT NULL,
    serial      TEXT NOT NULL,
    model       TEXT NOT NULL,
    name        TEXT NOT NULL,
    location    TEXT NOT NULL,
    address     TEXT NOT NULL,
    profile     TEXT NOT NULL,
    fax         TEXT NOT NULL,   -- yes, no, unknown: what it says itself
    fax_service TEXT NOT NULL,
    faxed       BIGINT NOT NULL, -- a fax counter was ever above 0
    agent       TEXT NOT NULL,   -- whose readings count
    first_seen  BIGINT NOT NULL,
    failure     TEXT NOT NULL,   -- why the last look failed, empty if it didn't
    corrected   BIGINT NOT NULL, -- its last time was corrected for the agent's clock
    stale       BIGINT NOT NULL, -- readings that were older ones said again
    stale_since BIGINT NOT NULL, -- receipt; 0 = the last one wasn't stale
    boots       TEXT NOT NULL    -- JSON: earlier stretches of uptime
);

-- What changes with every reading, apart since it is written so often.
CREATE TABLE looks (
    device      INTEGER PRIMARY KEY NOT NULL,
    stream      BIGINT NOT NULL, -- of the last accepted reading
    at          BIGINT NOT NULL, -- it was certainly not taken later than that
    booted      BIGINT NOT NULL, -- raw time - uptime
    uptime_ms   BIGINT NOT NULL,
    look_at     BIGINT NOT NULL, -- last look
    read_at     BIGINT NOT NULL, -- last successful one
    counters_at BIGINT NOT NULL, -- last one with counters
    lines_at    BIGINT NOT NULL, -- last one with lines
    poll_ms     BIGINT NOT NULL  -- estimated interval
);

CREATE TABLE claims (
    device  BIGINT NOT NULL,
    agent   TEXT NOT NULL,
    last_at BIGINT NOT NULL,
    PRIMARY KEY (device, agent)
);

CREATE TABLE ports (
    device     BIGINT NOT NULL,
    port       TEXT NOT NULL,
    status     TEXT NOT NULL,
    evidence   TEXT NOT NULL,
    fax        TEXT NOT NULL,
    first_seen BIGINT NOT NULL,
    since      BIGINT NOT NULL, -- of this status
    gone_at    BIGINT NOT NULL, -- the device doesn't name it any more since; 0 = it does
    PRIMARY KEY (device, port)
);

-- One row for each measure, unit and rule that a device was ever counted by.
CREATE TABLE counters (
    id      INTEGER PRIMARY KEY NOT NULL,
    device  BIGINT NOT NULL,
    measure TEXT NOT NULL,
    unit    TEXT NOT NULL,
    rule    TEXT NOT NULL,
    present BIGINT NOT NULL, -- 0: another rule or unit took its place
    UNIQUE (device, measure, unit, rule)
);

-- What changes with every fax, apart since it is written so often.
CREATE TABLE tallies (
    counter    INTEGER PRIMARY KEY NOT NULL,
    value      BIGINT NOT NULL, -- as told last
    at         BIGINT NOT NULL, -- last reading whose time is known; 0 = looks.counters_at
    count      BIGINT NOT NULL, -- since first seen; falls when a reset proves to have been a glitch
    total      BIGINT NOT NULL, -- what is booked: sum of its activity; never falls
    last_at    BIGINT NOT NULL, -- end of its last activity
    excursions TEXT NOT NULL    -- JSON: falls and jumps that may prove to be glitches
);

-- Every booked growth of a counter, in the order of booking.
CREATE TABLE activity (
    id      INTEGER PRIMARY KEY NOT NULL,
    counter BIGINT NOT NULL,
    from_at BIGINT NOT NULL, -- it happened after this
    to_at   BIGINT NOT NULL, -- and not after this
    count   BIGINT NOT NULL,
    flags   BIGINT NOT NULL  -- 1: the interval is longer than an hour; 2: its end is not exact, clocks were wrong
);

-- The same by the hour in which the interval ended, for good.
CREATE TABLE activity_hours (
    counter BIGINT NOT NULL,
    hour    BIGINT NOT NULL, -- its beginning
    count   BIGINT NOT NULL,
    PRIMARY KEY (counter, hour)
);

CREATE TABLE anomalies (
    id        INTEGER PRIMARY KEY NOT NULL,
    kind      TEXT NOT NULL,
    agent     TEXT NOT NULL,
    device    TEXT NOT NULL,
    counter   BIGINT NOT NULL, -- 0 where it is about none
    measure   TEXT NOT NULL,
    unit      TEXT NOT NULL,
    from_at   BIGINT NOT NULL,
    to_at     BIGINT NOT NULL,
    before    BIGINT NOT NULL,
    after     BIGINT NOT NULL,
    amount    BIGINT NOT NULL, -- growth that is not booked
    note      TEXT NOT NULL,
    opened_at BIGINT NOT NULL,
    closed_at BIGINT NOT NULL,
    outcome   TEXT NOT NULL
);

CREATE TABLE quarantine (
    id          INTEGER PRIMARY KEY NOT NULL,
    agent       TEXT NOT NULL,
    stream      TEXT NOT NULL,
    seq         BIGINT NOT NULL,
    reading     BIGINT NOT NULL, -- its place in the envelope; -1 = the whole envelope
    reason      TEXT NOT NULL,
    received_at BIGINT NOT NULL,
    payload     TEXT NOT NULL    -- base64
);

CREATE INDEX quarantine_agent ON quarantine (agent, id);

-- +goose Down

DROP TABLE quarantine;
DROP TABLE anomalies;
DROP TABLE activity_hours;
DROP TABLE activity;
DROP TABLE tallies;
DROP TABLE counters;
DROP TABLE ports;
DROP TABLE claims;
DROP TABLE looks;
DROP TABLE devices;
DROP TABLE envelopes;
DROP TABLE holes;
DROP TABLE streams;
DROP TABLE agents;
