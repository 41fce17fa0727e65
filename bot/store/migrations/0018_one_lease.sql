-- What: a process has an epoch; a reservation has no lease of its own.
-- Why: whether a process is alive is decided once, for all that it has reserved and all that it answers.

-- epoch: raised by who declares the process dead, so that the process notices it at its next heartbeat.
ALTER TABLE processes ADD COLUMN epoch INTEGER NOT NULL DEFAULT 1;

DROP INDEX reservations_lease;
ALTER TABLE reservations DROP COLUMN lease_until_ms;

DROP INDEX reservations_process;
CREATE INDEX reservations_process ON reservations (process) WHERE freed_at_ms IS NULL;
