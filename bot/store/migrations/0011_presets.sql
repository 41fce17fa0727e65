-- What: a server's personas by name.
-- Why: /persona and /ask persona.

-- folded: the name as it is looked for, whatever its case; name: as somebody wrote it. Who changed what stands in changes.
CREATE TABLE presets (
    guild_id INTEGER NOT NULL,
    folded TEXT NOT NULL,
    name TEXT NOT NULL,
    persona TEXT NOT NULL,
    PRIMARY KEY (guild_id, folded)
) STRICT;
