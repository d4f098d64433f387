-- Every read. Times are in epoch seconds; a list of keys comes as one JSON array.

-- name: lock
-- The guard rows of these instances, as they are now.
SELECT * FROM instances WHERE id IN (SELECT value FROM json_each(:ids)) ORDER BY id;

-- name: take_mail
-- Which of this mail is still there, and whether it is kept back.
SELECT number, held FROM mailbox WHERE number IN (SELECT value FROM json_each(:numbers));

-- name: branches_of
-- All branches of these instances.
SELECT * FROM branches WHERE instance IN (SELECT value FROM json_each(:instances)) ORDER BY instance, id;

-- name: values_of
-- All values of these instances.
SELECT * FROM "values" WHERE instance IN (SELECT value FROM json_each(:instances))
ORDER BY instance, branch, scope, name;

-- name: branches_some
-- These branches, each named by instance and id.
SELECT * FROM branches
WHERE (instance, id) IN (SELECT json_extract(value, '$[0]'), json_extract(value, '$[1]') FROM json_each(:keys))
ORDER BY instance, id;

-- name: values_some
-- All values of these branches.
SELECT * FROM "values"
WHERE (instance, branch) IN (SELECT json_extract(value, '$[0]'), json_extract(value, '$[1]') FROM json_each(:keys))
ORDER BY instance, branch, scope, name;

-- name: branches_below
-- The branches of one instance whose ids begin with a text; no id holds the last character there is.
SELECT * FROM branches
WHERE instance = :instance AND id >= :branch AND id < :branch || char(1114111)
ORDER BY id;

-- name: values_below
-- All values of those branches.
SELECT * FROM "values"
WHERE instance = :instance AND branch >= :branch AND branch < :branch || char(1114111)
ORDER BY branch, scope, name;

-- name: due
-- Branches with a timer that has run out, earliest first, after a given one.
SELECT instance, id AS branch, due AS at FROM branches
WHERE due <= :before AND (due, instance, id) > (:at, :instance, :branch)
ORDER BY due, instance, id LIMIT :limit;

-- name: mail
-- Mail that is not held, oldest first, without what some makers have numbered.
SELECT * FROM mailbox INDEXED BY mailbox_free WHERE held = 0
AND ((number >> 12) & 1023) NOT IN (SELECT value FROM json_each(:but))
ORDER BY number LIMIT :limit;

-- name: held_mail
-- Mail of one instance that is kept back, oldest first.
SELECT * FROM mailbox WHERE held = 1 AND instance = :instance ORDER BY number LIMIT :limit;

-- name: releasable
-- Instances that may apply what they kept back.
SELECT id FROM instances INDEXED BY instances_releasable WHERE releasable = 1 ORDER BY id LIMIT :limit;

-- name: fresh_waits
-- Waits for which kept events were not looked through yet.
SELECT * FROM waits INDEXED BY waits_fresh WHERE fresh = 1 ORDER BY instance, branch, activity LIMIT :limit;

-- name: latest
-- The latest instant in any history.
SELECT max(at) AS at FROM history;

-- name: pending_events
-- Events not yet offered to all waits, oldest first, without what some makers have numbered.
SELECT * FROM events INDEXED BY events_pending WHERE cursor IS NOT NULL
AND ((number >> 12) & 1023) NOT IN (SELECT value FROM json_each(:but))
ORDER BY number LIMIT :limit;

-- name: attempts
-- Branches that wait for an answer, after a given one.
SELECT participant, instance, id AS branch, attempt FROM branches INDEXED BY branches_participant
WHERE attempt IS NOT NULL AND (participant, instance, id) > (:participant, :instance, :branch)
ORDER BY participant, instance, id LIMIT :limit;

-- name: asked
-- The participants whose answers something waits for: one search in the index for each, however many wait.
WITH RECURSIVE found (participant) AS (
    SELECT min(participant) FROM branches WHERE attempt IS NOT NULL
    UNION ALL
    SELECT (
        SELECT min(participant) FROM branches WHERE attempt IS NOT NULL AND participant > found.participant
    ) FROM found WHERE participant IS NOT NULL
)
SELECT participant FROM found WHERE participant IS NOT NULL;

-- name: attempt_counts
-- How many attempts there are for each of these participants, and how many of them wait for leave.
SELECT
    value AS participant,
    (SELECT count(*) FROM branches WHERE participant = value AND attempt IS NOT NULL) AS asked,
    (SELECT count(*) FROM outbox WHERE participant = value AND participant != '') AS kept
FROM json_each(:participants);

-- name: outbox
-- What is to be published, oldest first, after a given number, without what some makers have numbered.
SELECT * FROM outbox WHERE number > :after
AND ((number >> 12) & 1023) NOT IN (SELECT value FROM json_each(:but))
ORDER BY number LIMIT :limit;

-- name: kept
-- The participants for which rows wait for leave: one search in the index for each, however many wait.
WITH RECURSIVE found (participant) AS (
    SELECT min(participant) FROM outbox WHERE participant != ''
    UNION ALL
    SELECT (
        SELECT min(participant) FROM outbox WHERE participant != '' AND participant > found.participant
    ) FROM found WHERE participant IS NOT NULL
)
SELECT participant FROM found WHERE participant IS NOT NULL;

-- name: unsent
-- The attempts of these instances that are to be published, and the numbers of their rows.
SELECT instance, attempt, number FROM outbox
WHERE instance IN (SELECT value FROM json_each(:instances)) AND attempt IS NOT NULL
ORDER BY number;

-- name: take_events
-- Those of these events that are kept.
SELECT * FROM events WHERE number IN (SELECT value FROM json_each(:numbers)) ORDER BY number;

-- name: take_leave
-- The rows of one participant, by all its names, that may leave: as many as its bound has room for. In flight are the
-- attempts that branches wait for but for those that wait for leave.
SELECT * FROM outbox
WHERE participant IN (SELECT value FROM json_each(:names)) AND participant != ''
    AND NOT EXISTS (SELECT 1 FROM pauses WHERE participant IN (SELECT value FROM json_each(:names)))
ORDER BY coalesce(priority, 0) DESC, number
LIMIT max(0, min(:limit, :most - (
    SELECT count(*) FROM branches
    WHERE attempt IS NOT NULL AND participant IN (SELECT value FROM json_each(:names))
) + (
    SELECT count(*) FROM outbox WHERE participant IN (SELECT value FROM json_each(:names)) AND participant != ''
)));

-- name: outbox_rows
-- Those of these that are to be published.
SELECT * FROM outbox WHERE number IN (SELECT value FROM json_each(:numbers)) ORDER BY number;

-- name: outbox_of
-- The numbers of the attempts of one instance that are to be published, and whose leave each waits for.
SELECT attempt, participant FROM outbox WHERE instance = :instance AND attempt IS NOT NULL ORDER BY attempt, number;

-- name: paths
-- The different paths that waits for an event compare: one search in the index for each path, however many waits.
WITH RECURSIVE found (path) AS (
    SELECT min(path) FROM waits WHERE event = :event
    UNION ALL
    SELECT (SELECT min(path) FROM waits WHERE event = :event AND path > found.path) FROM found WHERE path IS NOT NULL
)
SELECT path FROM found WHERE path IS NOT NULL;

-- name: waits
-- Waits for an event by path and value (:keys, pairs), of the next instances after a given one. The inner query walks the
-- index of one pair from :after on and stops after :limit instances; so a chunk costs the same however many wait.
WITH next (instance) AS (
    SELECT DISTINCT found.value FROM json_each(:keys) AS pair, json_each((
        SELECT json_group_array(instance) FROM (
            SELECT DISTINCT instance FROM waits
            WHERE event = :event AND path = json_extract(pair.value, '$[0]') AND value = json_extract(pair.value, '$[1]')
            AND instance > :after
            ORDER BY instance LIMIT :limit
        )
    )) AS found
    ORDER BY 1 LIMIT :limit
)
SELECT waits.* FROM json_each(:keys) AS pair CROSS JOIN waits
ON waits.event = :event
AND waits.path = json_extract(pair.value, '$[0]') AND waits.value = json_extract(pair.value, '$[1]')
AND waits.instance > :after AND waits.instance <= (SELECT max(instance) FROM next)
ORDER BY waits.instance, waits.branch, waits.activity;

-- name: kept_events
-- Events that have not woken an instance, in the order they were accepted, after a given place in that order.
SELECT * FROM events
WHERE name = :name AND (accepted, number) > (:accepted, :number)
AND NOT EXISTS (SELECT 1 FROM consumed WHERE consumed.instance = :instance AND consumed.event = events.number)
ORDER BY accepted, number LIMIT :limit;

-- name: keyed_events
-- Of those, the ones that have a key: each half walks its index in order, and at most that many of both are sorted.
SELECT * FROM (
    SELECT events.*, found.accepted AS place FROM event_keys AS found CROSS JOIN events ON events.number = found.number
    WHERE found.name = :name AND found.digest = :digest AND (found.accepted, found.number) > (:accepted, :number)
    AND NOT EXISTS (SELECT 1 FROM consumed WHERE consumed.instance = :instance AND consumed.event = events.number)
    ORDER BY found.accepted, found.number LIMIT :limit
) UNION ALL SELECT * FROM (
    SELECT events.*, found.accepted AS place FROM event_keys AS found CROSS JOIN events ON events.number = found.number
    WHERE found.name = :name AND found.digest = 0 AND (found.accepted, found.number) > (:accepted, :number)
    AND NOT EXISTS (SELECT 1 FROM consumed WHERE consumed.instance = :instance AND consumed.event = events.number)
    ORDER BY found.accepted, found.number LIMIT :limit
) ORDER BY place, number LIMIT :limit;

-- name: woken
-- Which of these instances an event has woken.
SELECT DISTINCT instance FROM consumed
WHERE instance IN (SELECT value FROM json_each(:instances)) AND event = :event;

-- name: event
-- The event with a message id; the newest, should it have been accepted again after it was forgotten.
SELECT * FROM events WHERE id = :id ORDER BY number DESC LIMIT 1;

-- name: woken_by
-- Which awaits an event has woken.
SELECT instance, branch, activity FROM consumed WHERE event = :event ORDER BY instance, branch, activity LIMIT :limit;

-- name: awaited
-- The names of the events that something waits for: one search in the index for each name, however many waits.
WITH RECURSIVE found (event) AS (
    SELECT min(event) FROM waits
    UNION ALL
    SELECT (SELECT min(event) FROM waits WHERE event > found.event) FROM found WHERE event IS NOT NULL
)
SELECT event FROM found WHERE event IS NOT NULL;

-- name: definition
-- One definition.
SELECT * FROM definitions WHERE hash = :hash;

-- name: definitions_in_use
-- What unfinished instances run; those that have ended are not looked at.
SELECT DISTINCT definition FROM instances INDEXED BY instances_unfinished WHERE ended IS NULL ORDER BY definition;

-- name: versions
-- Versions of processes, in order. A line that names something that was not asked for is left out.
SELECT * FROM versions
WHERE true
AND name = :name
ORDER BY name, version;

-- name: registered
-- One version of a process; without a number the highest that is not retired.
SELECT * FROM versions
WHERE name = :name
AND version = :version
AND retired = 0 -- :newest
ORDER BY version DESC LIMIT 1;

-- name: schedules
-- Schedules, in order. A line that names something that was not asked for is left out.
SELECT * FROM schedules
WHERE true
AND process = :process
ORDER BY process, number;

-- name: due_schedules
-- Schedules with a tick that has come, earliest first.
SELECT * FROM schedules INDEXED BY schedules_due
WHERE due IS NOT NULL AND paused = 0 AND due <= :before ORDER BY due, process, number LIMIT :limit;

-- name: waiting_schedules
-- Schedules that want to start something besides their next tick.
SELECT * FROM schedules INDEXED BY schedules_waiting
WHERE due IS NOT NULL AND (asked <> '[]' OR (queued <> '[]' AND paused = 0)) ORDER BY process, number LIMIT :limit;

-- name: starters
-- Processes that start on an event, or on any. A line that names something that was not asked for is left out.
SELECT DISTINCT process FROM event_starts
WHERE true
AND event = :event
ORDER BY process;

-- name: running
-- How many unfinished instances run each definition; those that have ended are not looked at.
SELECT definition AS name, count(*) AS rows FROM instances INDEXED BY instances_unfinished
WHERE ended IS NULL GROUP BY definition;

-- name: instance
-- One guard row.
SELECT * FROM instances WHERE id = :id;

-- name: holder
-- The unfinished instance of a process that has a business key for itself.
SELECT id FROM instances
WHERE process = :process AND business_key = :business_key AND ended IS NULL AND is_unique = 1 AND id <> :id;

-- name: instances
-- What a person asks for, newest first. A line that names something that was not asked for is left out.
SELECT * FROM instances
WHERE id >= :prefix AND id < :prefix || char(1114111)
AND id < :before
AND process = :process
AND definition = :definition
AND status = :status
AND outcome = :outcome
AND business_key = :business_key
AND incidents > 0 -- :with_incidents
AND ended IS NULL -- :unfinished
AND started > :started_after
ORDER BY id DESC
LIMIT :limit;

-- name: waits_of
-- All waits of one instance.
SELECT * FROM waits WHERE instance = :instance ORDER BY branch, activity;

-- name: remembered
-- The newest compensations that an instance remembers.
SELECT * FROM remembered WHERE instance = :instance ORDER BY number DESC LIMIT :limit;

-- name: history
-- What has happened in one instance, in order.
SELECT * FROM history WHERE instance = :instance AND number > :after ORDER BY number LIMIT :limit;

-- name: incidents
-- Incidents, in the order they were opened. A line that names something that was not asked for is left out.
SELECT * FROM incidents
WHERE true
AND instance = :instance
AND closed IS NULL -- :open
ORDER BY opened, instance, number;

-- name: causes
-- Open incidents by what is the same in them. Of each group the highest address is shown: it begins with its instance.
SELECT instances.process AS process, instances.definition AS definition, incidents.activity AS activity,
    incidents.kind AS kind, incidents.code AS code, incidents.message AS message,
    count(*) AS number, min(incidents.opened) AS first, max(incidents.opened) AS last,
    max(incidents.instance) AS instance, max(incidents.address) AS address
FROM incidents INDEXED BY incidents_open CROSS JOIN instances ON instances.id = incidents.instance
WHERE incidents.closed IS NULL
GROUP BY 1, 2, 3, 4, 5, 6
ORDER BY number DESC, last DESC, 1, 2, 3, 4, 5, 6;

-- name: incidents_of
-- The open incidents of one such group, in the order they were opened.
SELECT incidents.* FROM incidents INDEXED BY incidents_open CROSS JOIN instances ON instances.id = incidents.instance
WHERE incidents.closed IS NULL
AND incidents.activity = :activity AND incidents.kind = :kind AND incidents.code = :code
AND incidents.message = :message AND instances.process = :process AND instances.definition = :definition
ORDER BY incidents.opened, incidents.instance, incidents.number LIMIT :limit;

-- name: dead_letters
-- Messages that no instance took, newest first. A line that names something that was not asked for is left out.
SELECT * FROM dead_letters
WHERE true
AND message_id = :message_id
ORDER BY number DESC LIMIT :limit;

-- name: dead_letter
-- One of them.
SELECT * FROM dead_letters WHERE number = :number;

-- name: audit
-- What came of one command.
SELECT * FROM audit WHERE number = :number;

-- name: audits
-- Commands, newest first. A line that names something that was not asked for is left out.
SELECT * FROM audit
WHERE true
AND instance = :instance
ORDER BY number DESC LIMIT :limit;

-- name: destinations
-- The queues.
SELECT * FROM destinations ORDER BY name;

-- name: pauses
-- The participants that are paused.
SELECT * FROM pauses ORDER BY participant;

-- name: statuses
-- How many instances there are of each status.
SELECT status AS name, count(*) AS rows FROM instances GROUP BY status;

-- name: setting
-- One setting.
SELECT value FROM settings WHERE name = :name;

-- name: counts
-- How many rows each table has.
SELECT 'definitions' AS name, count(*) AS rows FROM definitions
UNION ALL SELECT 'instances', count(*) FROM instances
UNION ALL SELECT 'branches', count(*) FROM branches
UNION ALL SELECT 'values', count(*) FROM "values"
UNION ALL SELECT 'waits', count(*) FROM waits
UNION ALL SELECT 'remembered', count(*) FROM remembered
UNION ALL SELECT 'events', count(*) FROM events
UNION ALL SELECT 'event_keys', count(*) FROM event_keys
UNION ALL SELECT 'consumed', count(*) FROM consumed
UNION ALL SELECT 'mailbox', count(*) FROM mailbox
UNION ALL SELECT 'outbox', count(*) FROM outbox
UNION ALL SELECT 'inbox', count(*) FROM inbox
UNION ALL SELECT 'dead_letters', count(*) FROM dead_letters
UNION ALL SELECT 'history', count(*) FROM history
UNION ALL SELECT 'incidents', count(*) FROM incidents
UNION ALL SELECT 'settings', count(*) FROM settings
UNION ALL SELECT 'audit', count(*) FROM audit
UNION ALL SELECT 'destinations', count(*) FROM destinations
UNION ALL SELECT 'pauses', count(*) FROM pauses
UNION ALL SELECT 'versions', count(*) FROM versions
UNION ALL SELECT 'schedules', count(*) FROM schedules
UNION ALL SELECT 'event_starts', count(*) FROM event_starts;
