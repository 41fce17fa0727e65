-- What: members who had their data deleted a short while ago, under codes, and when.
-- Why: an answer that any process is still writing for them then must not be kept afterwards.

-- code: a keyed hash of the member's id. Rows go after a day.
CREATE TABLE forgotten (
    code INTEGER PRIMARY KEY,
    at_ms INTEGER NOT NULL
) STRICT;

CREATE INDEX forgotten_at ON forgotten (at_ms);
