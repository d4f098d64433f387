-- Processes that are registered by name, and business keys that are unique.

-- Each version, and the definition that it is. The text stands in definitions, once for all that have the same content.
CREATE TABLE versions (
    name TEXT NOT NULL,
    version INTEGER NOT NULL,
    definition TEXT NOT NULL,
    deployed REAL NOT NULL,
    who TEXT NOT NULL,
    retired INTEGER NOT NULL,
    PRIMARY KEY (name, version)
) WITHOUT ROWID;

-- Whether the process says that its business key is unique, and that no two such instances are unfinished.
ALTER TABLE instances ADD COLUMN is_unique INTEGER NOT NULL DEFAULT 0;
CREATE UNIQUE INDEX instances_unique ON instances (process, business_key) WHERE ended IS NULL AND is_unique = 1;
