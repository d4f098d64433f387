-- Processes that are registered by name.

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
