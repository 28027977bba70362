"""A provider that says what a test tells it, and a house in which personas answer with it.

async with stage(tmp_path) as on:
    alice = await on.talk("alice")
    await alice.post("garden", "Hello?", persona_id="nia")
    on.puppet.calls[0].say("Hi")
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing, asynccontextmanager
from pathlib import Path
from typing import Any

from tests.contract.wishes import GARDEN, create
from tests.support.house import Frame, Guest, StagedHouse, staged

from gator.api.context import ApiContext
from gator.domain.persona import Persona
from gator.domain.reply import Run, Usage
from gator.personas import cards
from gator.ports import Broker, Finished, Prompt, Said
from gator.protocol.types import ConversationId, PersonaId, RunId, UserId, UtcMillis

USAGE = Usage(11, 7)
"""What the puppet counts if nothing else is said."""

ENDS = ("reply_stopped", "reply_failed", "reply_rejected")
RUN_EVENTS = (*ENDS, "reply_queued", "reply_started", "reply_delta", "reply_reset", "persona_state", "new_message")


class Call:
    """One reply that the puppet was asked for."""

    def __init__(self, prompt: Prompt) -> None:
        self.prompt = prompt
        self.is_open = True
        self.is_waiting = False
        self._told: asyncio.Queue[Said | Finished | BaseException | None] = asyncio.Queue()

    def say(self, *texts: str) -> None:
        """Say pieces, one after the other."""
        for text in texts:
            self._told.put_nowait(Said(text))

    def finish(self, usage: Usage | None = USAGE, *, truncated: bool = False) -> None:
        """End the reply."""
        self._told.put_nowait(Finished(usage, truncated, "puppet-1"))

    def fail(self, error: BaseException) -> None:
        """Break off."""
        self._told.put_nowait(error)

    def leave(self) -> None:
        """End without a word about it, which no provider should."""
        self._told.put_nowait(None)

    async def pieces(self) -> AsyncGenerator[Said | Finished, None]:
        """Say what was told, as long as nothing ends it."""
        while True:
            self.is_waiting = self._told.empty()
            try:
                piece = await self._told.get()
            finally:
                self.is_waiting = False
            if isinstance(piece, BaseException):
                raise piece
            if piece is None:
                return
            yield piece


class Puppet:
    """See the port `ReplyProvider`. Says nothing by itself."""

    def __init__(self, name: str = "puppet", *, slots: int = 8, context_tokens: int | None = None) -> None:
        self.name = name
        self.slots = slots
        self.context_tokens = context_tokens
        self.calls: list[Call] = []
        self.most_open = 0

    @property
    def waiting(self) -> int:
        """How many replies wait to be told what to say."""
        return sum(call.is_waiting for call in self.calls)

    @property
    def open(self) -> list[Call]:
        """Calls whose context was not left."""
        return [call for call in self.calls if call.is_open]

    @asynccontextmanager
    async def reply(self, prompt: Prompt) -> AsyncIterator[AsyncIterator[Said | Finished]]:
        """See `ReplyProvider.reply`."""
        call = Call(prompt)
        self.calls.append(call)
        self.most_open = max(self.most_open, len(self.open))
        try:
            async with aclosing(call.pieces()) as pieces:
                yield pieces
        finally:
            call.is_open = False

    async def close(self) -> None:
        """See `ReplyProvider.close`."""
        assert self.open == []


class Stage:
    """A house with a puppet, and the persona Nia in a group."""

    def __init__(self, house: StagedHouse, puppet: Puppet) -> None:
        self.house = house
        self.puppet = puppet

    @property
    def last(self) -> Call:
        """The newest call."""
        return self.puppet.calls[-1]

    async def persona(self, name: str = "Nia", owner: str = "alice", **told: Any) -> Persona:
        """Make a persona, public unless said otherwise; its id is its name in small letters."""
        persona = Persona(
            id=PersonaId(name.lower()),
            owner_id=UserId(owner),
            name=name,
            created_at=UtcMillis(1),
            updated_at=UtcMillis(1),
            **{"visibility": "public"} | told,
        )
        await self.house.house.personas.directory.add(persona)
        return persona

    async def talk(self, user: str = "alice", where: str = "garden") -> Guest:
        """Have a user join a conversation."""
        guest = await self.house.arrive(user, where)
        guest.news()
        return guest

    async def ask(self, guest: Guest, content: str = "Well?", where: str = "garden", **more: Any) -> str:
        """Ask Nia, unless it is somebody else; gives the id of the run that is queued."""
        await guest.post(where, content, **{"persona_id": "nia"} | more)
        run_id: str = guest.of_type("reply_queued", "reply_rejected")[-1]["run_id"]
        return run_id

    async def says(self, *texts: str, call: Call | None = None) -> None:
        """Have the newest reply, or another one, say pieces, each told by itself."""
        for text in texts:
            (call or self.last).say(text)
            await self.house.settle()
            await self.house.advance(0.04)

    async def finishes(self, *texts: str, call: Call | None = None, **how: Any) -> None:
        """Do as `says` with all at once, and end the reply."""
        (call or self.last).say(*texts)
        (call or self.last).finish(**how)
        await self.house.settle()

    async def run(self, run_id: str) -> Run:
        """Read a run as it is stored."""
        await self.house.settle()
        run = await self.house.house.store.run(RunId(run_id))
        assert run is not None
        return run

    async def messages(self, where: str = "garden") -> list[str]:
        """Read what was said in a conversation."""
        await self.house.settle()
        return [m.content for m in await self.house.house.store.messages(ConversationId(where), limit=200)]

    def http(self) -> ApiContext:
        """What the routes of HTTP work with, which `app.py` puts together for a server."""
        house = self.house.house
        return ApiContext(
            services=house.services,
            limits=house.limits,
            mode="open",
            login=None,
            metrics=house.metrics,
            serve_metrics=False,
            log=house.log,
            is_ready=lambda: True,
            status=house.status,
            everybody_is_admin=True,
            cards=cards,
            max_personas=10,
            budget_left=lambda _user: (),
            greeting_of=lambda _persona, _name: "",
        )


@asynccontextmanager
async def stage(
    data: Path,
    puppet: Puppet | None = None,
    *,
    others: Sequence[Puppet] = (),
    broker: Broker | None = None,
    **given: Any,
) -> AsyncIterator[Stage]:
    """Open a house whose personas answer with a puppet, with Nia in the group `garden` of Alice."""
    puppet = puppet or Puppet()
    async with staged(data, broker=broker, providers=[puppet, *others], **given) as house:
        on = Stage(house, puppet)
        if await house.house.store.conversation(GARDEN) is None:
            await on.persona()
            await house.change(create("garden", "alice", "nia"))
        await house.settle()
        yield on


def told(guest: Guest, *types: str) -> list[Frame]:
    """Pick what a guest heard of replies."""
    return guest.of_type(*(types or RUN_EVENTS))


def text_of(guest: Guest, run_id: str) -> str:
    """Put a reply together as a client does that hears each delta."""
    text = ""
    for frame in guest.of_type("reply_delta", "reply_reset"):
        if frame["run_id"] != run_id:
            continue
        if frame["type"] == "reply_reset":
            text = ""
            continue
        assert frame["offset"] <= len(text), "a hole"
        text = text[: frame["offset"]] + frame["text"]
    return text


def replies(guest: Guest) -> list[Frame]:
    """Name the messages of personas that a guest heard."""
    return [frame["message"] for frame in guest.of_type("new_message") if frame["message"]["is_ai"]]


def ends_of(guest: Guest, run_id: str) -> list[str]:
    """Name what ended a run: its message, or the event that came instead or after it.

    A stopped or failed reply with text is one end told twice, in this order.
    """
    of_run = [
        frame
        for frame in guest.of_type("new_message", *ENDS)
        if run_id in (frame.get("run_id"), frame.get("message", {}).get("reply", {}).get("run_id"))
    ]
    return [frame["type"] for frame in of_run]
