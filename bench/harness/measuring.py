"""Running scenarios: all servers of one in turn, again and again."""

import shutil
import sys
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench.harness.gator import Gator, read_metrics
from bench.harness.generator import Figures, NotMeasured, put_under_load
from bench.harness.places import BUILD
from bench.harness.processes import NotStarted, free_port
from bench.harness.results import Results, figure
from bench.harness.scenarios import Point, Scenario
from bench.harness.server import Server

RATE_IF_UNKNOWN: Final = 2_500.0
"""Messages a second at `Point.half_of` if the other scenario was not run."""


@dataclass(frozen=True)
class Pace:
    """How long and how often.

    Attributes:
        ends_at: On the monotonic clock; what has not begun by then is left out.
    """

    rounds: int
    seconds: float
    ends_at: float


def measure(scenarios: Iterable[Scenario], servers: Mapping[str, Server], pace: Pace) -> Results:
    """Run scenarios against those of their servers that are there."""
    results = Results()
    for scenario in scenarios:
        _say(f"\n{scenario.name}: {scenario.title}")
        for round_number in range(scenario.rounds or pace.rounds):
            for point in scenario.points:
                for name in scenario.servers:
                    if name not in servers:
                        continue
                    if time.monotonic() > pace.ends_at:
                        left_out = f"{scenario.name}, round {round_number + 1}: left out, the time was up"
                        if left_out not in results.failures:
                            results.failures.append(left_out)
                        continue
                    figures = _try_once(servers[name], scenario, point, pace, results)
                    results.add(scenario.name, point.label, name, figures)
    return results


def _try_once(server: Server, scenario: Scenario, point: Point, pace: Pace, results: Results) -> Figures | None:
    began = time.monotonic()
    try:
        figures = _run_once(server, scenario, point, pace, results)
    except (NotStarted, NotMeasured) as error:
        results.failures.append(f"{scenario.name}, {point.label}, {server.title}: {error}")
        _say(f"  {point.label:28} {server.name:10} failed: {error}")
        return None
    column = scenario.columns[0]
    value = figure(figures, column.figure)
    shown = "-" if value is None else f"{value * column.scale:,.{column.digits}f}"
    _say(f"  {point.label:28} {server.name:10} {shown:>12} {column.title}   ({time.monotonic() - began:.1f} s)")
    return figures


def _run_once(server: Server, scenario: Scenario, point: Point, pace: Pace, results: Results) -> Figures:
    home = BUILD / "run"
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir(parents=True)
    seconds = pace.seconds if scenario.seconds is None else scenario.seconds
    crowd = point.crowd
    options = [
        "--connections", str(crowd.connections), "--group", str(crowd.group),
        "--seconds", str(seconds), "--warm-up", str(scenario.warm_up), *_rate(server, point, results),
    ]  # fmt: skip
    port = free_port()
    with server.start(crowd, home, port) as process:
        figures = put_under_load(
            server.dialect(crowd, home),
            [*options, *_where_it_is(point.options, home)],
            port=port,
            pid=process.pid,
            home=home,
            joins=scenario.joins,
            seconds=seconds + scenario.warm_up,
        )
        if isinstance(server, Gator):
            figures["metrics"] = read_metrics(port)
    return figures


def _where_it_is(options: tuple[str, ...], home: Path) -> list[str]:
    return [str(home / option) if option == "return" else option for option in options]


def _rate(server: Server, point: Point, results: Results) -> list[str]:
    if point.half_of is None:
        return []
    reached = results.median(point.half_of, point.label, server.name, "published_per_s")
    return ["--rate", f"{RATE_IF_UNKNOWN if reached is None else reached / 2:.0f}"]


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
