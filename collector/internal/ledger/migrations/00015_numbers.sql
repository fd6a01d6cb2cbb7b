-- The number or extension that a machine or gateway calls a port's own, as it told it last.

-- +goose Up

ALTER TABLE ports ADD COLUMN number TEXT NOT NULL DEFAULT '';

-- +goose Down

ALTER TABLE ports DROP COLUMN number;
