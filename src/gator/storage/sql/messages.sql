-- name: messages_after
SELECT m.seq, m.id, m.sender_id, m.content, m.client_message_id, m.persona_id, m.is_ai, m.reply, m.created_at, u.name, u.avatar
FROM messages m LEFT JOIN users u ON u.id = m.sender_id
WHERE m.conversation_id = :conversation_id AND m.seq > :after
ORDER BY m.seq LIMIT :limit

-- name: messages_before
SELECT m.seq, m.id, m.sender_id, m.content, m.client_message_id, m.persona_id, m.is_ai, m.reply, m.created_at, u.name, u.avatar
FROM messages m LEFT JOIN users u ON u.id = m.sender_id
WHERE m.conversation_id = :conversation_id AND m.seq < :before
ORDER BY m.seq DESC LIMIT :limit
