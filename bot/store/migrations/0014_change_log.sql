-- What: the change log keeps a server's last 1,000 changes, and of long texts the last ten; of older ones their length.
-- Why: moderators who change long personas again and again would fill the disk.

-- NULL: old or new is there as it is, or nothing was set. Else: the characters of a text that is no longer kept.
ALTER TABLE changes ADD COLUMN old_length INTEGER;
ALTER TABLE changes ADD COLUMN new_length INTEGER;

CREATE INDEX changes_age ON changes (changed_at_ms);
CREATE INDEX changes_texts ON changes (guild_id, id) WHERE length(old) > 100 OR length(new) > 100;

DELETE FROM changes WHERE id IN (
    SELECT id FROM (SELECT id, row_number() OVER (PARTITION BY guild_id ORDER BY id DESC) AS place FROM changes)
    WHERE place > 1000
);

UPDATE changes SET
    old_length = CASE WHEN length(old) > 100 THEN length(old) END,
    new_length = CASE WHEN length(new) > 100 THEN length(new) END,
    old = CASE WHEN length(old) > 100 THEN NULL ELSE old END,
    new = CASE WHEN length(new) > 100 THEN NULL ELSE new END
WHERE id IN (
    SELECT id FROM (
        SELECT id, row_number() OVER (PARTITION BY guild_id ORDER BY id DESC) AS place FROM changes
        WHERE length(old) > 100 OR length(new) > 100
    )
    WHERE place > 10
);
