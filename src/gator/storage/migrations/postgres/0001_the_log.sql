-- Every conversation has one log. A message is a row of `messages`, every other durable
-- change a row of `events`; both take the next `seq` of their conversation, so that the
-- two tables together hold 1 .. head without a hole.
-- `conversations` and `members` are what the log amounts to, kept in the same transaction.
--
-- Ids are compared byte by byte (COLLATE "C"): an index in the order of a language is damaged
-- when the system's idea of that order changes, as with another release of its C library.

CREATE TABLE meta (
    name  TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
);

-- Which transaction was the last one: what a session looks for that lost the answer to its commit.
INSERT INTO meta (name, value) VALUES ('commit', '');

-- Another history, another epoch: a client's position of the old one means nothing here.
INSERT INTO meta (name, value) VALUES ('epoch', left(replace(CAST(gen_random_uuid() AS text), '-', ''), 16));

CREATE TABLE users (
    id           TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    name         TEXT,
    avatar       TEXT,
    last_seen_at BIGINT,
    created_at   BIGINT NOT NULL
);

-- Every message moves the head of its conversation. Space is left in the pages, so that the
-- new version of a row finds its place beside the old one and no index has to know of it.
CREATE TABLE conversations (
    id               TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    kind             TEXT NOT NULL CHECK (kind IN ('direct', 'group', 'channel')),
    title            TEXT,
    direct_key       TEXT COLLATE "C" UNIQUE,
    head             BIGINT NOT NULL,
    last_message_seq BIGINT,
    active_at        BIGINT NOT NULL,
    member_count     BIGINT NOT NULL,
    created_at       BIGINT NOT NULL,
    deleted          BOOLEAN NOT NULL DEFAULT FALSE
) WITH (fillfactor = 70);

CREATE TABLE members (
    conversation_id TEXT COLLATE "C" NOT NULL,
    user_id         TEXT COLLATE "C" NOT NULL,
    role            TEXT NOT NULL CHECK (role IN ('owner', 'admin', 'member', 'reader')),
    read_seq        BIGINT NOT NULL DEFAULT 0,
    PRIMARY KEY (conversation_id, user_id)
) WITH (fillfactor = 80);

CREATE INDEX members_by_user ON members (user_id, conversation_id);

CREATE TABLE messages (
    conversation_id   TEXT COLLATE "C" NOT NULL,
    seq               BIGINT NOT NULL,
    id                TEXT COLLATE "C" NOT NULL,
    sender_id         TEXT COLLATE "C" NOT NULL,
    content           TEXT NOT NULL,
    client_message_id TEXT COLLATE "C",
    persona_id        TEXT COLLATE "C",
    is_ai             BOOLEAN NOT NULL,
    -- How a persona's message came about, as JSON.
    reply             TEXT,
    created_at        BIGINT NOT NULL,
    PRIMARY KEY (conversation_id, seq)
);

-- What makes a repeated send the same send, for ever.
CREATE UNIQUE INDEX messages_by_client_id
    ON messages (conversation_id, sender_id, client_message_id)
    WHERE client_message_id IS NOT NULL;

CREATE TABLE events (
    conversation_id TEXT COLLATE "C" NOT NULL,
    seq             BIGINT NOT NULL,
    body            TEXT NOT NULL,
    PRIMARY KEY (conversation_id, seq)
);
