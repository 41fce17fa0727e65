-- What: the limits that a server's moderators set, and counts of members that no longer hold their ids.
-- Why: /quota; and what a member used has to outlive the deletion of their data without telling who it was.

-- target_id: the channel's, the role's, or for a member the keyed hash under which their use is counted; 0 for the whole
-- server, or for each channel or member separately. member_id is there only so that a moderator sees whom a rule is for:
-- deleting that member's data empties it and leaves the rule.
CREATE TABLE quota_rules (
    guild_id INTEGER NOT NULL,
    scope TEXT NOT NULL CHECK (scope IN ('server', 'channel', 'member', 'role')),
    target_id INTEGER NOT NULL,
    kind TEXT NOT NULL,
    per TEXT NOT NULL CHECK (per IN ('hour', 'day', 'month')),
    amount INTEGER CHECK (amount >= 0),
    member_id INTEGER,
    PRIMARY KEY (guild_id, scope, target_id, kind, per)
) STRICT, WITHOUT ROWID;

CREATE INDEX quota_rules_member ON quota_rules (member_id) WHERE member_id IS NOT NULL;

-- Until now members' counts were kept under their plain ids (their direct messages under the negated id). The key of
-- the hash is not known here, so those of the running day go: once, members' own daily counts begin anew. Servers' stay.
-- From here on scope is the pool that is counted together, and subject a server's or channel's id or a keyed hash.
DELETE FROM holds WHERE window_id IN (
    SELECT id FROM usage_windows WHERE scope = 'member' OR (scope = 'server' AND subject < 0)
);
DELETE FROM usage_windows WHERE scope = 'member' OR (scope = 'server' AND subject < 0);
