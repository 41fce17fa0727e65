-- What: tables, columns and indexes get the names that the code and the docs use. Nothing but names changes.
-- Why: one word for one thing, so that a table is found by the name of what it keeps.

ALTER TABLE turns RENAME COLUMN thread_of TO parent_channel_id;
ALTER TABLE turns RENAME COLUMN closed TO ends_context;
ALTER TABLE turns RENAME COLUMN branch TO is_branch;
ALTER TABLE turns RENAME COLUMN instead_of TO replaces_id;
ALTER TABLE turns RENAME COLUMN about TO about_message_id;
ALTER TABLE turns RENAME COLUMN finish TO finish_reason;

-- Indexes cannot be renamed: those that bear an old name are dropped and made once more.
DROP INDEX turns_thread;
DROP INDEX turns_instead_of;
CREATE INDEX turns_parent_channel ON turns (parent_channel_id, id) WHERE parent_channel_id IS NOT NULL;
CREATE INDEX turns_replaces ON turns (replaces_id) WHERE replaces_id IS NOT NULL;

-- Images that were generated, with what they were generated from.
ALTER TABLE sketches RENAME TO image_generations;
ALTER TABLE image_generations RENAME COLUMN thread_of TO parent_channel_id;

DROP INDEX sketches_channel;
DROP INDEX sketches_thread;
DROP INDEX sketches_guild;
DROP INDEX sketches_author;
DROP INDEX sketches_message;
DROP INDEX sketches_age;
CREATE INDEX image_generations_channel ON image_generations (channel_id);
CREATE INDEX image_generations_parent_channel ON image_generations (parent_channel_id)
    WHERE parent_channel_id IS NOT NULL;
CREATE INDEX image_generations_guild ON image_generations (guild_id, id) WHERE guild_id IS NOT NULL;
CREATE INDEX image_generations_author ON image_generations (author_id);
CREATE INDEX image_generations_message ON image_generations (message_id) WHERE message_id IS NOT NULL;
CREATE INDEX image_generations_age ON image_generations (created_at_ms);

-- name_key and word_key: the name or word as it is looked up, whatever its case.
ALTER TABLE presets RENAME TO personas;
ALTER TABLE personas RENAME COLUMN folded TO name_key;

ALTER TABLE pronunciations RENAME COLUMN folded TO word_key;
ALTER TABLE pronunciations RENAME COLUMN say TO spoken_as;

ALTER TABLE voice_preferences RENAME TO voice_settings;

ALTER TABLE changes RENAME TO audit_log;

DROP INDEX changes_guild;
DROP INDEX changes_by;
DROP INDEX changes_age;
DROP INDEX changes_texts;
CREATE INDEX audit_log_guild ON audit_log (guild_id, id);
CREATE INDEX audit_log_changed_by ON audit_log (changed_by) WHERE changed_by IS NOT NULL;
CREATE INDEX audit_log_age ON audit_log (changed_at_ms);
CREATE INDEX audit_log_texts ON audit_log (guild_id, id) WHERE length(old) > 100 OR length(new) > 100;

-- Ids of interactions and messages that were admitted: the idempotency keys.
ALTER TABLE claims RENAME TO processed_events;
ALTER TABLE processed_events RENAME COLUMN at_ms TO claimed_at_ms;

DROP INDEX claims_at;
CREATE INDEX processed_events_age ON processed_events (claimed_at_ms);

ALTER TABLE departures RENAME TO left_guilds;
ALTER TABLE left_guilds RENAME COLUMN noted_at_ms TO noticed_at_ms;

DROP INDEX departures_noted;
CREATE INDEX left_guilds_noticed ON left_guilds (noticed_at_ms);

-- member_hash: a keyed hash of the member's id.
ALTER TABLE forgotten RENAME TO erased_members;
ALTER TABLE erased_members RENAME COLUMN code TO member_hash;
ALTER TABLE erased_members RENAME COLUMN at_ms TO erased_at_ms;

DROP INDEX forgotten_at;
CREATE INDEX erased_members_age ON erased_members (erased_at_ms);

-- A counter adds up the usage of one kind in one period, by one guild, channel or member.
ALTER TABLE usage_windows RENAME TO usage_counters;
ALTER TABLE usage_counters RENAME COLUMN per TO period;

DROP INDEX usage_windows_ends;
CREATE INDEX usage_counters_ends ON usage_counters (ends_at_ms);

-- due_amount: counted as used even where the process that reserved it dies.
ALTER TABLE holds RENAME TO reservation_items;
ALTER TABLE reservation_items RENAME COLUMN window_id TO counter_id;
ALTER TABLE reservation_items RENAME COLUMN due TO due_amount;

DROP INDEX holds_window;
CREATE INDEX reservation_items_counter ON reservation_items (counter_id);

ALTER TABLE quota_rules RENAME TO quota_limits;
ALTER TABLE quota_limits RENAME COLUMN per TO period;
ALTER TABLE quota_limits RENAME COLUMN amount TO max_amount;

DROP INDEX quota_rules_member;
CREATE INDEX quota_limits_member ON quota_limits (member_id) WHERE member_id IS NOT NULL;

-- phase: what the answer's messages show. final_message_count: known once the last text is being sent.
ALTER TABLE running_answers RENAME TO inflight_answers;
ALTER TABLE inflight_answers RENAME COLUMN shows TO phase;
ALTER TABLE inflight_answers RENAME COLUMN stopping TO cancel_requested;
ALTER TABLE inflight_answers RENAME COLUMN messages TO final_message_count;

DROP INDEX running_answers_process;
CREATE INDEX inflight_answers_process ON inflight_answers (process);
