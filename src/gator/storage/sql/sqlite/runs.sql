-- name: insert_runs
INSERT INTO runs (id, conversation_id, answers, answers_seq, persona_id, requested_by, message_id, attempt, hops, state, queued_at)
SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6, value ->> 7, value ->> 8,
       'queued', :at
FROM jsonb_each(:rows) WHERE true
ON CONFLICT (answers, persona_id, attempt) DO NOTHING
RETURNING id
