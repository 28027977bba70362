from tests.support.house import StagedHouse

from gator.gateway.drain import BATCH, LINGER_S, STEP_S, drain
from gator.protocol.errors import RESTARTING


def reconnects(house: StagedHouse) -> int:
    """Count the connections that were asked to come back."""
    return sum(len(guest.of_type("reconnect")) for guest in house.guests)


class Sleeper:
    """Stands in for sleeping, and lets the house go on meanwhile."""

    def __init__(self, house: StagedHouse) -> None:
        self._house = house
        self.slept: list[float] = []
        self.told: list[int] = []

    async def __call__(self, seconds: float) -> None:
        await self._house.settle()
        self.slept.append(seconds)
        self.told.append(reconnects(self._house))


async def test_everybody_is_asked_to_come_back_and_then_closed(house: StagedHouse) -> None:
    guests = [house.connect(f"u{n}") for n in range(5)]
    sleeper = Sleeper(house)
    await drain(house.house.floor, spread_s=5, deadline_s=10, sleep=sleeper)
    for guest in guests:
        [asked] = guest.of_type("reconnect")
        assert 10_000 <= asked["after_ms"] <= 15_000, "not before this process is gone"
        assert guest.sink.closed == RESTARTING
    assert sleeper.slept == [LINGER_S], "few clients are told at once"
    assert house.house.floor.admission.draining


async def test_clients_come_back_one_after_the_other(house: StagedHouse) -> None:
    guests = [house.connect(f"u{n}") for n in range(50)]
    await drain(house.house.floor, spread_s=5, deadline_s=10, sleep=Sleeper(house))
    delays = {guest.of_type("reconnect")[0]["after_ms"] for guest in guests}
    assert len(delays) > 40
    assert max(delays) - min(delays) > 2500


async def test_many_are_told_in_batches(house: StagedHouse) -> None:
    for n in range(2 * BATCH + 1):
        house.connect(f"u{n}")
    sleeper = Sleeper(house)
    await drain(house.house.floor, spread_s=5, deadline_s=10, sleep=sleeper)
    assert sleeper.slept == [STEP_S, STEP_S, LINGER_S]
    assert sleeper.told == [67, 134, 201]


async def test_a_short_deadline_is_kept(house: StagedHouse) -> None:
    for n in range(5 * BATCH):
        house.connect(f"u{n}")
    sleeper = Sleeper(house)
    await drain(house.house.floor, spread_s=60, deadline_s=0.5, sleep=sleeper)
    assert sum(sleeper.slept) <= 0.5
    assert reconnects(house) == 5 * BATCH


async def test_without_time_all_are_closed_at_once(house: StagedHouse) -> None:
    guest = house.connect("alice")
    sleeper = Sleeper(house)
    await drain(house.house.floor, spread_s=0, deadline_s=0, sleep=sleeper)
    assert sleeper.slept == [0]
    assert guest.sink.closed == RESTARTING
    assert guest.of_type("reconnect")[0]["after_ms"] == 0


async def test_nobody_is_not_waited_for(house: StagedHouse) -> None:
    sleeper = Sleeper(house)
    await drain(house.house.floor, spread_s=5, deadline_s=10, sleep=sleeper)
    assert sleeper.slept == []


async def test_what_was_said_before_the_end_is_stored(house: StagedHouse) -> None:
    alice = await house.arrive("alice", "garden")

    async def says_goodbye(_: float) -> None:
        assert (await alice.post("garden", "goodbye"))["type"] == "ack"

    await drain(house.house.floor, spread_s=0, deadline_s=10, sleep=says_goodbye)
    assert alice.sink.closed == RESTARTING
