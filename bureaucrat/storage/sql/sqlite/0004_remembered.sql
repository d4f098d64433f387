-- The compensations that unfinished instances remember, newest last. Each is written once and deleted once.
CREATE TABLE remembered (
    instance TEXT NOT NULL,
    number INTEGER NOT NULL,
    branch TEXT NOT NULL,
    activity INTEGER NOT NULL,
    activation INTEGER NOT NULL,
    at REAL NOT NULL,
    size INTEGER NOT NULL,
    levels TEXT NOT NULL,
    PRIMARY KEY (instance, number)
) WITHOUT ROWID;
