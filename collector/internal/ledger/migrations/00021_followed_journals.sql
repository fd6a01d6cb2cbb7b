-- How far agents follow journals, as they told last: JSON.

-- +goose Up

ALTER TABLE agents ADD COLUMN journals TEXT NOT NULL DEFAULT '';

-- +goose Down

ALTER TABLE agents DROP COLUMN journals;
