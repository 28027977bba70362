-- Every conversation has one log. A message is a row of `messages`, every other durable
-- change a row of `events`; both take the next `seq` of their conversation, so that the
-- two tables together hold 1 .. head without a hole.
-- `conversations` and `members` are what the log amounts to, kept in the same transaction.

CREATE TABLE meta (
    name  TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- Another history, another epoch: a client's position of the old one means nothing here.
INSERT INTO meta (name, value) VALUES ('epoch', lower(hex(randomblob(8))));

CREATE TABLE users (
    id           TEXT NOT NULL PRIMARY KEY,
    name         TEXT,
    avatar       TEXT,
    last_seen_at INTEGER,
    created_at   INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE conversations (
    id               TEXT NOT NULL PRIMARY KEY,
    kind             TEXT NOT NULL CHECK (kind IN ('direct', 'group', 'channel')),
    title            TEXT,
    direct_key       TEXT UNIQUE,
    head             INTEGER NOT NULL,
    last_message_seq INTEGER,
    active_at        INTEGER NOT NULL,
    member_count     INTEGER NOT NULL,
    created_at       INTEGER NOT NULL,
    deleted          INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;

CREATE TABLE members (
    conversation_id TEXT NOT NULL,
    user_id         TEXT NOT NULL,
    role            TEXT NOT NULL CHECK (role IN ('owner', 'admin', 'member', 'reader')),
    read_seq        INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (conversation_id, user_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX members_by_user ON members (user_id, conversation_id);

-- Clustered by conversation: a page of history is neighbouring rows.
CREATE TABLE messages (
    conversation_id   TEXT NOT NULL,
    seq               INTEGER NOT NULL,
    id                TEXT NOT NULL,
    sender_id         TEXT NOT NULL,
    content           TEXT NOT NULL,
    client_message_id TEXT,
    persona_id        TEXT,
    is_ai             INTEGER NOT NULL,
    created_at        INTEGER NOT NULL,
    PRIMARY KEY (conversation_id, seq)
) STRICT, WITHOUT ROWID;

-- What makes a repeated send the same send, for ever.
CREATE UNIQUE INDEX messages_by_client_id
    ON messages (conversation_id, sender_id, client_message_id)
    WHERE client_message_id IS NOT NULL;

CREATE TABLE events (
    conversation_id TEXT NOT NULL,
    seq             INTEGER NOT NULL,
    body            TEXT NOT NULL,
    PRIMARY KEY (conversation_id, seq)
) STRICT, WITHOUT ROWID;
