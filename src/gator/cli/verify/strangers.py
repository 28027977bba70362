"""Whether who is not a member can tell a conversation from one that never was."""

from collections.abc import Sequence

import msgspec

from gator.cli.verify.api import ApiError, Body, of
from gator.cli.verify.frames import Frame
from gator.cli.verify.line import Line
from gator.cli.verify.people import Person
from gator.cli.verify.scene import Scene, join
from gator.protocol.commands import (
    Command,
    JoinConversation,
    LeaveConversation,
    MarkRead,
    SendMessage,
    TypingStart,
    TypingStop,
)
from gator.protocol.events import Ack, Error
from gator.protocol.types import ConversationId, Seq

REQUESTS: Sequence[tuple[str, str, Body | None]] = (
    ("GET", "", None),
    ("GET", "/messages", None),
    ("GET", "/events", None),
    ("GET", "/members", None),
    ("POST", "/messages", {"content": "Is anybody there?"}),
    ("POST", "/members", {"user_id": "somebody"}),
    ("PUT", "/read", {"seq": 1}),
    ("PATCH", "", {"title": "Mine"}),
    ("DELETE", "", None),
)
"""What a stranger asks of a conversation over HTTP."""


async def probe(scene: Scene) -> None:
    """Let a stranger knock at a conversation and at one that never was."""
    stranger = scene.second
    if stranger is None:
        scene.verdicts.not_checked("members_only", "it needs two users")
        return
    async with scene.first.line("a member") as member, stranger.line("a stranger") as line:
        secret = await _secret(scene, member)
        nowhere = ConversationId(f"{secret[:-8]}{'0' * 8}")
        for there, not_there in zip(_commands(scene, secret), _commands(scene, nowhere), strict=True):
            answers = [
                _bare(await line.ask_patiently(there), secret),
                _bare(await line.ask_patiently(not_there), nowhere),
            ]
            what = (
                f"a stranger's {type(there).__name__} is answered with {answers[0]}, elsewhere with {answers[1]}"
            )
            scene.verdicts.check("members_only", answers[0] == answers[1], what)
        await _refused_to_join(scene, line, secret)
        await _requests(scene, stranger, secret, nowhere)
        await _hears_nothing(scene, member, line, secret)


async def _secret(scene: Scene, member: Line) -> ConversationId:
    # In open mode joining makes a member, except in direct conversations.
    if scene.options.tokens:
        secret = await scene.create(member)
    else:
        secret = await scene.create(member, f"{scene.options.name}-nobody", kind="direct")
    await join(member, secret)
    return secret


def _commands(scene: Scene, conversation_id: ConversationId) -> list[Command]:
    found: list[Command] = [
        SendMessage(conversation_id=conversation_id, content="Is anybody there?"),
        TypingStart(conversation_id=conversation_id),
        TypingStop(conversation_id=conversation_id),
        MarkRead(conversation_id=conversation_id, seq=Seq(1)),
        LeaveConversation(conversation_id=conversation_id),
    ]
    # In open mode whoever joins a conversation that never was creates it.
    joins: list[Command] = [JoinConversation(conversation_id=conversation_id, after_seq=Seq(0))]
    return found + joins if scene.options.tokens else found


def _bare(answer: Frame, conversation_id: str) -> str:
    """Word an answer without what has to differ."""
    fields = msgspec.to_builtins(answer)
    assert isinstance(fields, dict)
    kept = {name: value for name, value in fields.items() if name not in ("reply_to", "timestamp")}
    return msgspec.json.encode(kept).decode().replace(conversation_id, "ID")


async def _refused_to_join(scene: Scene, line: Line, secret: ConversationId) -> None:
    answer = await line.ask_patiently(JoinConversation(conversation_id=secret, after_seq=Seq(0)))
    found = answer.code if isinstance(answer, Error) else type(answer).__name__
    what = f"a stranger who joins is answered with {found}"
    scene.verdicts.check("members_only", found == "conversation_not_found", what)


async def _requests(scene: Scene, stranger: Person, secret: str, nowhere: str) -> None:
    for method, path, body in REQUESTS:
        try:
            there = await scene.api.ask(stranger, method, of(secret, path), body)
            not_there = await scene.api.ask(stranger, method, of(nowhere, path), body)
        except ApiError:
            return  # `history` tells of it
        same = (there.status, there.text.replace(secret, "ID")) == (
            not_there.status,
            not_there.text.replace(nowhere, "ID"),
        )
        what = f"a stranger's {method} {path} is answered with {there.status}, elsewhere with {not_there.status}"
        scene.verdicts.check("members_only", same and there.status >= 400, what)


async def _hears_nothing(scene: Scene, member: Line, stranger: Line, secret: ConversationId) -> None:
    await stranger.settle()
    answer = await member.ask_patiently(SendMessage(conversation_id=secret, content="Nobody else hears this."))
    await member.say(TypingStart(conversation_id=secret))
    await member.settle()
    heard = [frame for frame in await stranger.settle() if secret in repr(frame)]
    scene.verdicts.check("members_only", isinstance(answer, Ack), "a member may not write")
    scene.verdicts.check("members_only", not heard, f"a stranger was told of {len(heard)} events")
