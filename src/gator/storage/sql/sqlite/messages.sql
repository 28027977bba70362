-- name: insert_messages
INSERT INTO messages (conversation_id, seq, id, sender_id, content, client_message_id, persona_id, is_ai, reply, created_at)
SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6, value ->> 7, value ->> 8, :at
FROM jsonb_each(:rows)

-- name: messages_by_client_ids
SELECT m.conversation_id,
       m.seq, m.id, m.sender_id, m.content, m.client_message_id, m.persona_id, m.is_ai, m.reply, m.created_at, u.name, u.avatar
FROM jsonb_each(:keys) sent CROSS JOIN messages m LEFT JOIN users u ON u.id = m.sender_id
WHERE m.conversation_id = sent.value ->> 0 AND m.sender_id = sent.value ->> 1
  AND m.client_message_id = sent.value ->> 2
