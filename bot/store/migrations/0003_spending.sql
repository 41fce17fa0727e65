-- What: what was used in each window of the calendar, and what is reserved by answers still under way.
-- Why: limits hold exactly, whatever runs at once, and a process that dies gives back what it had reserved.

-- subject: a member's id, a server's id, or a member's negated id for their direct messages.
CREATE TABLE usage_windows (
    id INTEGER PRIMARY KEY,
    scope TEXT NOT NULL,
    subject INTEGER NOT NULL,
    kind TEXT NOT NULL,
    per TEXT NOT NULL,
    starts_at_ms INTEGER NOT NULL,
    ends_at_ms INTEGER NOT NULL,
    settled INTEGER NOT NULL CHECK (settled >= 0),
    reserved INTEGER NOT NULL CHECK (reserved >= 0),
    UNIQUE (scope, subject, kind, per, starts_at_ms)
) STRICT;

CREATE INDEX usage_windows_ends ON usage_windows (ends_at_ms);

-- The id is drawn by the process, which can so undo a reservation whose commit it never heard of.
-- freed_at_ms: the lease ran out and the holds were given back; what is settled later is still counted.
CREATE TABLE reservations (
    id INTEGER PRIMARY KEY,
    process TEXT NOT NULL,
    reserved_at_ms INTEGER NOT NULL,
    lease_until_ms INTEGER NOT NULL,
    freed_at_ms INTEGER
) STRICT;

CREATE INDEX reservations_process ON reservations (process, reserved_at_ms);
CREATE INDEX reservations_lease ON reservations (lease_until_ms) WHERE freed_at_ms IS NULL;
CREATE INDEX reservations_freed ON reservations (freed_at_ms) WHERE freed_at_ms IS NOT NULL;

-- Deferred: settling deletes the reservation first (in that row all who would end it meet) and then reads the holds.
CREATE TABLE holds (
    reservation_id INTEGER NOT NULL REFERENCES reservations (id) DEFERRABLE INITIALLY DEFERRED,
    position INTEGER NOT NULL,
    window_id INTEGER NOT NULL REFERENCES usage_windows (id),
    amount INTEGER NOT NULL CHECK (amount >= 0),
    PRIMARY KEY (reservation_id, position)
) STRICT, WITHOUT ROWID;

CREATE INDEX holds_window ON holds (window_id);
