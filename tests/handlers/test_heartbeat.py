"""heartbeat."""

from tests.support.clock import NOON_TEXT
from tests.support.house import StagedHouse


async def test_a_heartbeat_is_answered_with_one(house: StagedHouse) -> None:
    alice = await house.arrive("alice", "garden")
    assert await alice.say(type="heartbeat", id="1") == [
        {"type": "heartbeat", "heads": {"garden": 1}, "reply_to": "1", "timestamp": NOON_TEXT}
    ]
    assert await alice.say(type="heartbeat") == [{"type": "heartbeat", "timestamp": NOON_TEXT}]
