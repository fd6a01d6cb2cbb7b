-- What the national kit wants beside the lines: what its indicators are to come to, and the MSSanté that
-- takes the place of fax. Months are 202610, days 2026-10-31. What is not known has no row, or is empty.

-- +goose Up

-- What an indicator is to come to, from a month on until the next row of the same scope.
CREATE TABLE targets (
    indicator     TEXT NOT NULL,   -- as the API calls it
    establishment TEXT NOT NULL,   -- empty: the structure as a whole, or that of the pole
    pole          TEXT NOT NULL,   -- empty: not of a pole
    from_month    BIGINT NOT NULL, -- 0 = always
    value         BIGINT,          -- NULL: none any more
    PRIMARY KEY (indicator, establishment, pole, from_month)
);

-- Mailboxes of MSSanté, in their versions.
CREATE TABLE mssante_addresses (
    address       TEXT NOT NULL, -- in lower case
    from_day      TEXT NOT NULL, -- valid since
    kind          TEXT NOT NULL, -- PER, ORG, APP, CAB; empty: not said
    establishment TEXT NOT NULL,
    service       TEXT NOT NULL,
    state         TEXT NOT NULL, -- created, published, used, inactive; empty: it is no more
    from_month    BIGINT NOT NULL, -- of that day, 202610
    until_month   BIGINT NOT NULL, -- in which the next version begins; 0: this is the last
    PRIMARY KEY (address, from_day)
);

-- Mailboxes are counted by month; these hold all that this takes.
CREATE INDEX mssante_addresses_from ON mssante_addresses (from_month, establishment, service, state);
CREATE INDEX mssante_addresses_until ON mssante_addresses (until_month, establishment, service, state);

-- Messages as they were declared, by month.
CREATE TABLE mssante_volumes (
    month         BIGINT NOT NULL,
    establishment TEXT NOT NULL, -- empty: of none, or the structure as a whole
    service       TEXT NOT NULL, -- empty: all of the establishment
    sent          BIGINT,        -- NULL: not declared
    received      BIGINT,
    PRIMARY KEY (month, establishment, service)
);

-- The sums of all months: of services what was declared for them, of an establishment what is left of its
-- own figures when those of its services are taken away.
CREATE TABLE mssante_totals (
    establishment TEXT NOT NULL,
    service       TEXT NOT NULL,
    sent          BIGINT,
    received      BIGINT,
    PRIMARY KEY (establishment, service)
);

-- +goose Down

DROP TABLE mssante_totals;
DROP TABLE mssante_volumes;
DROP INDEX mssante_addresses_until;
DROP INDEX mssante_addresses_from;
DROP TABLE mssante_addresses;
DROP TABLE targets;
