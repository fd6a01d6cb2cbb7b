-- Who may speak as an agent: the hospital's own certification authority, with its secret key, and each
-- certificate that it gave out. None is removed.

-- +goose Up

CREATE TABLE authority (
    id          INTEGER PRIMARY KEY NOT NULL, -- 1
    certificate TEXT NOT NULL,                -- PEM
    secret_key  TEXT NOT NULL,                -- PEM
    made_at     BIGINT NOT NULL
);

CREATE TABLE certificates (
    serial      TEXT PRIMARY KEY NOT NULL, -- hexadecimal, lower case
    agent       TEXT NOT NULL,             -- its common name; zerofax-collector, zerofax-broker: theirs at an outside broker
    not_before  BIGINT NOT NULL,
    not_after   BIGINT NOT NULL,
    issued_at   BIGINT NOT NULL,
    issued_by   TEXT NOT NULL,
    revoked_at  BIGINT NOT NULL,           -- 0 = it isn't
    revoked_by  TEXT NOT NULL,
    reason      TEXT NOT NULL,
    certificate TEXT NOT NULL              -- PEM
);

CREATE INDEX certificates_agent ON certificates (agent, issued_at);
CREATE INDEX certificates_revoked ON certificates (revoked_at);

-- +goose Down

DROP TABLE certificates;
DROP TABLE authority;
