"""The `Store` on SQLite: reads on a few threads, each with its own connection."""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from heapq import merge
from itertools import islice
from operator import attrgetter
from pathlib import Path
from threading import Lock, local
from typing import Any, Final, TypeVar

import apsw
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
from gator.storage.rows import conversation_from, message_from, run_from
from gator.storage.sqlite import connect
from gator.storage.statements import statements

READERS: Final = 2
"""Threads that read. Reads that wait for one are bounded by the limits on commands."""

MAX_UNREAD: Final = 1_000
"""Unread messages are counted up to here."""

T = TypeVar("T")

_persona_of: Final = msgspec.json.Decoder(Persona).decode
_memory_of: Final = msgspec.json.Decoder(Memory).decode

_LATEST: Final = (UtcMillis(2**62), ConversationId(""))


class _Snapshot:
    """Reads of one moment: a transaction on one connection."""

    def __init__(self, connection: apsw.Connection, sql: dict[str, str]) -> None:
        self._connection = connection
        self._sql = sql

    def rows(self, name: str, bindings: dict[str, Any]) -> list[tuple[Any, ...]]:
        return self._connection.execute(self._sql[name], bindings).fetchall()


class SqliteStore:
    """See `Store`. Reads never wait for the writer and the writer never for them."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._sql = statements()
        self._own = local()
        self._opened: list[apsw.Connection] = []
        self._opening = Lock()
        self._threads = ThreadPoolExecutor(READERS, thread_name_prefix="gator-reader")
        first = connect(file, read_only=True)
        self._opened.append(first)
        self._epoch = str(first.execute(self._sql["epoch"]).get)

    @property
    def epoch(self) -> str:
        """See `Store.epoch`."""
        return self._epoch

    def close(self) -> None:
        """Finish the reads under way and let go of the database."""
        self._threads.shutdown()
        for connection in self._opened:
            connection.close()

    async def conversation(self, conversation_id: ConversationId) -> Conversation | None:
        """See `Store.conversation`."""
        return await self._read(lambda snapshot: conversation_from(snapshot.rows, conversation_id))

    async def log(self, conversation_id: ConversationId, *, after: Seq, limit: int) -> Sequence[DurableEvent]:
        """See `Store.log`."""
        where = {"conversation_id": conversation_id, "after": after, "limit": limit}

        def read(snapshot: _Snapshot) -> list[DurableEvent]:
            messages = (message_from(row) for row in snapshot.rows("messages_after", where))
            told: Iterable[DurableEvent] = (
                NewMessage(
                    conversation_id=conversation_id, seq=message.seq, timestamp=message.timestamp, message=message
                )
                for message in messages
            )
            events = (decode_from_log(body) for _, body in snapshot.rows("events_after", where))
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

        def read(snapshot: _Snapshot) -> list[Message]:
            if after is not None:
                rows = snapshot.rows("messages_after", where | {"after": after})
                found = [message_from(row) for row in rows]
                return [message for message in found if before is None or message.seq < before]
            return _messages_before(snapshot, conversation_id, before, limit)

        def read_unblocked(snapshot: _Snapshot) -> list[Message]:
            return _unblocked(snapshot, conversation_id, read(snapshot))

        return await self._read(read_unblocked if unblocked else read)

    async def conversations_of(
        self, user_id: UserId, *, before: tuple[UtcMillis, ConversationId] | None, limit: int
    ) -> Sequence[ConversationSummary]:
        """See `Store.conversations_of`."""
        at, conversation_id = before or _LATEST
        where = {"user_id": user_id, "before_at": at, "before_id": conversation_id, "limit": limit}

        def read(snapshot: _Snapshot) -> list[ConversationSummary]:
            return [_summary(snapshot, user_id, row) for row in snapshot.rows("conversations_of", where)]

        return await self._read(read)

    async def summary(self, user_id: UserId, conversation_id: ConversationId) -> ConversationSummary | None:
        """See `Store.summary`."""
        where = {"user_id": user_id, "conversation_id": conversation_id}

        def read(snapshot: _Snapshot) -> ConversationSummary | None:
            for row in snapshot.rows("conversation_of", where):
                return _summary(snapshot, user_id, row)
            return None

        return await self._read(read)

    async def members(
        self, conversation_id: ConversationId, *, after: UserId | None, limit: int
    ) -> Sequence[tuple[UserRecord, Role]]:
        """See `Store.members`."""
        where = {"conversation_id": conversation_id, "after": after or "", "limit": limit}

        def read(snapshot: _Snapshot) -> list[tuple[UserRecord, Role]]:
            rows = snapshot.rows("members_page", where)
            return [(UserRecord(user_id, name, avatar, seen), role) for user_id, name, avatar, seen, role in rows]

        return await self._read(read)

    async def user(self, user_id: UserId) -> UserRecord | None:
        """See `Store.user`."""

        return await self._read(lambda snapshot: _known_user(snapshot, user_id))

    async def acquaintances(self, user_id: UserId, others: Iterable[UserId]) -> Sequence[UserRecord]:
        """See `Store.acquaintances`."""
        asked = tuple(dict.fromkeys(others))

        def read(snapshot: _Snapshot) -> list[UserRecord]:
            return [_user(snapshot, other) for other in asked if _acquainted(snapshot, user_id, other)]

        return await self._read(read)

    async def personas(self) -> Sequence[Persona]:
        """See `Store.personas`."""
        return await self._read(lambda snapshot: [_persona_of(body) for (body,) in snapshot.rows("personas", {})])

    async def avatar(self, persona_id: PersonaId) -> tuple[str, bytes] | None:
        """See `Store.avatar`."""

        def read(snapshot: _Snapshot) -> tuple[str, bytes] | None:
            for media_type, image in snapshot.rows("avatar", {"persona_id": persona_id}):
                return media_type, image
            return None

        return await self._read(read)

    async def memory(self, conversation_id: ConversationId) -> Memory | None:
        """See `Store.memory`."""
        return await self._read(lambda snapshot: _memory(snapshot, conversation_id))

    async def briefing(
        self, conversation_id: ConversationId, user_id: UserId, *, question: Seq, before: Seq | None, limit: int
    ) -> Briefing:
        """See `Store.briefing`."""
        return await self._read(
            lambda snapshot: Briefing(
                question=_message(snapshot, conversation_id, question),
                newest=_unblocked(
                    snapshot, conversation_id, _messages_before(snapshot, conversation_id, before, limit)
                ),
                memory=_memory(snapshot, conversation_id),
                user=_known_user(snapshot, user_id),
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
        return await self._read(lambda snapshot: [run_from(row) for row in snapshot.rows("live_runs", {})])

    async def runs_since(self, at: UtcMillis) -> Sequence[Run]:
        """See `Store.runs_since`."""
        return await self._read(
            lambda snapshot: [run_from(row) for row in snapshot.rows("runs_since", {"at": at})]
        )

    async def _one_run(self, statement: str, where: dict[str, Any]) -> Run | None:
        def read(snapshot: _Snapshot) -> Run | None:
            for row in snapshot.rows(statement, where):
                return run_from(row)
            return None

        return await self._read(read)

    async def ready(self) -> bool:
        """See `Store.ready`."""
        try:
            return bool(await self._read(lambda snapshot: snapshot.rows("epoch", {})))
        except apsw.Error:
            return False

    async def _read(self, query: Callable[[_Snapshot], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._on_thread, query)

    def _on_thread(self, query: Callable[[_Snapshot], T]) -> T:
        connection: apsw.Connection | None = getattr(self._own, "connection", None)
        if connection is None:
            connection = connect(self._file, read_only=True)
            self._own.connection = connection
            with self._opening:
                self._opened.append(connection)
        connection.execute("BEGIN")
        try:
            return query(_Snapshot(connection, self._sql))
        finally:
            connection.execute("COMMIT")


def _message(snapshot: _Snapshot, conversation_id: ConversationId, seq: Seq) -> Message | None:
    where = {"conversation_id": conversation_id, "after": seq - 1, "limit": 1}
    for row in snapshot.rows("messages_after", where):
        message = message_from(row)
        return message if message.seq == seq else None
    return None


def _messages_before(
    snapshot: _Snapshot, conversation_id: ConversationId, before: Seq | None, limit: int
) -> list[Message]:
    upto = Seq(2**62) if before is None else before
    where = {"conversation_id": conversation_id, "before": upto, "limit": limit}
    return [message_from(row) for row in reversed(snapshot.rows("messages_before", where))]


def _unblocked(snapshot: _Snapshot, conversation_id: ConversationId, found: list[Message]) -> list[Message]:
    if not found:
        return found
    where = {"conversation_id": conversation_id, "from": found[0].seq}
    blocked = {seq for (seq,) in snapshot.rows("blocked_messages", where)}
    return [message for message in found if message.seq not in blocked] if blocked else found


def _memory(snapshot: _Snapshot, conversation_id: ConversationId) -> Memory | None:
    for (body,) in snapshot.rows("memory", {"conversation_id": conversation_id}):
        return _memory_of(body)
    return None


def _known_user(snapshot: _Snapshot, user_id: UserId) -> UserRecord | None:
    for name, avatar, seen in snapshot.rows("user", {"id": user_id}):
        return UserRecord(user_id, name, avatar, seen)
    return None


def _user(snapshot: _Snapshot, user_id: UserId) -> UserRecord:
    return _known_user(snapshot, user_id) or UserRecord(user_id, None, None, None)


def _acquainted(snapshot: _Snapshot, user_id: UserId, other: UserId) -> bool:
    if user_id == other:
        return True
    return bool(snapshot.rows("share_a_conversation", {"user_id": user_id, "other_id": other}))


def _summary(snapshot: _Snapshot, user_id: UserId, row: tuple[Any, ...]) -> ConversationSummary:
    conversation_id, kind, title, head, member_count, created_at, active_at, last_seq, role, read_seq = row
    where = {"conversation_id": conversation_id, "user_id": user_id}
    unread = snapshot.rows("count_unread", where | {"read_seq": read_seq, "limit": MAX_UNREAD})[0][0]
    peer = snapshot.rows("other_member", where) if kind == "direct" else []
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
        last_message=None if last_seq is None else _message(snapshot, conversation_id, last_seq),
        peer_id=peer[0][0] if peer else None,
    )
