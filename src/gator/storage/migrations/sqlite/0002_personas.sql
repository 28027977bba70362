-- A persona's texts are one JSON document: they are read and written together, and hold
-- whatever other programs put into its card.
CREATE TABLE personas (
    id         TEXT NOT NULL PRIMARY KEY,
    owner_id   TEXT NOT NULL,
    body       TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    deleted    INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;

CREATE TABLE avatars (
    persona_id TEXT NOT NULL PRIMARY KEY,
    media_type TEXT NOT NULL,
    image      BLOB NOT NULL
) STRICT;

-- How a persona's message came about, as JSON.
ALTER TABLE messages ADD COLUMN reply TEXT;

-- One attempt of a persona to answer one message, stored in the message's transaction.
CREATE TABLE runs (
    id                TEXT NOT NULL PRIMARY KEY,
    conversation_id   TEXT NOT NULL,
    answers           TEXT NOT NULL,
    answers_seq       INTEGER NOT NULL,
    persona_id        TEXT NOT NULL,
    requested_by      TEXT NOT NULL,
    message_id        TEXT NOT NULL UNIQUE,
    attempt           INTEGER NOT NULL,
    hops              INTEGER NOT NULL,
    state             TEXT NOT NULL,
    queued_at         INTEGER NOT NULL,
    started_at        INTEGER,
    ended_at          INTEGER,
    epoch             INTEGER NOT NULL DEFAULT 0,
    text              TEXT NOT NULL DEFAULT '',
    provider          TEXT,
    model             TEXT,
    prompt_tokens     INTEGER NOT NULL DEFAULT 0,
    completion_tokens INTEGER NOT NULL DEFAULT 0,
    cost_micros       INTEGER NOT NULL DEFAULT 0,
    code              TEXT
) STRICT, WITHOUT ROWID;

-- What makes one message get one reply of a persona, whatever is repeated.
CREATE UNIQUE INDEX runs_by_attempt ON runs (answers, persona_id, attempt);
CREATE INDEX live_runs ON runs (queued_at) WHERE state IN ('queued', 'running');
CREATE INDEX runs_by_time ON runs (queued_at);

CREATE TABLE memories (
    conversation_id TEXT NOT NULL PRIMARY KEY,
    body            TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE moderation (
    at              INTEGER NOT NULL,
    run_id          TEXT,
    conversation_id TEXT NOT NULL,
    user_id         TEXT NOT NULL,
    direction       TEXT NOT NULL,
    verdict         TEXT NOT NULL,
    categories      TEXT NOT NULL,
    by              TEXT NOT NULL
) STRICT;

CREATE INDEX moderation_by_time ON moderation (at);
