-- Tables that somebody handed in on a page and has not yet said what to do with. They are forgotten after a day.

-- +goose Up

CREATE TABLE uploads (
    id   TEXT PRIMARY KEY NOT NULL, -- random
    at   BIGINT NOT NULL,
    who  TEXT NOT NULL,
    name TEXT NOT NULL,             -- of the file
    data BLOB NOT NULL
);

-- +goose Down

DROP TABLE uploads;
