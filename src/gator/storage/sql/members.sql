-- name: insert_member
INSERT INTO members (conversation_id, user_id, role) VALUES (:conversation_id, :user_id, :role)

-- name: delete_member
DELETE FROM members WHERE conversation_id = :conversation_id AND user_id = :user_id

-- name: delete_members
DELETE FROM members WHERE conversation_id = :conversation_id

-- name: change_role
UPDATE members SET role = :role WHERE conversation_id = :conversation_id AND user_id = :user_id

-- name: members
SELECT user_id, role FROM members WHERE conversation_id = :conversation_id

-- name: members_page
SELECT m.user_id, u.name, u.avatar, u.last_seen_at, m.role
FROM members m LEFT JOIN users u ON u.id = m.user_id
WHERE m.conversation_id = :conversation_id AND m.user_id > :after
ORDER BY m.user_id LIMIT :limit

-- name: other_member
SELECT user_id FROM members WHERE conversation_id = :conversation_id AND user_id <> :user_id LIMIT 1

-- name: mark_read
UPDATE members SET read_seq = :seq
WHERE conversation_id = :conversation_id AND user_id = :user_id AND read_seq < :seq

-- name: share_a_conversation
SELECT 1 FROM members mine JOIN members theirs ON theirs.conversation_id = mine.conversation_id
WHERE mine.user_id = :user_id AND theirs.user_id = :other_id LIMIT 1
