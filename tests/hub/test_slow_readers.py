"""One slow reader costs the others nothing, and itself only time."""

from pathlib import Path

from tests.contract.wishes import remove
from tests.support.house import Guest, StagedHouse, staged

from gator.protocol.errors import SLOW_CONSUMER


def contents(guest: Guest) -> list[str]:
    return [frame["message"]["content"] for frame in guest.of_type("new_message")]


async def test_a_slow_reader_holds_up_nobody(house: StagedHouse) -> None:
    alice, bob = await house.arrive("alice", "garden"), await house.arrive("bob", "garden")
    bob.freeze()
    for n in range(20):
        await alice.post("garden", str(n))
    assert contents(alice) == [str(n) for n in range(20)]
    assert contents(bob) == []


async def test_what_waits_for_a_slow_reader_is_bounded(house: StagedHouse) -> None:
    alice, bob = await house.arrive("alice", "garden"), await house.arrive("bob", "garden")
    bob.freeze(bound_bytes=1000)
    for _ in range(50):
        await alice.post("garden", "x" * 100)
    assert bob.sink.backlog_bytes() < 1500
    assert house.metric("gator_shed_total", kind="live") >= 1


async def test_a_slow_reader_catches_up_when_it_reads_again(house: StagedHouse) -> None:
    alice, bob = await house.arrive("alice", "garden"), await house.arrive("bob", "garden")
    for spell in range(3):
        bob.freeze()
        for n in range(10):
            await alice.post("garden", f"{spell} {n}")
        await bob.thaw()
        assert contents(bob) == contents(alice)
    await alice.post("garden", "live")
    assert contents(bob) == contents(alice)
    assert house.metric("gator_catching_up") == 0
    assert house.metric("gator_catch_ups_total") >= 3


async def test_a_reader_is_slow_in_all_its_conversations_and_catches_up_in_all(house: StagedHouse) -> None:
    alice, bob = await house.arrive("alice", "a"), await house.arrive("bob", "a")
    for guest in (alice, bob):
        await guest.join("b")
    bob.freeze()
    for n in range(5):
        await alice.post("a", f"a{n}")
        await alice.post("b", f"b{n}")
    await bob.thaw()
    for where in "ab":
        told = [f["message"]["content"] for f in bob.of_type("new_message") if f["conversation_id"] == where]
        assert told == [f"{where}{n}" for n in range(5)]


async def test_what_is_true_for_a_moment_is_dropped_first(house: StagedHouse) -> None:
    alice, bob = await house.arrive("alice", "garden"), await house.arrive("bob", "garden")
    bob.freeze()
    await alice.post("garden", "makes it slow")
    await alice.say(type="typing_start", conversation_id="garden")
    carol = await house.arrive("carol", "garden")
    assert house.metric("gator_shed_total", kind="ephemeral") == 2
    await bob.thaw()
    assert bob.of_type("typing_indicator") == []
    assert [f["user_id"] for f in carol.of_type("presence_update")] == []


async def test_that_somebody_went_offline_is_not_dropped(house: StagedHouse) -> None:
    alice, bob = await house.arrive("alice", "garden"), await house.arrive("bob", "garden")
    bob.freeze()
    await alice.post("garden", "makes it slow")
    await alice.hang_up()
    await house.advance(4)
    await bob.thaw()
    assert [(f["user_id"], f["online"]) for f in bob.of_type("presence_update")] == [("alice", False)]


async def test_a_reader_that_is_removed_while_slow_hears_of_it(house: StagedHouse) -> None:
    await house.arrive("alice", "garden")
    bob = await house.arrive("bob", "garden")
    bob.freeze()
    await house.change(remove("garden", "alice", "bob"))
    await bob.thaw()
    assert bob.types()[-1] == "conversation_left"


async def test_who_does_not_read_until_the_deadline_is_closed(tmp_path: Path) -> None:
    async with staged(tmp_path, slow_reader_s=60) as house:
        alice, bob = await house.arrive("alice", "garden"), await house.arrive("bob", "garden")
        bob.freeze()
        await alice.post("garden", "hello")
        await house.advance(60)
        assert bob.sink.closed is None
        assert house.metric("gator_outbox_bytes") == bob.sink.backlog_bytes() > 0
        await house.advance(2)
        assert bob.sink.closed == SLOW_CONSUMER
        assert (SLOW_CONSUMER.code, SLOW_CONSUMER.reconnect) == (4008, True)
        assert house.metric("gator_connections_closed_total", code="4008") == 1
        assert house.metric("gator_catching_up") == 0
        await house.advance(1)
        assert house.metric("gator_outbox_bytes") == 0
        assert alice.sink.closed is None


async def test_who_reads_in_time_begins_a_new_deadline(tmp_path: Path) -> None:
    async with staged(tmp_path, slow_reader_s=60) as house:
        alice, bob = await house.arrive("alice", "garden"), await house.arrive("bob", "garden")
        for _ in range(3):
            bob.freeze()
            await alice.post("garden", "hello")
            await house.advance(50)
            await bob.thaw()
        assert bob.sink.closed is None
        assert len(contents(bob)) == 3
