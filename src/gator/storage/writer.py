"""The journal's writer: decides what becomes of each entry, and writes it, whichever the database is."""

from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Final

from gator.domain.conversation import Change, Conversation, CreateConversation, apply, begin
from gator.domain.message import PostMessage
from gator.domain.reply import PostReply
from gator.ports import (
    AuditEntry,
    AvatarSaved,
    Committed,
    LastSeen,
    MemorySaved,
    Note,
    PersonaDeleted,
    PersonaSaved,
    ReadUpTo,
    RunAsked,
    RunCharged,
    RunEnded,
    RunMoved,
    UserSeen,
)
from gator.protocol.codec import encode_for_log
from gator.protocol.errors import Refusal
from gator.protocol.events import (
    ConversationCreated,
    ConversationDeleted,
    ConversationRenamed,
    DurableEvent,
    MemberRemoved,
    MemberRoleChanged,
    MembersAdded,
    NewMessage,
)
from gator.protocol.types import ConversationId, UserId, UtcMillis
from gator.storage.database import Database, Interrupted
from gator.storage.journal import Result
from gator.storage.notes import end_run, insert_runs, run_row, write_note
from gator.storage.rows import as_json, conversation_from, message_from

KEPT_CONVERSATIONS: Final = 10_000
"""Conversations whose state the writer keeps in memory; the one unused longest goes first."""

KEPT_USERS: Final = 50_000
"""Users whose stored name the writer remembers, so that coming back writes nothing."""

TRIES: Final = 3
"""How often a batch is tried whose connection is lost each time."""

RepeatKey = tuple[ConversationId, UserId, str | None]
"""Two messages with the same one are the same message, unless the client gave no id."""


class SqlWriter:
    """The journal's `Writer` on a database.

    Keeps the state of conversations in memory, because it is the only writer; after
    a failed transaction it forgets what it kept and reads it again.
    """

    def __init__(self, database: Database, *, on_close: Callable[[], None] = lambda: None) -> None:
        self._database = database
        self._on_close = on_close
        self._rows = database.rows
        self._conversations: OrderedDict[ConversationId, Conversation] = OrderedDict()
        self._users: OrderedDict[UserId, tuple[str | None, str | None]] = OrderedDict()

    def write(self, entries: Sequence[Change | Note], now: UtcMillis) -> list[Result]:
        """See `Writer.write`."""
        for _ in range(TRIES - 1):
            try:
                return self._write(entries, now)
            except Interrupted:
                continue
        return self._write(entries, now)

    def _write(self, entries: Sequence[Change | Note], now: UtcMillis) -> list[Result]:
        """Carry out entries in one transaction.

        Messages wait until a change of another kind, which may depend on them, or the
        end; notes touch no table of theirs and pass them. A batch that is nothing but
        talk is one statement that writes, whatever its length, and needs no other one
        around it: for each of them this thread would have to wait until the event loop
        lets go of the interpreter.
        """
        results: dict[int, Result] = {}
        waiting: dict[int, PostMessage] = {}
        with self._transaction(of_one_statement=all(map(_is_talk, entries))):
            for at, entry in enumerate(entries):
                match entry:
                    case PostMessage():
                        waiting[at] = entry
                    case UserSeen() | LastSeen() | ReadUpTo():
                        self._note(entry)
                    case (
                        PersonaSaved()
                        | PersonaDeleted()
                        | AvatarSaved()
                        | MemorySaved()
                        | RunAsked()
                        | RunMoved()
                        | RunEnded()
                        | RunCharged()
                        | AuditEntry()
                    ):
                        results[at] = write_note(self._rows, entry)
                    case _:
                        self._post(waiting, now, results)
                        results[at] = self._carry_out(entry, now)
            self._post(waiting, now, results)
        while len(self._conversations) > KEPT_CONVERSATIONS:
            self._conversations.popitem(last=False)
        while len(self._users) > KEPT_USERS:
            self._users.popitem(last=False)
        return [results.get(at) for at in range(len(entries))]

    def give_up(self) -> None:
        """See `Writer.give_up`."""
        self._database.give_up()

    def close(self) -> None:
        """See `Writer.close`."""
        self._database.close()
        self._on_close()

    @contextmanager
    def _transaction(self, *, of_one_statement: bool) -> Iterator[None]:
        try:
            with self._database.transaction(of_one_statement=of_one_statement):
                yield
        except BaseException:
            self._conversations.clear()
            self._users.clear()
            raise

    def _carry_out(self, change: Change, now: UtcMillis) -> Committed | Refusal:
        try:
            return self._change(change, now)
        except Refusal as refusal:
            return refusal

    def _change(self, change: Change, now: UtcMillis) -> Committed:
        if isinstance(change, CreateConversation) and (existing := self._existing_direct(change)) is not None:
            return existing
        conversation = self._conversation(change.conversation_id)
        event = change.decide(conversation, now)
        if event is None:
            return Committed(change.conversation_id, None)
        if isinstance(change, PostReply):
            end_run(self._rows, change, now)
        told = _to_notify(event, conversation)
        self._store(event, change, now)
        if isinstance(event, ConversationCreated):
            self._conversations[event.conversation_id] = begin(event)
        else:
            assert conversation is not None
            apply(conversation, event)
        return Committed(change.conversation_id, event, audience=told)

    def _post(self, waiting: dict[int, PostMessage], now: UtcMillis, results: dict[int, Result]) -> None:
        """Carry out messages in a row; who may not speak learns of no repeat."""
        said = self._said_before(waiting.values())
        new: list[NewMessage] = []
        runs: list[tuple[object, ...]] = []
        for at, post in waiting.items():
            conversation = self._conversation(post.conversation_id)
            key = _repeat_key(post)
            try:
                event = post.decide(conversation, now)
                if (original := said.get(key)) is not None:
                    post.check_repeat(original.message)
                    results[at] = Committed(post.conversation_id, original, duplicate=True)
                    continue
            except Refusal as refusal:
                results[at] = refusal
                continue
            assert conversation is not None
            apply(conversation, event)
            new.append(event)
            if post.client_message_id is not None:
                said[key] = event
            if post.runs:
                runs += [run_row(request, event) for request in post.runs]
            results[at] = Committed(post.conversation_id, event, audience=conversation.audience)
        self._insert_messages(new, now)
        insert_runs(self._rows, runs, now)
        waiting.clear()

    def _said_before(self, posts: Iterable[PostMessage]) -> dict[RepeatKey, NewMessage]:
        """Find the messages on disk that some of these may repeat."""
        keys = [_repeat_key(post) for post in posts if post.client_message_id is not None]
        said: dict[RepeatKey, NewMessage] = {}
        if keys:
            for conversation_id, *row in self._rows("messages_by_client_ids", {"keys": as_json(keys)}):
                message = message_from(row)
                said[conversation_id, message.sender_id, message.client_message_id] = NewMessage(
                    conversation_id=conversation_id,
                    seq=message.seq,
                    timestamp=message.timestamp,
                    message=message,
                )
        return said

    def _insert_messages(self, events: Sequence[NewMessage], now: UtcMillis) -> None:
        """Write messages, each as one row of a single parameter.

        A statement a message is no more work for SQLite, but takes the interpreter's
        lock from the event loop every time; to PostgreSQL it is a way there and back.
        """
        if not events:
            return
        rows = [
            (
                event.conversation_id,
                event.seq,
                (message := event.message).id,
                message.sender_id,
                message.content,
                message.client_message_id,
                message.persona_id,
                message.is_ai,
                None if message.reply is None else as_json(message.reply),
            )
            for event in events
        ]
        self._rows("insert_messages", {"rows": as_json(rows), "at": now})

    def _conversation(self, conversation_id: ConversationId) -> Conversation | None:
        kept = self._conversations.get(conversation_id)
        if kept is not None:
            self._conversations.move_to_end(conversation_id)
            return kept
        read = conversation_from(self._rows, conversation_id)
        if read is not None:
            self._conversations[conversation_id] = read
        return read

    def _existing_direct(self, change: CreateConversation) -> Committed | None:
        key = change.direct_key
        if key is None:
            return None
        for (found,) in self._rows("direct_conversation", {"direct_key": key}):
            return Committed(ConversationId(found), None, duplicate=True)
        return None

    def _store(self, event: DurableEvent, change: Change, now: UtcMillis) -> None:
        where = {"conversation_id": event.conversation_id}
        at = {"id": event.conversation_id, "seq": event.seq}
        if isinstance(event, NewMessage):
            self._insert_messages([event], now)
            if isinstance(change, PostReply):
                insert_runs(self._rows, [run_row(request, event) for request in change.follow_ups], now)
            return
        self._rows("insert_event", where | {"seq": event.seq, "body": encode_for_log(event).decode()})
        match event:
            case ConversationCreated():
                key = change.direct_key if isinstance(change, CreateConversation) else None
                self._rows(
                    "insert_conversation",
                    {
                        "id": event.conversation_id,
                        "kind": event.kind,
                        "title": event.title,
                        "direct_key": key,
                        "head": event.seq,
                        "at": now,
                        "member_count": event.member_count,
                    },
                )
                self._insert_members(event)
            case MembersAdded():
                self._insert_members(event)
                self._rows("advance_members", at | {"member_count": event.member_count})
            case MemberRemoved():
                self._rows("delete_member", where | {"user_id": event.user_id})
                self._rows("advance_members", at | {"member_count": event.member_count})
            case MemberRoleChanged():
                self._rows("change_role", where | {"user_id": event.user_id, "role": event.role})
                self._rows("advance", at)
            case ConversationRenamed():
                self._rows("rename_conversation", at | {"title": event.title})
            case ConversationDeleted():
                self._rows("delete_members", where)
                self._rows("delete_conversation", at)

    def _insert_members(self, event: ConversationCreated | MembersAdded) -> None:
        self._database.run_each(
            "insert_member",
            (
                {"conversation_id": event.conversation_id, "user_id": member.user_id, "role": member.role}
                for member in event.members
            ),
        )

    def _note(self, note: UserSeen | LastSeen | ReadUpTo) -> None:
        match note:
            case UserSeen(identity, at):
                shown = (identity.name, identity.avatar)
                if self._users.get(identity.user_id) != shown:
                    self._rows(
                        "upsert_user", {"id": identity.user_id, "name": shown[0], "avatar": shown[1], "at": at}
                    )
                    self._users[identity.user_id] = shown
                self._users.move_to_end(identity.user_id)
            case LastSeen(user_id, at):
                self._rows("mark_last_seen", {"id": user_id, "at": at})
            case ReadUpTo(conversation_id, user_id, seq):
                self._rows("mark_read", {"conversation_id": conversation_id, "user_id": user_id, "seq": seq})


def _is_talk(entry: Change | Note) -> bool:
    """Tell whether nothing is to be written but a message, see `insert_messages`."""
    return isinstance(entry, PostMessage) and not entry.runs


def _repeat_key(post: PostMessage) -> RepeatKey:
    return post.conversation_id, post.by, post.client_message_id


def _to_notify(event: DurableEvent, before: Conversation | None) -> tuple[UserId, ...]:
    match event:
        case NewMessage():
            return before.audience if before is not None else ()
        case ConversationCreated() | MembersAdded():
            return tuple(member.user_id for member in event.members)
        case MemberRemoved():
            return (event.user_id,)
        case ConversationDeleted():
            return tuple(before.members) if before is not None else ()
        case _:
            return ()
