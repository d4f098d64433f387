-- The first schema: the tables of SQLite's first nine migrations.
--
-- Everything lies in the schema "bureaucrat", so that it can share a database with others. Texts compare byte by byte,
-- as they do in Python and SQLite. Times are epoch seconds. JSON is kept as text, as it came: jsonb would give back
-- another text. Hot rows have room to be updated where they are (fillfactor); where rows come and go, dead ones are
-- cleared away before they are many.

-- Definitions that instances run.
CREATE TABLE definitions (
    hash text COLLATE "C" PRIMARY KEY,
    name text COLLATE "C" NOT NULL,
    source text COLLATE "C" NOT NULL,
    stored double precision NOT NULL,
    version bigint
);

-- The guard rows: one an instance.
CREATE TABLE instances (
    id text COLLATE "C" PRIMARY KEY,
    process text COLLATE "C" NOT NULL,
    definition text COLLATE "C" NOT NULL,
    version bigint NOT NULL,
    status text COLLATE "C" NOT NULL,
    started double precision NOT NULL,
    state text COLLATE "C" NOT NULL,
    business_key text COLLATE "C",
    ended double precision,
    outcome text COLLATE "C",
    incidents bigint NOT NULL,
    held bigint NOT NULL,
    releasable boolean NOT NULL,
    is_unique boolean NOT NULL
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.05);

CREATE INDEX instances_process ON instances (process, id);
CREATE INDEX instances_status ON instances (status, id);
CREATE INDEX instances_unfinished ON instances (id) WHERE ended IS NULL;
CREATE INDEX instances_business_key ON instances (business_key, id) WHERE business_key IS NOT NULL;
CREATE INDEX instances_incidents ON instances (id) WHERE incidents > 0;
CREATE INDEX instances_ended ON instances (ended) WHERE ended IS NOT NULL;
CREATE INDEX instances_releasable ON instances (id) WHERE releasable;
-- No two unfinished instances have a business key that is to be unique.
CREATE UNIQUE INDEX instances_unique ON instances (process, business_key) WHERE ended IS NULL AND is_unique;

-- The branches of unfinished instances, and the root of ended ones.
CREATE TABLE branches (
    instance text COLLATE "C" NOT NULL,
    id text COLLATE "C" NOT NULL,
    due double precision,
    attempt bigint,
    state text COLLATE "C" NOT NULL,
    participant text COLLATE "C" NOT NULL,
    PRIMARY KEY (instance, id)
) WITH (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.05);

CREATE INDEX branches_due ON branches (due, instance, id) WHERE due IS NOT NULL;
CREATE INDEX branches_participant ON branches (participant, instance, id, attempt) WHERE attempt IS NOT NULL;

-- The values of open scopes. The row with the empty name is the base: one object of all that the scope began with.
CREATE TABLE "values" (
    instance text COLLATE "C" NOT NULL,
    branch text COLLATE "C" NOT NULL,
    scope bigint NOT NULL,
    name text COLLATE "C" NOT NULL,
    value text COLLATE "C" NOT NULL,
    PRIMARY KEY (instance, branch, scope, name)
) WITH (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.05);

-- Awaits that wait. What they compare with may be long, so the index has its hash.
CREATE TABLE waits (
    instance text COLLATE "C" NOT NULL,
    branch text COLLATE "C" NOT NULL,
    activity bigint NOT NULL,
    activation bigint NOT NULL,
    event text COLLATE "C" NOT NULL,
    path text COLLATE "C" NOT NULL,
    value text COLLATE "C" NOT NULL,
    since double precision NOT NULL,
    fresh boolean NOT NULL,
    PRIMARY KEY (instance, branch, activity)
) WITH (autovacuum_vacuum_scale_factor = 0.05);

CREATE INDEX waits_event ON waits (event, path, hashtextextended(value, 0), instance);
CREATE INDEX waits_fresh ON waits (instance, branch, activity) WHERE fresh;

-- The compensations that unfinished instances remember, newest last. Each is written once and deleted once.
CREATE TABLE remembered (
    instance text COLLATE "C" NOT NULL,
    number bigint NOT NULL,
    branch text COLLATE "C" NOT NULL,
    activity bigint NOT NULL,
    activation bigint NOT NULL,
    at double precision NOT NULL,
    size bigint NOT NULL,
    levels text COLLATE "C" NOT NULL,
    PRIMARY KEY (instance, number)
);

-- Accepted events, kept for a while.
CREATE TABLE events (
    number bigint PRIMARY KEY,
    id text COLLATE "C" NOT NULL,
    name text COLLATE "C" NOT NULL,
    body text COLLATE "C" NOT NULL,
    accepted double precision NOT NULL,
    cursor text COLLATE "C"
) WITH (autovacuum_vacuum_scale_factor = 0.05);

CREATE INDEX events_id ON events (id, number);
CREATE INDEX events_name ON events (name, accepted, number);
CREATE INDEX events_pending ON events (number) WHERE cursor IS NOT NULL;
CREATE INDEX events_old ON events (accepted, number) WHERE cursor IS NULL;

-- By what kept events are found: a digest of each path and scalar in them. 0 stands for whatever there may be.
CREATE TABLE event_keys (
    name text COLLATE "C" NOT NULL,
    digest bigint NOT NULL,
    accepted double precision NOT NULL,
    number bigint NOT NULL,
    PRIMARY KEY (name, digest, accepted, number)
);

CREATE INDEX event_keys_number ON event_keys (number);

-- Which event has woken which await.
CREATE TABLE consumed (
    instance text COLLATE "C" NOT NULL,
    event bigint NOT NULL,
    branch text COLLATE "C" NOT NULL,
    activity bigint NOT NULL,
    PRIMARY KEY (instance, event, branch, activity)
);

CREATE INDEX consumed_event ON consumed (event, instance, branch, activity);

-- Messages for instances that did not come through the broker.
CREATE TABLE mailbox (
    number bigint PRIMARY KEY,
    instance text COLLATE "C" NOT NULL,
    message text COLLATE "C" NOT NULL,
    at double precision NOT NULL,
    held boolean NOT NULL
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000);

CREATE INDEX mailbox_free ON mailbox (number) WHERE NOT held;
CREATE INDEX mailbox_held ON mailbox (instance, number) WHERE held;

-- What is to be published.
CREATE TABLE outbox (
    number bigint PRIMARY KEY,
    destination text COLLATE "C" NOT NULL,
    body bytea NOT NULL,
    at double precision NOT NULL,
    instance text COLLATE "C" NOT NULL,
    attempt bigint,
    priority bigint,
    properties text COLLATE "C" NOT NULL,
    branch text COLLATE "C" NOT NULL,
    participant text COLLATE "C" NOT NULL
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000);

CREATE INDEX outbox_attempt ON outbox (instance, attempt, number) WHERE attempt IS NOT NULL;
CREATE INDEX outbox_participant ON outbox (participant) WHERE participant <> '';

-- Ids of messages that were taken.
CREATE TABLE inbox (
    id text COLLATE "C" PRIMARY KEY,
    at double precision NOT NULL
);

CREATE INDEX inbox_at ON inbox (at);

-- Messages that no instance took.
CREATE TABLE dead_letters (
    number bigint PRIMARY KEY,
    at double precision NOT NULL,
    source text COLLATE "C" NOT NULL,
    reason text COLLATE "C" NOT NULL,
    message_id text COLLATE "C" NOT NULL,
    body bytea NOT NULL,
    digest text COLLATE "C" NOT NULL,
    properties text COLLATE "C" NOT NULL
);

CREATE UNIQUE INDEX dead_letters_message ON dead_letters (source, message_id, digest);
CREATE INDEX dead_letters_id ON dead_letters (message_id, number);
CREATE INDEX dead_letters_at ON dead_letters (at);

-- What has happened in each instance.
CREATE TABLE history (
    instance text COLLATE "C" NOT NULL,
    number bigint NOT NULL,
    at double precision NOT NULL,
    what text COLLATE "C" NOT NULL,
    activity bigint,
    address text COLLATE "C" NOT NULL,
    detail text COLLATE "C" NOT NULL,
    PRIMARY KEY (instance, number)
);

CREATE INDEX history_at ON history (at);

-- What needs, or needed, a person.
CREATE TABLE incidents (
    instance text COLLATE "C" NOT NULL,
    number bigint NOT NULL,
    branch text COLLATE "C" NOT NULL,
    activity bigint NOT NULL,
    address text COLLATE "C" NOT NULL,
    kind text COLLATE "C" NOT NULL,
    code text COLLATE "C" NOT NULL,
    message text COLLATE "C" NOT NULL,
    opened double precision NOT NULL,
    closed double precision,
    how text COLLATE "C",
    PRIMARY KEY (instance, number)
);

CREATE INDEX incidents_open ON incidents (opened, instance, number) WHERE closed IS NULL;

-- What the database itself remembers, such as the key that signs tokens.
CREATE TABLE settings (
    name text COLLATE "C" PRIMARY KEY,
    value text COLLATE "C" NOT NULL
);

-- Commands of people, and what came of each. The number is that of the mailbox row it came in.
CREATE TABLE audit (
    number bigint PRIMARY KEY,
    at double precision NOT NULL,
    who text COLLATE "C" NOT NULL,
    command text COLLATE "C" NOT NULL,
    instance text COLLATE "C" NOT NULL,
    detail text COLLATE "C" NOT NULL,
    reason text COLLATE "C" NOT NULL,
    outcome text COLLATE "C" NOT NULL,
    answer text COLLATE "C" NOT NULL
);

CREATE INDEX audit_instance ON audit (instance, number);

-- What the broker last showed of the queues that attempts are sent to.
CREATE TABLE destinations (
    name text COLLATE "C" PRIMARY KEY,
    consumers bigint NOT NULL,
    ready bigint NOT NULL,
    checked double precision NOT NULL,
    silent_since double precision,
    participants text COLLATE "C" NOT NULL
) WITH (fillfactor = 50);

-- Participants whose attempts wait in the outbox until a person has them go on.
CREATE TABLE pauses (
    participant text COLLATE "C" PRIMARY KEY,
    since double precision NOT NULL,
    who text COLLATE "C" NOT NULL,
    reason text COLLATE "C" NOT NULL
);

-- Each version of a process that is registered by name, and the definition that it is.
CREATE TABLE versions (
    name text COLLATE "C" NOT NULL,
    version bigint NOT NULL,
    definition text COLLATE "C" NOT NULL,
    deployed double precision NOT NULL,
    who text COLLATE "C" NOT NULL,
    retired boolean NOT NULL,
    PRIMARY KEY (name, version)
);

-- Each <start cron> of a process that is registered, and how far it has come.
CREATE TABLE schedules (
    process text COLLATE "C" NOT NULL,
    number bigint NOT NULL,
    changes bigint NOT NULL,
    version bigint NOT NULL,
    definition text COLLATE "C" NOT NULL,
    cron text COLLATE "C" NOT NULL,
    timezone text COLLATE "C" NOT NULL,
    overlap text COLLATE "C" NOT NULL,
    missed text COLLATE "C" NOT NULL,
    due double precision,
    paused boolean NOT NULL,
    queued text COLLATE "C" NOT NULL,
    asked text COLLATE "C" NOT NULL,
    unfinished text COLLATE "C" NOT NULL,
    started double precision,
    instance text COLLATE "C",
    skipped bigint NOT NULL,
    PRIMARY KEY (process, number)
) WITH (fillfactor = 50);

CREATE INDEX schedules_due ON schedules (due, process, number) WHERE due IS NOT NULL AND NOT paused;
CREATE INDEX schedules_waiting ON schedules (process, number)
WHERE due IS NOT NULL AND (asked <> '[]' OR (queued <> '[]' AND NOT paused));

-- Member numbers are given in turn, so that none is given again soon after somebody had it.
CREATE SEQUENCE member_numbers AS integer MINVALUE 0 MAXVALUE 1023 START 0 CYCLE;

-- Which processes start, in one of their versions, on which events.
CREATE TABLE event_starts (
    event text COLLATE "C" NOT NULL,
    process text COLLATE "C" NOT NULL,
    PRIMARY KEY (event, process)
);
