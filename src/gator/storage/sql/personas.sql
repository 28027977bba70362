-- name: save_persona
INSERT INTO personas (id, owner_id, body, created_at) VALUES (:id, :owner_id, :body, :created_at)
ON CONFLICT (id) DO UPDATE SET body = excluded.body

-- name: delete_persona
UPDATE personas SET deleted = TRUE WHERE id = :id

-- name: personas
SELECT body FROM personas WHERE NOT deleted ORDER BY id

-- name: save_avatar
INSERT INTO avatars (persona_id, media_type, image) VALUES (:persona_id, :media_type, :image)
ON CONFLICT (persona_id) DO UPDATE SET media_type = excluded.media_type, image = excluded.image

-- name: delete_avatar
DELETE FROM avatars WHERE persona_id = :persona_id

-- name: avatar
SELECT media_type, image FROM avatars WHERE persona_id = :persona_id

-- name: save_memory
INSERT INTO memories (conversation_id, body) VALUES (:conversation_id, :body)
ON CONFLICT (conversation_id) DO UPDATE SET body = excluded.body

-- name: memory
SELECT body FROM memories WHERE conversation_id = :conversation_id

-- name: insert_audit_entry
INSERT INTO moderation (at, run_id, conversation_id, user_id, direction, verdict, categories, by, message_seq)
VALUES (:at, :run_id, :conversation_id, :user_id, :direction, :verdict, :categories, :by, :message_seq)

-- name: blocked_messages
SELECT message_seq FROM moderation
WHERE conversation_id = :conversation_id AND message_seq >= :from AND direction = 'in' AND verdict = 'blocked'
