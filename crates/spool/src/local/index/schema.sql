-- The index of a spool. It may lag behind the segments and may be deleted: it is then made anew from
-- them. Times are milliseconds since 1970. States: 0 due, 1 delivering, 2 deferred, 3 delivered,
-- 4 held, 5 quarantined.
CREATE TABLE destination (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE
);
-- Destination 0 stands for none: entries that no route matched are held there.
INSERT INTO destination (id, name) VALUES (0, '');

-- State of a segment: 0 open, 1 sealed, 2 retired (nothing in it is needed). live: entries in it that
-- have a delivery which has not ended.
CREATE TABLE segment (
    number INTEGER PRIMARY KEY,
    generation INTEGER NOT NULL,
    nonce INTEGER NOT NULL,
    state INTEGER NOT NULL,
    live INTEGER NOT NULL,
    poisoned INTEGER NOT NULL
);

-- segment is NULL once the bytes are not kept any more.
CREATE TABLE entry (
    id INTEGER PRIMARY KEY,
    segment INTEGER,
    start INTEGER NOT NULL,
    header_bytes INTEGER NOT NULL,
    nonce INTEGER NOT NULL,
    length INTEGER NOT NULL,
    sha256 BLOB NOT NULL,
    accepted_at INTEGER NOT NULL,
    patient_id BLOB,
    study TEXT NOT NULL,
    series TEXT NOT NULL,
    sop TEXT NOT NULL,
    header BLOB NOT NULL,
    trailer BLOB NOT NULL,
    unfinished INTEGER NOT NULL,
    finished_at INTEGER
);
CREATE INDEX entry_segment ON entry (segment) WHERE segment IS NOT NULL;
CREATE INDEX entry_patient ON entry (patient_id, id) WHERE patient_id IS NOT NULL;
CREATE INDEX entry_study ON entry (study, id);
CREATE INDEX entry_series ON entry (series, id);
CREATE INDEX entry_sop ON entry (sop, id);
CREATE INDEX entry_record ON entry (finished_at) WHERE segment IS NULL AND finished_at IS NOT NULL;

-- ready: pending, and the first pending one of its destination and SOP Instance UID. due_at of a leased
-- one is the end of its lease; next_attempt_at is when it is due after a crash.
CREATE TABLE delivery (
    entry INTEGER NOT NULL,
    destination INTEGER NOT NULL,
    sop TEXT NOT NULL,
    study TEXT NOT NULL,
    length INTEGER NOT NULL,
    state INTEGER NOT NULL,
    ready INTEGER NOT NULL,
    due_at INTEGER NOT NULL,
    next_attempt_at INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    fence INTEGER NOT NULL,
    reason TEXT,
    delivered_at INTEGER,
    PRIMARY KEY (entry, destination)
) WITHOUT ROWID;
CREATE INDEX delivery_ready ON delivery (destination, due_at, entry) WHERE ready = 1;
CREATE INDEX delivery_ready_study ON delivery (destination, study, due_at, entry) WHERE ready = 1;
CREATE INDEX delivery_front ON delivery (sop, destination) WHERE ready = 1;
CREATE INDEX delivery_pending ON delivery (sop, destination, entry) WHERE state < 3;
CREATE INDEX delivery_state ON delivery (destination, state, entry);
CREATE INDEX delivery_leased ON delivery (entry) WHERE state = 1;

CREATE TABLE attempt (
    entry INTEGER NOT NULL,
    destination INTEGER NOT NULL,
    number INTEGER NOT NULL,
    fence INTEGER NOT NULL,
    started_at INTEGER NOT NULL,
    ended_at INTEGER,
    owner TEXT NOT NULL,
    outcome TEXT,
    PRIMARY KEY (entry, destination, number)
) WITHOUT ROWID;

-- Kept with every change, so that no scrape counts. Destination -1 counts finished entries.
CREATE TABLE gauge (
    destination INTEGER NOT NULL,
    state INTEGER NOT NULL,
    entries INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    PRIMARY KEY (destination, state)
) WITHOUT ROWID;
