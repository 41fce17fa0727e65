-- What: whose each of the answers under way is.
-- Why: who may stop one is asked of this, not of what a pressed button carries.

-- NULL: it was begun before this was kept.
ALTER TABLE running_answers ADD COLUMN member_id INTEGER;
