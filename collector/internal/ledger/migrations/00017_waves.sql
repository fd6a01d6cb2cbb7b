-- In which order services are switched off: waves, what the team notes of services for planning, and milestones.
-- Days are 2026-10-31, empty where there is none. A wave and a milestone are one entry of people's calendars, which
-- uid names for good and whose versions revision numbers.

-- +goose Up

CREATE TABLE waves (
    number     BIGINT PRIMARY KEY NOT NULL,
    name       TEXT NOT NULL,
    cutoff     TEXT NOT NULL,   -- day from whose beginning nobody should fax; empty: not said yet
    services   TEXT NOT NULL,   -- ids with spaces between; a service is in one wave at most
    note       TEXT NOT NULL,
    uid        TEXT NOT NULL,
    revision   BIGINT NOT NULL,
    changed_at BIGINT NOT NULL
);

-- By what a service's turn is chosen and machines don't tell.
CREATE TABLE service_notes (
    service   TEXT PRIMARY KEY NOT NULL,
    urgency   BIGINT NOT NULL, -- vital urgency, 1 (least) to 4; 0: not known
    motivated TEXT NOT NULL,   -- yes, no; empty: not known
    available TEXT NOT NULL,   -- likewise
    blocked   TEXT NOT NULL,   -- likewise
    blocker   TEXT NOT NULL    -- what technically stands in the way
);

CREATE TABLE milestones (
    id         BIGINT PRIMARY KEY NOT NULL,
    wave       BIGINT NOT NULL, -- 0: of the structure as a whole
    kind       TEXT NOT NULL,   -- of those that a backward plan has; empty: people's own
    day        TEXT NOT NULL,
    title      TEXT NOT NULL,
    done_on    TEXT NOT NULL,   -- empty: not yet
    uid        TEXT NOT NULL,
    revision   BIGINT NOT NULL,
    changed_at BIGINT NOT NULL
);

-- +goose Down

DROP TABLE milestones;
DROP TABLE service_notes;
DROP TABLE waves;
