"""Limits are never crossed by a reservation, and what is settled is counted exactly."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gator.domain.budget import (
    Ledger,
    Left,
    Limit,
    Measure,
    Price,
    Prices,
    Reservation,
    Scope,
    Span,
    Spent,
    Window,
    span_of,
)
from gator.domain.reply import Run, RunState, Usage
from gator.protocol.types import ConversationId, MessageId, PersonaId, RunId, Seq, UserId, UtcMillis

law: Final = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

ANN, BOB = UserId("ann"), UserId("bob")
OWL, FOX = PersonaId("owl"), PersonaId("fox")

SCOPES: Final[list[Scope]] = ["user", "persona", "installation"]
WINDOWS: Final[list[Window]] = ["minute", "day", "month"]
MEASURES: Final[list[Measure]] = ["tokens", "messages", "currency"]


def at(text: str) -> UtcMillis:
    """Read a moment of UTC, such as `2024-02-29 23:59:59.999`."""
    return UtcMillis(round(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000))


NOON: Final = at("2025-01-15 12:00")
USED: Final = Usage(10, 5)


def run(
    state: RunState = "done",
    *,
    usage: Usage = USED,
    cost_micros: int = 0,
    queued_at: UtcMillis = NOON,
    started_at: UtcMillis | None = NOON,
    by: UserId = ANN,
) -> Run:
    return Run(
        id=RunId("run"),
        conversation_id=ConversationId("garden"),
        answers=MessageId("question"),
        answers_seq=Seq(1),
        persona_id=OWL,
        requested_by=by,
        message_id=MessageId("reply"),
        attempt=1,
        hops=0,
        state=state,
        queued_at=queued_at,
        started_at=started_at,
        usage=usage,
        cost_micros=cost_micros,
    )


# Windows


@pytest.mark.parametrize(
    ("window", "now", "starts_at", "ends_at"),
    [
        ("minute", "2025-01-15 12:00:59.999", "2025-01-15 12:00", "2025-01-15 12:01"),
        ("minute", "2025-01-15 12:01", "2025-01-15 12:01", "2025-01-15 12:02"),
        ("day", "2025-12-31 23:59:59.999", "2025-12-31", "2026-01-01"),
        ("day", "2024-02-29 00:00", "2024-02-29", "2024-03-01"),
        ("month", "2024-02-29 23:59:59.999", "2024-02-01", "2024-03-01"),
        ("month", "2025-02-28 23:59:59.999", "2025-02-01", "2025-03-01"),
        ("month", "2000-02-29 12:00", "2000-02-01", "2000-03-01"),
        ("month", "2025-12-31 23:59:59.999", "2025-12-01", "2026-01-01"),
        ("month", "2026-01-01 00:00", "2026-01-01", "2026-02-01"),
    ],
)
def test_a_window_is_of_the_calendar(window: Window, now: str, starts_at: str, ends_at: str) -> None:
    assert span_of(window, at(now)) == Span(window, at(starts_at), at(ends_at))


@law
@given(st.sampled_from(WINDOWS), st.integers(0, at("2200-01-01")).map(UtcMillis))
def test_windows_follow_each_other_without_a_hole(window: Window, now: UtcMillis) -> None:
    span = span_of(window, now)
    assert span.starts_at <= now < span.ends_at
    assert span_of(window, span.starts_at) == span == span_of(window, UtcMillis(span.ends_at - 1))
    assert span_of(window, span.ends_at).starts_at == span.ends_at


# Reserving


@pytest.mark.parametrize("scope", SCOPES)
@pytest.mark.parametrize("window", WINDOWS)
@pytest.mark.parametrize("measure", MEASURES)
def test_a_limit_may_be_reached_and_not_crossed(scope: Scope, window: Window, measure: Measure) -> None:
    ledger = Ledger([Limit(scope, window, measure, 2)])
    for _ in range(2):
        ledger.reserve(ANN, OWL, 1, 1, NOON)
    with pytest.raises(Spent) as caught:
        ledger.reserve(ANN, OWL, 1, 1, NOON)
    spent = caught.value
    assert (spent.scope, spent.window, spent.measure) == (scope, window, measure)
    assert spent.resets_at == span_of(window, NOON).ends_at
    assert str(spent) == f"The {measure} of this {scope} for this {window} are used up."
    ledger.reserve(ANN, OWL, 1, 1, spent.resets_at)


def test_a_scope_counts_its_own_replies_only() -> None:
    ledger = Ledger([Limit("user", "day", "messages", 1), Limit("persona", "day", "messages", 2)])
    ledger.reserve(ANN, OWL, 0, 0, NOON)
    ledger.reserve(BOB, OWL, 0, 0, NOON)
    with pytest.raises(Spent) as caught:
        ledger.reserve(UserId("cleo"), OWL, 0, 0, NOON)
    assert caught.value.scope == "persona"
    ledger.reserve(UserId("cleo"), FOX, 0, 0, NOON)


def test_nothing_is_reserved_where_one_limit_of_several_is_crossed() -> None:
    roomy, tight = Limit("user", "day", "tokens", 100), Limit("installation", "minute", "tokens", 10)
    ledger = Ledger([roomy, tight])
    with pytest.raises(Spent):
        ledger.reserve(ANN, OWL, 11, 0, NOON)
    assert ledger.used(roomy, ANN, NOON) == ledger.used(tight, "", NOON) == 0


def test_of_several_crossed_limits_the_one_that_lasts_longest_is_told() -> None:
    ledger = Ledger([Limit("user", window, "tokens", 1) for window in ("day", "month", "minute")])
    with pytest.raises(Spent) as caught:
        ledger.reserve(ANN, OWL, 2, 0, NOON)
    assert caught.value.window == "month"


def test_a_free_reply_crosses_no_limit_of_currency() -> None:
    ledger = Ledger([Limit("installation", "month", "currency", 5)])
    ledger.settle(ledger.reserve(ANN, OWL, 1, 5, NOON), 1, 9, NOON)
    ledger.reserve(ANN, OWL, 1, 0, NOON)
    with pytest.raises(Spent):
        ledger.reserve(ANN, OWL, 1, 1, NOON)


def test_without_limits_everything_goes_and_nothing_is_kept() -> None:
    ledger = Ledger([])
    ledger.settle(ledger.reserve(ANN, OWL, 10**12, 10**12, NOON), 10**12, 10**12, NOON)
    assert len(ledger) == 0
    assert ledger.left(ANN, NOON) == ()


# Settling

DAILY: Final = Limit("user", "day", "tokens", 100)
DAILY_MESSAGES: Final = Limit("user", "day", "messages", 3)


@pytest.mark.parametrize("used", [1, 40, 41, 250])
def test_what_was_used_replaces_what_was_reserved(used: int) -> None:
    ledger = Ledger([DAILY, DAILY_MESSAGES])
    ledger.settle(ledger.reserve(ANN, OWL, 40, 0, NOON), used, 0, NOON)
    assert ledger.used(DAILY, ANN, NOON) == used
    assert ledger.used(DAILY_MESSAGES, ANN, NOON) == 1


def test_a_reply_that_used_nothing_is_no_message() -> None:
    ledger = Ledger([DAILY_MESSAGES])
    ledger.settle(ledger.reserve(ANN, OWL, 40, 0, NOON), 0, 0, NOON)
    assert ledger.used(DAILY_MESSAGES, ANN, NOON) == 0


def test_what_is_released_is_free_again() -> None:
    ledger = Ledger([DAILY, DAILY_MESSAGES])
    ledger.release(ledger.reserve(ANN, OWL, 100, 0, NOON))
    assert ledger.used(DAILY, ANN, NOON) == ledger.used(DAILY_MESSAGES, ANN, NOON) == 0


def test_only_the_first_of_settling_and_releasing_counts() -> None:
    ledger = Ledger([DAILY])
    reservation = ledger.reserve(ANN, OWL, 40, 0, NOON)
    ledger.settle(reservation, 30, 0, NOON)
    ledger.release(reservation)
    ledger.settle(reservation, 90, 0, NOON)
    assert ledger.used(DAILY, ANN, NOON) == 30


def test_a_count_below_zero_gives_no_credit() -> None:
    ledger = Ledger([DAILY])
    ledger.settle(ledger.reserve(ANN, OWL, 40, 0, NOON), -50, 3, NOON)
    assert ledger.used(DAILY, ANN, NOON) == 0


def test_what_is_settled_after_its_window_is_over_leaves_the_next_one_alone() -> None:
    monthly = Limit("user", "month", "tokens", 1_000)
    ledger = Ledger([DAILY, monthly])
    evening, morning = at("2025-01-15 23:59:59.999"), at("2025-01-16 00:00")
    reservation = ledger.reserve(ANN, OWL, 40, 0, evening)
    ledger.reserve(ANN, OWL, 7, 0, morning)
    ledger.settle(reservation, 90, 0, morning)
    assert ledger.used(DAILY, ANN, morning) == 7
    assert ledger.used(monthly, ANN, morning) == 97


def test_a_clock_that_steps_back_gives_nothing_back_to_the_next_window() -> None:
    ledger = Ledger([DAILY])
    evening, morning = at("2025-01-15 23:59:59.999"), at("2025-01-16 00:00")
    reservation = ledger.reserve(ANN, OWL, 40, 0, morning)
    ledger.reserve(ANN, OWL, 50, 0, evening)
    ledger.settle(reservation, 30, 0, evening)
    assert (ledger.used(DAILY, ANN, evening), ledger.used(DAILY, ANN, morning)) == (50, 30)


def test_windows_that_are_over_are_forgotten() -> None:
    ledger = Ledger([Limit("user", window, "tokens", 10) for window in WINDOWS])
    for number in range(100):
        ledger.release(ledger.reserve(UserId(f"user-{number}"), OWL, 1, 0, NOON))
    assert len(ledger) == 300
    ledger.reserve(ANN, OWL, 1, 0, UtcMillis(NOON + 60_000))
    assert len(ledger) == 203
    ledger.reserve(ANN, OWL, 1, 0, at("2025-02-01"))
    assert len(ledger) == 3


def test_settling_forgets_as_well() -> None:
    ledger = Ledger([DAILY])
    ledger.settle(ledger.reserve(ANN, OWL, 1, 0, NOON), 1, 0, at("2025-01-16"))
    assert len(ledger) == 0


# Telling


def test_users_are_told_what_is_left_of_their_own_limits() -> None:
    minutely = Limit("user", "minute", "currency", 5)
    ledger = Ledger([DAILY, Limit("installation", "day", "tokens", 1_000), minutely])
    ledger.settle(ledger.reserve(ANN, OWL, 40, 1, NOON), 30, 9, NOON)
    ledger.reserve(ANN, OWL, 20, 0, NOON)
    assert ledger.left(ANN, NOON) == (
        Left(DAILY, 50, at("2025-01-16")),
        Left(minutely, 0, at("2025-01-15 12:01")),
    )
    assert [left.left for left in ledger.left(BOB, NOON)] == [100, 5]


# Starting


def test_what_ended_before_this_process_counts_when_it_was_started() -> None:
    everywhere = [Limit(scope, "day", measure, 10**9) for scope in SCOPES for measure in MEASURES]
    ledger = Ledger(everywhere)
    ledger.replay(
        [
            run(cost_micros=70),
            run("stopped", started_at=None),
            run("failed", usage=Usage()),
            run("rejected", usage=Usage(), started_at=None),
            run("running"),
            run("queued", started_at=None),
            run(by=BOB),
            run(queued_at=at("2025-01-14 23:59:59"), started_at=at("2025-01-15 00:00")),
            run(queued_at=at("2025-01-14 10:00"), started_at=at("2025-01-14 10:01")),
        ]
    )
    used = [
        ledger.used(limit, {"user": ANN, "persona": OWL, "installation": ""}[limit.scope], NOON)
        for limit in everywhere
    ]
    assert used == [45, 3, 70, 60, 4, 70, 60, 4, 70]


def test_a_month_of_runs_leaves_only_what_is_not_over() -> None:
    ledger = Ledger([Limit("user", window, "tokens", 10**9) for window in WINDOWS])
    minutes = [UtcMillis(NOON + 60_000 * number) for number in range(3_000)]
    ledger.replay(run(queued_at=minute, started_at=minute) for minute in minutes)
    assert len(ledger) == 3
    assert ledger.used(Limit("user", "month", "tokens", 10**9), ANN, minutes[-1]) == 45_000


# The law


@dataclass
class Entry:
    """What a reservation should count for."""

    reservation: Reservation
    whose: dict[Scope, str]
    at: UtcMillis
    amounts: dict[Measure, int]
    is_open: bool = True


@dataclass
class Book:
    """The ledger next to the plainest one there could be: a list that is added up every time."""

    limits: list[Limit]
    now: UtcMillis
    entries: list[Entry] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.ledger = Ledger(self.limits)

    def counted(self, limit: Limit, whose: str) -> int:
        span = span_of(limit.window, self.now)
        return sum(
            entry.amounts[limit.measure]
            for entry in self.entries
            if entry.whose[limit.scope] == whose and span_of(limit.window, entry.at) == span
        )

    def reserve(self, user: UserId, persona: PersonaId, tokens: int, cost: int) -> None:
        whose: dict[Scope, str] = {"user": user, "persona": persona, "installation": ""}
        amounts: dict[Measure, int] = {"tokens": tokens, "messages": 1, "currency": cost}
        fits = all(
            amounts[limit.measure] == 0
            or self.counted(limit, whose[limit.scope]) + amounts[limit.measure] <= limit.most
            for limit in self.limits
        )
        try:
            reservation = self.ledger.reserve(user, persona, tokens, cost, self.now)
        except Spent:
            assert not fits
        else:
            assert fits
            self.entries.append(Entry(reservation, whose, self.now, amounts))

    def settle(self, which: int, tokens: int, cost: int) -> None:
        for entry in self._open(which):
            self.ledger.settle(entry.reservation, tokens, cost, self.now)
            entry.amounts = {"tokens": tokens, "messages": int(tokens + cost > 0), "currency": cost}

    def release(self, which: int) -> None:
        for entry in self._open(which):
            self.ledger.release(entry.reservation)
            entry.amounts = {"tokens": 0, "messages": 0, "currency": 0}

    def _open(self, which: int) -> Iterator[Entry]:
        waiting = [entry for entry in self.entries if entry.is_open]
        if waiting:
            entry = waiting[which % len(waiting)]
            entry.is_open = False
            yield entry

    def check(self) -> None:
        for limit in self.limits:
            for whose in (ANN, BOB, OWL, FOX, ""):
                assert self.ledger.used(limit, whose, self.now) == self.counted(limit, whose)


amounts = st.integers(0, 30)
limits = st.lists(
    st.builds(
        Limit, st.sampled_from(SCOPES), st.sampled_from(WINDOWS), st.sampled_from(MEASURES), st.integers(0, 60)
    ),
    min_size=1,
    max_size=5,
    unique_by=lambda limit: (limit.scope, limit.window, limit.measure),
)
starts = st.sampled_from(
    [
        "2024-02-28 23:59:30",
        "2024-02-29 23:59:59.999",
        "2025-02-28 23:59:59",
        "2025-12-31 23:59:59.9",
        "2025-06-10 12:00",
    ]
).map(at)
steps = st.one_of(
    st.tuples(st.just("reserve"), st.sampled_from([ANN, BOB]), st.sampled_from([OWL, FOX]), amounts, amounts),
    st.tuples(st.just("settle"), st.integers(0, 9), amounts, amounts),
    st.tuples(st.just("release"), st.integers(0, 9)),
    st.tuples(
        st.just("pass"),
        st.sampled_from(
            [timedelta(milliseconds=1), timedelta(seconds=31), timedelta(hours=13), timedelta(days=27)]
        ),
    ),
)


@settings(law, max_examples=200)
@given(limits, starts, st.lists(steps, max_size=40))
def test_no_reservation_crosses_a_limit_and_the_sums_are_what_was_settled(
    limits: list[Limit], start: UtcMillis, steps: list[tuple]
) -> None:
    book = Book(limits, start)
    for name, *rest in steps:
        if name == "pass":
            book.now = UtcMillis(book.now + rest[0] // timedelta(milliseconds=1))
        else:
            getattr(book, name)(*rest)
        book.check()
    for entry in [entry for entry in book.entries if entry.is_open]:
        book.settle(0, *(entry.amounts[measure] + 5 for measure in ("tokens", "currency")))
    book.check()


# Prices

PRICES: Final = Prices(
    {
        "gpt-x": Price(2_500_000, 10_000_000),
        "gpt-x-2024-01-01": Price(1_000_000, 1_000_000),
        "gpt-x-mini": Price(1, 0),
    }
)


@pytest.mark.parametrize(
    ("model", "usage", "cost_micros"),
    [
        ("gpt-x", Usage(1_000_000, 1_000_000), 12_500_000),
        ("gpt-x", Usage(3, 0), 8),
        ("gpt-x", Usage(0, 0), 0),
        ("gpt-x-2026-01-31", Usage(0, 1), 10),
        ("gpt-x-20260131", Usage(0, 1), 10),
        ("gpt-x-2024-01-01", Usage(0, 1), 1),
        ("gpt-x-mini", Usage(1, 1_000), 1),
        ("gpt-x-large", Usage(1_000, 1_000), 0),
        (None, Usage(1_000, 1_000), 0),
    ],
)
def test_a_usage_costs_what_its_model_costs_rounded_up(model: str | None, usage: Usage, cost_micros: int) -> None:
    assert PRICES.cost_micros(model, usage) == cost_micros


@pytest.mark.parametrize("model", ["llama", None])
def test_a_star_prices_every_other_model(model: str | None) -> None:
    prices = Prices({"*": Price(1_000_000, 2_000_000), "gpt-x": Price(0, 0)})
    assert prices.cost_micros(model, Usage(1, 1)) == 3
    assert prices.cost_micros("gpt-x", Usage(1, 1)) == 0
