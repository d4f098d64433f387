-- What an examination reads: all that is kept of some instances (:instances, a JSON array), and rows without an owner.

-- name: instances
-- The guard rows.
SELECT * FROM instances WHERE id IN (SELECT value FROM json_each(:instances)) ORDER BY id;

-- name: branches
-- All branches.
SELECT * FROM branches WHERE instance IN (SELECT value FROM json_each(:instances)) ORDER BY instance, id;

-- name: values
-- All values.
SELECT * FROM "values" WHERE instance IN (SELECT value FROM json_each(:instances))
ORDER BY instance, branch, scope, name;

-- name: waits
-- All waits.
SELECT * FROM waits WHERE instance IN (SELECT value FROM json_each(:instances)) ORDER BY instance, branch, activity;

-- name: remembered
-- All compensations that are remembered.
SELECT * FROM remembered WHERE instance IN (SELECT value FROM json_each(:instances)) ORDER BY instance, number;

-- name: incidents
-- The open incidents.
SELECT * FROM incidents WHERE closed IS NULL AND instance IN (SELECT value FROM json_each(:instances))
ORDER BY instance, number;

-- name: mail
-- What is in the mailbox: one search for what is kept back, one look through what is on its way.
SELECT * FROM (
    SELECT * FROM mailbox WHERE held = 1 AND instance IN (SELECT value FROM json_each(:instances))
    UNION ALL
    SELECT * FROM mailbox WHERE held = 0 AND instance IN (SELECT value FROM json_each(:instances))
) ORDER BY number;

-- name: outbox
-- The attempts that are to be published, without what is published.
SELECT number, destination, x'' AS body, at, instance, attempt, priority, properties, branch, participant FROM outbox
WHERE attempt IS NOT NULL AND instance IN (SELECT value FROM json_each(:instances)) ORDER BY number;

-- name: spans
-- From where to where the history goes.
SELECT found.*, (
    SELECT what FROM history WHERE history.instance = found.instance AND history.number = found.first
) AS begins FROM (
    SELECT instance, min(number) AS first, max(number) AS last, count(*) AS rows FROM history
    WHERE instance IN (SELECT value FROM json_each(:instances)) GROUP BY instance
) AS found ORDER BY found.instance;

-- name: stray_branches
-- Instances that have branches, and are not there.
SELECT DISTINCT 'branches' AS kept, instance AS owner FROM branches
WHERE instance NOT IN (SELECT id FROM instances) ORDER BY instance LIMIT :limit;

-- name: stray_consumed
-- Events that have woken something, and are not there.
SELECT DISTINCT 'consumed' AS kept, CAST(event AS TEXT) AS owner FROM consumed
WHERE event NOT IN (SELECT number FROM events) ORDER BY owner LIMIT :limit;

-- name: stray_event_keys
-- Events that are found by something, and are not there.
SELECT DISTINCT 'event_keys' AS kept, CAST(number AS TEXT) AS owner FROM event_keys
WHERE number NOT IN (SELECT number FROM events) ORDER BY owner LIMIT :limit;

-- name: stray_incidents
-- Instances that have open incidents, and are not there.
SELECT DISTINCT 'incidents' AS kept, instance AS owner FROM incidents
WHERE closed IS NULL AND instance NOT IN (SELECT id FROM instances) ORDER BY instance LIMIT :limit;

-- name: stray_remembered
-- Instances that remember something, and are not there.
SELECT DISTINCT 'remembered' AS kept, instance AS owner FROM remembered
WHERE instance NOT IN (SELECT id FROM instances) ORDER BY instance LIMIT :limit;

-- name: stray_values
-- Instances that have values, and are not there.
SELECT DISTINCT 'values' AS kept, instance AS owner FROM "values"
WHERE instance NOT IN (SELECT id FROM instances) ORDER BY instance LIMIT :limit;

-- name: stray_waits
-- Instances that wait, and are not there.
SELECT DISTINCT 'waits' AS kept, instance AS owner FROM waits
WHERE instance NOT IN (SELECT id FROM instances) ORDER BY instance LIMIT :limit;
