-- What: the voice and speed that a member wants for what they have said aloud, and how a server has words said.
-- Why: /voice settings and /pronounce.

-- A member's own, in all servers and direct messages alike. voice NULL: the operator's. speed_percent 100: as it comes.
CREATE TABLE voice_preferences (
    member_id INTEGER PRIMARY KEY,
    voice TEXT,
    speed_percent INTEGER NOT NULL CHECK (speed_percent BETWEEN 50 AND 200),
    changed_at_ms INTEGER NOT NULL
) STRICT;

-- folded: the word as it is looked for, whatever its case and the way its accents are written; word: as somebody wrote it.
-- Who changed what stands in changes.
CREATE TABLE pronunciations (
    guild_id INTEGER NOT NULL,
    folded TEXT NOT NULL,
    word TEXT NOT NULL,
    say TEXT NOT NULL,
    PRIMARY KEY (guild_id, folded)
) STRICT, WITHOUT ROWID;
