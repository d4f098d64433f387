-- Every write of a batch, each of one table. Parameter by parameter comes a column of all rows there are to write. What
-- changes different tables goes to the server as one statement (bureaucrat/storage/postgresql_writer.py): so no
-- statement looks into another one's table, none changes a row twice, and each ends where RETURNING can be put.

-- name: delete_scopes
-- Close scopes: all their values go, the base included.
DELETE FROM "values" AS old USING unnest($1::text[], $2::text[], $3::bigint[]) AS given (instance, branch, scope)
WHERE old.instance = given.instance AND old.branch = given.branch AND old.scope = given.scope;

-- name: delete_values
-- The values of branches that are gone.
DELETE FROM "values" AS old USING unnest($1::text[], $2::text[]) AS given (instance, branch)
WHERE old.instance = given.instance AND old.branch = given.branch;

-- name: delete_branch_waits
-- The waits of branches that are gone.
DELETE FROM waits AS old USING unnest($1::text[], $2::text[]) AS given (instance, branch)
WHERE old.instance = given.instance AND old.branch = given.branch;

-- name: delete_branches
-- Branches that are gone.
DELETE FROM branches AS old USING unnest($1::text[], $2::text[]) AS given (instance, id)
WHERE old.instance = given.instance AND old.id = given.id;

-- name: delete_waits
-- Awaits that do not wait any longer.
DELETE FROM waits AS old USING unnest($1::text[], $2::text[], $3::bigint[]) AS given (instance, branch, activity)
WHERE old.instance = given.instance AND old.branch = given.branch AND old.activity = given.activity;

-- name: forget_instances
-- Instances that remember no compensation any longer.
DELETE FROM remembered WHERE instance = ANY ($1::text[]);

-- name: delete_remembered
-- Compensations that run, or that others have taken the place of.
DELETE FROM remembered AS old USING unnest($1::text[], $2::bigint[]) AS given (instance, number)
WHERE old.instance = given.instance AND old.number = given.number;

-- name: delete_mail
-- Mail that was taken.
DELETE FROM mailbox WHERE number = ANY ($1::bigint[]);

-- name: delete_outbox
-- What was published.
DELETE FROM outbox WHERE number = ANY ($1::bigint[]);

-- name: delete_attempts
-- What was to be published for attempts that are over.
DELETE FROM outbox AS old USING unnest($1::text[], $2::bigint[]) AS given (instance, attempt)
WHERE old.instance = given.instance AND old.attempt = given.attempt AND old.attempt IS NOT NULL;

-- name: let_outbox_go
-- What may be published now.
UPDATE outbox SET participant = '' WHERE number = ANY ($1::bigint[]);

-- name: delete_dead
-- Dead letters that were replayed or dropped.
DELETE FROM dead_letters WHERE number = ANY ($1::bigint[]);

-- name: see_waits
-- Waits for which kept events were looked through, if it is still the same activation that waits.
UPDATE waits AS old SET fresh = false
FROM unnest($1::text[], $2::text[], $3::bigint[], $4::bigint[]) AS given (instance, branch, activity, activation)
WHERE old.instance = given.instance AND old.branch = given.branch
    AND old.activity = given.activity AND old.activation = given.activation;

-- name: move_cursors
-- How far events were offered, if they are where they were before; the count of rows tells.
UPDATE events AS old SET cursor = given.new
FROM unnest($1::bigint[], $2::text[], $3::text[]) AS given (number, before, new)
WHERE old.number = given.number AND old.cursor IS NOT DISTINCT FROM given.before;

-- name: insert_instances
-- New instances. An id that is there already is passed over, and so is one whose key another unfinished instance has
-- for itself; the count of rows tells.
INSERT INTO instances (
    id, process, definition, version, status, started, state, business_key, ended, outcome, incidents, held, releasable,
    is_unique)
SELECT * FROM unnest(
    $1::text[], $2::text[], $3::text[], $4::bigint[], $5::text[], $6::double precision[], $7::text[], $8::text[],
    $9::double precision[], $10::text[], $11::bigint[], $12::bigint[], $13::boolean[], $14::boolean[])
    AS given (id, process, definition, version, status, started, state, business_key, ended, outcome, incidents, held,
    releasable, is_unique)
WHERE NOT given.is_unique OR given.business_key IS NULL OR NOT EXISTS (
    SELECT 1 FROM instances AS other
    WHERE other.process = given.process AND other.business_key = given.business_key
    AND other.ended IS NULL AND other.is_unique AND other.id <> given.id)
ON CONFLICT DO NOTHING;

-- name: update_states
-- What changes of an instance at every step, if it is at the version before; the count of rows tells.
UPDATE instances AS old SET version = given.version, state = given.state, held = given.held
FROM unnest($1::text[], $2::bigint[], $3::text[], $4::bigint[]) AS given (id, version, state, held)
WHERE old.id = given.id AND old.version = given.version - 1;

-- name: update_instances
-- Instances that have changed, if they are at the version before; the count of rows tells. An instance keeps its
-- process, the time it started, and whether its key is unique.
UPDATE instances AS old SET
    definition = given.definition,
    version = given.version,
    status = given.status,
    state = given.state,
    business_key = given.business_key,
    ended = given.ended,
    outcome = given.outcome,
    incidents = given.incidents,
    held = given.held,
    releasable = given.releasable
FROM unnest(
    $1::text[], $2::text[], $3::text[], $4::bigint[], $5::text[], $6::double precision[], $7::text[], $8::text[],
    $9::double precision[], $10::text[], $11::bigint[], $12::bigint[], $13::boolean[], $14::boolean[])
    AS given (id, process, definition, version, status, started, state, business_key, ended, outcome, incidents, held,
    releasable, is_unique)
WHERE old.id = given.id AND old.version = given.version - 1;

-- name: write_branches
-- Branches as they are now.
INSERT INTO branches (instance, id, due, attempt, state, participant)
SELECT * FROM unnest($1::text[], $2::text[], $3::double precision[], $4::bigint[], $5::text[], $6::text[])
ON CONFLICT (instance, id) DO UPDATE SET
    due = excluded.due, attempt = excluded.attempt, state = excluded.state, participant = excluded.participant;

-- name: write_values
-- Values as they are now.
INSERT INTO "values" (instance, branch, scope, name, value)
SELECT * FROM unnest($1::text[], $2::text[], $3::bigint[], $4::text[], $5::text[])
ON CONFLICT (instance, branch, scope, name) DO UPDATE SET value = excluded.value;

-- name: write_waits
-- Awaits that begin to wait.
INSERT INTO waits (instance, branch, activity, activation, event, path, value, since, fresh)
SELECT * FROM unnest(
    $1::text[], $2::text[], $3::bigint[], $4::bigint[], $5::text[], $6::text[], $7::text[], $8::double precision[],
    $9::boolean[])
ON CONFLICT (instance, branch, activity) DO UPDATE SET
    activation = excluded.activation, event = excluded.event, path = excluded.path, value = excluded.value,
    since = excluded.since, fresh = excluded.fresh;

-- name: write_remembered
-- Compensations that are remembered.
INSERT INTO remembered (instance, number, branch, activity, activation, at, size, levels)
SELECT * FROM unnest(
    $1::text[], $2::bigint[], $3::text[], $4::bigint[], $5::bigint[], $6::double precision[], $7::bigint[], $8::text[])
ON CONFLICT (instance, number) DO UPDATE SET
    branch = excluded.branch, activity = excluded.activity, activation = excluded.activation, at = excluded.at,
    size = excluded.size, levels = excluded.levels;

-- name: write_events
-- Events that were accepted.
INSERT INTO events (number, id, name, body, accepted, cursor)
SELECT * FROM unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::double precision[], $6::text[])
ON CONFLICT (number) DO UPDATE SET
    id = excluded.id, name = excluded.name, body = excluded.body, accepted = excluded.accepted,
    cursor = excluded.cursor;

-- name: write_event_keys
-- By what they are found.
INSERT INTO event_keys (name, digest, accepted, number)
SELECT * FROM unnest($1::text[], $2::bigint[], $3::double precision[], $4::bigint[])
ON CONFLICT DO NOTHING;

-- name: write_consumed
-- Which event has woken which await.
INSERT INTO consumed (event, instance, branch, activity)
SELECT * FROM unnest($1::bigint[], $2::text[], $3::text[], $4::bigint[])
ON CONFLICT DO NOTHING;

-- name: write_mail
-- Messages for instances, kept back or not.
INSERT INTO mailbox (number, instance, message, at, held)
SELECT * FROM unnest($1::bigint[], $2::text[], $3::text[], $4::double precision[], $5::boolean[])
ON CONFLICT (number) DO UPDATE SET
    instance = excluded.instance, message = excluded.message, at = excluded.at, held = excluded.held;

-- name: write_outbox
-- What is to be published.
INSERT INTO outbox (number, destination, body, at, instance, attempt, priority, properties, branch, participant)
SELECT * FROM unnest(
    $1::bigint[], $2::text[], $3::bytea[], $4::double precision[], $5::text[], $6::bigint[], $7::bigint[], $8::text[],
    $9::text[], $10::text[])
ON CONFLICT (number) DO UPDATE SET
    destination = excluded.destination, body = excluded.body, at = excluded.at, instance = excluded.instance,
    attempt = excluded.attempt, priority = excluded.priority, properties = excluded.properties,
    branch = excluded.branch, participant = excluded.participant;

-- name: write_inbox
-- Ids of messages that were taken. One that is there already is passed over; the count of rows tells.
INSERT INTO inbox (id, at)
SELECT * FROM unnest($1::text[], $2::double precision[])
ON CONFLICT DO NOTHING;

-- name: write_dead
-- Messages that no instance took. The same message is kept once.
INSERT INTO dead_letters (number, at, source, reason, message_id, body, digest, properties)
SELECT * FROM unnest(
    $1::bigint[], $2::double precision[], $3::text[], $4::text[], $5::text[], $6::bytea[], $7::text[], $8::text[])
ON CONFLICT DO NOTHING;

-- name: write_history
-- What has happened.
INSERT INTO history (instance, number, at, what, activity, address, detail)
SELECT * FROM unnest(
    $1::text[], $2::bigint[], $3::double precision[], $4::text[], $5::bigint[], $6::text[], $7::text[])
ON CONFLICT (instance, number) DO UPDATE SET
    at = excluded.at, what = excluded.what, activity = excluded.activity, address = excluded.address,
    detail = excluded.detail;

-- name: write_incidents
-- Incidents that were opened.
INSERT INTO incidents (instance, number, branch, activity, address, kind, code, message, opened, closed, how)
SELECT * FROM unnest(
    $1::text[], $2::bigint[], $3::text[], $4::bigint[], $5::text[], $6::text[], $7::text[], $8::text[],
    $9::double precision[], $10::double precision[], $11::text[])
ON CONFLICT (instance, number) DO UPDATE SET
    branch = excluded.branch, activity = excluded.activity, address = excluded.address, kind = excluded.kind,
    code = excluded.code, message = excluded.message, opened = excluded.opened, closed = excluded.closed,
    how = excluded.how;

-- name: close_incidents
-- Incidents that were closed.
UPDATE incidents AS old SET closed = given.closed, how = given.how
FROM unnest($1::text[], $2::bigint[], $3::double precision[], $4::text[]) AS given (instance, number, closed, how)
WHERE old.instance = given.instance AND old.number = given.number;

-- name: write_definitions
-- Definitions. The first text counts; a version is set once it is known.
INSERT INTO definitions (hash, name, source, stored, version)
SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::double precision[], $5::bigint[])
ON CONFLICT (hash) DO UPDATE SET version = excluded.version WHERE excluded.version IS NOT NULL;

-- name: write_audit
-- Commands of people. Each is carried out once, so the first row counts.
INSERT INTO audit (number, at, who, command, instance, detail, reason, outcome, answer)
SELECT * FROM unnest(
    $1::bigint[], $2::double precision[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[],
    $9::text[])
ON CONFLICT DO NOTHING;

-- name: write_destinations
-- What the broker shows of queues.
INSERT INTO destinations (name, consumers, ready, checked, silent_since, participants)
SELECT * FROM unnest(
    $1::text[], $2::bigint[], $3::bigint[], $4::double precision[], $5::double precision[], $6::text[])
ON CONFLICT (name) DO UPDATE SET
    consumers = excluded.consumers, ready = excluded.ready, checked = excluded.checked,
    silent_since = excluded.silent_since, participants = excluded.participants;

-- name: write_pauses
-- Participants that are paused from now on.
INSERT INTO pauses (participant, since, who, reason)
SELECT * FROM unnest($1::text[], $2::double precision[], $3::text[], $4::text[])
ON CONFLICT (participant) DO UPDATE SET since = excluded.since, who = excluded.who, reason = excluded.reason;

-- name: delete_pauses
-- Participants that go on.
DELETE FROM pauses WHERE participant = ANY ($1::text[]);

-- name: write_versions
-- New versions of processes. One that is there already is passed over; the count of rows tells.
INSERT INTO versions (name, version, definition, deployed, who, retired)
SELECT * FROM unnest($1::text[], $2::bigint[], $3::text[], $4::double precision[], $5::text[], $6::boolean[])
ON CONFLICT DO NOTHING;

-- name: retire_versions
-- Versions by which nothing is started any more, or again.
UPDATE versions AS old SET retired = given.retired
FROM unnest($1::text[], $2::bigint[], $3::boolean[]) AS given (name, version, retired)
WHERE old.name = given.name AND old.version = given.version;

-- name: insert_schedules
-- New schedules. One that is there already is passed over; the count of rows tells.
INSERT INTO schedules (
    process, number, changes, version, definition, cron, timezone, overlap, missed, due, paused, queued, asked,
    unfinished, started, instance, skipped)
SELECT * FROM unnest(
    $1::text[], $2::bigint[], $3::bigint[], $4::bigint[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[],
    $10::double precision[], $11::boolean[], $12::text[], $13::text[], $14::text[], $15::double precision[],
    $16::text[], $17::bigint[])
ON CONFLICT DO NOTHING;

-- name: update_schedules
-- Schedules that have changed, if they are at the change before; the count of rows tells.
UPDATE schedules AS old SET changes = given.changes, version = given.version, definition = given.definition,
    cron = given.cron, timezone = given.timezone, overlap = given.overlap, missed = given.missed,
    due = given.due, paused = given.paused, queued = given.queued, asked = given.asked,
    unfinished = given.unfinished, started = given.started, instance = given.instance, skipped = given.skipped
FROM unnest(
    $1::text[], $2::bigint[], $3::bigint[], $4::bigint[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[],
    $10::double precision[], $11::boolean[], $12::text[], $13::text[], $14::text[], $15::double precision[],
    $16::text[], $17::bigint[]) AS given (process, number, changes, version, definition, cron, timezone, overlap,
    missed, due, paused, queued, asked, unfinished, started, instance, skipped)
WHERE old.process = given.process AND old.number = given.number AND old.changes = given.changes - 1;

-- name: write_event_starts
-- Which process starts on which event.
INSERT INTO event_starts (event, process)
SELECT * FROM unnest($1::text[], $2::text[])
ON CONFLICT DO NOTHING;

-- name: post
-- A message from another process, and word of it. A number that is taken is an error: nothing is overwritten.
WITH posted AS (
    INSERT INTO mailbox (number, instance, message, at, held) VALUES ($1, $2, $3, $4, $5) RETURNING number
)
SELECT pg_notify('bureaucrat_mail', '') FROM posted;

-- name: write_settings
-- A setting; the last value counts.
INSERT INTO settings (name, value)
SELECT * FROM unnest($1::text[], $2::text[])
ON CONFLICT (name) DO UPDATE SET value = excluded.value;

-- name: keep_setting
-- A setting; the first value counts.
INSERT INTO settings (name, value) VALUES ($1, $2) ON CONFLICT DO NOTHING;
