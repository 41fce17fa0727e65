-- What: which of the answers under way somebody wants stopped.
-- Why: a pressed button may come to another process than the one that is writing the answer.

ALTER TABLE running_answers ADD COLUMN stopping INTEGER NOT NULL DEFAULT 0 CHECK (stopping IN (0, 1));
