-- Months that somebody closed, and their figures as they were then. What comes in later changes the books, and
-- never these. A month that is reopened and closed again has another version; the earlier ones stay.

-- +goose Up

CREATE TABLE closings (
    month       BIGINT NOT NULL, -- 202610
    version     BIGINT NOT NULL, -- 1, 2, …; the last one holds unless it was reopened
    closed_at   BIGINT NOT NULL,
    closed_by   TEXT NOT NULL,
    note        TEXT NOT NULL,
    figures     BIGINT NOT NULL, -- how many closed_figures it has
    digest      TEXT NOT NULL,   -- SHA-256 of them
    reopened_at BIGINT NOT NULL, -- 0: it was not
    reopened_by TEXT NOT NULL,
    reason      TEXT NOT NULL,   -- why it was reopened
    PRIMARY KEY (month, version)
);

CREATE TABLE closed_figures (
    month         BIGINT NOT NULL,
    version       BIGINT NOT NULL,
    level         TEXT NOT NULL,   -- whole, structure, pole, service
    establishment TEXT NOT NULL,   -- ids; empty: below the level, or not assigned
    pole          TEXT NOT NULL,
    service       TEXT NOT NULL,
    indicator     TEXT NOT NULL,   -- as the API calls it
    counted       TEXT NOT NULL,   -- lines, pages, faxes, addresses, messages
    name          TEXT NOT NULL,   -- of the scope, at that time
    unit          TEXT NOT NULL,   -- as machines call it
    value         BIGINT,          -- NULL: unknown
    source        TEXT NOT NULL,   -- as the API calls it
    certainty     TEXT NOT NULL,
    unseen        BIGINT NOT NULL, -- lines that nobody saw
    parts         TEXT NOT NULL,   -- JSON: what each measure gave
    watched       BIGINT NOT NULL, -- tenths of days
    days          BIGINT NOT NULL, -- of the month
    straddling    BIGINT NOT NULL,
    target        BIGINT,          -- NULL: none was set
    PRIMARY KEY (month, version, level, establishment, pole, service, indicator, counted)
);

-- +goose Down

DROP TABLE closed_figures;
DROP TABLE closings;
