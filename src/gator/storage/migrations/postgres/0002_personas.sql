-- A persona's texts are one JSON document: they are read and written together, and hold
-- whatever other programs put into its card. As text, since `jsonb` refuses some of that.
CREATE TABLE personas (
    id         TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    owner_id   TEXT COLLATE "C" NOT NULL,
    body       TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    deleted    BOOLEAN NOT NULL DEFAULT FALSE
);

CREATE TABLE avatars (
    persona_id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    media_type TEXT NOT NULL,
    image      BYTEA NOT NULL
);

-- One attempt of a persona to answer one message, stored in the message's transaction.
CREATE TABLE runs (
    id                TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    conversation_id   TEXT COLLATE "C" NOT NULL,
    answers           TEXT COLLATE "C" NOT NULL,
    answers_seq       BIGINT NOT NULL,
    persona_id        TEXT COLLATE "C" NOT NULL,
    requested_by      TEXT COLLATE "C" NOT NULL,
    message_id        TEXT COLLATE "C" NOT NULL UNIQUE,
    attempt           BIGINT NOT NULL,
    hops              BIGINT NOT NULL,
    state             TEXT NOT NULL,
    queued_at         BIGINT NOT NULL,
    started_at        BIGINT,
    ended_at          BIGINT,
    epoch             BIGINT NOT NULL DEFAULT 0,
    text              TEXT NOT NULL DEFAULT '',
    provider          TEXT,
    model             TEXT,
    prompt_tokens     BIGINT NOT NULL DEFAULT 0,
    completion_tokens BIGINT NOT NULL DEFAULT 0,
    cost_micros       BIGINT NOT NULL DEFAULT 0,
    code              TEXT
);

-- What makes one message get one reply of a persona, whatever is repeated.
CREATE UNIQUE INDEX runs_by_attempt ON runs (answers, persona_id, attempt);
CREATE INDEX live_runs ON runs (queued_at) WHERE state IN ('queued', 'running');
CREATE INDEX runs_by_time ON runs (queued_at);

CREATE TABLE memories (
    conversation_id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    body            TEXT NOT NULL
);

CREATE TABLE moderation (
    at              BIGINT NOT NULL,
    run_id          TEXT,
    conversation_id TEXT COLLATE "C" NOT NULL,
    user_id         TEXT COLLATE "C" NOT NULL,
    direction       TEXT NOT NULL,
    verdict         TEXT NOT NULL,
    categories      TEXT NOT NULL,
    by              TEXT NOT NULL,
    message_seq     BIGINT
);

CREATE INDEX moderation_by_time ON moderation (at);

-- What moderation blocked is never in a prompt again.
CREATE INDEX blocked_messages ON moderation (conversation_id, message_seq)
WHERE direction = 'in' AND verdict = 'blocked' AND message_seq IS NOT NULL;
