"""The results for people and for programs: a page of tables, plots, and JSON with every run."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bench.harness.marks import Verdict
from bench.harness.plots import draw_bars, draw_lines
from bench.harness.results import Results
from bench.harness.scenarios import OURS, Column, Scenario

Facts = Mapping[str, Any]
"""Date, commit, machine, settings, versions, servers that were not there."""


def write_report(
    folder: Path,
    stem: str,
    *,
    facts: Facts,
    titles: Mapping[str, str],
    scenarios: Sequence[Scenario],
    results: Results,
    verdicts: Sequence[Verdict],
) -> Path:
    """Write `STEM.json`, `STEM.md` and the plots; returns the page."""
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob(f"{stem}*"):
        old.unlink()
    measured = [scenario for scenario in scenarios if results.points(scenario.name)]
    (folder / f"{stem}.json").write_text(as_json(facts, results, verdicts))
    plots = {
        scenario.name: plot for scenario in measured if (plot := _plot(scenario, titles, results)) is not None
    }
    for name, plot in plots.items():
        (folder / f"{stem}-{name}.svg").write_text(plot)
    page = folder / f"{stem}.md"
    page.write_text(as_page(stem, facts, titles, measured, results, verdicts, plots))
    return page


def as_json(facts: Facts, results: Results, verdicts: Sequence[Verdict]) -> str:
    """Write everything down, each run in full."""
    marks = [{"mark": v.mark.says, "value": v.value, "unit": v.mark.unit, "verdict": v.word} for v in verdicts]
    whole = {**facts, "marks": marks, "failures": results.failures, "runs": results.runs}
    return json.dumps(whole, indent=1) + "\n"


def as_page(
    stem: str,
    facts: Facts,
    titles: Mapping[str, str],
    scenarios: Sequence[Scenario],
    results: Results,
    verdicts: Sequence[Verdict],
    plots: Mapping[str, str],
) -> str:
    """Write the page: marks, a table for each scenario, what it was measured on."""
    lines = [
        f"# Measured on {facts['date']}, commit {facts['commit']}",
        "",
        "How to read this, and how to repeat it: [README](../README.md). Medians over the rounds; behind a",
        "median the lowest and the highest. A ratio is the median of the rounds' ratios.",
        "",
        *marks_table(verdicts),
    ]
    for scenario in scenarios:
        lines += ["", f"## {scenario.title}", "", scenario.shows, ""]
        lines += scenario_table(scenario, titles, results)
        if scenario.name in plots:
            lines += ["", f"![{scenario.title}]({stem}-{scenario.name}.svg)"]
    lines += ["", "## What it was measured on", "", "| | |", "| --- | --- |"]
    lines += [f"| {name.replace('_', ' ')} | {value} |" for name, value in facts["machine"].items()]
    lines += [f"| {name} | {value} |" for name, value in facts["run"].items()]
    lines += ["", "| Server | Version |", "| --- | --- |"]
    lines += [f"| {titles[name]} | {words} |" for name, words in facts["versions"].items()]
    lines += ["", "Settings of ours: " + ", ".join(f"`{n}={v}`" for n, v in facts["settings"].items()) + "."]
    lines += _notes("Not there", [f"{titles[name]}: {why}" for name, why in facts["not_there"].items()])
    lines += _notes("Failed or left out", results.failures)
    lines += _notes("To be taken with care", complaints(results))
    return "\n".join(lines) + "\n"


def marks_table(verdicts: Sequence[Verdict]) -> list[str]:
    """Write the marks and whether they are met."""
    lines = ["| Mark | Measured | |", "| --- | ---: | --- |"] if verdicts else []
    for verdict in verdicts:
        mark = verdict.mark
        shown = "" if verdict.value is None else f"{verdict.value:,.{mark.digits}f} {mark.unit}"
        word = f"**{verdict.word}**" if verdict.word == "missed" else verdict.word
        lines.append(f"| {mark.says} | {shown} | {word} |")
    return lines


def scenario_table(scenario: Scenario, titles: Mapping[str, str], results: Results) -> list[str]:
    """Write the table of one scenario: a row for each point and server."""
    points = results.points(scenario.name)
    has_points = len(points) > 1
    heads = ([""] if has_points else []) + ["Server", *(column.title for column in scenario.columns)]
    if base := _base(scenario, results):
        heads.append(f"{scenario.columns[0].title.split(',')[0]} / {base}'s")
    aligned = ["---"] * (2 if has_points else 1)
    lines = [_row(heads), _row(aligned + ["---:"] * (len(heads) - len(aligned)))]
    for point in points:
        for server in results.servers(scenario.name, point):
            cells = ([point] if has_points else []) + [titles[server]]
            cells += [_cell(results, scenario.name, point, server, column) for column in scenario.columns]
            if base:
                way = scenario.columns[0].figure
                ratio = results.ratio(scenario.name, (point, server), (point, base), way)
                cells.append("" if ratio is None else f"{ratio:.2f}")
            lines.append(_row(cells))
    return lines


def complaints(results: Results) -> list[str]:
    """Tell of runs in which something was lost, or the generator was the bottleneck."""
    found = []
    for scenario, point, server, run in results.all_runs():
        where = f"{scenario}, {point}, {server}"
        if run["missing"] or run["doubled"] or run["gone"]:
            found.append(
                f"{where}: {run['missing']} missing, {run['doubled']} doubled, {run['gone']} connections gone"
            )
        if run["holes"] or run["repeats"]:
            found.append(f"{where}: {run['holes']} holes, {run['repeats']} repeats in the numbers of messages")
        if run["stalled"] or run["skipped"]:
            found.append(f"{where}: {run['stalled']} never came back, {run['skipped']} not sent for want of room")
        if run["own_cores"] > 0.9:
            found.append(f"{where}: the generator used {run['own_cores']:.2f} cores")
    return found


def _base(scenario: Scenario, results: Results) -> str | None:
    """The server that the others are compared with, if it was there at every point."""
    for name in ("floor", "native"):
        if all(name in results.servers(scenario.name, point) for point in results.points(scenario.name)):
            return name
    return None


def _cell(results: Results, scenario: str, point: str, server: str, column: Column) -> str:
    values = [value * column.scale for value in results.values(scenario, point, server, column.figure)]
    middle = results.median(scenario, point, server, column.figure)
    if middle is None:
        return ""
    shown = f"{middle * column.scale:,.{column.digits}f}"
    if len(values) == 1:
        return shown
    return f"{shown} ({min(values):,.{column.digits}f} to {max(values):,.{column.digits}f})"


def _plot(scenario: Scenario, titles: Mapping[str, str], results: Results) -> str | None:
    column = scenario.columns[0]
    ours = [titles[name] for name in OURS if name in titles]
    if scenario.plot is None:
        return None
    if scenario.plot == "bars":
        point = results.points(scenario.name)[0]
        values = {
            titles[server]: median * column.scale
            for server in results.servers(scenario.name, point)
            if (median := results.median(scenario.name, point, server, column.figure)) is not None
        }
        ordered = dict(sorted(values.items(), key=lambda item: item[1]))
        return draw_bars(scenario.title, column.title, ordered, ours=ours, digits=column.digits)
    series: dict[str, list[tuple[float, float]]] = {}
    for place in scenario.points:
        for server in results.servers(scenario.name, place.label):
            median = results.median(scenario.name, place.label, server, column.figure)
            if median is not None and place.x is not None:
                series.setdefault(titles[server], []).append((place.x, median * column.scale))
    return draw_lines(scenario.title, column.title, scenario.axis, series, ours=ours)


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def _notes(title: str, notes: Sequence[str]) -> list[str]:
    return ["", f"## {title}", "", *(f"- {note}" for note in notes)] if notes else []
