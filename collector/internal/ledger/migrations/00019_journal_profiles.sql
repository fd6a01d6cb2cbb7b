-- How journals are read that no built-in profile fits, and what could not be read of those that were imported.

-- +goose Up

CREATE TABLE journal_profiles (
    name TEXT PRIMARY KEY NOT NULL, -- as people call it
    text TEXT NOT NULL              -- YAML, as hospitals share it
);

-- Rows that were rejected by the newest imports, the first of each. What stood in them is kept nowhere.
CREATE TABLE import_rejects (
    import BIGINT NOT NULL,
    row    BIGINT NOT NULL, -- of the file, the first is 1
    reason TEXT NOT NULL,
    PRIMARY KEY (import, row)
);

-- +goose Down

DROP TABLE import_rejects;
DROP TABLE journal_profiles;
