-- Whom attempts are for: so that those of one participant are found and counted without reading instances.

-- Of branches that were written before, it is not known until they are written again.
ALTER TABLE branches ADD COLUMN participant TEXT NOT NULL DEFAULT '';
DROP INDEX branches_attempt;
CREATE INDEX branches_participant ON branches (participant, instance, id, attempt) WHERE attempt IS NOT NULL;

-- The branch of an attempt; and whose leave it waits for, where a participant may only have so many at a time.
ALTER TABLE outbox ADD COLUMN branch TEXT NOT NULL DEFAULT '';
ALTER TABLE outbox ADD COLUMN participant TEXT NOT NULL DEFAULT '';
CREATE INDEX outbox_participant ON outbox (participant) WHERE participant != '';
