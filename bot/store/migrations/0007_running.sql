-- What: the events taken on, the processes that live, and the answers they are at work on.
-- Why: an event that is delivered twice is answered once, and an answer whose process died can say so.

-- id: the interaction's or message's. Whoever adds it first answers; the others pass it over.
CREATE TABLE claims (
    id INTEGER PRIMARY KEY,
    at_ms INTEGER NOT NULL
) STRICT;

CREATE INDEX claims_at ON claims (at_ms);

CREATE TABLE processes (
    name TEXT PRIMARY KEY,
    lease_until_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- id and token: the interaction's; the token goes with the row as soon as the answer has ended.
-- message_ids: those known so far, in reading order, separated by blanks.
-- shows: nothing but "thinking…", a place in line, or words that are being written, which are then unfinished even where
-- nothing in them says so. messages: how many there are once the last words are on their way.
CREATE TABLE running_answers (
    id INTEGER PRIMARY KEY,
    process TEXT NOT NULL,
    application_id INTEGER NOT NULL,
    token TEXT NOT NULL,
    channel_id INTEGER NOT NULL,
    message_ids TEXT NOT NULL,
    shows TEXT NOT NULL CHECK (shows IN ('thinking', 'line', 'words')),
    messages INTEGER,
    started_at_ms INTEGER NOT NULL
) STRICT;

CREATE INDEX running_answers_process ON running_answers (process);
