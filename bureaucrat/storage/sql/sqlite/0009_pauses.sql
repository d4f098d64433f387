-- Participants whose attempts wait in the outbox until a person has them go on.
CREATE TABLE pauses (
    participant TEXT PRIMARY KEY,
    since REAL NOT NULL,
    who TEXT NOT NULL,
    reason TEXT NOT NULL
) WITHOUT ROWID;
