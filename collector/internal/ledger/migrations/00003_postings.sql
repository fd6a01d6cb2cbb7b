-- Where each fax counts. All activity is posted to an account: a place in the hospital, a device and, where
-- it can be known, a line. What belongs elsewhere after all is taken back (a negative count) and posted anew;
-- nothing is ever changed. So the postings of an activity always add up to its count.

-- +goose Up

CREATE TABLE accounts (
    id            INTEGER PRIMARY KEY NOT NULL,
    establishment TEXT NOT NULL,
    site          TEXT NOT NULL,
    pole          TEXT NOT NULL,
    service       TEXT NOT NULL,
    device        TEXT NOT NULL,
    line          TEXT NOT NULL,   -- empty where it can't be known
    evidence      BIGINT NOT NULL, -- 1: the same faxes count by another measure or machine
    zone          TEXT NOT NULL,   -- in which its months are cut
    UNIQUE (establishment, site, pole, service, device, line, evidence)
);

CREATE TABLE postings (
    id       INTEGER PRIMARY KEY NOT NULL, -- in the order of posting
    activity BIGINT NOT NULL,
    account  BIGINT NOT NULL,
    at       BIGINT NOT NULL, -- end of the interval, later by some ms where that is taken in its series
    count    BIGINT NOT NULL
);

CREATE INDEX postings_at ON postings (at);

-- The same added up: ever, by the hour (UTC) and by the month in the account's zone. A row of posted is there,
-- with 0, before anything is posted.
CREATE TABLE posted (
    account BIGINT NOT NULL,
    counter BIGINT NOT NULL,
    count   BIGINT NOT NULL,
    PRIMARY KEY (account, counter)
);

CREATE TABLE posted_hours (
    hour    BIGINT NOT NULL, -- its beginning
    account BIGINT NOT NULL,
    counter BIGINT NOT NULL,
    count   BIGINT NOT NULL,
    PRIMARY KEY (hour, account, counter)
);

CREATE TABLE posted_months (
    month      BIGINT NOT NULL, -- 202610
    account    BIGINT NOT NULL,
    counter    BIGINT NOT NULL,
    count      BIGINT NOT NULL,
    straddling BIGINT NOT NULL, -- of it, how much may belong to the month before
    PRIMARY KEY (month, account, counter)
);

DROP TABLE activity_hours;

ALTER TABLE activity ADD COLUMN value BIGINT NOT NULL DEFAULT 0; -- of the counter, as told at its end; 0 = not kept

-- One more flag. 4: the same faxes count as fax_received_pages.
UPDATE activity SET flags = flags + 4 WHERE counter IN (
    SELECT id FROM counters WHERE measure = 'fax_printed_pages'
    AND device IN (SELECT device FROM counters WHERE measure = 'fax_received_pages')
);

ALTER TABLE devices ADD COLUMN counts_from BIGINT NOT NULL DEFAULT 0; -- time of its first counters; 0 = none yet

UPDATE devices SET counts_from = first_seen WHERE id IN (SELECT device FROM counters);

-- When a line's status or a device's reachability changed, as it was told.
CREATE TABLE statuses (
    id     INTEGER PRIMARY KEY NOT NULL,
    at     BIGINT NOT NULL,
    device BIGINT NOT NULL,
    port   TEXT NOT NULL,
    kind   TEXT NOT NULL, -- line, up
    line   TEXT NOT NULL, -- that it was then; empty where it can't be known
    value  TEXT NOT NULL, -- idle, busy, down, unknown; 1, 0, empty: nobody looked
    agent  TEXT NOT NULL
);

-- How far each projection has come.
CREATE TABLE cursors (
    name TEXT PRIMARY KEY NOT NULL,
    at   BIGINT NOT NULL
);

-- +goose Down

DROP TABLE cursors;
DROP TABLE statuses;
ALTER TABLE devices DROP COLUMN counts_from;
ALTER TABLE activity DROP COLUMN value;

CREATE TABLE activity_hours (
    counter BIGINT NOT NULL,
    hour    BIGINT NOT NULL,
    count   BIGINT NOT NULL,
    PRIMARY KEY (counter, hour)
);

DROP TABLE posted_months;
DROP TABLE posted_hours;
DROP TABLE posted;
DROP TABLE postings;
DROP TABLE accounts;
