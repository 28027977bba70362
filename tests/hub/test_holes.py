"""A broker may lose events: a room notices, and everybody in it is caught up from the log."""

import random
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from tests.contract.wishes import delete, post, remove
from tests.support.house import Guest, StagedHouse, staged

from gator.broker.memory import MemoryBroker
from gator.ports import Published

DURABLE = {
    "new_message",
    "conversation_created",
    "conversation_renamed",
    "conversation_deleted",
    "members_added",
    "member_removed",
    "member_role_changed",
}


class LossyBroker(MemoryBroker):
    """Loses what it is told to lose."""

    def __init__(self) -> None:
        super().__init__()
        self.loses: Callable[[Published], bool] = lambda _: False

    def publish(self, published: Published) -> None:
        if not self.loses(published):
            super().publish(published)

    def lose(self, *seqs: int) -> None:
        self.loses = lambda published: published.event.seq in seqs


@pytest.fixture
def broker() -> LossyBroker:
    return LossyBroker()


@pytest.fixture
async def house(tmp_path: Path, broker: LossyBroker) -> AsyncIterator[StagedHouse]:
    async with staged(tmp_path, broker=broker) as house:
        yield house


def seqs(guest: Guest, after: int = 0) -> list[int]:
    return [frame["seq"] for frame in guest.heard if frame["type"] in DURABLE and frame["seq"] > after]


async def test_what_was_lost_is_sent_from_the_log_when_the_next_event_comes(
    house: StagedHouse, broker: LossyBroker
) -> None:
    alice, bob = await house.arrive("alice", "garden"), await house.arrive("bob", "garden")
    broker.lose(4, 5)
    for n in range(3, 8):
        await alice.post("garden", str(n))
    assert seqs(alice, after=2) == seqs(bob, after=2) == [3, 4, 5, 6, 7]
    assert house.metric("gator_holes_total") == 1
    assert house.log.events("warning") == ["hole_seen"]


async def test_events_that_come_during_the_repair_are_neither_lost_nor_doubled(
    house: StagedHouse, broker: LossyBroker
) -> None:
    alice, bob = await house.arrive("alice", "garden"), await house.arrive("bob", "garden")
    broker.lose(3, 6)
    for n in range(3, 12):
        await alice.tell(type="send_message", conversation_id="garden", content=str(n))
    await house.settle()
    assert seqs(alice, after=2) == seqs(bob, after=2) == list(range(3, 12))


async def test_the_state_follows_the_log_again(house: StagedHouse, broker: LossyBroker) -> None:
    alice = await house.arrive("alice", "garden")
    broker.lose(2)
    carol = await house.arrive("carol", "garden")
    await alice.post("garden", "hello")
    rooms = house.house.hub.rooms
    assert await rooms.conversation(carol.heard[-1]["conversation_id"]) == await house.house.store.conversation(
        carol.heard[-1]["conversation_id"]
    )


async def test_who_was_removed_meanwhile_is_out(house: StagedHouse, broker: LossyBroker) -> None:
    alice, bob = await house.arrive("alice", "garden"), await house.arrive("bob", "garden")
    broker.lose(4)
    await alice.post("garden", "for both")
    await house.change(remove("garden", "alice", "bob"))
    await alice.post("garden", "for alice")
    assert seqs(alice, after=2) == [3, 4, 5]
    assert seqs(bob, after=2) == [3]
    assert (bob.heard[-1]["type"], bob.heard[-1]["reason"]) == ("conversation_left", "removed")


async def test_a_loss_that_nobody_notices_shows_in_the_next_message(
    house: StagedHouse, broker: LossyBroker
) -> None:
    alice = await house.arrive("alice", "garden")
    broker.loses = lambda _: True
    await house.change(*(post("garden", "alice", str(n)) for n in range(3)))
    broker.loses = lambda _: False
    assert seqs(alice) == []
    await alice.post("garden", "last")
    assert seqs(alice) == [2, 3, 4, 5]


async def test_who_joins_while_events_are_lost_gets_them_too(house: StagedHouse, broker: LossyBroker) -> None:
    alice = await house.arrive("alice", "garden")
    broker.lose(3)
    bob = house.connect("bob")
    await bob.tell(type="join_conversation", conversation_id="garden")
    await house.change(post("garden", "alice", "three"))
    await alice.post("garden", "four")
    assert seqs(bob) == [3, 4]


async def test_a_slow_reader_is_caught_up_over_the_hole(house: StagedHouse, broker: LossyBroker) -> None:
    alice, bob = await house.arrive("alice", "garden"), await house.arrive("bob", "garden")
    bob.freeze()
    broker.lose(4)
    for n in range(3, 7):
        await alice.post("garden", str(n))
    await bob.thaw()
    assert seqs(bob, after=2) == [3, 4, 5, 6]


async def test_a_conversation_that_ended_meanwhile_has_nobody_in_it(
    house: StagedHouse, broker: LossyBroker
) -> None:
    await house.arrive("alice", "garden")
    bob = await house.arrive("bob", "garden")
    broker.lose(3, 4)
    await house.change(post("garden", "alice", "three"), delete("garden", "alice"))
    # Nothing will ever come after the end; whoever speaks finds out.
    assert (await bob.post("garden", "anybody?"))["code"] == "conversation_not_found"


@pytest.mark.parametrize("seed", range(12))
async def test_whatever_is_lost_everybody_has_all_in_order(tmp_path: Path, seed: int) -> None:
    dice = random.Random(seed)
    broker = LossyBroker()
    async with staged(tmp_path / "other", broker=broker, replay_page=3) as house:
        guests = [await house.arrive(name, "garden") for name in ("alice", "bob", "carol")]
        broker.loses = lambda _: dice.random() < 0.3
        for n in range(60):
            guest = dice.choice(guests)
            await guest.tell(type="send_message", conversation_id="garden", content=str(n))
            if dice.random() < 0.3:
                await house.settle()
            if dice.random() < 0.1:
                guest.freeze()
            if dice.random() < 0.1:
                await guest.thaw()
        broker.loses = lambda _: False
        await guests[0].tell(type="send_message", conversation_id="garden", content="last")
        for guest in guests:
            guest.sink.thaw()
        await house.settle()
        for guest in guests:
            assert seqs(guest, after=3) == list(range(4, 65)), guest.user_id


async def test_a_repair_that_fails_is_tried_again_with_the_next_event(
    house: StagedHouse, broker: LossyBroker
) -> None:
    alice = await house.arrive("alice", "garden")
    broker.lose(2, 4)
    with house.unreadable():
        for n in (2, 3):
            await alice.post("garden", str(n))
    assert house.log.take_errors() == ["recover_failed"]
    assert house.metric("gator_errors_total", where="recover") == 1
    assert seqs(alice) == []
    await alice.post("garden", "4")
    await alice.post("garden", "5")
    assert seqs(alice) == [2, 3, 4, 5]
