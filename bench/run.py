"""`make bench`: measure the server beside the floor and its peers, all in one run."""

import argparse
import shutil
import signal
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType
from typing import Any

from bench.harness.gator import SETTINGS, Gator, GatorOnPostgres, Houses
from bench.harness.machine import commit, describe_machine
from bench.harness.marks import judge
from bench.harness.measuring import Pace, measure
from bench.harness.places import BUILD, RESULTS
from bench.harness.report import as_json, marks_table, scenario_table, write_report
from bench.harness.scenarios import SCENARIOS, Scenario, quick
from bench.harness.server import Server
from bench.peers import PEERS


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure what the arguments ask for, write it down, say where."""
    options = _parser().parse_args(arguments)
    scenarios = [scenario for scenario in SCENARIOS if not options.only or scenario.name in options.only]
    if options.quick:
        scenarios = [quick(scenario) for scenario in scenarios]
    houses = Houses()
    everybody: list[Server] = [
        Gator("native", houses),
        Gator("asgi", houses),
        GatorOnPostgres(houses),
        *PEERS,
    ]
    if options.list:
        _list(everybody)
        return 0

    signal.signal(signal.SIGTERM, _interrupt)
    wanted = [server for server in everybody if not options.servers or server.name in options.servers]
    not_there = {server.name: why for server in wanted if (why := server.missing()) is not None}
    present = {server.name: server for server in wanted if server.name not in not_there}
    for server in wanted:
        if server.name in not_there:
            print(f"skipped: {server.title}: {not_there[server.name]}", file=sys.stderr)
    began = datetime.now(UTC)
    facts: dict[str, Any] = {
        "date": began.date().isoformat(),
        "commit": commit(),
        "machine": describe_machine(),
        "settings": SETTINGS,
        "versions": {name: server.version() for name, server in present.items()},
        "not_there": not_there,
    }
    rounds, seconds = (1, 0.6) if options.quick else (options.rounds, options.seconds)
    pace = Pace(rounds=rounds, seconds=seconds, ends_at=time.monotonic() + options.minutes * 60)
    try:
        results = measure(scenarios, present, pace)
    except KeyboardInterrupt:
        print("stopped; nothing was written", file=sys.stderr)
        return 130
    finally:
        shutil.rmtree(BUILD / "run", ignore_errors=True)
        shutil.rmtree(BUILD / "houses", ignore_errors=True)
    took = (datetime.now(UTC) - began).total_seconds() / 60
    facts["run"] = {"rounds": rounds, "seconds each": seconds, "minutes in all": f"{took:.1f}"}
    verdicts = judge(results)
    titles = {server.name: server.title for server in everybody}

    is_whole = not (options.quick or options.only or options.servers)
    stem = f"{facts['date']}-{facts['commit'].rstrip('+')}" if is_whole else "quick" if options.quick else "part"
    page = write_report(
        options.out or (RESULTS if is_whole else BUILD),
        stem,
        facts=facts,
        titles=titles,
        scenarios=scenarios,
        results=results,
        verdicts=verdicts,
    )
    if options.json:
        print(as_json(facts, results, verdicts), end="")
    else:
        _show(scenarios, titles, results, verdicts)
    print(f"\nwritten: {page}", file=sys.stderr)
    return 0


def _parser() -> argparse.ArgumentParser:
    names = [scenario.name for scenario in SCENARIOS]
    parser = argparse.ArgumentParser(prog="make bench ARGS=...", description=__doc__)
    parser.add_argument("--only", type=_names(names), metavar="A,B", help=f"scenarios, of {', '.join(names)}")
    servers = ["native", "asgi", "postgres", *(peer.name for peer in PEERS)]
    parser.add_argument("--servers", type=_names(servers), metavar="A,B", help=f"servers, of {', '.join(servers)}")
    parser.add_argument("--rounds", type=int, default=3, help="how often everything is repeated (3)")
    parser.add_argument("--seconds", type=float, default=3.0, help="how long a run is measured (3)")
    parser.add_argument("--minutes", type=float, default=38.0, help="what has not begun by then is left out (38)")
    parser.add_argument(
        "--quick", action="store_true", help="see in 3 minutes whether everything works; no figures"
    )
    parser.add_argument("--json", action="store_true", help="print JSON instead of tables")
    parser.add_argument("--out", type=Path, help="where to write (bench/results; bench/build for a part)")
    parser.add_argument("--list", action="store_true", help="list scenarios and servers, measure nothing")
    return parser


def _names(known: Sequence[str]) -> Any:
    def split(words: str) -> list[str]:
        names = words.split(",")
        if unknown := set(names) - set(known):
            raise argparse.ArgumentTypeError(f"unknown: {', '.join(sorted(unknown))}; there is {', '.join(known)}")
        return names

    return split


def _list(servers: Sequence[Server]) -> None:
    for scenario in SCENARIOS:
        print(f"{scenario.name:14} {scenario.title}\n{'':14} {scenario.shows}")
    print()
    for server in servers:
        print(f"{server.name:14} {server.title} ({server.missing() or server.version()})")


def _show(scenarios: Sequence[Scenario], titles: dict[str, str], results: Any, verdicts: Any) -> None:
    for scenario in scenarios:
        if results.points(scenario.name):
            print("\n".join(("", scenario.title, "", *scenario_table(scenario, titles, results))))
    print("\n".join(("", *marks_table(verdicts))))


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
