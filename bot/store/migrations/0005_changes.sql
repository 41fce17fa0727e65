-- What: every change of a setting: who changed what, when, from what to what.
-- Why: moderators can find out how a channel came to be as it is.

-- channel_id NULL: a setting of the whole server. old or new NULL: nothing was set before, or is set from now on.
-- changed_by NULL: a member who had their data deleted.
CREATE TABLE changes (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    guild_id INTEGER,
    channel_id INTEGER,
    setting TEXT NOT NULL,
    old TEXT,
    new TEXT,
    changed_by INTEGER,
    changed_at_ms INTEGER NOT NULL
) STRICT;

CREATE INDEX changes_guild ON changes (guild_id, id);
CREATE INDEX changes_by ON changes (changed_by) WHERE changed_by IS NOT NULL;
