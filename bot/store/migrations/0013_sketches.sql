-- What: what pictures were drawn from, and the message that shows them.
-- Why: the buttons under pictures draw them again, or with another prompt, also after a restart.

-- model NULL: none was asked for, so that the channel's draws. size NULL: the model's own. message_id: where Discord told.
CREATE TABLE sketches (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    channel_id INTEGER NOT NULL,
    thread_of INTEGER,
    guild_id INTEGER,
    author_id INTEGER NOT NULL,
    prompt TEXT NOT NULL,
    size TEXT,
    n INTEGER NOT NULL,
    model TEXT,
    spoiler INTEGER NOT NULL CHECK (spoiler IN (0, 1)),
    message_id INTEGER,
    created_at_ms INTEGER NOT NULL
) STRICT;

CREATE INDEX sketches_channel ON sketches (channel_id);
CREATE INDEX sketches_thread ON sketches (thread_of) WHERE thread_of IS NOT NULL;
CREATE INDEX sketches_guild ON sketches (guild_id, id) WHERE guild_id IS NOT NULL;
CREATE INDEX sketches_author ON sketches (author_id);
CREATE INDEX sketches_message ON sketches (message_id) WHERE message_id IS NOT NULL;
CREATE INDEX sketches_age ON sketches (created_at_ms);
