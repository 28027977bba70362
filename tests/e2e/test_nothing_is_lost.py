"""200 people, lost connections, repeats, and a server killed in the middle: nothing is lost.

Messages in all: `CHAOS_MESSAGES`. The whole claim is 20,000, a minute on 2 cores; the default is
half of it. `CHAOS_SEED` repeats a run's decisions; how they meet the server's is up to the machine.
"""

import asyncio
import os
from contextlib import AsyncExitStack
from random import Random, SystemRandom
from time import perf_counter

import pytest
from tests.e2e.conftest import People, Servers
from tests.e2e.swarm import Person, World, check_acks, check_log, read_log
from tests.support.server import lasting_port

MESSAGES = int(os.environ.get("CHAOS_MESSAGES", "10000"))
SEED = int(os.environ.get("CHAOS_SEED", SystemRandom().randrange(10**9)))
PEOPLE = 200
ROOMS = [f"room-{number:02}" for number in range(20)]
KILLS = 6
DEADLINE_S = 90 + MESSAGES / 50


@pytest.mark.native_only("it is long")
@pytest.mark.timeout(DEADLINE_S + 60)
async def test_no_acknowledged_message_is_lost_or_doubled_and_all_see_one_log(
    start: Servers, stack: AsyncExitStack
) -> None:
    dice = Random(SEED)
    kills = [round(MESSAGES * 0.9 * (number + dice.random()) / KILLS) for number in range(KILLS)]
    server = start(port=lasting_port(), limits="off", replay_page=50)
    world = World(server, PEOPLE, MESSAGES, kills, dice)
    for number in range(PEOPLE):
        Person(world, f"user-{number:03}", rooms_of(number), quota_of(number), Random(dice.random()))
    began = perf_counter()

    async with asyncio.TaskGroup() as tasks, asyncio.timeout(DEADLINE_S):
        for person in world.people:
            tasks.create_task(person.live())
        await world.kill_at_random()
        http = await People(server, stack).http(None)
        logs = {room: await read_log(http, f"user-{at:03}", room, 500) for at, room in enumerate(ROOMS)}
        metrics = (await http.get(f"{server.url}/metrics")).text
        world.heads = {room: len(log) for room, log in logs.items()}
        for person in world.people:
            person.move()

    print(
        f"seed {SEED}: {MESSAGES} messages in {perf_counter() - began:.1f} s, {KILLS} kills with"
        f" {world.unacked_at_kills} messages under way, {world.disconnects} disconnects,"
        f" {world.repeats} repeats, {world.twins} sent on two connections at once,"
        f" {sum(len(view) for person in world.people for view in person.views.values())} events seen"
    )
    assert server.starts == KILLS + 1
    check_log(world, logs)
    check_acks(world, logs)
    for person in world.people:
        for room, view in person.views.items():
            assert view == logs[room], f"{person.user} saw another {room} than the log has"
    assert server.complaints() == []
    assert "gator_errors_total{" not in metrics


def rooms_of(number: int) -> list[str]:
    """Choose rooms: everybody is in one, every fourth in two."""
    rooms = [ROOMS[number % len(ROOMS)]]
    return rooms if number % 4 else [*rooms, ROOMS[(number * 7 + 3) % len(ROOMS)]]


def quota_of(number: int) -> int:
    """Divide the messages among the people."""
    return MESSAGES // PEOPLE + (number < MESSAGES % PEOPLE)
