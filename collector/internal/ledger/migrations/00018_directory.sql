-- What national directories publish of others: who has which fax number, and all mailboxes of MSSanté.

-- +goose Up

-- Files that were taken over, each with what it changed.
CREATE TABLE directory_files (
    id       BIGINT PRIMARY KEY,
    source   TEXT NOT NULL,   -- finess, ps, mssante
    name     TEXT NOT NULL,
    day      TEXT NOT NULL,
    begun_at BIGINT NOT NULL,
    ended_at BIGINT NOT NULL, -- 0: it goes on, or broke off
    rows     BIGINT NOT NULL, -- of the file
    kept     BIGINT NOT NULL, -- of them, what stands below
    doubt    TEXT NOT NULL    -- why nothing is gone that it doesn't name; empty: it is
);

-- Who has which fax number. One may be several people's.
CREATE TABLE directory_holders (
    id        BIGINT PRIMARY KEY,
    source    TEXT NOT NULL, -- finess, ps
    number    TEXT NOT NULL, -- the beginning of its pseudonym, as of parties
    holder    TEXT NOT NULL, -- FINESS or RPPS number
    name      TEXT NOT NULL,
    calling   TEXT NOT NULL, -- category of a structure, profession of a person
    structure TEXT NOT NULL, -- FINESS number of the legal entity, or of where a person works
    place     TEXT NOT NULL, -- name of where a person works
    town      TEXT NOT NULL
);
CREATE INDEX directory_holders_by_number ON directory_holders (number);

-- Where mailboxes are published.
CREATE TABLE directory_places (
    id        BIGINT PRIMARY KEY,
    structure TEXT NOT NULL,   -- FINESS or another number
    name      TEXT NOT NULL,
    postcode  TEXT NOT NULL,
    town      TEXT NOT NULL,
    teams     BIGINT NOT NULL, -- 1: of teams, not people; there are ten times fewer to look through
    sought    TEXT NOT NULL    -- its words, without capitals and accents
);
CREATE INDEX directory_places_by_structure ON directory_places (structure);

-- All published mailboxes.
CREATE TABLE directory_mailboxes (
    id        BIGINT PRIMARY KEY,
    address   TEXT NOT NULL,
    kind      TEXT NOT NULL,   -- PER, ORG
    person    TEXT NOT NULL,   -- RPPS or another number; empty: nobody's in particular
    surname   TEXT NOT NULL,
    forename  TEXT NOT NULL,
    calling   TEXT NOT NULL,
    service   TEXT NOT NULL,
    paperless BIGINT NOT NULL, -- 1: documents are taken without paper following
    place     BIGINT NOT NULL, -- id
    sought    TEXT NOT NULL    -- surname and forename, or else the service, without capitals and accents
);
CREATE INDEX directory_mailboxes_by_name ON directory_mailboxes (sought);
CREATE INDEX directory_mailboxes_by_person ON directory_mailboxes (person);
CREATE INDEX directory_mailboxes_by_place ON directory_mailboxes (place);

-- +goose Down

DROP TABLE directory_mailboxes;
DROP TABLE directory_places;
DROP TABLE directory_holders;
DROP TABLE directory_files;
