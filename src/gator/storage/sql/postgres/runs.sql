-- name: insert_runs
INSERT INTO runs (id, conversation_id, answers, answers_seq, persona_id, requested_by, message_id, attempt, hops, state, queued_at)
SELECT value ->> 0, value ->> 1, value ->> 2, CAST(value ->> 3 AS bigint), value ->> 4, value ->> 5, value ->> 6,
       CAST(value ->> 7 AS bigint), CAST(value ->> 8 AS bigint), 'queued', CAST(:at AS bigint)
FROM json_array_elements(CAST(:rows AS json)) AS asked(value)
ON CONFLICT (answers, persona_id, attempt) DO NOTHING
RETURNING id
