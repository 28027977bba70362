"""Fan-out: who hears what, in which order, in how many writes."""

import asyncio
from pathlib import Path

import pytest
from tests.contract.wishes import GARDEN, create, delete, post, remove, rename
from tests.support.house import Frame, Guest, StagedHouse, staged

from gator.hub import rooms


def seqs(guest: Guest, conversation_id: str = "garden") -> list[int]:
    """Give the positions of all durable events that a guest heard, as they came."""
    return [
        frame["seq"]
        for frame in guest.heard
        if frame.get("conversation_id") == conversation_id
        and frame["type"] in ("new_message", "members_added", "member_removed", "conversation_renamed")
    ]


def contents(frames: list[Frame]) -> list[str]:
    return [frame["message"]["content"] for frame in frames if frame["type"] == "new_message"]


async def test_everybody_who_has_joined_hears_every_message_in_order(house: StagedHouse) -> None:
    guests = [await house.arrive(name, "garden") for name in ("alice", "bob", "carol")]
    house.look()
    for n in range(9):
        await guests[n % 3].post("garden", str(n))
    for guest in guests:
        assert contents(guest.heard) == [str(n) for n in range(9)]


async def test_one_order_for_all_however_many_speak_at_once(house: StagedHouse) -> None:
    guests = [await house.arrive(name, "garden") for name in ("alice", "bob", "carol")]
    await asyncio.gather(
        *(
            guest.tell(type="send_message", conversation_id="garden", content=f"{guest.user_id} {n}")
            for n in range(20)
            for guest in guests
        )
    )
    await house.settle()
    alice = contents(guests[0].heard)
    assert len(alice) == 60
    assert all(contents(guest.heard) == alice for guest in guests)
    assert all(seqs(guest)[-60:] == list(range(4, 64)) for guest in guests)


async def test_every_connection_of_a_user_hears_it_the_sender_s_own_too(house: StagedHouse) -> None:
    phone, laptop = await house.arrive("alice", "garden"), await house.arrive("alice", "garden")
    await phone.post("garden", "hello")
    assert contents(phone.heard) == contents(laptop.heard) == ["hello"]


async def test_who_has_not_joined_or_has_left_hears_nothing(house: StagedHouse) -> None:
    alice, bob = await house.arrive("alice", "garden"), await house.arrive("bob", "garden")
    zoe = await house.arrive("zoe", "kitchen")
    await bob.say(type="leave_conversation", conversation_id="garden")
    house.look()
    await alice.post("garden", "hello")
    assert zoe.news() == []
    assert [frame["type"] for frame in bob.news()] == ["notification"]


async def test_conversations_do_not_mix(house: StagedHouse) -> None:
    alice = await house.arrive("alice", "garden")
    bob = await house.arrive("bob", "kitchen")
    await alice.post("garden", "green")
    await bob.post("kitchen", "hot")
    assert contents(alice.heard) == ["green"]
    assert contents(bob.heard) == ["hot"]


async def test_an_answer_comes_before_what_follows_it(house: StagedHouse) -> None:
    alice = await house.arrive("alice", "garden")
    news = await alice.say(type="send_message", conversation_id="garden", content="hello")
    assert [frame["type"] for frame in news] == ["ack", "new_message"]


async def test_who_joins_in_the_middle_of_a_turn_hears_nothing_twice_and_misses_nothing(
    house: StagedHouse,
) -> None:
    alice, bob = await house.arrive("alice", "garden"), await house.arrive("bob", "garden")
    carol = await house.arrive("carol", "garden")
    for turn in range(10):
        head = (await carol.join("garden"))["seq"]
        await asyncio.gather(
            alice.tell(type="send_message", conversation_id="garden", content="a"),
            carol.tell(type="join_conversation", conversation_id="garden", after_seq=head),
            bob.tell(type="send_message", conversation_id="garden", content="b"),
        )
        await house.settle()
        after = [f["seq"] for f in carol.news() if f["type"] == "new_message"]
        assert after == [head + 1, head + 2], turn


async def test_what_one_turn_brings_is_one_write_for_each_connection(house: StagedHouse) -> None:
    alice, bob = await house.arrive("alice", "garden"), await house.arrive("bob", "garden")
    house.look()
    before = bob.sink.writes
    await asyncio.gather(
        *(alice.tell(type="send_message", conversation_id="garden", content=str(n)) for n in range(30))
    )
    await house.settle()
    assert len(bob.news()) == 30
    assert bob.sink.writes == before + 1


async def test_joining_again_starts_again(house: StagedHouse) -> None:
    alice, bob = await house.arrive("alice", "garden"), await house.arrive("bob", "garden")
    await bob.join("garden")
    await alice.post("garden", "once")
    assert contents(bob.heard) == ["once"]
    assert house.metric("gator_joined") == 2


async def test_a_connection_joins_so_many_conversations_and_no_more(tmp_path: Path) -> None:
    async with staged(tmp_path, max_joined=2) as house:
        alice = await house.arrive("alice", "a")
        assert (await alice.join("b"))["type"] == "conversation_joined"
        refused = await alice.join("c")
        assert (refused["type"], refused["code"]) == ("error", "too_many_joined")
        assert (await alice.join("b"))["type"] == "conversation_joined"
        await alice.say(type="leave_conversation", conversation_id="a")
        assert (await alice.join("c"))["type"] == "conversation_joined"


async def test_a_message_from_elsewhere_reaches_the_room(house: StagedHouse) -> None:
    alice = await house.arrive("alice", "garden")
    await house.change(rename("garden", "alice", "Yard"))
    [renamed] = alice.news()
    assert (renamed["type"], renamed["seq"], renamed["title"]) == ("conversation_renamed", 2, "Yard")


# Leaving against one's will


async def test_who_is_removed_hears_of_it_and_then_nothing_more(house: StagedHouse) -> None:
    alice = await house.arrive("alice", "garden")
    phone, laptop = await house.arrive("bob", "garden"), await house.arrive("bob", "garden")
    house.look()
    await house.change(remove("garden", "alice", "bob"))
    await alice.post("garden", "he is gone")
    for bob in (phone, laptop):
        news = bob.news()
        assert [frame["type"] for frame in news] == ["member_removed", "conversation_left"]
        assert (news[1]["reason"], "reply_to" in news[1]) == ("removed", False)
    assert [frame["type"] for frame in alice.heard[-3:]] == ["member_removed", "ack", "new_message"]
    assert house.metric("gator_joined") == 1


async def test_who_was_removed_can_come_back_only_as_a_member(house: StagedHouse) -> None:
    alice, bob = await house.arrive("alice", "garden"), await house.arrive("bob", "garden")
    await house.change(remove("garden", "alice", "bob"))
    house.look()
    assert (await bob.post("garden", "still there?"))["code"] == "conversation_not_found"
    assert (await bob.join("garden"))["type"] == "conversation_joined", "open mode makes one a member again"
    assert alice.news()[0]["type"] == "members_added"


async def test_when_a_conversation_ends_everybody_is_told_and_out(house: StagedHouse) -> None:
    guests = [await house.arrive(name, "garden") for name in ("alice", "bob")]
    house.look()
    await house.change(delete("garden", "alice"))
    for guest in guests:
        news = guest.news()
        assert [frame["type"] for frame in news] == ["conversation_deleted", "conversation_left"]
        assert news[1]["reason"] == "deleted"
        assert (await guest.join("garden"))["code"] == "conversation_not_found"
    assert house.metric("gator_joined") == 0


# Memory and reading


async def test_many_who_ask_for_a_conversation_share_one_read(tmp_path: Path) -> None:
    async with staged(tmp_path) as house:
        await house.arrive("alice", "garden")
    async with staged(tmp_path) as house:
        kept = house.house.hub.rooms
        first, *others = await asyncio.gather(*(kept.conversation(GARDEN) for _ in range(5)))
        assert first is not None
        assert all(state is first for state in others)


async def test_a_conversation_that_never_was_is_none_every_time(house: StagedHouse) -> None:
    kept = house.house.hub.rooms
    assert await asyncio.gather(*(kept.conversation(GARDEN) for _ in range(3))) == [None] * 3
    await house.arrive("alice", "garden")
    assert await kept.conversation(GARDEN) is not None


async def test_one_who_stops_asking_leaves_the_others_their_answer(tmp_path: Path) -> None:
    async with staged(tmp_path) as house:
        await house.arrive("alice", "garden")
    async with staged(tmp_path) as house:
        kept = house.house.hub.rooms
        asking = [asyncio.ensure_future(kept.conversation(GARDEN)) for _ in range(2)]
        await asyncio.sleep(0)
        asking[0].cancel()
        state = await asking[1]
        assert state is not None
        assert state.head == 1


async def test_a_state_in_memory_follows_the_log(house: StagedHouse) -> None:
    alice = await house.arrive("alice", "garden")
    await house.arrive("bob", "garden")
    await alice.post("garden", "hello")
    in_memory = await house.house.hub.rooms.conversation(GARDEN)
    assert in_memory == await house.house.store.conversation(GARDEN)


async def test_who_joins_while_it_is_read_and_written_to_misses_nothing(tmp_path: Path) -> None:
    async with staged(tmp_path) as house:
        alice = await house.arrive("alice", "garden")
        for n in range(5):
            await alice.post("garden", str(n))
    async with staged(tmp_path) as house:
        alice, bob = house.connect("alice"), house.connect("bob")
        await asyncio.gather(
            bob.tell(type="send_message", conversation_id="garden", content="not a member yet"),
            alice.tell(type="send_message", conversation_id="garden", content="first"),
            alice.tell(type="join_conversation", conversation_id="garden", after_seq=1),
            alice.tell(type="send_message", conversation_id="garden", content="second"),
        )
        await house.settle()
        assert seqs(alice) == list(range(2, 9))
        assert contents(alice.heard)[-2:] == ["first", "second"]


async def test_who_goes_away_while_joining_is_kept_nowhere(house: StagedHouse) -> None:
    bob = await house.arrive("bob", "garden")
    alice = house.connect("alice")
    joining = asyncio.ensure_future(alice.tell(type="join_conversation", conversation_id="garden"))
    await asyncio.sleep(0)
    await alice.hang_up()
    await joining
    assert house.metric("gator_joined") == 1
    house.look()
    await house.advance(60)
    await bob.post("garden", "is somebody there?")
    assert alice.of_type("new_message", "conversation_joined") == []


async def test_unused_rooms_are_forgotten_and_read_again(
    house: StagedHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rooms, "KEPT_ROOMS", 3)
    alice = await house.arrive("alice", "kept")
    for n in range(6):
        guest = await house.arrive("bob", f"left {n}")
        await guest.say(type="leave_conversation", conversation_id=f"left {n}")
    assert house.metric("gator_rooms") == 3
    again = await house.arrive("carol", "left 0")
    assert [frame["type"] for frame in again.heard[-1:]] == ["conversation_joined"]
    await alice.post("kept", "still here")
    assert contents(alice.heard) == ["still here"]


async def test_a_room_that_is_forgotten_while_one_joins_is_made_anew(
    house: StagedHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    await house.change(create("garden", "alice"), post("garden", "alice", "two"))
    monkeypatch.setattr(rooms, "KEPT_ROOMS", 0)
    alice = house.connect("alice")
    assert (await alice.join("garden", after_seq=1))["seq"] == 2
    await alice.post("garden", "three")
    assert contents(alice.heard) == ["two", "three"]


async def test_a_state_that_cannot_be_read_is_told_and_read_again_later(tmp_path: Path) -> None:
    async with staged(tmp_path) as house:
        await house.arrive("alice", "garden")
    async with staged(tmp_path) as house:
        alice = house.connect("alice")
        with house.unreadable():
            for _ in range(2):
                assert (await alice.join("garden"))["code"] == "internal"
        assert house.log.take_errors() == ["handler_failed"] * 2
        assert house.metric("gator_rooms") == 0
        assert (await alice.join("garden"))["type"] == "conversation_joined"
