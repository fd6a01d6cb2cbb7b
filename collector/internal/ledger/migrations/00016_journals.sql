-- Books of what journals tell: each fax once, whoever saw it. A party is any number that was seen, ours or not, and is
-- kept as its pseudonym only. Sums are by month and stay; rows are purged.

-- +goose Up

CREATE TABLE journal_state (
    id       INTEGER PRIMARY KEY NOT NULL, -- 1
    secret   TEXT NOT NULL,                -- hexadecimal: the key of pseudonyms
    revision BIGINT NOT NULL,              -- counts up with each change of these books
    last_row BIGINT NOT NULL,              -- no number of a row is given twice
    horizon  BIGINT NOT NULL               -- rows from before it are purged
);

CREATE TABLE journal_imports (
    id         INTEGER PRIMARY KEY NOT NULL,
    journal    TEXT NOT NULL,
    profile    TEXT NOT NULL,
    source     TEXT NOT NULL,   -- a file's name, or "agent ps-01"
    who        TEXT NOT NULL,
    started_at BIGINT NOT NULL,
    touched_at BIGINT NOT NULL, -- when something was booked last
    ended_at   BIGINT NOT NULL, -- 0 = it goes on
    state      TEXT NOT NULL,
    row_count  BIGINT NOT NULL,
    new_rows   BIGINT NOT NULL,
    known      BIGINT NOT NULL,
    skipped    BIGINT NOT NULL,
    rejected   BIGINT NOT NULL,
    first_at   BIGINT NOT NULL,
    last_at    BIGINT NOT NULL
);

CREATE INDEX journal_imports_source ON journal_imports (source, journal);

CREATE TABLE parties (
    id        INTEGER PRIMARY KEY NOT NULL,
    pseudonym TEXT NOT NULL UNIQUE, -- HMAC of the number; random once it is forgotten
    mask      TEXT NOT NULL,        -- 02 41 •• •• 12
    name      TEXT NOT NULL,        -- of a directory, or as the team named it
    line      TEXT NOT NULL         -- id of the line that it is; empty: it is none of ours
);

CREATE INDEX parties_line ON parties (line);

-- Who faxes whom.
CREATE TABLE pairs (
    id         INTEGER PRIMARY KEY NOT NULL,
    unit       TEXT NOT NULL,
    from_party BIGINT NOT NULL, -- 0 = not told
    to_party   BIGINT NOT NULL,
    witnesses  BIGINT NOT NULL, -- who ever wrote of it down: 1 sender, 2 receiver, 4 exchange
    UNIQUE (from_party, to_party, unit)
);

CREATE INDEX pairs_to ON pairs (to_party);

CREATE TABLE journal_rows (
    id       INTEGER PRIMARY KEY NOT NULL, -- in the order of booking
    digest   TEXT NOT NULL UNIQUE,         -- the day and a digest of the event's key: those of a time stand together
    pair     BIGINT NOT NULL,
    at       BIGINT NOT NULL,
    import   BIGINT NOT NULL,              -- that booked it
    witness  BIGINT NOT NULL,              -- as in pairs
    done     BIGINT NOT NULL,
    pages    BIGINT NOT NULL,
    seconds  BIGINT NOT NULL,
    imports  BIGINT NOT NULL,              -- how many contain it
    ahead    BIGINT NOT NULL               -- 1: when it was read its date was to come: a wrong clock's, so it is in no sum
);

CREATE INDEX journal_rows_pair ON journal_rows (pair, at);

-- Which rows an import contains, whoever booked them first: stretches of their numbers.
CREATE TABLE import_rows (
    import    BIGINT NOT NULL,
    first_row BIGINT NOT NULL,
    last_row  BIGINT NOT NULL,
    PRIMARY KEY (import, first_row)
);

-- Of which time an import tells: from a row to the next, but where that is long after.
CREATE TABLE import_spans (
    import   BIGINT NOT NULL,
    first_at BIGINT NOT NULL,
    last_at  BIGINT NOT NULL,
    PRIMARY KEY (import, first_at)
);

-- The books: faxes by month, in the collector's time zone. Those of a month stand together, since journals are read in
-- the order of time.
CREATE TABLE pair_months (
    id      INTEGER PRIMARY KEY NOT NULL, -- month × 2³² + pair
    done    BIGINT NOT NULL,
    failed  BIGINT NOT NULL,
    pages   BIGINT NOT NULL,             -- of those done that tell them
    paged   BIGINT NOT NULL,             -- how many tell them
    last_at BIGINT NOT NULL              -- of those done
);

-- What others' numbers sent us and got from us.
CREATE TABLE party_months (
    month    BIGINT NOT NULL,
    unit     TEXT NOT NULL,
    party    BIGINT NOT NULL,
    sent     BIGINT NOT NULL,
    received BIGINT NOT NULL,
    PRIMARY KEY (month, unit, party)
);

-- What our lines sent whom in a month, and others sent them.
CREATE TABLE flow_months (
    month     BIGINT NOT NULL,
    unit      TEXT NOT NULL,
    from_line TEXT NOT NULL, -- empty: outside, or not told
    receivers TEXT NOT NULL, -- of each, in order: its line (likewise), done, failed, pages, paged; tabs between, a line feed after
    PRIMARY KEY (month, unit, from_line)
);

-- When which month's flows changed last, by the revision of these books.
CREATE TABLE flow_changes (
    month    BIGINT PRIMARY KEY NOT NULL,
    revision BIGINT NOT NULL
);

-- Of whom the imports of a journal tell, and since when.
CREATE TABLE journal_parties (
    journal  TEXT NOT NULL,
    unit     TEXT NOT NULL,
    party    BIGINT NOT NULL,
    first_at BIGINT NOT NULL,
    PRIMARY KEY (journal, unit, party)
);

-- +goose Down

DROP TABLE journal_parties;
DROP TABLE flow_changes;
DROP TABLE flow_months;
DROP TABLE party_months;
DROP TABLE pair_months;
DROP TABLE import_spans;
DROP TABLE import_rows;
DROP TABLE journal_rows;
DROP TABLE pairs;
DROP TABLE parties;
DROP TABLE journal_imports;
DROP TABLE journal_state;
