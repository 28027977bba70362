"""A run from beginning to end: who takes part, what is checked, what is left behind."""

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from time import monotonic

from gator.cli.verify import conversations
from gator.cli.verify.api import Api
from gator.cli.verify.audit import check_history
from gator.cli.verify.chaos import Chaos
from gator.cli.verify.figures import Figures
from gator.cli.verify.idle import idle
from gator.cli.verify.ledger import Ledger
from gator.cli.verify.line import Gone
from gator.cli.verify.opening import NotOpened
from gator.cli.verify.options import CannotRun, Options
from gator.cli.verify.people import Person, cast, gather
from gator.cli.verify.probes import probe_all
from gator.cli.verify.promises import Verdicts
from gator.cli.verify.scene import Scene, create
from gator.cli.verify.waiting import first_of


@dataclass(slots=True)
class Outcome:
    """What a run found.

    Attributes:
        trouble: Why the run could not be made, or not to its end.
        left: Conversations that could not be deleted.
    """

    options: Options
    verdicts: Verdicts
    figures: Figures
    ledger: Ledger
    users: int = 0
    clients: int = 0
    seconds: float = 0.0
    trouble: str | None = None
    left: list[str] = field(default_factory=list)

    @property
    def status(self) -> int:
        """The exit status: a breach weighs more than a run that did not end."""
        if self.verdicts.any_broken:
            return 1
        return 0 if self.trouble is None else 2


async def verify(options: Options, interrupted: asyncio.Event) -> Outcome:
    """Make a run.

    Args:
        interrupted: When set, nothing new is begun, and what was done is judged.
    """
    verdicts, figures = Verdicts(), Figures()
    outcome = Outcome(options, verdicts, figures, Ledger(verdicts, figures))
    began = monotonic()
    try:
        await _Run(outcome, interrupted, began).all()
    except CannotRun as error:
        outcome.trouble = str(error)
    outcome.seconds = monotonic() - began
    return outcome


class _Run:
    def __init__(self, outcome: Outcome, interrupted: asyncio.Event, began: float) -> None:
        self._outcome = outcome
        self._options = outcome.options
        self._verdicts = outcome.verdicts
        self._interrupted = interrupted
        self._began = began
        self._made: list[tuple[Person, str]] = []

    async def all(self) -> None:
        """Do everything, and delete what was made however that ended."""
        why = "its measure is the latency of others; this program freezes sockets, but draws no line"
        self._verdicts.not_checked("others_not_held_up", why)
        people = await gather(self._options, self._verdicts)
        parts = cast(people, self._options.clients)
        self._outcome.users, self._outcome.clients = len(set(parts)), len(parts)
        async with AsyncExitStack() as stack:
            api = await stack.enter_async_context(Api(people[0].address.is_near))
            stack.push_async_callback(self._clean_up, api)
            await self._probe(people, api)
            await self._talk(parts, api)
            await self._idle(people[0])

    async def _clean_up(self, api: Api) -> None:
        self._outcome.left = await conversations.delete(self._made, api)

    async def _probe(self, people: Sequence[Person], api: Api) -> None:
        first = people[0]
        try:
            async with first.line("the owner of the probes") as line:
                conversation_id = await create(line)
        except (Gone, NotOpened, TimeoutError) as error:
            raise CannotRun(f"A conversation could not be created: {error}.") from None
        self._made.append((first, conversation_id))
        second = people[-1] if len(people) > 1 else None
        await probe_all(Scene(self._options, self._verdicts, api, first, second, conversation_id, self._made))

    async def _talk(self, parts: Sequence[Person], api: Api) -> None:
        rooms = await conversations.make(self._options, list(dict.fromkeys(parts)), api, self._verdicts)
        self._made += rooms
        chaos = Chaos(self._options, self._verdicts, self._outcome.figures, self._outcome.ledger, api)
        await chaos.run(parts, rooms, self._began, self._interrupted)
        for (owner, conversation_id), log in zip(rooms, chaos.logs, strict=True):
            await check_history(owner, conversation_id, log, api, self._verdicts)

    async def _idle(self, person: Person) -> None:
        if not self._options.idle_seconds:
            self._verdicts.not_checked("idle", "it needs --idle-seconds, two heartbeats or more")
            return
        self._verdicts.not_checked("idle", "it was interrupted")
        await first_of(idle(person, self._options.idle_seconds, self._verdicts), self._interrupted.wait())
