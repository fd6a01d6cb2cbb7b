-- What the national kit wants beside the lines: what its indicators are to come to, and the MSSanté that
-- takes the place of fax. Months are 202610, days 2026-10-31. What is not known has no row, or is empty.

-- +goose Up

-- What an indicator is to come to, from a month on until the next row of the same scope.
CREATE TABLE targets (
    indicator     TEXT NOT NULL,   -- as the API calls it
    establishment TEXT NOT NULL,   -- empty: the structure as a whole, or that of the pole
    pole          TEXT NOT NULL,   -- empty: not of a pole
    from_month    BIGINT NOT NULL, -- 0 = always
    value         TEXT NOT NULL,   -- a whole number; empty: none any more
    PRIMARY KEY (indicator, establishment, pole, from_month)
);

-- +goose Down

DROP TABLE targets;
