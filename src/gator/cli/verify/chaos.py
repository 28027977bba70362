"""All clients talk and make trouble at once; then it is judged what came of it."""

import asyncio
from collections.abc import Coroutine, Iterator, Mapping, Sequence
from random import Random
from time import monotonic
from typing import Final

from gator.cli.verify.api import Api
from gator.cli.verify.audit import read_log
from gator.cli.verify.client import Client, World
from gator.cli.verify.figures import Figures
from gator.cli.verify.ledger import Ledger, Log
from gator.cli.verify.options import CannotRun, Options
from gator.cli.verify.people import Person
from gator.cli.verify.plan import Step, plan, restarts
from gator.cli.verify.promises import Verdicts
from gator.cli.verify.restarts import restart_again_and_again
from gator.cli.verify.talker import Talker
from gator.cli.verify.waiting import all_within, first_of

SETTLE_S: Final = 30.0
"""How long the server may take, at the end, to be there and to answer what is open."""

REACH_S: Final = 10.0
"""How long clients may take, after that, to be told everything."""

LEAST_S: Final = 1.0
"""Of trouble, however long the probes took."""

SHARE: Final = 0.9
"""Of the time; the rest is for settling and judging."""


class _Over(Exception):
    """All is said and heard; whoever is still busy may stop."""


class Chaos:
    """The clients of a run.

    Attributes:
        logs: What the conversations came to, as far as they could be read.
    """

    def __init__(self, options: Options, verdicts: Verdicts, figures: Figures, ledger: Ledger, api: Api) -> None:
        self.logs: list[Log] = []
        self._options = options
        self._verdicts = verdicts
        self._figures = figures
        self._ledger = ledger
        self._api = api

    async def run(
        self,
        parts: Sequence[Person],
        rooms: Sequence[tuple[Person, str]],
        began: float,
        interrupted: asyncio.Event,
    ) -> None:
        """Let everybody talk until the time is over, then settle and judge.

        Args:
            parts: Whose each client is.
            rooms: The conversations, with their owners.
            began: Monotonic seconds of the beginning of the run.

        Raises:
            CannotRun: The server, or a way to it, was gone at the end.
        """
        stopped: list[CannotRun] = []
        try:
            async with asyncio.TaskGroup() as tasks:
                ids = [conversation_id for _, conversation_id in rooms]
                world = World(self._verdicts, self._figures, self._ledger, self._api, ids, tasks)
                await self._live(parts, rooms, world, began, interrupted)
                raise _Over
        except* _Over:
            pass
        except* CannotRun as group:
            stopped += _flat(group)
        self._judge(rooms)
        if stopped:
            raise stopped[0]

    async def _live(
        self,
        parts: Sequence[Person],
        rooms: Sequence[tuple[Person, str]],
        world: World,
        began: float,
        interrupted: asyncio.Event,
    ) -> None:
        clients = [Client(f"c{at}", person, world, self._dice("client", at)) for at, person in enumerate(parts)]
        for client in clients:
            world.start(client.stay())
        seconds = max(LEAST_S, self._options.seconds * SHARE - (monotonic() - began))
        talkers = [
            Talker(client, world, self._dice("talker", at), self._options.name)
            for at, client in enumerate(clients)
        ]
        acting = [world.start(work) for work in self._acts(talkers, world, seconds)]
        restarting = [world.start(work) for work in self._restarts(seconds)]
        await first_of(asyncio.wait(acting), interrupted.wait(), timeout_s=seconds)
        for task in (*acting, *restarting):
            task.cancel()
        await asyncio.wait([*acting, *restarting])
        await self._settle(talkers, clients)
        for owner, conversation_id in rooms:
            self.logs.append(await read_log(owner, conversation_id, self._api))
        await self._all_reach(
            clients, dict(zip(world.conversations, (log.head for log in self.logs), strict=True))
        )

    def _acts(
        self, talkers: Sequence[Talker], world: World, seconds: float
    ) -> Iterator[Coroutine[object, object, None]]:
        total, parts = self._options.messages, len(talkers)
        for at, talker in enumerate(talkers):
            share = total // parts + (at < total % parts)
            yield talker.act(self._plan(at, share, talker.longest, len(world.conversations), seconds * SHARE))

    def _plan(self, at: int, messages: int, longest: int, conversations: int, seconds: float) -> Iterator[Step]:
        dice = self._dice("plan", at)
        return plan(dice, messages=messages, conversations=conversations, seconds=seconds, longest=longest)

    def _restarts(self, seconds: float) -> Iterator[Coroutine[object, object, None]]:
        command = self._options.restart_command
        if command is not None:
            yield restart_again_and_again(command, restarts(self._dice("restarts"), seconds), self._figures)

    def _dice(self, *whose: object) -> Random:
        return Random("/".join(map(str, (self._options.seed, *whose))))  # noqa: S311 - a plan is no secret

    # The end

    async def _settle(self, talkers: Sequence[Talker], clients: Sequence[Client]) -> None:
        """Wait until everybody is back, and everything that was said is answered."""
        until = monotonic() + SETTLE_S
        back = await all_within([asyncio.create_task(client.connected()) for client in clients], SETTLE_S)
        for client, is_back in zip(clients, back, strict=True):
            if not is_back:
                raise CannotRun(f"At the end {client.name} has no connection: {client.why_away}.")
        for talker in talkers:
            answered = await all_within([*talker.under_way], until - monotonic())
            if not all(answered):
                what = f"{talker.name} got no answer to {answered.count(False)} messages in {SETTLE_S:.0f} s"
                self._verdicts.broken("retry", what)

    async def _all_reach(self, clients: Sequence[Client], heads: Mapping[str, int]) -> None:
        """Wait until everybody was told everything."""
        await all_within([asyncio.create_task(client.reached(heads)) for client in clients], REACH_S)
        for client in clients:
            behind = client.behind(heads)
            for what in behind:
                self._verdicts.broken("live", what)
            self._verdicts.kept("live", len(heads) - len(behind))

    def _judge(self, rooms: Sequence[tuple[Person, str]]) -> None:
        for (_, conversation_id), log in zip(rooms, self.logs, strict=False):
            self._ledger.ended(conversation_id, log)
        self._ledger.judge()


def _flat(group: BaseExceptionGroup[CannotRun]) -> list[CannotRun]:
    found: list[CannotRun] = []
    for one in group.exceptions:
        found += _flat(one) if isinstance(one, BaseExceptionGroup) else [one]
    return found
