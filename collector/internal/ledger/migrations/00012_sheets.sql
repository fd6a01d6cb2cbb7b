-- How each service comes along on its way to the end of fax: its sheet, its exit checklist, and what the team
-- did for it. Days are 2026-10-31, empty where there is none. Texts may have several lines.

-- +goose Up

-- What was said of a service on a day; earlier days are kept.
CREATE TABLE sheets (
    service      TEXT NOT NULL,
    day          TEXT NOT NULL,
    weather      TEXT NOT NULL,   -- sunny, bright, cloudy, stormy; empty: not said
    highlights   TEXT NOT NULL,
    referent     TEXT NOT NULL,
    questions_on TEXT NOT NULL,   -- day of the session of questions and answers
    next_steps   TEXT NOT NULL,
    points       TEXT NOT NULL,   -- watch points as JSON; empty: none
    saved_at     BIGINT NOT NULL,
    saved_by     TEXT NOT NULL,
    PRIMARY KEY (service, day)
);

-- What somebody said of the points of a service's exit checklist.
CREATE TABLE checklist (
    service TEXT NOT NULL,
    item    TEXT NOT NULL,
    done    BIGINT NOT NULL, -- 1: done; of a point that the books tell, an exception to it
    note    TEXT NOT NULL,
    at      BIGINT NOT NULL,
    who     TEXT NOT NULL,
    PRIMARY KEY (service, item)
);

-- Contacts, procedures, trainings, communication, partners, incidents and visits.
CREATE TABLE followups (
    id            BIGINT PRIMARY KEY NOT NULL,
    kind          TEXT NOT NULL,
    establishment TEXT NOT NULL, -- empty: the structure as a whole
    services      TEXT NOT NULL, -- ids with spaces between; empty: all of the establishment
    subject       TEXT NOT NULL, -- role, procedure, module, channel, of those that the kind has
    day           TEXT NOT NULL, -- of what happened; empty: not yet
    until_day     TEXT NOT NULL, -- on which it was settled; empty: not yet
    who           TEXT NOT NULL,
    contact       TEXT NOT NULL,
    version       TEXT NOT NULL,
    link          TEXT NOT NULL,
    note          TEXT NOT NULL,
    equipped      TEXT NOT NULL, -- yes, no; empty: not known
    attendance    BIGINT         -- people; NULL: not counted
);

-- +goose Down

DROP TABLE followups;
DROP TABLE checklist;
DROP TABLE sheets;
