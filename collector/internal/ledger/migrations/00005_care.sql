-- How far the raw rows are gone: what happened is kept for a time only, its sums by the hour and the month for good.

-- +goose Up

CREATE TABLE purged (
    name  TEXT PRIMARY KEY NOT NULL, -- of the table
    id    BIGINT NOT NULL,           -- rows up to this number are gone, or about to go
    at    BIGINT NOT NULL            -- all that happened then or later is still there; the beginning of an hour
);

ALTER TABLE anomalies ADD COLUMN inexact BIGINT NOT NULL DEFAULT 0; -- to_at is not exactly known: clocks were wrong

-- +goose Down

ALTER TABLE anomalies DROP COLUMN inexact;
DROP TABLE purged;
