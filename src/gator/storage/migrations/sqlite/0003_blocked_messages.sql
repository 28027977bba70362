-- What moderation blocked is never in a prompt again.
ALTER TABLE moderation ADD COLUMN message_seq INTEGER;

CREATE INDEX blocked_messages ON moderation (conversation_id, message_seq)
WHERE direction = 'in' AND verdict = 'blocked' AND message_seq IS NOT NULL;
