"""Catching up from the log: without a hole, a double, or live events that overtake."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.contract.wishes import GARDEN, delete, post, remove, rename
from tests.support.house import Guest, StagedHouse, staged

from gator.protocol.errors import INTERNAL
from gator.storage.sqlite import FILE_NAME, connect

LOGGED = {"new_message", "conversation_renamed", "members_added", "member_removed", "conversation_deleted"}


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[StagedHouse]:
    """A house with small pages and a conversation whose log is ten long."""
    async with staged(tmp_path, replay_page=3, replay_limit=8) as house:
        alice = await house.arrive("alice", "garden")
        for n in range(2, 10):
            await alice.post("garden", str(n))
        await house.change(rename("garden", "alice", "ten"))
        await alice.hang_up()
        yield house


def seqs(guest: Guest) -> list[int]:
    """Give the positions that a guest heard of since it last joined."""
    last = max(at for at, frame in enumerate(guest.heard) if frame["type"] == "conversation_joined")
    return [frame["seq"] for frame in guest.heard[last:] if frame["type"] in LOGGED]


@pytest.mark.parametrize("after", [2, 3, 5, 8, 9, 10])
async def test_what_was_missed_follows_the_answer_in_order(house: StagedHouse, after: int) -> None:
    alice = house.connect("alice")
    joined = await alice.join("garden", after_seq=after)
    assert (joined["recovered"], joined["seq"], "reason" in joined) == (True, 10, False)
    assert seqs(alice) == list(range(after + 1, 11))
    assert house.metric("gator_replayed_events_total") == 10 - after
    assert house.metric("gator_catching_up") == 0


async def test_replayed_events_are_the_ones_that_were_told(house: StagedHouse) -> None:
    live = await house.arrive("alice", "garden")
    late = house.connect("alice")
    await live.post("garden", "eleven", client_message_id="k", persona_id="sage")
    await house.change(rename("garden", "alice", "twelve"))
    await late.join("garden", after_seq=10)
    assert late.of_type(*LOGGED) == live.of_type(*LOGGED)


@pytest.mark.parametrize(
    ("position", "reason"),
    [
        ({}, "no_position"),
        ({"after_seq": 1}, "too_far_behind"),
        ({"after_seq": 11}, "ahead_of_log"),
        ({"after_seq": 9, "epoch": "another"}, "epoch_changed"),
        ({"after_seq": 1, "epoch": "another"}, "epoch_changed"),
    ],
)
async def test_who_cannot_be_caught_up_is_told_why_and_gets_no_part(
    house: StagedHouse, position: dict[str, object], reason: str
) -> None:
    alice = house.connect("alice")
    joined = await alice.join("garden", **position)
    assert (joined["recovered"], joined["reason"], joined["seq"]) == (False, reason, 10)
    assert seqs(alice) == []
    await alice.post("garden", "live")
    assert seqs(alice) == [11]


async def test_a_position_in_this_epoch_is_taken(house: StagedHouse) -> None:
    alice = house.connect("alice")
    joined = await alice.join("garden", after_seq=9, epoch=house.house.store.epoch)
    assert (joined["recovered"], joined["epoch"]) == (True, house.house.store.epoch)
    assert seqs(alice) == [10]


async def test_live_events_wait_for_the_replay(house: StagedHouse) -> None:
    alice, bob = house.connect("alice"), await house.arrive("bob", "garden")
    await alice.tell(type="join_conversation", conversation_id="garden", after_seq=4)
    for n in range(12, 20):
        await bob.tell(type="send_message", conversation_id="garden", content=str(n))
    await house.settle()
    assert seqs(alice) == list(range(5, 20))
    assert seqs(bob) == list(range(12, 20))


async def test_the_replay_goes_at_the_reader_s_pace(house: StagedHouse) -> None:
    alice, bob = house.connect("alice"), await house.arrive("bob", "garden")
    alice.freeze()
    await alice.tell(type="join_conversation", conversation_id="garden", after_seq=4)
    for n in range(12, 30):
        await bob.post("garden", str(n))
    assert alice.types() == ["online_users"]
    await alice.thaw()
    assert seqs(alice) == list(range(5, 30))


async def test_joining_anew_ends_the_old_replay(house: StagedHouse) -> None:
    alice = house.connect("alice")
    alice.freeze()
    await alice.tell(type="join_conversation", conversation_id="garden", after_seq=3)
    await alice.tell(type="join_conversation", conversation_id="garden", after_seq=8)
    await alice.thaw()
    assert seqs(alice) == [9, 10]
    assert house.metric("gator_joined") == 1


async def test_leaving_ends_the_replay(house: StagedHouse) -> None:
    alice = house.connect("alice")
    alice.freeze()
    await alice.tell(type="join_conversation", conversation_id="garden", after_seq=3)
    await alice.tell(type="leave_conversation", conversation_id="garden")
    await alice.thaw()
    assert alice.types()[-1] == "conversation_left"
    assert seqs(alice) == []


async def test_who_hangs_up_in_the_middle_leaves_nothing_behind(house: StagedHouse) -> None:
    alice = house.connect("alice")
    alice.freeze()
    await alice.tell(type="join_conversation", conversation_id="garden", after_seq=3)
    await house.settle()
    await alice.hang_up()
    assert house.metric("gator_catching_up") == 0
    assert house.metric("gator_joined") == 0


async def test_who_is_removed_in_the_middle_hears_no_more_of_it(house: StagedHouse) -> None:
    bob = await house.arrive("bob", "garden")
    await bob.hang_up()
    bob = house.connect("bob")
    bob.freeze()
    await bob.tell(type="join_conversation", conversation_id="garden", after_seq=4)
    await house.change(remove("garden", "alice", "bob"), post("garden", "alice", "secret"))
    await bob.thaw()
    assert bob.types()[-1] == "conversation_left"
    assert all(seq <= 11 for seq in seqs(bob))


async def test_a_conversation_that_ends_in_the_middle_ends_the_replay(house: StagedHouse) -> None:
    alice = house.connect("alice")
    alice.freeze()
    await alice.tell(type="join_conversation", conversation_id="garden", after_seq=4)
    await house.change(delete("garden", "alice"))
    await alice.thaw()
    assert (alice.heard[-1]["type"], alice.heard[-1]["reason"]) == ("conversation_left", "deleted")


async def test_many_who_come_back_at_once_are_all_caught_up(house: StagedHouse) -> None:
    guests = [house.connect("alice") for _ in range(30)]
    for guest in guests:
        await guest.tell(type="join_conversation", conversation_id="garden", after_seq=2)
    await house.settle()
    assert all(seqs(guest) == list(range(3, 11)) for guest in guests)


async def test_long_messages_are_written_in_bounded_parts(tmp_path: Path) -> None:
    async with staged(tmp_path) as house:
        alice = await house.arrive("alice", "garden")
        await house.change(*(post("garden", "alice", "x" * 5000) for _ in range(60)))
        late = house.connect("alice")
        late.freeze(bound_bytes=20_000)
        await late.tell(type="join_conversation", conversation_id="garden", after_seq=1)
        while late.sink.backlog_bytes() < 20_000:
            await house.settle()
        await house.settle()
        assert late.sink.backlog_bytes() < 80_000, "60 messages are 300,000 bytes"
        await late.thaw()
        assert seqs(late) == list(range(2, 62)) == seqs(alice)


async def test_a_replay_that_fails_closes_the_connection_so_that_the_client_comes_back(tmp_path: Path) -> None:
    async with staged(tmp_path) as house:
        alice = await house.arrive("alice", "garden")
        await alice.post("garden", "two")
    async with staged(tmp_path) as house:
        alice = house.connect("alice")
        assert (await alice.join("garden", after_seq=2))["seq"] == 2
        house.house.store.close()
        await alice.tell(type="join_conversation", conversation_id="garden", after_seq=1)
        await house.settle()
        assert alice.sink.closed == INTERNAL
        assert house.log.take_errors() == ["catch_up_failed"]
        assert house.metric("gator_errors_total", where="catch_up") == 1


@pytest.mark.parametrize(("lost", "page"), [(3, 2), (4, 2)])
async def test_a_log_with_a_hole_is_not_passed_off_as_whole(tmp_path: Path, lost: int, page: int) -> None:
    async with staged(tmp_path) as house:
        alice = await house.arrive("alice", "garden")
        for n in (2, 3, 4):
            await alice.post("garden", str(n))
    connection = connect(tmp_path / FILE_NAME)
    connection.execute("DELETE FROM messages WHERE seq = ?", (lost,))
    connection.close()
    async with staged(tmp_path, replay_page=page) as house:
        alice = house.connect("alice")
        await alice.tell(type="join_conversation", conversation_id="garden", after_seq=1)
        await house.settle()
        assert alice.sink.closed == INTERNAL
        assert house.log.take_errors() == ["catch_up_failed"]
        assert seqs(alice) in ([], [2, 3])


@dataclass(frozen=True)
class Step:
    """What one guest does next in an interleaving."""

    who: int
    does: str
    yields: int


_steps = st.lists(
    st.builds(
        Step,
        st.integers(0, 2),
        st.sampled_from(["post", "post", "rejoin", "join live", "leave", "freeze", "thaw", "come back"]),
        st.integers(0, 3),
    ),
    max_size=40,
)


class View:
    """A user's view of a conversation over all their connections, as a client keeps it."""

    def __init__(self, house: StagedHouse, user_id: str) -> None:
        self._house = house
        self._user_id = user_id
        self._read = 0
        self.guest = house.connect(user_id)
        self._asked: list[int | None] = []
        self.position: int | None = None
        self.joined = False

    def look(self) -> None:
        """Take in what was heard; what does not continue the view is a broken promise."""
        for frame in self.guest.heard[self._read :]:
            if frame["type"] == "conversation_joined":
                asked = self._asked.pop(0)
                assert frame["recovered"] == (asked is not None)
                self.position = frame["seq"] if asked is None else asked
                self.joined = True
            elif frame["type"] == "conversation_left":
                self.joined = False
            elif frame["type"] in LOGGED and self.joined:
                assert self.position is not None
                assert frame["seq"] == self.position + 1, frame
                self.position = frame["seq"]
        self._read = len(self.guest.heard)

    async def join(self, *, live: bool = False) -> None:
        """Join from where the view ends, as far as it was read, or from the head."""
        self.look()
        after = None if live else self.position
        self._asked.append(after)
        more = {} if after is None else {"after_seq": after}
        await self.guest.tell(type="join_conversation", conversation_id="garden", **more)

    async def come_back(self) -> None:
        """Lose the connection with all that was not read."""
        self.look()
        await self.guest.hang_up()
        self.guest, self._read, self._asked = self._house.connect(self._user_id), 0, []
        self.joined = False
        await self.join()


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(_steps, st.integers(1, 4))
async def test_no_interleaving_makes_a_hole_or_a_double(steps: list[Step], page: int) -> None:
    with TemporaryDirectory() as data:
        async with staged(Path(data), replay_page=page) as house:
            views = [View(house, name) for name in ("alice", "bob", "carol")]
            for view in views:
                await view.join()
            await house.settle()
            for step in steps:
                await _do(views[step.who], step.does)
                for _ in range(step.yields):
                    await asyncio.sleep(0)
                for view in views:
                    view.look()
            for view in views:
                view.guest.sink.thaw()
                await view.join()
            await house.settle()
            head = (await house.house.store.conversation(GARDEN)).head  # type: ignore[union-attr]
            for view in views:
                view.look()
                assert view.position == head


async def _do(view: View, what: str) -> None:
    match what:
        case "post":
            # Long enough that what is kept in memory is not always enough.
            await view.guest.tell(type="send_message", conversation_id="garden", content="x" * 5000)
        case "rejoin":
            await view.join()
        case "join live":
            await view.join(live=True)
        case "leave":
            await view.guest.tell(type="leave_conversation", conversation_id="garden")
        case "freeze":
            view.guest.freeze()
        case "thaw":
            view.guest.sink.thaw()
        case _:
            await view.come_back()
