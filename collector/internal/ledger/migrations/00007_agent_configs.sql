-- What agents should poll, where people say it here, and what each says to that.

-- +goose Up

CREATE TABLE agent_configs (
    agent      TEXT PRIMARY KEY NOT NULL,
    revision   BIGINT NOT NULL, -- grows with every change: the time of it, or one more than what the agent knows already
    config     TEXT NOT NULL,   -- YAML, as in agent.yml; empty: nothing is said here any more, the agent's own file holds
    changed_at BIGINT NOT NULL,
    changed_by TEXT NOT NULL
);

ALTER TABLE agents ADD COLUMN config TEXT NOT NULL DEFAULT '';      -- JSON, as told; empty: it tells nothing of it
ALTER TABLE agents ADD COLUMN certificate TEXT NOT NULL DEFAULT ''; -- the same

-- +goose Down

ALTER TABLE agents DROP COLUMN certificate;
ALTER TABLE agents DROP COLUMN config;
DROP TABLE agent_configs;
