"""The part of the fold that is about persona replies: runs that wait, think, speak and end. Pure.

A delta is appended where the text ends, its overlap is dropped, and what is missing before it
marks the reply with `is_asking`; so what is told twice is there once, and what is lost is asked for
(`to_ask_for`).
All offsets count Unicode code points, which is what `len` of a `str` counts.
"""

from functools import singledispatch
from typing import Any

from msgspec.structs import replace

from gator_chat_client.protocol.events import (
    PersonaState,
    ReplyDelta,
    ReplyFailed,
    ReplyQueued,
    ReplyRejected,
    ReplyReset,
    ReplyStarted,
    ReplyStopped,
)
from gator_chat_client.snapshot import REMEMBERED_ENDS, REMEMBERED_RUNS, Reply, ReplyEnd, Snapshot

_OfRun = ReplyQueued | ReplyStarted | ReplyDelta | ReplyReset


def fold_reply(snapshot: Snapshot, event: Any) -> Snapshot:
    """Tell what a conversation is after an event of a reply."""
    return _fold(event, snapshot)


def over(snapshot: Snapshot, run_id: str, *, persona_id: str | None = None) -> Snapshot:
    """End a run: it became a message, or nothing more comes of it."""
    live = snapshot.reply(run_id)
    if persona_id is None and live is not None:
        persona_id = live.persona_id
    ended = snapshot.ended_runs if run_id in snapshot.ended_runs else (*snapshot.ended_runs, run_id)
    return replace(
        snapshot,
        replies=tuple(reply for reply in snapshot.replies if reply.run_id != run_id),
        ended_runs=ended[-REMEMBERED_RUNS:],
        persona_states={who: state for who, state in snapshot.persona_states.items() if who != persona_id},
    )


def to_ask_for(before: Snapshot, after: Snapshot) -> list[Reply]:
    """List the replies of which the last change says: say `resume_reply`, from the end of their text on."""
    asked = {reply.run_id for reply in before.replies if reply.is_asking}
    return [reply for reply in after.replies if reply.is_asking and reply.run_id not in asked]


def asked_again(snapshot: Snapshot) -> Snapshot:
    """The conversation is joined: what became of all replies is to be asked for."""
    return replace(snapshot, replies=tuple(replace(reply, is_asking=True) for reply in snapshot.replies))


def not_asking(snapshot: Snapshot, run_id: str | None = None) -> Snapshot:
    """What was asked for of one reply, or of all, will not be answered."""
    replies = (
        replace(reply, is_asking=False) if run_id in (None, reply.run_id) else reply for reply in snapshot.replies
    )
    return replace(snapshot, replies=tuple(replies))


@singledispatch
def _fold(_event: Any, snapshot: Snapshot) -> Snapshot:
    return snapshot


@_fold.register
def _(event: ReplyQueued, snapshot: Snapshot) -> Snapshot:
    reply = _of(event, snapshot)
    if reply is None or reply.message_id is not None:  # its turn has come already
        return snapshot if reply is None else _put(replace(reply, is_asking=False), snapshot)
    queued = replace(reply, state="queued", answers=event.answers, position=event.position, is_asking=False)
    return _anew(queued, snapshot)


@_fold.register
def _(event: ReplyStarted, snapshot: Snapshot) -> Snapshot:
    reply = _of(event, snapshot)
    if reply is None or event.epoch < reply.epoch:
        return snapshot
    reply = _in_epoch(reply, event.epoch)
    started = replace(
        reply,
        state="streaming" if reply.text else "thinking",
        answers=event.answers,
        message_id=event.message_id,
        position=None,
        attempt=event.attempt,
        provider=event.provider,
        model=event.model,
    )
    return _anew(started, snapshot)


@_fold.register
def _(event: ReplyDelta, snapshot: Snapshot) -> Snapshot:
    reply = _of(event, snapshot)
    if reply is None or event.epoch < reply.epoch:
        return snapshot
    reply = _in_epoch(reply, event.epoch)
    reply = replace(reply, message_id=event.message_id, position=None)
    have = len(reply.text)
    if event.offset > have:
        return _put(replace(reply, is_asking=True), snapshot)
    text = reply.text + event.text[have - event.offset :]
    return _put(replace(reply, text=text, is_asking=False, state="streaming" if text else "thinking"), snapshot)


@_fold.register
def _(event: ReplyReset, snapshot: Snapshot) -> Snapshot:
    reply = _of(event, snapshot)
    if reply is None or event.epoch < reply.epoch:
        return snapshot
    return _put(replace(_in_epoch(reply, event.epoch), message_id=event.message_id), snapshot)


@_fold.register
def _(event: ReplyStopped, snapshot: Snapshot) -> Snapshot:
    end = ReplyEnd(
        run_id=event.run_id,
        persona_id=event.persona_id,
        how="stopped",
        answers=event.answers,
        message_id=event.message_id,
        by=event.by,
    )
    return _ended(end, snapshot)


@_fold.register
def _(event: ReplyFailed, snapshot: Snapshot) -> Snapshot:
    end = ReplyEnd(
        run_id=event.run_id,
        persona_id=event.persona_id,
        how="failed",
        answers=event.answers,
        message_id=event.message_id,
        code=event.code,
        retryable=event.retryable,
    )
    return _ended(end, snapshot)


@_fold.register
def _(event: ReplyRejected, snapshot: Snapshot) -> Snapshot:
    end = ReplyEnd(
        run_id=event.run_id,
        persona_id=event.persona_id,
        how="rejected",
        answers=event.answers,
        code=event.code,
        retry_after_ms=event.retry_after_ms,
        resets_at=event.resets_at,
    )
    return _ended(end, snapshot)


@_fold.register
def _(event: PersonaState, snapshot: Snapshot) -> Snapshot:
    states = {who: state for who, state in snapshot.persona_states.items() if who != event.persona_id}
    if event.state == "idle":
        # The end of its reply was told before; who missed that asks.
        replies = (
            replace(reply, is_asking=True) if _is_said_by(reply, event.persona_id) else reply
            for reply in snapshot.replies
        )
        snapshot = replace(snapshot, replies=tuple(replies))
    if event.state != "idle":
        states[event.persona_id] = event.state
    return replace(snapshot, persona_states=states)


def _ended(end: ReplyEnd, snapshot: Snapshot) -> Snapshot:
    ends = (*(each for each in snapshot.reply_ends if each.run_id != end.run_id), end)
    snapshot = replace(snapshot, reply_ends=ends[-REMEMBERED_ENDS:])
    return over(snapshot, end.run_id, persona_id=end.persona_id)


def _of(event: _OfRun, snapshot: Snapshot) -> Reply | None:
    """Find the run of an event, or begin to follow it; None if it is over."""
    if event.run_id in snapshot.ended_runs:
        return None
    known = snapshot.reply(event.run_id)
    return known or Reply(run_id=event.run_id, persona_id=event.persona_id, at=event.timestamp)


def _in_epoch(reply: Reply, epoch: int) -> Reply:
    """Forget what was said in an older epoch."""
    if epoch <= reply.epoch:
        return reply
    return replace(reply, epoch=epoch, text="", is_asking=False, state="thinking")


def _is_said_by(reply: Reply, persona_id: str) -> bool:
    return reply.persona_id == persona_id and reply.message_id is not None


def _anew(reply: Reply, snapshot: Snapshot) -> Snapshot:
    """A new attempt at an answer takes the place of how an older one ended."""
    ends = (end for end in snapshot.reply_ends if end.answers != reply.answers)
    return replace(_put(reply, snapshot), reply_ends=tuple(ends))


def _put(reply: Reply, snapshot: Snapshot) -> Snapshot:
    if snapshot.reply(reply.run_id) is None:
        return replace(snapshot, replies=(*snapshot.replies, reply))
    changed = (reply if each.run_id == reply.run_id else each for each in snapshot.replies)
    return replace(snapshot, replies=tuple(changed))
