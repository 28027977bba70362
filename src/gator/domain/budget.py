"""What replies may use: limits over a minute, a day or a month, and the ledger that keeps them.

What a reply may need is reserved before its provider is asked, and what it did use is
settled afterwards, in the windows in which it was reserved: those are the ones whose
limits it was held against, whatever the clock says when it ends.
"""

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Final, Literal, NamedTuple

from msgspec import Struct

from gator.domain.reply import LIVE, Run, Usage
from gator.protocol.types import PersonaId, UserId, UtcMillis

Scope = Literal["user", "persona", "installation"]
"""Whose replies count together: those that one user asked for, those of one persona, or all."""

Window = Literal["minute", "day", "month"]
"""How long they count: a minute, day or month of the calendar, in UTC."""

Measure = Literal["tokens", "messages", "currency"]

MICROS: Final = 1_000_000
"""Amounts of currency are in millionths; prices are for a million tokens."""

ANY_MODEL: Final = "*"

_MINUTE_MS: Final = 60_000
_DAY_MS: Final = 86_400_000
_DATED: Final = re.compile(r"-\d{4}-?\d\d-?\d\d\Z")


class Limit(Struct, frozen=True):
    """The most that may be used.

    Attributes:
        most: Tokens, messages, or millionths of the currency.
    """

    scope: Scope
    window: Window
    measure: Measure
    most: int


class Left(Struct, frozen=True):
    """What remains of a limit, and until when."""

    limit: Limit
    left: int
    resets_at: UtcMillis


class Spent(Exception):
    """A reply would cross a limit.

    Attributes:
        resets_at: When the window is over; the last one where several limits are crossed.
    """

    def __init__(self, scope: Scope, window: Window, measure: Measure, resets_at: UtcMillis) -> None:
        super().__init__(scope, window, measure, resets_at)
        self.scope: Scope = scope
        self.window: Window = window
        self.measure: Measure = measure
        self.resets_at = resets_at

    def __str__(self) -> str:
        return f"The {self.measure} of this {self.scope} for this {self.window} are used up."


class Span(NamedTuple):
    """One minute, day or month: from `starts_at` until just before `ends_at`."""

    window: Window
    starts_at: UtcMillis
    ends_at: UtcMillis


def span_of(window: Window, now: UtcMillis) -> Span:
    """Find the minute, day or month of a moment."""
    if window == "month":
        day = datetime.fromtimestamp(now // 1000, UTC)
        next_month = (day.year + 1, 1) if day.month == 12 else (day.year, day.month + 1)
        return Span(window, _midnight(day.year, day.month), _midnight(*next_month))
    length_ms = _MINUTE_MS if window == "minute" else _DAY_MS
    starts_at = now - now % length_ms
    return Span(window, UtcMillis(starts_at), UtcMillis(starts_at + length_ms))


def _midnight(year: int, month: int) -> UtcMillis:
    return UtcMillis(int(datetime(year, month, 1, tzinfo=UTC).timestamp()) * 1000)


class _Sum:
    """What is reserved and settled under one limit, together."""

    __slots__ = ("amount",)

    def __init__(self) -> None:
        self.amount = 0


class _Entry(NamedTuple):
    """A limit that a reply counts against, and where."""

    limit: Limit
    resets_at: UtcMillis
    sum: _Sum


_Amounts = dict[Measure, int]


def _amounts(tokens: int, cost_micros: int) -> _Amounts:
    # A provider that counts below zero must not give anybody a credit.
    tokens, cost_micros = max(tokens, 0), max(cost_micros, 0)
    return {"tokens": tokens, "messages": 1, "currency": cost_micros}


_NOTHING: Final[_Amounts] = {"tokens": 0, "messages": 0, "currency": 0}


class Reservation:
    """What one reply holds of the budgets. Give it back with `Ledger.settle` or `Ledger.release`."""

    __slots__ = ("_entries", "_held")

    def __init__(self, entries: tuple[_Entry, ...]) -> None:
        self._entries = entries
        self._held = _NOTHING

    def _check(self, amounts: _Amounts) -> None:
        crossed = [
            Spent(limit.scope, limit.window, limit.measure, resets_at)
            for limit, resets_at, total in self._entries
            if amounts[limit.measure] and total.amount + amounts[limit.measure] > limit.most
        ]
        if crossed:
            raise max(crossed, key=lambda spent: spent.resets_at)

    def _hold(self, amounts: _Amounts) -> None:
        for limit, _, total in self._entries:
            total.amount += amounts[limit.measure] - self._held[limit.measure]
        self._held = amounts

    def _close(self, amounts: _Amounts) -> None:
        self._hold(amounts)
        self._entries = ()


class Ledger:
    """Adds up what replies use, and says no before a limit is crossed.

    Memory: a number for each limit and each user or persona that counted against it in a
    minute, day or month that is not over.
    """

    __slots__ = ("_limits", "_pages")

    def __init__(self, limits: Iterable[Limit]) -> None:
        self._limits = tuple(limits)
        self._pages: dict[Span, dict[tuple[Limit, str], _Sum]] = {}

    def __len__(self) -> int:
        """Count the sums in memory."""
        return sum(map(len, self._pages.values()))

    def reserve(
        self, user_id: UserId, persona_id: PersonaId, tokens: int, cost_micros: int, now: UtcMillis
    ) -> Reservation:
        """Set aside one message and the most that it may use; all of it or nothing.

        A measure of which nothing is wanted, such as currency for a model that is free,
        crosses no limit.

        Raises:
            Spent: A limit would be crossed.
        """
        reservation = self._reservation(user_id, persona_id, now)
        wanted = _amounts(tokens, cost_micros)
        reservation._check(wanted)
        reservation._hold(wanted)
        return reservation

    def settle(self, reservation: Reservation, usage_tokens: int, cost_micros: int, now: UtcMillis) -> None:
        """Replace what was reserved by what was used, be it more or less.

        A reply that used nothing counts as no message either. Of several calls of
        `settle` and `release` the first one counts.
        """
        used = usage_tokens > 0 or cost_micros > 0
        reservation._close(_amounts(usage_tokens, cost_micros) if used else _NOTHING)
        self._forget(now)

    def release(self, reservation: Reservation) -> None:
        """Give back all that was reserved. Harmless if it is settled."""
        reservation._close(_NOTHING)

    def replay(self, runs: Iterable[Run]) -> None:
        """Count what runs have used that ended before, each when it was started.

        Runs that are live are passed over: whoever makes them reserves anew.
        """
        for run in runs:
            if run.state in LIVE:
                continue
            at = run.queued_at if run.started_at is None else run.started_at
            reservation = self._reservation(run.requested_by, run.persona_id, at)
            self.settle(reservation, run.usage.total, run.cost_micros, at)

    def left(self, user_id: UserId, now: UtcMillis) -> tuple[Left, ...]:
        """Tell what remains of a user's own limits: for the user, who is not told of anybody else's."""
        return tuple(
            Left(limit, max(0, limit.most - self.used(limit, user_id, now)), span_of(limit.window, now).ends_at)
            for limit in self._limits
            if limit.scope == "user"
        )

    def used(self, limit: Limit, whose: str, now: UtcMillis) -> int:
        """Add up what counts against a limit now, reserved or settled.

        Args:
            whose: Id of the user or persona; empty for the installation.
        """
        total = self._pages.get(span_of(limit.window, now), {}).get((limit, whose))
        return 0 if total is None else total.amount

    def _reservation(self, user_id: UserId, persona_id: PersonaId, now: UtcMillis) -> Reservation:
        whose: dict[Scope, str] = {"user": user_id, "persona": persona_id, "installation": ""}
        return Reservation(tuple(self._entry(limit, whose[limit.scope], now) for limit in self._limits))

    def _entry(self, limit: Limit, whose: str, now: UtcMillis) -> _Entry:
        span = span_of(limit.window, now)
        if span not in self._pages:
            self._forget(now)
        sums = self._pages.setdefault(span, {})
        return _Entry(limit, span.ends_at, sums.setdefault((limit, whose), _Sum()))

    def _forget(self, now: UtcMillis) -> None:
        for span in [span for span in self._pages if span.ends_at <= now]:
            del self._pages[span]


class Price(Struct, frozen=True):
    """What a million tokens cost, in millionths of the currency."""

    prompt: int
    completion: int


class Prices:
    """What models cost.

    Args:
        by_model: `*` stands for every model that is not named.
    """

    __slots__ = ("_by_model",)

    def __init__(self, by_model: Mapping[str, Price]) -> None:
        self._by_model = dict(by_model)

    def cost_micros(self, model: str | None, usage: Usage) -> int:
        """Price a usage, in millionths of the currency, rounded up; 0 where nothing is known.

        A dated release such as `gpt-x-2026-01-31`, which providers name in their answers,
        costs what `gpt-x` does unless it has a price of its own.
        """
        price = self._price_of(model or ANY_MODEL)
        if price is None:
            return 0
        return -(-(usage.prompt_tokens * price.prompt + usage.completion_tokens * price.completion) // MICROS)

    def _price_of(self, model: str) -> Price | None:
        names = (model, _DATED.sub("", model), ANY_MODEL)
        return next((self._by_model[name] for name in names if name in self._by_model), None)
