-- What a line's own page asks for: the months of its accounts, what people changed of it, its episodes.

-- +goose Up

CREATE INDEX accounts_line ON accounts (line);
CREATE INDEX posted_months_account ON posted_months (account);
CREATE INDEX audit_subject ON audit (subject);
CREATE INDEX episodes_line ON episodes (line);

-- +goose Down

DROP INDEX episodes_line;
DROP INDEX audit_subject;
DROP INDEX posted_months_account;
DROP INDEX accounts_line;
