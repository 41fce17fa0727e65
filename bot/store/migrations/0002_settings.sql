-- What: settings that moderators change, for a channel or for a whole server, one value a row.
-- Why: /channel model; one table, so that a request reads the channel's and the server's values in one go.

CREATE TABLE settings (
    scope TEXT NOT NULL CHECK (scope IN ('channel', 'server')),
    subject_id INTEGER NOT NULL,
    name TEXT NOT NULL,
    value TEXT NOT NULL,
    guild_id INTEGER,
    changed_by INTEGER NOT NULL,
    changed_at_ms INTEGER NOT NULL,
    PRIMARY KEY (scope, subject_id, name)
) STRICT, WITHOUT ROWID;
