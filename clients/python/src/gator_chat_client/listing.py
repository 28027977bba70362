"""The list of a user's conversations, kept live by what is heard of them. The fold is pure."""

from collections.abc import Callable
from typing import Any, Literal

from msgspec import Struct
from msgspec.structs import replace

from gator_chat_client.errors import ChatError
from gator_chat_client.frames import Frame
from gator_chat_client.http import HttpApi
from gator_chat_client.listeners import Listeners
from gator_chat_client.protocol.events import (
    ConversationDeleted,
    ConversationLeft,
    ConversationRenamed,
    MemberRemoved,
    MembersAdded,
    Message,
    NewMessage,
    Notification,
    ReadMarked,
)
from gator_chat_client.records import ConversationSummary


class ConversationList(Struct, frozen=True, kw_only=True):
    """The conversations of a user, the one with the newest message first.

    Attributes:
        has_more: There are more than those loaded; see `Conversations.load_more`.
    """

    items: tuple[ConversationSummary, ...] = ()
    status: Literal["idle", "loading", "ready", "failed"] = "idle"
    has_more: bool = False

    def find(self, conversation_id: str) -> ConversationSummary | None:
        """Find a conversation in what is loaded."""
        return next((item for item in self.items if item.id == conversation_id), None)


def fold_list(listed: ConversationList, event: Frame, me: str | None) -> ConversationList:
    """Tell what the list is after an event; the same value if that changes nothing."""
    match event:
        case NewMessage(conversation_id=conversation_id, message=message):
            return _said(listed, conversation_id, message, me)
        case Notification(conversation_id=conversation_id, reason="new_message", message=Message() as message):
            return _said(listed, conversation_id, message, me)
        case ConversationRenamed():
            return _changed(listed, event.conversation_id, title=event.title, seq=event.seq)
        case MembersAdded():
            return _changed(listed, event.conversation_id, member_count=event.member_count, seq=event.seq)
        case MemberRemoved() if event.user_id != me:
            return _changed(listed, event.conversation_id, member_count=event.member_count, seq=event.seq)
        case ReadMarked():
            return _read(listed, event.conversation_id, event.seq)
        case MemberRemoved() | ConversationDeleted() | Notification(reason="removed" | "deleted"):
            return without(listed, event.conversation_id)
        case ConversationLeft(reason="removed" | "deleted"):
            return without(listed, event.conversation_id)
    return listed


def is_about_unknown(listed: ConversationList, event: Frame) -> str | None:
    """Name the conversation that an event tells of and that is to be asked for, if there is one."""
    match event:
        case Notification(reason="new_message" | "added", conversation_id=conversation_id):
            return None if listed.find(conversation_id) else conversation_id
        case NewMessage(conversation_id=conversation_id):
            return None if listed.find(conversation_id) else conversation_id
    return None


def with_item(listed: ConversationList, item: ConversationSummary) -> ConversationList:
    """Put a conversation in, first, or in the place where it is."""
    if listed.find(item.id) is None:
        return replace(listed, items=(item, *listed.items))
    return replace(listed, items=tuple(item if each.id == item.id else each for each in listed.items))


def without(listed: ConversationList, conversation_id: str) -> ConversationList:
    """Take a conversation out."""
    if listed.find(conversation_id) is None:
        return listed
    return replace(listed, items=tuple(each for each in listed.items if each.id != conversation_id))


def _said(listed: ConversationList, conversation_id: str, message: Message, me: str | None) -> ConversationList:
    item = listed.find(conversation_id)
    if item is None or (item.last_message is not None and message.seq <= item.last_message.seq):
        return listed
    is_unread = message.sender_id != me and message.seq > item.read_seq
    item = replace(item, last_message=message, seq=max(item.seq, message.seq), unread=item.unread + is_unread)
    others = (each for each in listed.items if each.id != conversation_id)
    return replace(listed, items=(item, *others))


def _read(listed: ConversationList, conversation_id: str, seq: int) -> ConversationList:
    item = listed.find(conversation_id)
    if item is None or seq <= item.read_seq:
        return listed
    newest = 0 if item.last_message is None else item.last_message.seq
    # What is between is not known here; it is at most as much as before.
    return _changed(listed, conversation_id, read_seq=seq, unread=0 if seq >= newest else item.unread)


def _changed(listed: ConversationList, conversation_id: str, **fields: Any) -> ConversationList:
    item = listed.find(conversation_id)
    if item is None or fields.get("seq", item.seq) < item.seq:
        return listed
    return with_item(listed, replace(item, **fields))


class Conversations:
    """The list, and the requests that fill it."""

    def __init__(self, http: HttpApi, spawn: Callable[[Any], None]) -> None:
        self._http = http
        self._spawn = spawn
        self._listed = ConversationList()
        self._cursor: str | None = None
        self._listeners = Listeners()
        self._asked_for: set[str] = set()

    @property
    def snapshot(self) -> ConversationList:
        """The list at this moment."""
        return self._listed

    def subscribe(self, listener: Callable[[], None]) -> Callable[[], None]:
        """Call a function after each change of `snapshot`; call what this returns to end that."""
        return self._listeners.add(listener)

    async def load(self) -> None:
        """Load the first page; from then on the list is kept live.

        Raises:
            ChatError: It could not be loaded; `snapshot.status` is `failed` then.
        """
        self._set(replace(self._listed, status="loading"))
        try:
            page = await self._http.conversations()
        except ChatError:
            self._set(replace(self._listed, status="failed"))
            raise
        self._cursor = page.next_cursor
        self._set(
            ConversationList(items=tuple(page.conversations), status="ready", has_more=self._cursor is not None)
        )

    async def load_more(self) -> None:
        """Load the next page, if there is one. Raises `ChatError`."""
        if self._cursor is None:
            return
        page = await self._http.conversations(self._cursor)
        self._cursor = page.next_cursor
        known = {item.id for item in self._listed.items}
        more = tuple(item for item in page.conversations if item.id not in known)
        items = (*self._listed.items, *more)
        self._set(replace(self._listed, items=items, has_more=self._cursor is not None))

    def heard(self, event: Frame, me: str | None) -> None:
        """Follow what happens."""
        if self._listed.status == "idle":
            return
        self._set(fold_list(self._listed, event, me))
        unknown = is_about_unknown(self._listed, event)
        if unknown is not None and unknown not in self._asked_for:
            self._asked_for.add(unknown)
            self._spawn(self._ask_for(unknown))

    def reconnected(self) -> None:
        """Something may have happened meanwhile in conversations that are not joined."""
        if self._listed.status != "idle":
            self._spawn(self.load())

    async def _ask_for(self, conversation_id: str) -> None:
        try:
            item = await self._http.conversation(conversation_id)
        finally:
            self._asked_for.discard(conversation_id)
        self._set(with_item(self._listed, item))

    def _set(self, listed: ConversationList) -> None:
        if listed is self._listed:
            return
        self._listed = listed
        self._listeners.notify()
