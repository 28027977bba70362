from pathlib import Path

from tests.contract.wishes import post
from tests.support.house import Guest, StagedHouse, staged


def beats(guest: Guest) -> list[dict[str, int]]:
    """Take the heartbeats among the news: the heads that each carried."""
    return [frame.get("heads", {}) for frame in guest.news() if frame["type"] == "heartbeat"]


async def test_the_server_gives_a_sign_of_life_in_time(house: StagedHouse) -> None:
    alice = house.connect("alice")
    await house.settle()
    assert alice.news()[0]["heartbeat_ms"] == 25_000
    await house.advance(24)
    assert beats(alice) == []
    await house.advance(2)
    assert beats(alice) == [{}]
    await house.advance(100)
    assert len(beats(alice)) in (3, 4)


async def test_a_heartbeat_has_the_time(house: StagedHouse) -> None:
    alice = house.connect("alice")
    await house.advance(25)
    assert alice.heard[-1] == {"type": "heartbeat", "timestamp": "2025-01-15T10:30:25.000Z"}


async def test_a_heartbeat_carries_the_heads_that_moved(house: StagedHouse) -> None:
    alice = await house.arrive("alice", "garden")
    await alice.join("kitchen")
    await house.advance(26)
    assert beats(alice) == [{"garden": 1, "kitchen": 1}]
    await alice.post("garden", "hello")
    await house.advance(26)
    assert beats(alice) == [{"garden": 2}]
    await house.advance(26)
    assert beats(alice) == [{}]


async def test_a_conversation_that_was_left_has_no_head(house: StagedHouse) -> None:
    alice = await house.arrive("alice", "garden")
    await house.advance(26)
    await alice.say(type="leave_conversation", conversation_id="garden")
    await house.change(post("garden", "alice", "hello"))
    house.look()
    await house.advance(26)
    assert beats(alice) == [{}]
    await alice.join("garden")
    await house.advance(26)
    assert beats(alice) == [{"garden": 2}]


async def test_everybody_has_their_own_beat(tmp_path: Path) -> None:
    async with staged(tmp_path, heartbeat_s=10) as house:
        alice = house.connect("alice")
        await house.advance(5)
        bob = house.connect("bob")
        await house.settle()
        house.look()
        await house.advance(6)
        assert (len(beats(alice)), len(beats(bob))) == (1, 0)
        await house.advance(5)
        assert (len(beats(alice)), len(beats(bob))) == (0, 1)


async def test_who_does_not_read_gets_no_heartbeats(house: StagedHouse) -> None:
    alice = await house.arrive("alice", "garden")
    alice.freeze()
    await house.change(post("garden", "alice", "makes it slow"))
    await house.advance(50)
    await alice.thaw()
    assert alice.of_type("heartbeat") == []
    await house.advance(26)
    assert len(alice.of_type("heartbeat")) == 1


async def test_who_is_gone_is_not_kept(house: StagedHouse) -> None:
    alice = house.connect("alice")
    await alice.hang_up()
    await house.advance(60)
    assert alice.of_type("heartbeat") == []
