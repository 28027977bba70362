"""What was measured: figures by scenario, point, server and round; medians and ratios of them."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from statistics import median
from typing import Any

from bench.harness.generator import Figures


def figure(figures: Figures, way: str) -> float | None:
    """Look a figure up by its way, such as `latency_ms.p99`; None if it was not taken."""
    value: Any = figures
    for name in way.split("."):
        value = value.get(name) if isinstance(value, dict) else None
    return float(value) if isinstance(value, int | float) else None


@dataclass
class Results:
    """Everything that one `make bench` found.

    Attributes:
        runs: `runs[scenario][point][server]` has an entry a round, in order; None for
            a run that failed.
        failures: What failed or was left out, and why, in words.
    """

    runs: dict[str, dict[str, dict[str, list[Figures | None]]]] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)

    def add(self, scenario: str, point: str, server: str, figures: Figures | None) -> None:
        """Note what one run found."""
        servers = self.runs.setdefault(scenario, {}).setdefault(point, {})
        servers.setdefault(server, []).append(figures)

    def rounds(self, scenario: str, point: str, server: str) -> list[Figures | None]:
        """List what the rounds found; empty if there were none."""
        return self.runs.get(scenario, {}).get(point, {}).get(server, [])

    def values(self, scenario: str, point: str, server: str, way: str) -> list[float]:
        """List a figure of all rounds that have it."""
        return [value for value in self._by_round(scenario, point, server, way) if value is not None]

    def median(self, scenario: str, point: str, server: str, way: str) -> float | None:
        """Take the median of a figure over the rounds."""
        values = self.values(scenario, point, server, way)
        return median(values) if values else None

    def ratio(
        self, scenario: str, of: tuple[str, str], to: tuple[str, str], way: str, *, to_scenario: str | None = None
    ) -> float | None:
        """Take the median of a figure's ratio, round by round: what is measured together is compared.

        Args:
            of: Point and server above the line.
            to: Point and server below it.
            to_scenario: Where those below are found, if elsewhere.
        """
        above = self._by_round(scenario, *of, way)
        below = self._by_round(to_scenario or scenario, *to, way)
        ratios = [a / b for a, b in zip(above, below, strict=False) if a is not None and b]
        return median(ratios) if ratios else None

    def points(self, scenario: str) -> list[str]:
        """List the points of a scenario that were measured."""
        return list(self.runs.get(scenario, {}))

    def servers(self, scenario: str, point: str) -> list[str]:
        """List the servers of a point that were measured."""
        return list(self.runs.get(scenario, {}).get(point, {}))

    def all_runs(self) -> Iterator[tuple[str, str, str, Figures]]:
        """Yield every run that gave figures, with its scenario, point and server."""
        for scenario, points in self.runs.items():
            for point, servers in points.items():
                for server, rounds in servers.items():
                    for figures in rounds:
                        if figures is not None:
                            yield scenario, point, server, figures

    def _by_round(self, scenario: str, point: str, server: str, way: str) -> list[float | None]:
        return [None if run is None else figure(run, way) for run in self.rounds(scenario, point, server)]
