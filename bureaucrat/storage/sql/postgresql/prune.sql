-- Forgetting, a bounded part each time: each statement finds what is old by an index and takes :limit rows of it.

-- name: old_instances
-- The instances that ended longest ago. The statements after this one take them as :old, an array.
SELECT id FROM instances WHERE ended < :instances ORDER BY ended LIMIT :limit;

-- name: prune_branches
-- What they had: their branches.
DELETE FROM branches WHERE (instance, id) IN (
    SELECT instance, id FROM branches WHERE instance = ANY (:old::text[]) LIMIT :limit);

-- name: prune_values
-- Their values.
DELETE FROM "values" WHERE (instance, branch, scope, name) IN (
    SELECT instance, branch, scope, name FROM "values"
    WHERE instance = ANY (:old::text[]) LIMIT :limit);

-- name: prune_waits
-- Their waits.
DELETE FROM waits WHERE (instance, branch, activity) IN (
    SELECT instance, branch, activity FROM waits
    WHERE instance = ANY (:old::text[]) LIMIT :limit);

-- name: prune_remembered
-- Compensations they remember: none, an instance forgets them when it ends; deleted with the rest all the same.
DELETE FROM remembered WHERE (instance, number) IN (
    SELECT instance, number FROM remembered
    WHERE instance = ANY (:old::text[]) LIMIT :limit);

-- name: prune_mail
-- What they kept back and will never apply.
DELETE FROM mailbox WHERE number IN (
    SELECT number FROM mailbox
    WHERE held AND instance = ANY (:old::text[]) LIMIT :limit);

-- name: prune_consumed
-- The events they were woken by.
DELETE FROM consumed WHERE (instance, event, branch, activity) IN (
    SELECT instance, event, branch, activity FROM consumed
    WHERE instance = ANY (:old::text[]) LIMIT :limit);

-- name: prune_incidents
-- Their incidents.
DELETE FROM incidents WHERE (instance, number) IN (
    SELECT instance, number FROM incidents WHERE instance = ANY (:old::text[]) LIMIT :limit);

-- name: prune_history
-- Their history.
DELETE FROM history WHERE (instance, number) IN (
    SELECT instance, number FROM history WHERE instance = ANY (:old::text[]) LIMIT :limit);

-- name: prune_instances
-- The instances themselves, once nothing else of them is left.
DELETE FROM instances WHERE id = ANY (:old::text[])
AND NOT EXISTS (SELECT 1 FROM branches WHERE branches.instance = instances.id)
AND NOT EXISTS (SELECT 1 FROM "values" WHERE "values".instance = instances.id)
AND NOT EXISTS (SELECT 1 FROM waits WHERE waits.instance = instances.id)
AND NOT EXISTS (SELECT 1 FROM remembered WHERE remembered.instance = instances.id)
AND NOT EXISTS (SELECT 1 FROM mailbox WHERE mailbox.held AND mailbox.instance = instances.id)
AND NOT EXISTS (SELECT 1 FROM consumed WHERE consumed.instance = instances.id)
AND NOT EXISTS (SELECT 1 FROM incidents WHERE incidents.instance = instances.id)
AND NOT EXISTS (SELECT 1 FROM history WHERE history.instance = instances.id);

-- name: prune_old_history
-- History of any instance that is too old.
DELETE FROM history WHERE (instance, number) IN (
    SELECT instance, number FROM history WHERE at < :history ORDER BY at LIMIT :limit);

-- name: old_events
-- The oldest events that were offered to all, each with how many awaits it has woken.
SELECT number, (SELECT count(*) FROM (SELECT 1 FROM consumed WHERE event = events.number LIMIT :limit) AS these) AS woken
FROM events WHERE cursor IS NULL AND accepted < :events ORDER BY accepted LIMIT :limit;

-- name: prune_woken
-- Whom these events have woken. This goes together with the event: an event without it would wake them again.
DELETE FROM consumed WHERE event = ANY (:numbers::bigint[]);

-- name: prune_event_keys
-- By what they were found.
DELETE FROM event_keys WHERE number = ANY (:numbers::bigint[]);

-- name: prune_events
-- These events.
DELETE FROM events WHERE number = ANY (:numbers::bigint[]);

-- name: prune_old_dead
-- Dead letters that nobody replayed or dropped in all that time.
DELETE FROM dead_letters WHERE number IN (SELECT number FROM dead_letters WHERE at < :dead ORDER BY at LIMIT :limit);

-- name: prune_old_inbox
-- Message ids that are too old to come again.
DELETE FROM inbox WHERE id IN (SELECT id FROM inbox WHERE at < :inbox ORDER BY at LIMIT :limit);
