"""The `Store`: what is read, whichever the database is."""

from collections.abc import Iterable, Sequence
from heapq import merge
from itertools import islice
from operator import attrgetter
from typing import Any, Final

import msgspec

from gator.domain.conversation import Conversation
from gator.domain.memory import Memory
from gator.domain.persona import Persona
from gator.domain.reply import Run
from gator.ports import Briefing, ConversationSummary, UserRecord
from gator.protocol.codec import decode_from_log
from gator.protocol.events import DurableEvent, Message, NewMessage
from gator.protocol.times import rfc3339
from gator.protocol.types import ConversationId, MessageId, PersonaId, Role, RunId, Seq, UserId, UtcMillis
from gator.storage.database import Bindings, Readers, Rows
from gator.storage.rows import conversation_from, message_from, run_from

MAX_UNREAD: Final = 1_000
"""Unread messages are counted up to here."""

_persona_of: Final = msgspec.json.Decoder(Persona).decode
_memory_of: Final = msgspec.json.Decoder(Memory).decode

_LATEST: Final = (UtcMillis(2**62), ConversationId(""))


class SqlStore:
    """See `Store`. Reads never wait for the writer and the writer never for them."""

    def __init__(self, readers: Readers) -> None:
        """Read which history this is, on the calling thread."""
        self._readers = readers
        self._read = readers.read
        self._epoch = str(readers.read_here(lambda rows: rows("epoch", {}))[0][0])

    @property
    def epoch(self) -> str:
        """See `Store.epoch`."""
        return self._epoch

    def close(self) -> None:
        """Finish the reads under way and let go of the database."""
        self._readers.close()

    async def conversation(self, conversation_id: ConversationId) -> Conversation | None:
        """See `Store.conversation`."""
        return await self._read(lambda rows: conversation_from(rows, conversation_id))

    async def log(self, conversation_id: ConversationId, *, after: Seq, limit: int) -> Sequence[DurableEvent]:
        """See `Store.log`."""
        where = {"conversation_id": conversation_id, "after": after, "limit": limit}

        def read(rows: Rows) -> list[DurableEvent]:
            messages = (message_from(row) for row in rows("messages_after", where))
            told: Iterable[DurableEvent] = (
                NewMessage(
                    conversation_id=conversation_id, seq=message.seq, timestamp=message.timestamp, message=message
                )
                for message in messages
            )
            events = (decode_from_log(body) for _, body in rows("events_after", where))
            return list(islice(merge(told, events, key=attrgetter("seq")), limit))

        return await self._read(read)

    async def messages(
        self,
        conversation_id: ConversationId,
        *,
        after: Seq | None = None,
        before: Seq | None = None,
        limit: int,
        unblocked: bool = False,
    ) -> Sequence[Message]:
        """See `Store.messages`."""
        where = {"conversation_id": conversation_id, "limit": limit}

        def read(rows: Rows) -> list[Message]:
            if after is not None:
                found = [message_from(row) for row in rows("messages_after", where | {"after": after})]
                return [message for message in found if before is None or message.seq < before]
            return _messages_before(rows, conversation_id, before, limit)

        def read_unblocked(rows: Rows) -> list[Message]:
            return _unblocked(rows, conversation_id, read(rows))

        return await self._read(read_unblocked if unblocked else read)

    async def conversations_of(
        self, user_id: UserId, *, before: tuple[UtcMillis, ConversationId] | None, limit: int
    ) -> Sequence[ConversationSummary]:
        """See `Store.conversations_of`."""
        at, conversation_id = before or _LATEST
        where = {"user_id": user_id, "before_at": at, "before_id": conversation_id, "limit": limit}

        def read(rows: Rows) -> list[ConversationSummary]:
            return [_summary(rows, user_id, row) for row in rows("conversations_of", where)]

        return await self._read(read)

    async def summary(self, user_id: UserId, conversation_id: ConversationId) -> ConversationSummary | None:
        """See `Store.summary`."""
        where = {"user_id": user_id, "conversation_id": conversation_id}

        def read(rows: Rows) -> ConversationSummary | None:
            for row in rows("conversation_of", where):
                return _summary(rows, user_id, row)
            return None

        return await self._read(read)

    async def members(
        self, conversation_id: ConversationId, *, after: UserId | None, limit: int
    ) -> Sequence[tuple[UserRecord, Role]]:
        """See `Store.members`."""
        where = {"conversation_id": conversation_id, "after": after or "", "limit": limit}

        def read(rows: Rows) -> list[tuple[UserRecord, Role]]:
            page = rows("members_page", where)
            return [(UserRecord(user_id, name, avatar, seen), role) for user_id, name, avatar, seen, role in page]

        return await self._read(read)

    async def user(self, user_id: UserId) -> UserRecord | None:
        """See `Store.user`."""

        return await self._read(lambda rows: _known_user(rows, user_id))

    async def acquaintances(self, user_id: UserId, others: Iterable[UserId]) -> Sequence[UserRecord]:
        """See `Store.acquaintances`."""
        asked = tuple(dict.fromkeys(others))

        def read(rows: Rows) -> list[UserRecord]:
            return [_user(rows, other) for other in asked if _acquainted(rows, user_id, other)]

        return await self._read(read)

    async def personas(self) -> Sequence[Persona]:
        """See `Store.personas`."""
        return await self._read(lambda rows: [_persona_of(body) for (body,) in rows("personas", {})])

    async def avatar(self, persona_id: PersonaId) -> tuple[str, bytes] | None:
        """See `Store.avatar`."""

        def read(rows: Rows) -> tuple[str, bytes] | None:
            for media_type, image in rows("avatar", {"persona_id": persona_id}):
                return media_type, image
            return None

        return await self._read(read)

    async def memory(self, conversation_id: ConversationId) -> Memory | None:
        """See `Store.memory`."""
        return await self._read(lambda rows: _memory(rows, conversation_id))

    async def briefing(
        self, conversation_id: ConversationId, user_id: UserId, *, question: Seq, before: Seq | None, limit: int
    ) -> Briefing:
        """See `Store.briefing`."""
        return await self._read(
            lambda rows: Briefing(
                question=_message(rows, conversation_id, question),
                newest=_unblocked(rows, conversation_id, _messages_before(rows, conversation_id, before, limit)),
                memory=_memory(rows, conversation_id),
                user=_known_user(rows, user_id),
            )
        )

    async def run(self, run_id: RunId) -> Run | None:
        """See `Store.run`."""
        return await self._one_run("run", {"id": run_id})

    async def run_of_message(self, message_id: MessageId) -> Run | None:
        """See `Store.run_of_message`."""
        return await self._one_run("run_of_message", {"message_id": message_id})

    async def live_runs(self) -> Sequence[Run]:
        """See `Store.live_runs`."""
        return await self._read(lambda rows: [run_from(row) for row in rows("live_runs", {})])

    async def runs_since(self, at: UtcMillis) -> Sequence[Run]:
        """See `Store.runs_since`."""
        return await self._read(lambda rows: [run_from(row) for row in rows("runs_since", {"at": at})])

    async def _one_run(self, statement: str, where: Bindings) -> Run | None:
        def read(rows: Rows) -> Run | None:
            for row in rows(statement, where):
                return run_from(row)
            return None

        return await self._read(read)

    async def ready(self) -> bool:
        """See `Store.ready`."""
        return await self._readers.answers(lambda rows: rows("epoch", {}))


def _message(rows: Rows, conversation_id: ConversationId, seq: Seq) -> Message | None:
    where = {"conversation_id": conversation_id, "after": seq - 1, "limit": 1}
    for row in rows("messages_after", where):
        message = message_from(row)
        return message if message.seq == seq else None
    return None


def _messages_before(rows: Rows, conversation_id: ConversationId, before: Seq | None, limit: int) -> list[Message]:
    upto = Seq(2**62) if before is None else before
    where = {"conversation_id": conversation_id, "before": upto, "limit": limit}
    return [message_from(row) for row in reversed(rows("messages_before", where))]


def _unblocked(rows: Rows, conversation_id: ConversationId, found: list[Message]) -> list[Message]:
    if not found:
        return found
    where = {"conversation_id": conversation_id, "from": found[0].seq}
    blocked = {seq for (seq,) in rows("blocked_messages", where)}
    return [message for message in found if message.seq not in blocked] if blocked else found


def _memory(rows: Rows, conversation_id: ConversationId) -> Memory | None:
    for (body,) in rows("memory", {"conversation_id": conversation_id}):
        return _memory_of(body)
    return None


def _known_user(rows: Rows, user_id: UserId) -> UserRecord | None:
    for name, avatar, seen in rows("user", {"id": user_id}):
        return UserRecord(user_id, name, avatar, seen)
    return None


def _user(rows: Rows, user_id: UserId) -> UserRecord:
    return _known_user(rows, user_id) or UserRecord(user_id, None, None, None)


def _acquainted(rows: Rows, user_id: UserId, other: UserId) -> bool:
    if user_id == other:
        return True
    return bool(rows("share_a_conversation", {"user_id": user_id, "other_id": other}))


def _summary(rows: Rows, user_id: UserId, row: Sequence[Any]) -> ConversationSummary:
    conversation_id, kind, title, head, member_count, created_at, active_at, last_seq, role, read_seq = row
    where = {"conversation_id": conversation_id, "user_id": user_id}
    unread = rows("count_unread", where | {"read_seq": read_seq, "limit": MAX_UNREAD})[0][0]
    peer = rows("other_member", where) if kind == "direct" else []
    return ConversationSummary(
        id=conversation_id,
        kind=kind,
        title=title,
        role=role,
        head=head,
        member_count=member_count,
        read_seq=read_seq,
        unread=unread,
        created_at=rfc3339(created_at),
        cursor_at=active_at,
        last_message=None if last_seq is None else _message(rows, conversation_id, last_seq),
        peer_id=peer[0][0] if peer else None,
    )
