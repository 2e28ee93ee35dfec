"""The tables of the sandbox's books, and how older books are brought to this form. Knows no more than SQL."""

import sqlite3

SCHEMA = """
CREATE TABLE IF NOT EXISTS account (id INTEGER PRIMARY KEY CHECK (id = 1), balance INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS creates (id INTEGER PRIMARY KEY, at INTEGER NOT NULL, key TEXT NOT NULL,
  code INTEGER NOT NULL, words TEXT NOT NULL, model TEXT, task_id TEXT, provider TEXT NOT NULL DEFAULT 'kie');
CREATE INDEX IF NOT EXISTS creates_at ON creates (at);
CREATE TABLE IF NOT EXISTS tasks (id TEXT PRIMARY KEY, model TEXT NOT NULL, input TEXT NOT NULL, callback_url TEXT,
  base_url TEXT NOT NULL, created_ms INTEGER NOT NULL, due_ms INTEGER,
  faults TEXT NOT NULL, ended_ms INTEGER, outcome TEXT, urls TEXT NOT NULL DEFAULT '[]', fail_code TEXT,
  fail_words TEXT, charged INTEGER NOT NULL DEFAULT 0, road TEXT NOT NULL DEFAULT 'jobs');
CREATE INDEX IF NOT EXISTS tasks_open ON tasks (due_ms) WHERE ended_ms IS NULL;
CREATE TABLE IF NOT EXISTS charges (task_id TEXT PRIMARY KEY, credits INTEGER NOT NULL, at INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS callbacks (id INTEGER PRIMARY KEY, task_id TEXT NOT NULL, due_ms INTEGER NOT NULL,
  attempts INTEGER NOT NULL DEFAULT 0, state TEXT NOT NULL DEFAULT 'pending', last_answer TEXT);
CREATE INDEX IF NOT EXISTS callbacks_open ON callbacks (due_ms) WHERE state = 'pending';
CREATE TABLE IF NOT EXISTS rules (id INTEGER PRIMARY KEY, fault TEXT NOT NULL, value TEXT NOT NULL, match TEXT,
  model TEXT, nth INTEGER NOT NULL, times INTEGER, seen INTEGER NOT NULL DEFAULT 0, used INTEGER NOT NULL DEFAULT 0);
CREATE TABLE IF NOT EXISTS uploads (path TEXT PRIMARY KEY, mime TEXT NOT NULL, size INTEGER NOT NULL,
  at INTEGER NOT NULL);
"""
# Books written when kie was the only provider, and `playground` its only other road.
UPGRADE = """
BEGIN IMMEDIATE;
ALTER TABLE creates ADD COLUMN provider TEXT NOT NULL DEFAULT 'kie';
ALTER TABLE tasks ADD COLUMN road TEXT NOT NULL DEFAULT 'jobs';
UPDATE tasks SET road = 'playground' WHERE playground;
ALTER TABLE tasks DROP COLUMN playground;
COMMIT;
"""


def prepare(db: sqlite3.Connection) -> None:
    """Make the tables, or bring those of older books up to date."""
    columns = {row[1] for row in db.execute("PRAGMA table_info(tasks)")}
    if "playground" in columns:
        db.executescript(UPGRADE)
    db.executescript(SCHEMA)
