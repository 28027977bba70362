"""Plots as SVG, written by hand: bars of one figure, lines of a figure over a size."""

from collections.abc import Mapping, Sequence
from html import escape
from itertools import cycle
from math import ceil, floor, log10
from typing import Final

OURS: Final = "#0b7a4b"
OTHERS: Final = "#8a94a0"
OURS_TOO: Final = ("#0b7a4b", "#6cc39a")
LINES: Final = ("#8a94a0", "#1f6fb2", "#c2571a", "#7a4fb5")
FONT: Final = "font-family='system-ui, sans-serif' font-size='13'"


def draw_bars(title: str, unit: str, values: Mapping[str, float], *, ours: Sequence[str], digits: int) -> str:
    """Draw one bar for each server, in the order given."""
    left, width, row = 230, 440, 26
    longest = max(values.values(), default=1) or 1
    height = 62 + row * len(values)
    parts = [_text(16, 26, title, "font-weight='600'"), _text(16, 46, unit, "fill='#57606a'")]
    for number, (name, value) in enumerate(values.items()):
        y = 58 + number * row
        length = max(1.0, value / longest * width)
        colour = OURS if name in ours else OTHERS
        parts += [
            _text(left - 10, y + 14, name, "text-anchor='end'"),
            f"<rect x='{left}' y='{y}' width='{length:.1f}' height='18' rx='2' fill='{colour}'/>",
            _text(left + length + 8, y + 14, f"{value:,.{digits}f}"),
        ]
    return _page(left + width + 90, height, parts)


def draw_lines(
    title: str, unit: str, axis: str, series: Mapping[str, Sequence[tuple[float, float]]], *, ours: Sequence[str]
) -> str:
    """Draw one line for each server. Both axes are logarithmic."""
    left, top, width, height = 70, 62, 470, 260
    points = [point for line in series.values() for point in line if point[0] > 0 and point[1] > 0]
    if not points:
        return _page(200, 40, [_text(16, 26, title)])
    x_low, x_high = _decades([x for x, _ in points])
    y_low, y_high = _decades([y for _, y in points])

    def at(x: float, y: float) -> tuple[float, float]:
        across = (log10(x) - x_low) / (x_high - x_low)
        up = (log10(y) - y_low) / (y_high - y_low)
        return left + across * width, top + (1 - up) * height

    parts = [_text(16, 26, title, "font-weight='600'"), _text(16, 46, unit, "fill='#57606a'")]
    for decade in range(x_low, x_high + 1):
        x, _ = at(10**decade, 10**y_low)
        parts += [
            _rule(x, top, x, top + height),
            _text(x, top + height + 20, _power(decade), "text-anchor='middle'"),
        ]
    for decade in range(y_low, y_high + 1):
        _, y = at(10**x_low, 10**decade)
        parts += [_rule(left, y, left + width, y), _text(left - 8, y + 4, _power(decade), "text-anchor='end'")]
    parts.append(_text(left + width / 2, top + height + 42, axis, "text-anchor='middle' fill='#57606a'"))
    our_colours, other_colours = iter(OURS_TOO), cycle(LINES)
    for number, (name, line) in enumerate(series.items()):
        colour = next(our_colours, OURS) if name in ours else next(other_colours)
        places = [at(x, y) for x, y in line if x > 0 and y > 0]
        way = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
        parts.append(f"<polyline points='{way}' fill='none' stroke='{colour}' stroke-width='2'/>")
        parts += [f"<circle cx='{x:.1f}' cy='{y:.1f}' r='3' fill='{colour}'/>" for x, y in places]
        y = top + 14 + number * 20
        parts.append(f"<rect x='{left + width + 18}' y='{y - 9}' width='12' height='4' fill='{colour}'/>")
        parts.append(_text(left + width + 36, y, name))
    return _page(left + width + 240, top + height + 60, parts)


def _decades(values: Sequence[float]) -> tuple[int, int]:
    low, high = floor(log10(min(values))), ceil(log10(max(values)))
    return low, max(high, low + 1)


def _power(decade: int) -> str:
    return f"{10**decade:,}" if decade >= 0 else f"{10**decade:.{-decade}f}"


def _rule(x1: float, y1: float, x2: float, y2: float) -> str:
    return f"<line x1='{x1:.1f}' y1='{y1:.1f}' x2='{x2:.1f}' y2='{y2:.1f}' stroke='#d8dee4'/>"


def _text(x: float, y: float, words: str, more: str = "") -> str:
    colour = "" if "fill=" in more else " fill='#1f2328'"
    return f"<text x='{x:.1f}' y='{y:.1f}'{colour} {more}>{escape(words)}</text>"


def _page(width: float, height: float, parts: Sequence[str]) -> str:
    head = f"<svg xmlns='http://www.w3.org/2000/svg' width='{width:.0f}' height='{height:.0f}' {FONT}>"
    return "\n".join((head, "<rect width='100%' height='100%' fill='white'/>", *parts, "</svg>")) + "\n"
