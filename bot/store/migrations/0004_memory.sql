-- What: which channel a thread belongs to, where a line was closed, indexes for taking rows away, and left servers.
-- Why: what is deleted in Discord, asked to be deleted, too old, or of a server that is gone leaves the history.

-- thread_of: the channel under which the thread hangs that the turn was held in; with the channel its threads go too.
ALTER TABLE turns ADD COLUMN thread_of INTEGER;

-- closed: the next turn of its line starts anew. Set where a fresh turn after it was taken away: what was left out once
-- does not come back.
ALTER TABLE turns ADD COLUMN closed INTEGER NOT NULL DEFAULT 0 CHECK (closed IN (0, 1));

CREATE INDEX turns_author ON turns (author_id, id);
CREATE INDEX turns_guild ON turns (guild_id, id) WHERE guild_id IS NOT NULL;
CREATE INDEX turns_thread ON turns (thread_of, id) WHERE thread_of IS NOT NULL;
CREATE INDEX turns_age ON turns (created_at_ms);

CREATE INDEX settings_guild ON settings (guild_id) WHERE guild_id IS NOT NULL;
CREATE INDEX settings_changed_by ON settings (changed_by);

-- Servers that the bot is no longer in, and when that was first noticed.
CREATE TABLE departures (
    guild_id INTEGER PRIMARY KEY,
    noted_at_ms INTEGER NOT NULL
) STRICT;

CREATE INDEX departures_noted ON departures (noted_at_ms);
