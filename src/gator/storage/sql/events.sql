-- name: insert_event
INSERT INTO events (conversation_id, seq, body) VALUES (:conversation_id, :seq, :body)

-- name: events_after
SELECT seq, body FROM events
WHERE conversation_id = :conversation_id AND seq > :after
ORDER BY seq LIMIT :limit
