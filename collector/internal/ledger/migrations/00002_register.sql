-- What people declare. A row is valid from from_at until the next one of the same thing begins; 0 = always.
-- Days are text, 2026-10-31; ids are a-z, 0-9 and -. Codes are text: they have leading zeros.

-- +goose Up

CREATE TABLE establishments (
    id     TEXT PRIMARY KEY NOT NULL,
    name   TEXT NOT NULL,
    finess TEXT NOT NULL
);

CREATE TABLE sites (
    id            TEXT PRIMARY KEY NOT NULL,
    establishment TEXT NOT NULL,
    name          TEXT NOT NULL,
    commune       TEXT NOT NULL, -- INSEE
    time_zone     TEXT NOT NULL  -- IANA; empty: the collector's
);

CREATE TABLE poles (
    id            TEXT PRIMARY KEY NOT NULL,
    establishment TEXT NOT NULL,
    name          TEXT NOT NULL
);

CREATE TABLE services (
    id            TEXT PRIMARY KEY NOT NULL,
    establishment TEXT NOT NULL,
    pole          TEXT NOT NULL, -- the present one
    name          TEXT NOT NULL
);

CREATE TABLE ufs (
    establishment TEXT NOT NULL,
    code          TEXT NOT NULL,
    from_at       BIGINT NOT NULL,
    to_at         BIGINT NOT NULL, -- closed since; 0 = open
    service       TEXT NOT NULL,
    name          TEXT NOT NULL,
    PRIMARY KEY (establishment, code, from_at)
);

CREATE TABLE declared_lines (
    line          TEXT NOT NULL,
    from_at       BIGINT NOT NULL,
    removed       BIGINT NOT NULL,
    number        TEXT NOT NULL,
    extension     TEXT NOT NULL,
    device        TEXT NOT NULL, -- as declared: an id or a serial
    port          TEXT NOT NULL,
    gateway       TEXT NOT NULL, -- as declared
    gateway_port  TEXT NOT NULL,
    establishment TEXT NOT NULL,
    site          TEXT NOT NULL,
    pole          TEXT NOT NULL,
    service       TEXT NOT NULL,
    uf            TEXT NOT NULL,
    support       TEXT NOT NULL,
    cutoff        TEXT NOT NULL,
    cut_on        TEXT NOT NULL,
    kept_reason   TEXT NOT NULL,
    kept_until    TEXT NOT NULL,
    contact       TEXT NOT NULL,
    PRIMARY KEY (line, from_at)
);

CREATE TABLE declared_devices (
    device        TEXT NOT NULL, -- as declared: an id or a serial
    from_at       BIGINT NOT NULL,
    establishment TEXT NOT NULL,
    site          TEXT NOT NULL,
    pole          TEXT NOT NULL,
    service       TEXT NOT NULL,
    uf            TEXT NOT NULL,
    name          TEXT NOT NULL,
    location      TEXT NOT NULL,
    inventory     TEXT NOT NULL, -- its number in the inventory
    PRIMARY KEY (device, from_at)
);

-- Files with the dates on which copper closes, and what changed by each: a commune's dates
-- are those of the newest file that names it.
CREATE TABLE copper_files (
    id          INTEGER PRIMARY KEY NOT NULL,
    name        TEXT NOT NULL,
    day         TEXT NOT NULL, -- of the file
    imported_at BIGINT NOT NULL,
    communes    BIGINT NOT NULL
);

CREATE TABLE copper (
    commune    TEXT NOT NULL, -- INSEE
    file       BIGINT NOT NULL,
    name       TEXT NOT NULL,
    commercial TEXT NOT NULL,
    technical  TEXT NOT NULL,
    lot        TEXT NOT NULL,
    PRIMARY KEY (commune, file)
);

-- Who changed what, when, and from what.
CREATE TABLE audit (
    id      INTEGER PRIMARY KEY NOT NULL,
    at      BIGINT NOT NULL,
    who     TEXT NOT NULL,
    source  TEXT NOT NULL, -- file or command
    subject TEXT NOT NULL, -- table and key
    field   TEXT NOT NULL,
    before  TEXT NOT NULL,
    after   TEXT NOT NULL
);

-- +goose Down

DROP TABLE audit;
DROP TABLE copper;
DROP TABLE copper_files;
DROP TABLE declared_devices;
DROP TABLE declared_lines;
DROP TABLE ufs;
DROP TABLE services;
DROP TABLE poles;
DROP TABLE sites;
DROP TABLE establishments;
