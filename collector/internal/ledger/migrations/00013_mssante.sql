-- MSSanté mailbox by mailbox: the messages of each, how strangers' tables of them are read, and what the
-- national directory says of ours. What is not known has no row, or is empty.

-- +goose Up

-- Messages of single mailboxes as they were declared, by month.
CREATE TABLE mssante_mailbox_volumes (
    month         BIGINT NOT NULL,
    address       TEXT NOT NULL, -- in lower case; @domain: of all mailboxes of a domain together
    establishment TEXT NOT NULL, -- as the table said; empty: it didn't
    service       TEXT NOT NULL, -- likewise; empty: where the mailbox is declared
    sent          BIGINT,        -- NULL: not declared
    received      BIGINT,
    PRIMARY KEY (month, address)
);
CREATE INDEX mssante_mailbox_volumes_by_address ON mssante_mailbox_volumes (address);

-- What they add up to by place. What is left of a domain when its mailboxes are taken away stands apart.
CREATE TABLE mssante_mailbox_sums (
    month         BIGINT NOT NULL,
    establishment TEXT NOT NULL,
    service       TEXT NOT NULL,
    sent          BIGINT,
    received      BIGINT,
    rest_sent     BIGINT,
    rest_received BIGINT,
    PRIMARY KEY (month, establishment, service)
);

-- How tables of others are read: which of their columns is what.
CREATE TABLE mssante_profiles (
    name    TEXT PRIMARY KEY,
    columns TEXT NOT NULL, -- JSON: our column: theirs
    headers TEXT NOT NULL  -- JSON: all headers of the table for which it was made
);

-- Extractions of the national directory that were read.
CREATE TABLE mssante_extractions (
    id          BIGINT PRIMARY KEY,
    name        TEXT NOT NULL,
    day         TEXT NOT NULL,
    imported_at BIGINT NOT NULL,
    rows        BIGINT NOT NULL, -- lines of the file
    ours        BIGINT NOT NULL, -- addresses of them that are ours
    doubt       TEXT NOT NULL    -- why no address is lost by it; empty: those that it doesn't name are
);

-- What they say of our mailboxes, the newest of each.
CREATE TABLE mssante_listed (
    address   TEXT PRIMARY KEY,
    kind      TEXT NOT NULL, -- PER, ORG, APP, CAB
    structure TEXT NOT NULL, -- FINESS or another number of it
    name      TEXT NOT NULL, -- of the structure
    service   TEXT NOT NULL, -- as the directory has it
    first_day TEXT NOT NULL, -- of the first extraction that named it
    last_day  TEXT NOT NULL, -- and of the last
    lost_day  TEXT NOT NULL, -- of the first that didn't any more; empty: it is listed
    seen      BIGINT NOT NULL -- somebody knows that it is lost
);

-- What each of them changed.
CREATE TABLE mssante_moves (
    extraction BIGINT NOT NULL,
    address    TEXT NOT NULL,
    move       TEXT NOT NULL, -- appeared, vanished, changed
    before     TEXT NOT NULL,
    after      TEXT NOT NULL,
    PRIMARY KEY (extraction, address)
);

-- +goose Down

DROP TABLE mssante_moves;
DROP TABLE mssante_listed;
DROP TABLE mssante_extractions;
DROP TABLE mssante_profiles;
DROP TABLE mssante_mailbox_sums;
DROP TABLE mssante_mailbox_volumes;
