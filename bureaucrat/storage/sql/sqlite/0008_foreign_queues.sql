-- Whose attempts go to a queue, where its name does not tell: many Celery tasks share one.
ALTER TABLE destinations ADD COLUMN participants TEXT NOT NULL DEFAULT '';
