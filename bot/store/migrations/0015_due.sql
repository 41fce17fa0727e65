-- What: how much of a hold is owed even where the process that made it dies.
-- Why: an answer that was being shown is paid for as far as it is known to have come, however it ends.

ALTER TABLE holds ADD COLUMN due INTEGER NOT NULL DEFAULT 0 CHECK (due >= 0);
