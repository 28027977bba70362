-- name: move_run
UPDATE runs SET state = 'running', epoch = :epoch, text = :text, started_at = :started_at, provider = :provider, model = :model
WHERE id = :id AND state IN ('queued', 'running')

-- name: end_run
UPDATE runs SET state = :state, ended_at = :at, code = :code, text = '',
       prompt_tokens = :prompt_tokens, completion_tokens = :completion_tokens, cost_micros = :cost_micros
WHERE id = :id AND state IN ('queued', 'running')
RETURNING id

-- name: charge_run
UPDATE runs SET prompt_tokens = prompt_tokens + :prompt_tokens, completion_tokens = completion_tokens + :completion_tokens,
       cost_micros = cost_micros + :cost_micros
WHERE id = :id

-- name: run
SELECT id, conversation_id, answers, answers_seq, persona_id, requested_by, message_id, attempt, hops, state,
       queued_at, started_at, ended_at, epoch, text, provider, model, prompt_tokens, completion_tokens, cost_micros, code
FROM runs WHERE id = :id

-- name: run_of_message
SELECT id, conversation_id, answers, answers_seq, persona_id, requested_by, message_id, attempt, hops, state,
       queued_at, started_at, ended_at, epoch, text, provider, model, prompt_tokens, completion_tokens, cost_micros, code
FROM runs
WHERE (answers, persona_id) IN (
    SELECT answers, persona_id FROM runs WHERE message_id = :message_id OR answers = :message_id
)
ORDER BY attempt DESC, queued_at DESC LIMIT 1

-- name: live_runs
SELECT id, conversation_id, answers, answers_seq, persona_id, requested_by, message_id, attempt, hops, state,
       queued_at, started_at, ended_at, epoch, text, provider, model, prompt_tokens, completion_tokens, cost_micros, code
FROM runs WHERE state IN ('queued', 'running') ORDER BY queued_at, id

-- name: runs_since
SELECT id, conversation_id, answers, answers_seq, persona_id, requested_by, message_id, attempt, hops, state,
       queued_at, started_at, ended_at, epoch, '' AS text, provider, model, prompt_tokens, completion_tokens, cost_micros, code
FROM runs WHERE queued_at >= :at ORDER BY queued_at, id
