-- By what kept events are found: a digest of each path and scalar in them. 0 stands for whatever there may be.
CREATE TABLE event_keys (
    name TEXT NOT NULL,
    digest INTEGER NOT NULL,
    accepted REAL NOT NULL,
    number INTEGER NOT NULL,
    PRIMARY KEY (name, digest, accepted, number)
) WITHOUT ROWID;

-- They are forgotten with their event.
CREATE INDEX event_keys_number ON event_keys (number);

-- Of events that were accepted before, nobody knows.
INSERT INTO event_keys (name, digest, accepted, number) SELECT name, 0, accepted, number FROM events;
