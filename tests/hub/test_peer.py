import json

from tests.support.clock import NOON, NOON_TEXT, FakeClock
from tests.support.house import FakeSink

from gator.domain.identity import Identity
from gator.hub.peer import Peer
from gator.protocol.errors import INTERNAL, RESTARTING
from gator.protocol.events import Reconnect
from gator.protocol.types import ConnectionId, UserId, UtcMillis


def peer() -> tuple[Peer, FakeSink, list[Peer]]:
    """Make a peer, its sink, and the list of who wants to be flushed."""
    to_flush: list[Peer] = []
    sink = FakeSink(FakeClock())
    made = Peer(ConnectionId("c1"), Identity(UserId("alice")), sink, to_flush.append)
    sink.peer = made
    return made, sink, to_flush


def reconnect(after_ms: int) -> Reconnect:
    return Reconnect(after_ms=after_ms, timestamp=NOON_TEXT)


def delays(sink: FakeSink) -> list[int]:
    return [frame["after_ms"] for frame in sink.frames]


def test_answers_of_one_turn_are_written_together_and_in_order() -> None:
    alice, sink, to_flush = peer()
    alice.send(reconnect(1))
    alice.send_payload(json.dumps({"after_ms": 2}).encode())
    assert to_flush == [alice]
    assert sink.writes == 0
    alice.flush()
    alice.flush()
    assert delays(sink) == [1, 2]
    assert sink.writes == 1


def test_closing_writes_what_was_said_first() -> None:
    alice, sink, _ = peer()
    alice.send(reconnect(1))
    alice.close(RESTARTING)
    assert delays(sink) == [1]
    assert sink.closed == RESTARTING


def test_after_the_close_nothing_is_said_and_the_first_reason_stays() -> None:
    alice, sink, to_flush = peer()
    alice.close(RESTARTING)
    alice.close(INTERNAL)
    alice.send(reconnect(1))
    alice.flush()
    assert sink.frames == to_flush == []
    assert sink.closed == RESTARTING


def test_who_waits_for_it_to_read_goes_on_once() -> None:
    alice, _, _ = peer()
    went_on: list[str] = []
    alice.pause(5.0)
    alice.pause(9.0)
    assert alice.paused_at == 5.0
    alice.waiters.append(lambda: went_on.append("once"))
    alice.resume()
    alice.resume()
    assert went_on == ["once"]
    assert alice.paused_at is None


def test_a_fresh_proof_is_handed_on() -> None:
    alice, _, _ = peer()
    fresh = Identity(UserId("alice"), name="Alice", expires_at=UtcMillis(NOON + 5))
    alice.renew(fresh)
    assert alice.identity == fresh
    handed_on: list[Identity] = []
    alice.on_renew = handed_on.append
    alice.renew(fresh)
    assert handed_on == [fresh]
