-- What an examination reads: all that is kept of some instances (:instances), and rows without an owner.

-- name: instances
-- The guard rows.
SELECT * FROM instances WHERE id = ANY (:instances::text[]) ORDER BY id;

-- name: branches
-- All branches.
SELECT * FROM branches WHERE instance = ANY (:instances::text[]) ORDER BY instance, id;

-- name: values
-- All values.
SELECT * FROM "values" WHERE instance = ANY (:instances::text[]) ORDER BY instance, branch, scope, name;

-- name: waits
-- All waits.
SELECT * FROM waits WHERE instance = ANY (:instances::text[]) ORDER BY instance, branch, activity;

-- name: remembered
-- All remembered.
SELECT * FROM remembered WHERE instance = ANY (:instances::text[]) ORDER BY instance, number;

-- name: incidents
-- The open incidents.
SELECT * FROM incidents WHERE closed IS NULL AND instance = ANY (:instances::text[]) ORDER BY instance, number;

-- name: mail
-- What is in the mailbox.
SELECT * FROM mailbox WHERE instance = ANY (:instances::text[]) ORDER BY number;

-- name: outbox
-- The attempts that are to be published, without what is published.
SELECT number, destination, ''::bytea AS body, at, instance, attempt, priority, properties, branch, participant
FROM outbox WHERE attempt IS NOT NULL AND instance = ANY (:instances::text[]) ORDER BY number;

-- name: spans
-- From where to where the history goes.
SELECT found.instance, found.lowest, found.highest, found.entries, (
    SELECT what FROM history WHERE history.instance = found.instance AND history.number = found.lowest
) AS begins FROM (
    SELECT instance, min(number) AS lowest, max(number) AS highest, count(*) AS entries FROM history
    WHERE instance = ANY (:instances::text[]) GROUP BY instance
) AS found ORDER BY found.instance;

-- name: stray_branches
-- Instances that have branches, and are not there.
SELECT DISTINCT 'branches' AS kept, instance AS owner FROM branches
WHERE NOT EXISTS (SELECT 1 FROM instances WHERE instances.id = instance) ORDER BY owner LIMIT :limit;

-- name: stray_incidents
-- Instances that have open incidents, and are not there.
SELECT DISTINCT 'incidents' AS kept, instance AS owner FROM incidents
WHERE closed IS NULL AND NOT EXISTS (SELECT 1 FROM instances WHERE instances.id = instance) ORDER BY owner LIMIT :limit;

-- name: stray_remembered
-- Instances that have remembered, and are not there.
SELECT DISTINCT 'remembered' AS kept, instance AS owner FROM remembered
WHERE NOT EXISTS (SELECT 1 FROM instances WHERE instances.id = instance) ORDER BY owner LIMIT :limit;

-- name: stray_values
-- Instances that have values, and are not there.
SELECT DISTINCT 'values' AS kept, instance AS owner FROM "values"
WHERE NOT EXISTS (SELECT 1 FROM instances WHERE instances.id = instance) ORDER BY owner LIMIT :limit;

-- name: stray_waits
-- Instances that have waits, and are not there.
SELECT DISTINCT 'waits' AS kept, instance AS owner FROM waits
WHERE NOT EXISTS (SELECT 1 FROM instances WHERE instances.id = instance) ORDER BY owner LIMIT :limit;

-- name: stray_consumed
-- Events that have woken something, and are not there.
SELECT DISTINCT 'consumed' AS kept, consumed.event::text COLLATE "C" AS owner FROM consumed
WHERE NOT EXISTS (SELECT 1 FROM events WHERE events.number = consumed.event) ORDER BY owner LIMIT :limit;

-- name: stray_event_keys
-- Events that are found by something, and are not there.
SELECT DISTINCT 'event_keys' AS kept, event_keys.number::text COLLATE "C" AS owner FROM event_keys
WHERE NOT EXISTS (SELECT 1 FROM events WHERE events.number = event_keys.number) ORDER BY owner LIMIT :limit;
