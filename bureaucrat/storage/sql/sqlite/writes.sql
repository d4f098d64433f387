-- Every write of a batch. The line that begins with VALUES is one row; it is repeated for each row there is to write.
-- Every statement may be given the same row twice without harm. JSON comes as bytes and is kept as text. What is
-- looked for is cast to the column's type: without that, SQLite does not search in the index, but through the table.

-- name: delete_scopes
-- Close scopes: all their values go, the base included.
DELETE FROM "values" WHERE (instance, branch, scope) IN (
SELECT CAST(column1 AS TEXT), CAST(column2 AS TEXT), CAST(column3 AS INTEGER) FROM (
VALUES (?, ?, ?)
));

-- name: delete_values
-- The values of branches that are gone.
DELETE FROM "values" WHERE (instance, branch) IN (
SELECT CAST(column1 AS TEXT), CAST(column2 AS TEXT) FROM (
VALUES (?, ?)
));

-- name: delete_branch_waits
-- The waits of branches that are gone.
DELETE FROM waits WHERE (instance, branch) IN (
SELECT CAST(column1 AS TEXT), CAST(column2 AS TEXT) FROM (
VALUES (?, ?)
));

-- name: delete_branches
-- Branches that are gone.
DELETE FROM branches WHERE (instance, id) IN (
SELECT CAST(column1 AS TEXT), CAST(column2 AS TEXT) FROM (
VALUES (?, ?)
));

-- name: delete_waits
-- Awaits that do not wait any longer.
DELETE FROM waits WHERE (instance, branch, activity) IN (
SELECT CAST(column1 AS TEXT), CAST(column2 AS TEXT), CAST(column3 AS INTEGER) FROM (
VALUES (?, ?, ?)
));

-- name: forget_instances
-- Instances that remember no compensation any longer.
DELETE FROM remembered WHERE instance IN (
SELECT CAST(column1 AS TEXT) FROM (
VALUES (?)
));

-- name: delete_remembered
-- Compensations that run, or that others have taken the place of.
DELETE FROM remembered WHERE (instance, number) IN (
SELECT CAST(column1 AS TEXT), CAST(column2 AS INTEGER) FROM (
VALUES (?, ?)
));

-- name: delete_mail
-- Mail that was taken.
DELETE FROM mailbox WHERE number IN (
SELECT CAST(column1 AS INTEGER) FROM (
VALUES (?)
));

-- name: delete_outbox
-- What was published.
DELETE FROM outbox WHERE number IN (
SELECT CAST(column1 AS INTEGER) FROM (
VALUES (?)
));

-- name: delete_attempts
-- What was to be published for attempts that are over.
DELETE FROM outbox WHERE attempt IS NOT NULL AND (instance, attempt) IN (
SELECT CAST(column1 AS TEXT), CAST(column2 AS INTEGER) FROM (
VALUES (?, ?)
));

-- name: let_outbox_go
-- What may be published now.
UPDATE outbox SET participant = '' WHERE number IN (
SELECT CAST(column1 AS INTEGER) FROM (
VALUES (?)
));

-- name: delete_dead
-- Dead letters that were replayed or dropped.
DELETE FROM dead_letters WHERE number IN (
SELECT CAST(column1 AS INTEGER) FROM (
VALUES (?)
));

-- name: see_waits
-- Waits for which kept events were looked through, if it is still the same activation that waits.
UPDATE waits SET fresh = 0 FROM (
VALUES (?, ?, ?, ?)
) AS given WHERE waits.instance = given.column1 AND waits.branch = given.column2
    AND waits.activity = given.column3 AND waits.activation = given.column4;

-- name: move_cursors
-- How far events were offered, if they are where they were before; the count of rows tells.
UPDATE events SET cursor = given.column3 FROM (
VALUES (?, ?, ?)
) AS given WHERE events.number = given.column1 AND events.cursor IS given.column2;

-- name: insert_instances
-- New instances. An id that is there already is passed over; the count of rows tells.
INSERT INTO instances (
    id, process, definition, version, status, started, state, business_key, ended, outcome, incidents, held, releasable,
    is_unique)
VALUES (?, ?, ?, ?, ?, ?, CAST(? AS TEXT), ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT DO NOTHING;

-- name: update_states
-- What changes of an instance at every step, if it is at the version before; the count of rows tells.
UPDATE instances SET version = given.column2, state = given.column3, held = given.column4
FROM (
VALUES (?, ?, CAST(? AS TEXT), ?)
) AS given WHERE instances.id = given.column1 AND instances.version = given.column2 - 1;

-- name: update_instances
-- Instances that have changed, if they are at the version before; the count of rows tells.
UPDATE instances SET version = given.column4, state = given.column7, held = given.column12
FROM (
VALUES (?, ?, ?, ?, ?, ?, CAST(? AS TEXT), ?, ?, ?, ?, ?, ?, ?)
) AS given WHERE instances.id = given.column1 AND instances.version = given.column4 - 1;

-- name: update_found
-- What instances are found by, where it has changed. Apart from the rest, because setting an indexed column rewrites its
-- index even if the value is the same: half the time, measured. An instance keeps its process, the time it
-- started, and whether its key is unique.
UPDATE instances SET
    definition = given.column3,
    status = given.column5,
    business_key = given.column8,
    ended = given.column9,
    outcome = given.column10,
    incidents = given.column11,
    releasable = given.column13
FROM (
VALUES (?, ?, ?, ?, ?, ?, CAST(? AS TEXT), ?, ?, ?, ?, ?, ?, ?)
) AS given WHERE instances.id = given.column1 AND
    (instances.definition, instances.status, instances.business_key, instances.ended,
        instances.outcome, instances.incidents, instances.releasable)
    IS NOT (given.column3, given.column5, given.column8, given.column9, given.column10, given.column11, given.column13);

-- name: write_branches
-- Branches as they are now.
INSERT INTO branches (instance, id, due, attempt, state, participant)
VALUES (?, ?, ?, ?, CAST(? AS TEXT), ?)
ON CONFLICT DO UPDATE SET
    due = excluded.due, attempt = excluded.attempt, state = excluded.state, participant = excluded.participant;

-- name: write_values
-- Values as they are now.
INSERT INTO "values" (instance, branch, scope, name, value)
VALUES (?, ?, ?, ?, CAST(? AS TEXT))
ON CONFLICT DO UPDATE SET value = excluded.value;

-- name: write_waits
-- Awaits that begin to wait.
REPLACE INTO waits (instance, branch, activity, activation, event, path, value, since, fresh)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?);

-- name: write_remembered
-- Compensations that are remembered.
REPLACE INTO remembered (instance, number, branch, activity, activation, at, size, levels)
VALUES (?, ?, ?, ?, ?, ?, ?, CAST(? AS TEXT));

-- name: write_events
-- Events that were accepted.
REPLACE INTO events (number, id, name, body, accepted, cursor)
VALUES (?, ?, ?, CAST(? AS TEXT), ?, ?);

-- name: write_event_keys
-- By what they are found.
INSERT INTO event_keys (name, digest, accepted, number)
VALUES (?, ?, ?, ?)
ON CONFLICT DO NOTHING;

-- name: write_consumed
-- Which event has woken which await.
INSERT INTO consumed (event, instance, branch, activity)
VALUES (?, ?, ?, ?)
ON CONFLICT DO NOTHING;

-- name: write_mail
-- Messages for instances, kept back or not.
REPLACE INTO mailbox (number, instance, message, at, held)
VALUES (?, ?, CAST(? AS TEXT), ?, ?);

-- name: write_outbox
-- What is to be published.
REPLACE INTO outbox (number, destination, body, at, instance, attempt, priority, properties, branch, participant)
VALUES (?, ?, ?, ?, ?, ?, ?, CAST(? AS TEXT), ?, ?);

-- name: write_inbox
-- Ids of messages that were taken. One that is there already is passed over; the count of rows tells.
INSERT INTO inbox (id, at)
VALUES (?, ?)
ON CONFLICT DO NOTHING;

-- name: write_dead
-- Messages that no instance took. The same message is kept once.
INSERT INTO dead_letters (number, at, source, reason, message_id, body, digest, properties)
VALUES (?, ?, ?, ?, ?, ?, ?, CAST(? AS TEXT))
ON CONFLICT DO NOTHING;

-- name: write_history
-- What has happened.
REPLACE INTO history (instance, number, at, what, activity, address, detail)
VALUES (?, ?, ?, ?, ?, ?, CAST(? AS TEXT));

-- name: write_incidents
-- Incidents that were opened.
REPLACE INTO incidents (instance, number, branch, activity, address, kind, code, message, opened, closed, how)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?);

-- name: close_incidents
-- Incidents that were closed.
UPDATE incidents SET closed = given.column3, how = given.column4 FROM (
VALUES (?, ?, ?, ?)
) AS given WHERE incidents.instance = given.column1 AND incidents.number = given.column2;

-- name: write_definitions
-- Definitions. The first text counts; a version is set once it is known.
INSERT INTO definitions (hash, name, source, stored, version)
VALUES (?, ?, ?, ?, ?)
ON CONFLICT (hash) DO UPDATE SET version = excluded.version WHERE excluded.version IS NOT NULL;

-- name: write_audit
-- Commands of people. Each is carried out once, so the first row counts.
INSERT INTO audit (number, at, who, command, instance, detail, reason, outcome, answer)
VALUES (?, ?, ?, ?, ?, CAST(? AS TEXT), ?, ?, ?)
ON CONFLICT DO NOTHING;

-- name: write_destinations
-- What the broker shows of queues.
REPLACE INTO destinations (name, consumers, ready, checked, silent_since, participants)
VALUES (?, ?, ?, ?, ?, ?);

-- name: write_pauses
-- Participants that are paused from now on.
REPLACE INTO pauses (participant, since, who, reason)
VALUES (?, ?, ?, ?);

-- name: delete_pauses
-- Participants that go on.
DELETE FROM pauses WHERE participant IN (
VALUES (?)
);

-- name: write_versions
-- New versions of processes. One that is there already is passed over; the count of rows tells.
INSERT INTO versions (name, version, definition, deployed, who, retired)
VALUES (?, ?, ?, ?, ?, ?)
ON CONFLICT DO NOTHING;

-- name: retire_versions
-- Versions by which nothing is started any more, or again.
UPDATE versions SET retired = given.column3 FROM (
VALUES (?, ?, ?)
) AS given WHERE versions.name = given.column1 AND versions.version = given.column2;

-- name: insert_schedules
-- New schedules. One that is there already is passed over; the count of rows tells.
INSERT INTO schedules (
    process, number, changes, version, definition, cron, timezone, overlap, missed, due, paused, queued, asked,
    unfinished, started, instance, skipped)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, CAST(? AS TEXT), CAST(? AS TEXT), CAST(? AS TEXT), ?, ?, ?)
ON CONFLICT DO NOTHING;

-- name: update_schedules
-- Schedules that have changed, if they are at the change before; the count of rows tells.
UPDATE schedules SET changes = given.column3, version = given.column4, definition = given.column5,
    cron = given.column6, timezone = given.column7, overlap = given.column8, missed = given.column9,
    due = given.column10, paused = given.column11, queued = given.column12, asked = given.column13,
    unfinished = given.column14, started = given.column15, instance = given.column16, skipped = given.column17
FROM (
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, CAST(? AS TEXT), CAST(? AS TEXT), CAST(? AS TEXT), ?, ?, ?)
) AS given WHERE schedules.process = given.column1 AND schedules.number = given.column2
    AND schedules.changes = given.column3 - 1;

-- name: write_event_starts
-- Which process starts on which event.
INSERT INTO event_starts (event, process)
VALUES (?, ?)
ON CONFLICT DO NOTHING;

-- name: post
-- A message from another process. A number that is taken is an error: nothing is overwritten.
INSERT INTO mailbox (number, instance, message, at, held)
VALUES (?, ?, CAST(? AS TEXT), ?, ?);

-- name: write_settings
-- A setting; the last value counts.
INSERT INTO settings (name, value)
VALUES (?, ?)
ON CONFLICT (name) DO UPDATE SET value = excluded.value;

-- name: keep_setting
-- A setting; the first value counts.
INSERT INTO settings (name, value)
VALUES (?, ?)
ON CONFLICT DO NOTHING;
