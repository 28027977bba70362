"""What the journal writes about personas and their runs: notes, which belong to no log."""

from collections.abc import Sequence

from gator.domain.reply import PostReply, Run, RunRequest
from gator.ports import (
    AuditEntry,
    AvatarSaved,
    MemorySaved,
    PersonaDeleted,
    PersonaSaved,
    RunAsked,
    RunCharged,
    RunEnded,
    RunMoved,
)
from gator.protocol.errors import Refusal
from gator.protocol.events import NewMessage
from gator.protocol.types import ConversationId, MessageId, Seq, UtcMillis
from gator.storage.database import Rows
from gator.storage.rows import as_json

PersonaNote = (
    PersonaSaved
    | PersonaDeleted
    | AvatarSaved
    | MemorySaved
    | RunAsked
    | RunMoved
    | RunEnded
    | RunCharged
    | AuditEntry
)


def write_note(rows: Rows, note: PersonaNote) -> Refusal | None:
    """Carry out a note.

    Returns:
        Why it was not, for a run that was asked for twice.
    """
    match note:
        case RunAsked(run):
            if not insert_runs(rows, [_row(run)], run.queued_at):
                return Refusal("conflict", "This reply is being made anew already.")
        case RunMoved() | RunEnded() | RunCharged():
            _write_of_run(rows, note)
        case _:
            _write_of_persona(rows, note)
    return None


def _write_of_persona(
    rows: Rows, note: PersonaSaved | PersonaDeleted | AvatarSaved | MemorySaved | AuditEntry
) -> None:
    match note:
        case PersonaSaved(persona):
            body = as_json(persona)
            rows(
                "save_persona",
                {
                    "id": persona.id,
                    "owner_id": persona.owner_id,
                    "body": body,
                    "created_at": persona.created_at,
                },
            )
            shown = {"id": persona.id, "name": persona.name, "avatar": persona.avatar, "at": persona.updated_at}
            rows("upsert_user", shown)
        case PersonaDeleted(persona_id):
            rows("delete_persona", {"id": persona_id})
        case AvatarSaved(persona_id, media_type, image):
            if image is None:
                rows("delete_avatar", {"persona_id": persona_id})
            else:
                rows("save_avatar", {"persona_id": persona_id, "media_type": media_type, "image": image})
        case MemorySaved(conversation_id, memory):
            rows("save_memory", {"conversation_id": conversation_id, "body": as_json(memory)})
        case AuditEntry():
            rows(
                "insert_audit_entry",
                {
                    "at": note.at,
                    "run_id": note.run_id,
                    "conversation_id": note.conversation_id,
                    "user_id": note.user_id,
                    "direction": note.direction,
                    "verdict": note.verdict,
                    "categories": as_json(note.categories),
                    "by": note.by,
                    "message_seq": note.message_seq,
                },
            )


def _write_of_run(rows: Rows, note: RunMoved | RunEnded | RunCharged) -> None:
    match note:
        case RunMoved(run_id, epoch, text, started_at, provider, model):
            rows(
                "move_run",
                {
                    "id": run_id,
                    "epoch": epoch,
                    "text": text,
                    "started_at": started_at,
                    "provider": provider,
                    "model": model,
                },
            )
        case RunEnded(run_id, state, at, code, usage, cost_micros):
            _end(rows, run_id, state, at, code, usage.prompt_tokens, usage.completion_tokens, cost_micros)
        case RunCharged(run_id, usage, cost_micros):
            rows(
                "charge_run",
                {
                    "id": run_id,
                    "prompt_tokens": usage.prompt_tokens,
                    "completion_tokens": usage.completion_tokens,
                    "cost_micros": cost_micros,
                },
            )


def end_run(rows: Rows, reply: PostReply, now: UtcMillis) -> None:
    """End the run whose reply becomes a message.

    Raises:
        Refusal: `conflict` if it has ended already; nothing was changed.
    """
    usage = reply.usage
    ended = _end(
        rows,
        reply.run_id,
        reply.state,
        now,
        reply.code,
        usage.prompt_tokens,
        usage.completion_tokens,
        reply.cost_micros,
    )
    if not ended:
        raise Refusal("conflict", "The reply has ended already.")


def run_row(request: RunRequest, event: NewMessage) -> tuple[object, ...]:
    """Lay out a run that is asked for by a message."""
    return (
        request.id,
        event.conversation_id,
        event.message.id,
        event.seq,
        request.persona_id,
        request.requested_by,
        request.message_id,
        request.attempt,
        request.hops,
    )


def insert_runs(rows: Rows, asked: Sequence[tuple[object, ...]], at: UtcMillis) -> int:
    """Write runs that wait; returns how many there had not been before."""
    if not asked:
        return 0
    return len(rows("insert_runs", {"rows": as_json(asked), "at": at}))


def _row(run: Run) -> tuple[ConversationId | MessageId | Seq | str | int, ...]:
    return (
        run.id,
        run.conversation_id,
        run.answers,
        run.answers_seq,
        run.persona_id,
        run.requested_by,
        run.message_id,
        run.attempt,
        run.hops,
    )


def _end(
    rows: Rows, run_id: str, state: str, at: UtcMillis, code: str | None, prompt: int, completion: int, cost: int
) -> bool:
    ended = rows(
        "end_run",
        {
            "id": run_id,
            "state": state,
            "at": at,
            "code": code,
            "prompt_tokens": prompt,
            "completion_tokens": completion,
            "cost_micros": cost,
        },
    )
    return bool(ended)
