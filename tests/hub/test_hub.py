from tests.contract.wishes import post
from tests.support.clock import NOON
from tests.support.house import StagedHouse

from gator.protocol.types import UserId


async def test_connections_are_counted(house: StagedHouse) -> None:
    alice, bob = house.connect("alice"), house.connect("bob")
    assert house.metric("gator_connections") == house.metric("gator_connections_opened_total") == 2
    await alice.hang_up(1001)
    await house.advance(5)
    await bob.hang_up(1006)
    assert house.metric("gator_connections") == 0
    assert house.metric("gator_connections_closed_total", code="1001") == 1
    assert house.metric("gator_connections_closed_total", code="1006") == 1
    assert house.metric("gator_connection_seconds_count") == 2


async def test_an_end_counts_once(house: StagedHouse) -> None:
    alice = house.connect("alice")
    house.house.hub.disconnect(alice.peer)
    await alice.hang_up()
    await alice.hang_up()
    assert house.metric("gator_connections") == 0
    assert house.metric("gator_connections_closed_total", code="1001") == 1


async def test_who_connects_is_remembered_by_name(house: StagedHouse) -> None:
    alice = house.connect("alice", name="Alice", avatar="alice.png")
    await house.settle()
    user = await house.house.store.user(UserId("alice"))
    assert user is not None
    assert (user.name, user.avatar, user.last_seen_at) == ("Alice", "alice.png", None)
    await alice.hang_up()
    user = await house.house.store.user(UserId("alice"))
    assert user is not None
    assert user.last_seen_at == NOON


async def test_messages_are_counted_on_their_way(house: StagedHouse) -> None:
    alice = await house.arrive("alice", "garden")
    await house.arrive("bob", "garden")
    await alice.post("garden", "hello", client_message_id="k")
    await alice.post("garden", "hello", client_message_id="k")
    assert house.metric("gator_messages_committed_total") == 1
    assert house.metric("gator_messages_repeated_total") == 1
    assert house.metric("gator_events_published_total") == 3
    assert house.metric("gator_deliveries_total") == 3, "members_added to Alice, the message to both"
    assert house.metric("gator_delivery_seconds_count") == 2
    assert house.metric("gator_commands_total", type="send_message") == 2


async def test_rooms_in_memory_are_counted(house: StagedHouse) -> None:
    await house.arrive("alice", "garden")
    await house.arrive("alice", "kitchen")
    assert house.metric("gator_rooms") == 2
    assert house.metric("gator_joined") == 2


async def test_a_client_is_asked_to_come_back(house: StagedHouse) -> None:
    alice = house.connect("alice")
    house.house.hub.ask_to_reconnect(alice.peer, 1500)
    await house.settle()
    assert alice.heard[-1] == {
        "type": "reconnect",
        "after_ms": 1500,
        "timestamp": "2025-01-15T10:30:00.000Z",
    }


async def test_closing_ends_what_is_under_way(house: StagedHouse) -> None:
    alice = await house.arrive("alice", "garden")
    await house.change(*(post("garden", "alice", str(n)) for n in range(5)))
    late = house.connect("alice")
    late.freeze()
    await late.tell(type="join_conversation", conversation_id="garden", after_seq=1)
    await house.settle()
    assert house.metric("gator_catching_up") == 1
    await house.house.hub.close()
    assert house.metric("gator_catching_up") == 0
    assert alice.sink.closed is None
    before = len(alice.heard)
    house.clock.advance(100)
    assert len(alice.heard) == before, "no heartbeat after the end"
