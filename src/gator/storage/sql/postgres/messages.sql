-- name: insert_messages
WITH said AS (
    INSERT INTO messages (conversation_id, seq, id, sender_id, content, client_message_id, persona_id, is_ai, reply, created_at)
    SELECT value ->> 0, CAST(value ->> 1 AS bigint), value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6,
           CAST(value ->> 7 AS boolean), value ->> 8, CAST(:at AS bigint)
    FROM json_array_elements(CAST(:rows AS json)) AS sent(value)
    RETURNING conversation_id, seq, created_at
)
UPDATE conversations SET head = newest.seq, last_message_seq = newest.seq, active_at = newest.created_at
FROM (SELECT conversation_id, max(seq) AS seq, max(created_at) AS created_at FROM said GROUP BY conversation_id) AS newest
WHERE conversations.id = newest.conversation_id

-- name: messages_by_client_ids
SELECT m.conversation_id,
       m.seq, m.id, m.sender_id, m.content, m.client_message_id, m.persona_id, m.is_ai, m.reply, m.created_at, u.name, u.avatar
FROM json_array_elements(CAST(:keys AS json)) AS sent(value)
JOIN messages m ON m.conversation_id = sent.value ->> 0 AND m.sender_id = sent.value ->> 1
                AND m.client_message_id = sent.value ->> 2
LEFT JOIN users u ON u.id = m.sender_id
