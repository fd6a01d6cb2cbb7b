-- What journals prove of single lines: faxes after a cut-off, and when there was one last.

-- +goose Up

ALTER TABLE events ADD COLUMN journal TEXT NOT NULL DEFAULT ''; -- that tells it; activity is then less than 0, by the key of its row

-- When journals tell of the last fax of each line, 0 = of none.
CREATE TABLE journaled_lines (
    line     TEXT NOT NULL,
    unit     TEXT NOT NULL,
    sent     BIGINT NOT NULL,
    received BIGINT NOT NULL,
    PRIMARY KEY (line, unit)
);

-- +goose Down

DROP TABLE journaled_lines;
ALTER TABLE events DROP COLUMN journal;
