-- The first schema.
--
-- Columns stand in the order of the row's fields in bureaucrat/ports/rows.py. Times are epoch seconds. JSON is kept as text,
-- so that a person can query it (json_extract); what need not be JSON is a BLOB. Tables that are read by instance are
-- WITHOUT ROWID: what belongs to one instance lies together, and a row costs one search instead of two.

-- Definitions that instances run.
CREATE TABLE definitions (
    hash TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    source TEXT NOT NULL,
    stored REAL NOT NULL,
    version INTEGER
);

-- The guard rows: one an instance.
CREATE TABLE instances (
    id TEXT NOT NULL PRIMARY KEY,
    process TEXT NOT NULL,
    definition TEXT NOT NULL,
    version INTEGER NOT NULL,
    status TEXT NOT NULL,
    started REAL NOT NULL,
    state TEXT NOT NULL,
    business_key TEXT,
    ended REAL,
    outcome TEXT,
    incidents INTEGER NOT NULL,
    held INTEGER NOT NULL,
    releasable INTEGER NOT NULL
) WITHOUT ROWID;

-- What people list: by process, by status, the unfinished, those of a business key, those with incidents.
-- All of it newest first; ids grow with time, so there is no index of the time.
CREATE INDEX instances_process ON instances (process, id);
CREATE INDEX instances_status ON instances (status, id);
CREATE INDEX instances_unfinished ON instances (id) WHERE ended IS NULL;
CREATE INDEX instances_business_key ON instances (business_key, id) WHERE business_key IS NOT NULL;
CREATE INDEX instances_incidents ON instances (id) WHERE incidents > 0;

-- What pruning and the sweep look for.
CREATE INDEX instances_ended ON instances (ended) WHERE ended IS NOT NULL;
CREATE INDEX instances_releasable ON instances (id) WHERE releasable = 1;

-- The branches of unfinished instances, and the root of ended ones.
CREATE TABLE branches (
    instance TEXT NOT NULL,
    id TEXT NOT NULL,
    due REAL,
    attempt INTEGER,
    state TEXT NOT NULL,
    PRIMARY KEY (instance, id)
) WITHOUT ROWID;

CREATE INDEX branches_due ON branches (due, instance, id) WHERE due IS NOT NULL;
CREATE INDEX branches_attempt ON branches (instance, id, attempt) WHERE attempt IS NOT NULL;

-- The values of open scopes. The row with the empty name is the base: one object of all that the scope began with.
CREATE TABLE "values" (
    instance TEXT NOT NULL,
    branch TEXT NOT NULL,
    scope INTEGER NOT NULL,
    name TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (instance, branch, scope, name)
) WITHOUT ROWID;

-- Awaits that wait.
CREATE TABLE waits (
    instance TEXT NOT NULL,
    branch TEXT NOT NULL,
    activity INTEGER NOT NULL,
    activation INTEGER NOT NULL,
    event TEXT NOT NULL,
    path TEXT NOT NULL,
    value TEXT NOT NULL,
    since REAL NOT NULL,
    fresh INTEGER NOT NULL,
    PRIMARY KEY (instance, branch, activity)
) WITHOUT ROWID;

CREATE INDEX waits_event ON waits (event, path, value, instance);
CREATE INDEX waits_fresh ON waits (instance, branch, activity) WHERE fresh = 1;

-- Accepted events, kept for a while.
CREATE TABLE events (
    number INTEGER PRIMARY KEY,
    id TEXT NOT NULL,
    name TEXT NOT NULL,
    body TEXT NOT NULL,
    accepted REAL NOT NULL,
    cursor TEXT
);

-- Its last column is the number: every index of a table with a rowid ends with it.
CREATE INDEX events_name ON events (name, accepted);
CREATE INDEX events_pending ON events (number) WHERE cursor IS NOT NULL;
CREATE INDEX events_old ON events (accepted) WHERE cursor IS NULL;

-- Which event has woken which await.
CREATE TABLE consumed (
    instance TEXT NOT NULL,
    event INTEGER NOT NULL,
    branch TEXT NOT NULL,
    activity INTEGER NOT NULL,
    PRIMARY KEY (instance, event, branch, activity)
) WITHOUT ROWID;

CREATE INDEX consumed_event ON consumed (event);

-- Messages for instances that did not come through the broker.
CREATE TABLE mailbox (
    number INTEGER PRIMARY KEY,
    instance TEXT NOT NULL,
    message TEXT NOT NULL,
    at REAL NOT NULL,
    held INTEGER NOT NULL
);

CREATE INDEX mailbox_free ON mailbox (number) WHERE held = 0;
CREATE INDEX mailbox_held ON mailbox (instance, number) WHERE held = 1;

-- What is to be published.
CREATE TABLE outbox (
    number INTEGER PRIMARY KEY,
    destination TEXT NOT NULL,
    body BLOB NOT NULL,
    at REAL NOT NULL,
    instance TEXT NOT NULL,
    attempt INTEGER,
    priority INTEGER,
    properties TEXT NOT NULL
);

CREATE INDEX outbox_attempt ON outbox (instance, attempt) WHERE attempt IS NOT NULL;

-- Ids of messages that were taken.
CREATE TABLE inbox (
    id TEXT NOT NULL PRIMARY KEY,
    at REAL NOT NULL
) WITHOUT ROWID;

CREATE INDEX inbox_at ON inbox (at);

-- Messages that no instance took.
CREATE TABLE dead_letters (
    number INTEGER PRIMARY KEY,
    at REAL NOT NULL,
    source TEXT NOT NULL,
    reason TEXT NOT NULL,
    message_id TEXT NOT NULL,
    body BLOB NOT NULL,
    digest TEXT NOT NULL,
    properties TEXT NOT NULL
);

CREATE UNIQUE INDEX dead_letters_message ON dead_letters (source, message_id, digest);

-- What has happened in each instance. With a rowid: it is mostly written, each row at the end (25 % faster, measured).
CREATE TABLE history (
    instance TEXT NOT NULL,
    number INTEGER NOT NULL,
    at REAL NOT NULL,
    what TEXT NOT NULL,
    activity INTEGER,
    address TEXT NOT NULL,
    detail TEXT NOT NULL,
    PRIMARY KEY (instance, number)
);

CREATE INDEX history_at ON history (at);

-- What needs, or needed, a person.
CREATE TABLE incidents (
    instance TEXT NOT NULL,
    number INTEGER NOT NULL,
    branch TEXT NOT NULL,
    activity INTEGER NOT NULL,
    address TEXT NOT NULL,
    kind TEXT NOT NULL,
    code TEXT NOT NULL,
    message TEXT NOT NULL,
    opened REAL NOT NULL,
    closed REAL,
    how TEXT,
    PRIMARY KEY (instance, number)
) WITHOUT ROWID;

CREATE INDEX incidents_open ON incidents (opened, instance, number) WHERE closed IS NULL;

-- What the database itself remembers, such as the key that signs tokens.
CREATE TABLE settings (
    name TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
) WITHOUT ROWID;
