"""What the tests of proof share: a clock that is set by hand, and an issuer's web server."""

from collections.abc import AsyncIterator, Callable

import pytest
from tests.auth.issuer import JwksServer

from gator.ports import Timer
from gator.protocol.types import UtcMillis


class FakeClock:
    """Time that moves only when told to."""

    def __init__(self) -> None:
        self.wall_ms = 1_750_000_000_000
        self.monotonic_s = 50.0

    def now(self) -> UtcMillis:
        return UtcMillis(self.wall_ms)

    def monotonic(self) -> float:
        return self.monotonic_s

    def call_later(self, delay_s: float, call: Callable[[], None]) -> Timer:
        raise AssertionError("nothing in auth puts a call off")

    def advance(self, seconds: float) -> None:
        self.wall_ms += round(seconds * 1000)
        self.monotonic_s += seconds


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
async def server(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[JwksServer]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    async with JwksServer() as server:
        yield server
