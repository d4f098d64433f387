-- What starts instances by itself: schedules, and events.

-- Each <start cron> of a process that is registered, and how far it has come.
CREATE TABLE schedules (
    process TEXT NOT NULL,
    number INTEGER NOT NULL,
    changes INTEGER NOT NULL,
    version INTEGER NOT NULL,
    definition TEXT NOT NULL,
    cron TEXT NOT NULL,
    timezone TEXT NOT NULL,
    overlap TEXT NOT NULL,
    missed TEXT NOT NULL,
    due REAL,
    paused INTEGER NOT NULL,
    queued TEXT NOT NULL,
    asked TEXT NOT NULL,
    unfinished TEXT NOT NULL,
    started REAL,
    instance TEXT,
    skipped INTEGER NOT NULL,
    PRIMARY KEY (process, number)
) WITHOUT ROWID;

CREATE INDEX schedules_due ON schedules (due, process, number) WHERE due IS NOT NULL AND paused = 0;
CREATE INDEX schedules_waiting ON schedules (process, number)
WHERE due IS NOT NULL AND (asked <> '[]' OR (queued <> '[]' AND paused = 0));

-- Which processes start, in one of their versions, on which events.
CREATE TABLE event_starts (
    event TEXT NOT NULL,
    process TEXT NOT NULL,
    PRIMARY KEY (event, process)
) WITHOUT ROWID;
