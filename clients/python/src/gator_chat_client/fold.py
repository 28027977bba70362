"""The fold: a snapshot and something that happened make the next snapshot. Pure.

Events may come as the wire brings them: what is here already is dropped, and what lies beyond the
next position only tells that something is missing (`head`).
"""

from functools import singledispatch
from typing import Any

from msgspec.structs import replace

from gator_chat_client.fold_replies import asked_again, fold_reply, not_asking, over
from gator_chat_client.frames import UnknownEvent
from gator_chat_client.gaps import Discontinuity
from gator_chat_client.happenings import (
    AskedInVain,
    ConnectionLost,
    Described,
    Happening,
    MembersLoaded,
    OutgoingChanged,
    OutgoingDropped,
    PageLoaded,
    Positioned,
    Read,
    RunForgotten,
    Skipped,
    StatusChanged,
    TypingExpired,
    Welcomed,
)
from gator_chat_client.protocol.events import (
    ConversationCreated,
    ConversationDeleted,
    ConversationJoined,
    ConversationLeft,
    ConversationRenamed,
    Durable,
    Event,
    HeartbeatEvent,
    MemberRemoved,
    MemberRoleChanged,
    MembersAdded,
    Message,
    NewMessage,
    Occupancy,
    PersonaState,
    PresenceUpdate,
    ReadMarked,
    ReplyDelta,
    ReplyFailed,
    ReplyQueued,
    ReplyRejected,
    ReplyReset,
    ReplyStarted,
    ReplyStopped,
    TypingIndicator,
)
from gator_chat_client.protocol.types import Role
from gator_chat_client.snapshot import Outgoing, Snapshot, SystemEvent


def fold(snapshot: Snapshot, what: Event | UnknownEvent | Discontinuity | Happening) -> Snapshot:
    """Tell what a conversation is after something happened; the same value if that changes nothing."""
    if getattr(what, "conversation_id", snapshot.id) != snapshot.id:
        return snapshot
    if isinstance(what, Durable) and what.seq != snapshot.seq + 1:
        return replace(snapshot, head=what.seq) if what.seq > snapshot.head else snapshot
    return _fold(what, snapshot)


@singledispatch
def _fold(_what: Any, snapshot: Snapshot) -> Snapshot:
    """What has no function below changes nothing."""
    return snapshot


# The log


@_fold.register
def _(event: NewMessage, snapshot: Snapshot) -> Snapshot:
    message = event.message
    is_unread = message.sender_id != snapshot.me and event.seq > max(snapshot.read_seq, snapshot.counted_seq)
    snapshot = replace(
        _at(event.seq, snapshot),
        messages=(*snapshot.messages, message),
        outgoing=_without(snapshot.outgoing, message, snapshot.me),
        typing=_less(snapshot.typing, message.sender_id),
        unread=snapshot.unread + is_unread,
    )
    return (
        snapshot if message.reply is None else over(snapshot, message.reply.run_id, persona_id=message.sender_id)
    )


@_fold.register
def _(event: ConversationCreated, snapshot: Snapshot) -> Snapshot:
    mine = next((member.role for member in event.members if member.user_id == snapshot.me), snapshot.role)
    return replace(
        _happened(event, snapshot),
        kind=event.kind,
        title=event.title,
        role=mine,
        members={member.user_id: member.role for member in event.members} or None,
        member_count=event.member_count,
    )


@_fold.register
def _(event: ConversationRenamed, snapshot: Snapshot) -> Snapshot:
    return replace(_happened(event, snapshot), title=event.title)


@_fold.register
def _(event: ConversationDeleted, snapshot: Snapshot) -> Snapshot:
    return replace(_happened(event, snapshot), status="left", reason="deleted", members={}, member_count=0)


@_fold.register
def _(event: MembersAdded, snapshot: Snapshot) -> Snapshot:
    mine = next((member.role for member in event.members if member.user_id == snapshot.me), snapshot.role)
    is_told = bool(event.members) and snapshot.members is not None
    return replace(
        _happened(event, snapshot),
        role=mine,
        members=_with_change(dict(snapshot.members or {}), event) if is_told else None,
        member_count=event.member_count,
    )


@_fold.register
def _(event: MemberRemoved, snapshot: Snapshot) -> Snapshot:
    known = snapshot.members
    return replace(
        _happened(event, snapshot),
        members=None if known is None else _with_change(dict(known), event),
        member_count=event.member_count,
        typing=_less(snapshot.typing, event.user_id),
        online=_less(snapshot.online, event.user_id),
        online_count=snapshot.online_count - (event.user_id in snapshot.online),
    )


@_fold.register
def _(event: MemberRoleChanged, snapshot: Snapshot) -> Snapshot:
    role = event.role if event.user_id == snapshot.me else snapshot.role
    known = snapshot.members
    members = None if known is None else _with_change(dict(known), event)
    return replace(_happened(event, snapshot), role=role, members=members)


@_fold.register
def _(event: UnknownEvent, snapshot: Snapshot) -> Snapshot:
    """An event of a newer server means nothing, but the end of a run is one for whatever reason."""
    if event.run_id is not None and event.type in ("reply_stopped", "reply_failed", "reply_rejected"):
        return over(snapshot, event.run_id)
    return snapshot


@_fold.register
def _(gap: Discontinuity, snapshot: Snapshot) -> Snapshot:
    """What is kept has no hole in it, so it begins anew behind the gap; pages of history bring the rest."""
    if gap.is_other_history:
        snapshot = replace(snapshot, head=0, read_seq=0, counted_seq=0, unread=0)
    return replace(
        snapshot,
        seq=gap.at_seq,
        head=max(snapshot.head, gap.at_seq),
        messages=(),
        events=(),
        has_older=True,
        discontinuity=gap,
    )


# Answers


@_fold.register
def _(event: ConversationJoined, snapshot: Snapshot) -> Snapshot:
    is_first = snapshot.epoch is None
    if not event.recovered and not is_first:
        reason = event.reason or "no_position"
        gap = Discontinuity(snapshot.id, reason, after_seq=snapshot.seq, at_seq=event.seq)
        snapshot = fold(snapshot, gap)
    return replace(
        asked_again(snapshot),
        seq=snapshot.seq if event.recovered else event.seq,
        head=event.seq,
        discontinuity=None if event.recovered else snapshot.discontinuity,
        epoch=event.epoch,
        role=event.role,
        member_count=event.member_count,
        online=tuple(sorted(event.online)),
        online_count=event.online_count,
        typing=(),
        typing_count=0,
    )


@_fold.register
def _(event: HeartbeatEvent, snapshot: Snapshot) -> Snapshot:
    head = next((seq for name, seq in event.heads.items() if name == snapshot.id), 0)
    return replace(snapshot, head=head) if head > snapshot.head else snapshot


@_fold.register
def _(event: ConversationLeft, snapshot: Snapshot) -> Snapshot:
    return replace(
        snapshot,
        status="idle" if event.reason == "asked" else "left",
        reason=event.reason,
        typing=(),
        replies=(),
        persona_states={},
    )


@_fold.register(ReadMarked)
@_fold.register(Read)
def _(event: ReadMarked | Read, snapshot: Snapshot) -> Snapshot:
    if event.seq <= snapshot.read_seq:
        return snapshot
    return replace(snapshot, read_seq=event.seq, unread=_unread(snapshot, event.seq, 0))


# What is true for a moment


@_fold.register
def _(event: TypingIndicator, snapshot: Snapshot) -> Snapshot:
    rest = _less(snapshot.typing, event.user_id)
    typing = (*rest, event.user_id) if event.is_typing else rest
    return replace(snapshot, typing=typing, typing_count=len(typing))


@_fold.register
def _(event: PresenceUpdate, snapshot: Snapshot) -> Snapshot:
    is_stranger = snapshot.members is not None and event.user_id not in snapshot.members
    if is_stranger or event.online is (event.user_id in snapshot.online):
        return snapshot
    rest = _less(snapshot.online, event.user_id)
    online = tuple(sorted({*rest, event.user_id})) if event.online else rest
    return replace(snapshot, online=online, online_count=len(online))


@_fold.register
def _(event: Occupancy, snapshot: Snapshot) -> Snapshot:
    return replace(snapshot, online_count=event.online, typing_count=event.typing, member_count=event.member_count)


@_fold.register(ReplyQueued)
@_fold.register(ReplyStarted)
@_fold.register(ReplyDelta)
@_fold.register(ReplyReset)
@_fold.register(ReplyStopped)
@_fold.register(ReplyFailed)
@_fold.register(ReplyRejected)
@_fold.register(PersonaState)
def _(event: Any, snapshot: Snapshot) -> Snapshot:
    return fold_reply(snapshot, event)


# What this client knows by itself


@_fold.register
def _(change: StatusChanged, snapshot: Snapshot) -> Snapshot:
    return replace(snapshot, status=change.status, reason=change.reason)


@_fold.register
def _(positioned: Positioned, snapshot: Snapshot) -> Snapshot:
    return replace(snapshot, seq=positioned.seq, epoch=positioned.epoch, head=max(snapshot.head, positioned.seq))


@_fold.register
def _(skipped: Skipped, snapshot: Snapshot) -> Snapshot:
    return _at(skipped.seq, snapshot)


@_fold.register
def _(welcomed: Welcomed, snapshot: Snapshot) -> Snapshot:
    return replace(snapshot, me=welcomed.me)


@_fold.register
def _(page: PageLoaded, snapshot: Snapshot) -> Snapshot:
    merged = {message.seq: message for message in (*page.messages, *snapshot.messages)}
    messages = tuple(merged[seq] for seq in sorted(merged))
    outgoing = snapshot.outgoing
    for message in page.messages:
        outgoing = _without(outgoing, message, snapshot.me)
    return replace(snapshot, messages=messages, outgoing=outgoing, has_older=page.has_older)


@_fold.register
def _(described: Described, snapshot: Snapshot) -> Snapshot:
    read_seq = max(snapshot.read_seq, described.read_seq)
    snapshot = replace(
        snapshot,
        kind=described.kind,
        title=described.title,
        role=described.role,
        peer_id=described.peer_id,
        member_count=described.member_count,
        counted_seq=described.seq,
        read_seq=read_seq,
        unread=_unread(snapshot, read_seq, described.unread if read_seq == described.read_seq else 0),
    )
    for event in snapshot.events:
        if event.seq > described.seq:  # it happened while the answer was on its way
            snapshot = _redescribed(snapshot, event)
    return snapshot


def _redescribed(snapshot: Snapshot, event: SystemEvent) -> Snapshot:
    match event:
        case ConversationRenamed():
            return replace(snapshot, title=event.title)
        case MembersAdded() | MemberRemoved():
            return replace(snapshot, member_count=event.member_count)
        case MemberRoleChanged() if event.user_id == snapshot.me:
            return replace(snapshot, role=event.role)
    return snapshot


@_fold.register
def _(loaded: MembersLoaded, snapshot: Snapshot) -> Snapshot:
    members = dict(loaded.members)
    for event in snapshot.events:
        # What was heard meanwhile may be missing in the list; said twice it changes nothing.
        if event.seq > loaded.as_of_seq:
            members = _with_change(members, event)
    return replace(snapshot, members=members)


def _with_change(members: dict[str, Role], event: SystemEvent) -> dict[str, Role]:
    match event:
        case MembersAdded():
            return members | {member.user_id: member.role for member in event.members}
        case MemberRemoved():
            return {who: role for who, role in members.items() if who != event.user_id}
        case MemberRoleChanged():
            return members | {event.user_id: event.role}
    return members


@_fold.register
def _(change: OutgoingChanged, snapshot: Snapshot) -> Snapshot:
    new = change.outgoing
    if new.seq is not None and any(message.seq == new.seq for message in reversed(snapshot.messages)):
        return snapshot  # its message was there before the answer
    others = [each for each in snapshot.outgoing if each.client_message_id != new.client_message_id]
    if len(others) == len(snapshot.outgoing):
        return replace(snapshot, outgoing=(*snapshot.outgoing, new))
    changed = (new if each.client_message_id == new.client_message_id else each for each in snapshot.outgoing)
    return replace(snapshot, outgoing=tuple(changed))


@_fold.register
def _(dropped: OutgoingDropped, snapshot: Snapshot) -> Snapshot:
    kept = tuple(each for each in snapshot.outgoing if each.client_message_id != dropped.client_message_id)
    return replace(snapshot, outgoing=kept)


@_fold.register
def _(forgotten: RunForgotten, snapshot: Snapshot) -> Snapshot:
    return over(snapshot, forgotten.run_id)


@_fold.register
def _(in_vain: AskedInVain, snapshot: Snapshot) -> Snapshot:
    return not_asking(snapshot, in_vain.run_id)


@_fold.register
def _(expired: TypingExpired, snapshot: Snapshot) -> Snapshot:
    typing = _less(snapshot.typing, expired.user_id)
    return replace(snapshot, typing=typing, typing_count=len(typing))


@_fold.register
def _(_lost: ConnectionLost, snapshot: Snapshot) -> Snapshot:
    return replace(not_asking(snapshot), typing=(), typing_count=0, persona_states={})


def _happened(event: SystemEvent, snapshot: Snapshot) -> Snapshot:
    return replace(_at(event.seq, snapshot), events=(*snapshot.events, event))


def _at(seq: int, snapshot: Snapshot) -> Snapshot:
    return replace(snapshot, seq=seq, head=max(seq, snapshot.head))


def _less(users: tuple[str, ...], user_id: str) -> tuple[str, ...]:
    return tuple(user for user in users if user != user_id) if user_id in users else users


def _unread(snapshot: Snapshot, read_seq: int, told: int) -> int:
    """Count unread messages: of those that are loaded if they reach back far enough, else as told."""
    counted = sum(message.seq > read_seq and message.sender_id != snapshot.me for message in snapshot.messages)
    reaches_back = bool(snapshot.messages) and snapshot.messages[0].seq <= read_seq + 1
    return counted if reaches_back else max(counted, told)


def _without(outgoing: tuple[Outgoing, ...], message: Message, me: str | None) -> tuple[Outgoing, ...]:
    """Let go of an own message that has come to the log."""
    if message.client_message_id is None or (me is not None and message.sender_id != me):
        return outgoing
    return tuple(each for each in outgoing if each.client_message_id != message.client_message_id)
