"""The ledger's tables: events and deliveries, and the indexes that are made of the events."""

from __future__ import annotations

from medsynth.lineage.ledger.reads import INDEX

SCHEMA = """
CREATE TABLE IF NOT EXISTS events (
    seq INTEGER PRIMARY KEY, id TEXT, phase TEXT, record TEXT, previous TEXT, digest TEXT,
    UNIQUE (id, phase));
CREATE TRIGGER IF NOT EXISTS no_update BEFORE UPDATE ON events
    BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;
CREATE TRIGGER IF NOT EXISTS no_delete BEFORE DELETE ON events
    BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;
CREATE TABLE IF NOT EXISTS deliveries (
    id TEXT PRIMARY KEY, run_id TEXT, experiment_id TEXT, status TEXT, error TEXT);
"""
INDEXES = f"""
{INDEX}
CREATE TABLE items (
    id TEXT PRIMARY KEY, seq INTEGER, kind TEXT, invocation TEXT, rule TEXT, status TEXT);
CREATE INDEX items_status ON items (status);
CREATE INDEX items_invocation ON items (invocation, status);
CREATE TABLE artifacts (
    job TEXT, seq INTEGER, role TEXT, name TEXT, path TEXT, sha256 TEXT, bytes INTEGER,
    UNIQUE (job, role, path));
CREATE INDEX artifacts_by_path ON artifacts (path, role, seq);
CREATE INDEX artifacts_by_sha256 ON artifacts (sha256, role, seq);
CREATE INDEX artifacts_changed ON artifacts (job) WHERE role='changed';
"""
COLUMNS = {
    "events": ["seq", "id", "phase", "record", "previous", "digest"],
    "deliveries": ["id", "run_id", "experiment_id", "status", "error"],
}
# What the indexes hold; a ledger that was indexed otherwise is indexed anew when it is opened.
INDEXED = 4
# items.seq: of the start. items.status: RUNNING, then COMPLETE or FAILED (its end record says so)
# or KILLED (none came). artifacts.seq: of the event that names the file. artifacts.role: inputs,
# outputs, or changed: an input that was not at the job's end what it was at the start.
