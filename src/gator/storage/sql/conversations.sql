-- name: insert_conversation
INSERT INTO conversations (id, kind, title, direct_key, head, active_at, member_count, created_at)
VALUES (:id, :kind, :title, :direct_key, :head, :at, :member_count, :at)

-- name: conversation
SELECT kind, title, head, created_at, deleted FROM conversations WHERE id = :id

-- name: direct_conversation
SELECT id FROM conversations WHERE direct_key = :direct_key

-- name: advance
UPDATE conversations SET head = :seq WHERE id = :id

-- name: advance_members
UPDATE conversations SET head = :seq, member_count = :member_count WHERE id = :id

-- name: rename_conversation
UPDATE conversations SET head = :seq, title = :title WHERE id = :id

-- name: delete_conversation
UPDATE conversations SET head = :seq, deleted = TRUE, member_count = 0, direct_key = NULL WHERE id = :id

-- name: conversations_of
SELECT c.id, c.kind, c.title, c.head, c.member_count, c.created_at, c.active_at, c.last_message_seq, m.role, m.read_seq
FROM members m JOIN conversations c ON c.id = m.conversation_id
WHERE m.user_id = :user_id AND NOT c.deleted
  AND (c.active_at < :before_at OR (c.active_at = :before_at AND c.id < :before_id))
ORDER BY c.active_at DESC, c.id DESC LIMIT :limit

-- name: conversation_of
SELECT c.id, c.kind, c.title, c.head, c.member_count, c.created_at, c.active_at, c.last_message_seq, m.role, m.read_seq
FROM members m JOIN conversations c ON c.id = m.conversation_id
WHERE m.user_id = :user_id AND NOT c.deleted AND c.id = :conversation_id

-- name: count_unread
SELECT count(*) FROM (
    SELECT 1 FROM messages
    WHERE conversation_id = :conversation_id AND seq > :read_seq AND sender_id <> :user_id
    LIMIT :limit
) AS unread
