"""What the measurements make of their figures: medians, ratios, marks, tables, plots."""

from typing import Any
from xml.etree import ElementTree

import pytest
from bench.harness.marks import MARKS, judge
from bench.harness.plots import draw_bars, draw_lines
from bench.harness.report import complaints, marks_table, scenario_table
from bench.harness.results import Results, figure
from bench.harness.scenarios import SCENARIOS, Scenario, quick
from bench.harness.server import FRAME_BYTES, JSON_MESSAGE, MARK_CHARS
from bench.peers import PEERS

FINE = dict.fromkeys(("missing", "doubled", "gone", "holes", "repeats", "stalled", "skipped", "own_cores"), 0)
TITLES = {
    "native": "Ours",
    "asgi": "Ours, too",
    "postgres": "Ours elsewhere",
    **{peer.name: peer.title for peer in PEERS},
}
POINT = "1,000 members"


def scenario(name: str) -> Scenario:
    return next(scenario for scenario in SCENARIOS if scenario.name == name)


def room(**costs: list[float | None]) -> Results:
    """Make the results of a busy room from the CPU per delivery of each round."""
    results = Results()
    for server, rounds in costs.items():
        for cost in rounds:
            run: dict[str, Any] | None = None if cost is None else {**FINE, "us_cpu_per_delivery": cost}
            results.add("room-busy", POINT, server, run)
    return results


def test_a_figure_is_found_by_its_way() -> None:
    assert figure({"latency_ms": {"p99": 3}}, "latency_ms.p99") == 3


@pytest.mark.parametrize("figures", [{}, {"latency_ms": None}, {"latency_ms": {"p50": 1}}])
def test_a_figure_that_was_not_taken_is_none(figures: dict[str, Any]) -> None:
    assert figure(figures, "latency_ms.p99") is None


def test_a_ratio_compares_within_a_round() -> None:
    results = room(native=[1, 20, 3], floor=[1, 10, 1])
    assert results.ratio("room-busy", (POINT, "native"), (POINT, "floor"), "us_cpu_per_delivery") == 2


def test_a_round_in_which_one_failed_is_not_compared() -> None:
    results = room(native=[1, None, 3], floor=[1, 5, 1])
    assert results.ratio("room-busy", (POINT, "native"), (POINT, "floor"), "us_cpu_per_delivery") == 2


def test_marks_are_judged_where_they_were_measured() -> None:
    verdicts = judge(room(native=[1.2], floor=[1.0], uws=[1.0]))
    assert [(verdict.mark.scenario, verdict.word) for verdict in verdicts] == [
        ("room-busy", "met"),
        ("room-busy", "missed"),
    ]


def test_a_mark_without_its_peer_is_not_measured() -> None:
    verdicts = judge(room(native=[1.2], floor=[1.0]))
    assert [verdict.word for verdict in verdicts] == ["met", "not measured"]
    assert "| 1.20 x | met |" in marks_table(verdicts)[2]


def test_a_table_has_the_median_its_range_and_the_ratio() -> None:
    table = scenario_table(scenario("room-busy"), TITLES, room(floor=[1, 2, 3], native=[2, 4, 6]))
    assert table[-1].startswith("| Ours | 4.000 (2.000 to 6.000) |")
    assert table[-1].endswith("| 2.00 |")


def test_a_failed_server_has_an_empty_row() -> None:
    table = scenario_table(scenario("room-busy"), TITLES, room(floor=[1], native=[None]))
    assert set(table[-1].removeprefix("| Ours ")) == {"|", " "}


def test_whatever_spoils_a_run_is_named() -> None:
    results = Results()
    results.add("room-busy", POINT, "native", {**FINE, "missing": 3, "holes": 1, "skipped": 2, "own_cores": 0.97})
    assert len(complaints(results)) == 4
    assert complaints(room(native=[1])) == []


def test_plots_are_xml_whatever_is_in_a_name() -> None:
    bars = draw_bars("<Room> & Co", "us", {"a <b>": 1.0, "c": 0.0}, ours=["c"], digits=1)
    lines = draw_lines("Members", "us", "members", {"ours": [(10, 5.0), (10_000, 4.5)], "none": []}, ours=["ours"])
    for plot in (bars, lines, draw_lines("Empty", "", "", {}, ours=[])):
        assert ElementTree.fromstring(plot).tag.endswith("svg")


def test_a_relayed_message_is_as_long_as_one_of_ours() -> None:
    text = JSON_MESSAGE.replace("%P", "").replace("%T", "@" * MARK_CHARS)
    assert 4 + len(text) == FRAME_BYTES


def test_scenarios_name_servers_and_scenarios_that_exist() -> None:
    names = {scenario.name for scenario in SCENARIOS}
    assert len(names) == len(SCENARIOS)
    for one in SCENARIOS:
        assert set(one.servers) <= set(TITLES)
        assert {point.half_of for point in one.points} <= {*names, None}
    assert {mark.scenario for mark in MARKS} <= names


def test_no_scenario_needs_more_connections_than_a_process_may_open() -> None:
    assert max(point.crowd.connections for one in SCENARIOS for point in one.points) < 19_000


@pytest.mark.parametrize("one", SCENARIOS, ids=lambda one: one.name)
def test_a_quick_scenario_is_small_and_keeps_its_shape(one: Scenario) -> None:
    small = quick(one)
    assert small.rounds == 1
    assert small.points
    for point in small.points:
        assert point.crowd.connections <= 1_000
        if "--publishers" in point.options:
            publishers = int(point.options[point.options.index("--publishers") + 1])
            assert publishers <= point.crowd.connections
