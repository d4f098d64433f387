-- What people ask for and look at while a daemon runs: their commands, the queues, and reads by other keys.

-- Commands of people, and what came of each. The number is that of the mailbox row it came in.
CREATE TABLE audit (
    number INTEGER PRIMARY KEY,
    at REAL NOT NULL,
    who TEXT NOT NULL,
    command TEXT NOT NULL,
    instance TEXT NOT NULL,
    detail TEXT NOT NULL,
    reason TEXT NOT NULL,
    outcome TEXT NOT NULL,
    answer TEXT NOT NULL
);

-- By instance, newest first: every index of a table with a rowid ends with it.
CREATE INDEX audit_instance ON audit (instance);

-- What the broker last showed of the queues that attempts are sent to.
CREATE TABLE destinations (
    name TEXT NOT NULL PRIMARY KEY,
    consumers INTEGER NOT NULL,
    ready INTEGER NOT NULL,
    checked REAL NOT NULL,
    silent_since REAL
) WITHOUT ROWID;

-- Messages are asked for by the id that their sender gave them.
CREATE INDEX dead_letters_id ON dead_letters (message_id);

-- And forgotten by their age.
CREATE INDEX dead_letters_at ON dead_letters (at);

-- Events are asked for by their id, too.
CREATE INDEX events_id ON events (id);
