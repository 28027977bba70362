"""The marks: what the server has to reach, and whether it did."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from bench.harness.results import Results

CPU: Final = "us_cpu_per_delivery"


@dataclass(frozen=True)
class Mark:
    """One thing to reach.

    Attributes:
        value: Takes it from the results; None if it was not measured.
        is_met: Judges the value.
    """

    scenario: str
    says: str
    unit: str
    digits: int
    value: Callable[[Results], float | None]
    is_met: Callable[[float], bool]


@dataclass(frozen=True)
class Verdict:
    """A mark with what was measured."""

    mark: Mark
    value: float | None

    @property
    def word(self) -> str:
        """Say it in a word."""
        if self.value is None:
            return "not measured"
        return "met" if self.mark.is_met(self.value) else "missed"


def judge(results: Results) -> list[Verdict]:
    """Hold the results against the marks of the scenarios that were run."""
    return [Verdict(mark, mark.value(results)) for mark in MARKS if results.points(mark.scenario)]


def _against(scenario: str, other: str) -> Callable[[Results], float | None]:
    def value(results: Results) -> float | None:
        point = _first(results, scenario)
        return results.ratio(scenario, (point, "native"), (point, other), CPU)

    return value


def _growth(results: Results) -> float | None:
    return results.ratio("members", ("10,000 members", "native"), ("1,000 members", "native"), CPU)


def _times_the_seed(results: Results) -> float | None:
    point = _first(results, "pairs")
    return results.ratio("pairs", (point, "native"), (point, "seed-sql"), "published_per_s")


def _figure(scenario: str, way: str, scale: float = 1.0) -> Callable[[Results], float | None]:
    def value(results: Results) -> float | None:
        found = results.median(scenario, _first(results, scenario), "native", way)
        return None if found is None else found * scale

    return value


def _frozen_latency(results: Results) -> float | None:
    return results.ratio("frozen", ("1 frozen", "native"), ("0 frozen", "native"), "latency_ms.p99")


def _frozen_memory(results: Results) -> float | None:
    """How much more memory a run with 200 frozen readers took than one without, for each of them."""
    grown = []
    for point in ("200 frozen", "0 frozen"):
        end = results.median("frozen", point, "native", "pss_kib.end")
        opened = results.median("frozen", point, "native", "pss_kib.open")
        if end is None or opened is None:
            return None
        grown.append(end - opened)
    return (grown[0] - grown[1]) / 200


def _first(results: Results, scenario: str) -> str:
    return next(iter(results.points(scenario)), "")


def _at_most(limit: float) -> Callable[[float], bool]:
    return lambda value: value <= limit


def _below(limit: float) -> Callable[[float], bool]:
    return lambda value: value < limit


def _at_least(limit: float) -> Callable[[float], bool]:
    return lambda value: value >= limit


MARKS: Final = (
    Mark(
        "room-busy", "room of 1,000, w=16: at most 1.3 x the floor", "x", 2,
        _against("room-busy", "floor"), _at_most(1.3),
    ),
    Mark(
        "room-busy", "room of 1,000, w=16: at most uWebSockets'", "x", 2,
        _against("room-busy", "uws"), _at_most(1.0),
    ),
    Mark(
        "room-lone", "room of 1,000, w=1: at most 1.3 x the floor", "x", 2,
        _against("room-lone", "floor"), _at_most(1.3),
    ),
    Mark(
        "room-lone", "room of 1,000, w=1: below uWebSockets'", "x", 2,
        _against("room-lone", "uws"), _below(1.0),
    ),
    Mark("members", "room of 10,000, w=1: at most 1.3 x the cost of 1,000", "x", 2, _growth, _at_most(1.3)),
    Mark(
        "pairs", "pairs, durable: at least 10 x the seed with a commit each", "x", 1,
        _times_the_seed, _at_least(10),
    ),
    Mark(
        "pairs", "pairs, durable: at least 10,000 messages/s", "/s", 0,
        _figure("pairs", "published_per_s"), _at_least(10_000),
    ),
    Mark(
        "pairs-open", "pairs at half that rate: p99 under 25 ms", "ms", 1,
        _figure("pairs-open", "latency_ms.p99"), _below(25),
    ),
    Mark(
        "idle", "10,000 at rest: at most 10 KiB each", "KiB", 1,
        _figure("idle", "kib_per_connection"), _at_most(10),
    ),
    Mark(
        "idle", "10,000 at rest: under 3 % of a core", "%", 1,
        _figure("idle", "server_cores", 100), _below(3),
    ),
    Mark(
        "connects", "connections opened: at least 3,000/s with JWT", "/s", 0,
        _figure("connects", "opened_per_s"), _at_least(3_000),
    ),
    Mark("frozen", "one reader of 1,000 frozen: others' p99 within 1.2 x", "x", 2, _frozen_latency, _at_most(1.2)),
    Mark("frozen", "memory of a frozen reader: under 256 KiB", "KiB", 0, _frozen_memory, _below(256)),
)  # fmt: skip
