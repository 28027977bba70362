-- name: upsert_user
INSERT INTO users (id, name, avatar, created_at) VALUES (:id, :name, :avatar, :at)
ON CONFLICT (id) DO UPDATE SET name = excluded.name, avatar = excluded.avatar

-- name: mark_last_seen
UPDATE users SET last_seen_at = :at WHERE id = :id

-- name: user
SELECT name, avatar, last_seen_at FROM users WHERE id = :id

-- name: epoch
SELECT value FROM meta WHERE name = 'epoch'

-- name: change_epoch
UPDATE meta SET value = :epoch WHERE name = 'epoch'
