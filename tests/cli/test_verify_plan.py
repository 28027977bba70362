"""The plan of a run: the same from the same seed, bounded, and with every kind of trouble."""

from itertools import islice
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gator.cli.verify.pace import AT_ONCE, SHARE, Pace
from gator.cli.verify.plan import (
    MANNERS,
    MOST_AWAY_S,
    MOST_FROZEN_S,
    Drop,
    Freeze,
    Rejoin,
    Say,
    Step,
    Type,
    plan,
    restarts,
)


def steps(seed: int, messages: int = 400, **fields: object) -> list[Step]:
    options = {"conversations": 4, "seconds": 27.0} | fields
    return list(plan(Random(seed), messages=messages, **options))  # type: ignore[arg-type]


def test_one_seed_gives_one_plan() -> None:
    assert steps(7) == steps(7) != steps(8)


def test_every_manner_and_every_trouble_occurs() -> None:
    found = steps(7, messages=2000)
    assert {step.manner for step in found if isinstance(step, Say)} == set(MANNERS)
    assert {type(step) for step in found} == {Say, Drop, Freeze, Rejoin, Type}


def test_the_manners_are_shares_of_a_hundred() -> None:
    assert sum(MANNERS.values()) == 100


@given(
    seed=st.integers(),
    messages=st.integers(0, 60),
    conversations=st.integers(1, 5),
    seconds=st.floats(1, 100),
    longest=st.integers(1, 5000),
)
def test_a_plan_keeps_its_bounds(
    seed: int, messages: int, conversations: int, seconds: float, longest: int
) -> None:
    found = steps(seed, messages, conversations=conversations, seconds=seconds, longest=longest)
    says = [step for step in found if isinstance(step, Say)]
    assert len(says) == messages
    assert sum(step.wait_s for step in says) <= 2 * seconds
    for step in found:
        match step:
            case Say(wait_s, conversation, words, _):
                assert wait_s >= 0
                assert 0 <= conversation < conversations
                assert 1 <= len(words) <= longest
                assert words.strip()
            case Drop(_, away_s):
                assert 0 <= away_s <= MOST_AWAY_S
            case Freeze(frozen_s):
                assert 0 < frozen_s <= MOST_FROZEN_S
            case Rejoin(conversation) | Type(conversation):
                assert 0 <= conversation < conversations


@pytest.mark.parametrize("messages", [5, 50, 1000])
def test_however_little_is_said_there_is_trouble(messages: int) -> None:
    faults = sum(not isinstance(step, Say) for seed in range(20) for step in steps(seed, messages))
    assert faults / 20 >= min(2.0, messages / 4)


def test_restarts_come_every_few_seconds_for_ever() -> None:
    waits_s = list(islice(restarts(Random(7), 30.0), 50))
    assert all(0 < wait_s <= 6 for wait_s in waits_s)
    assert waits_s == list(islice(restarts(Random(7), 30.0), 50))


def test_a_pace_lets_a_few_go_at_once_and_the_others_below_the_rate() -> None:
    pace = Pace(10.0)
    waits_s = [pace.wait_s(now=50.0) for _ in range(AT_ONCE + 3)]
    assert waits_s[:AT_ONCE] == [0.0] * AT_ONCE
    each_s = 1 / (10 * SHARE)
    assert waits_s[AT_ONCE:] == pytest.approx([each_s, 2 * each_s, 3 * each_s])


def test_a_pace_never_exceeds_the_rate_over_any_longer_time() -> None:
    pace = Pace(10.0)
    now = 50.0
    for _ in range(200):
        now += pace.wait_s(now)
    assert 200 / (now - 50.0) <= 10.0


def test_without_a_rate_nobody_waits() -> None:
    pace = Pace(0)
    assert [pace.wait_s(now=50.0) for _ in range(100)] == [0.0] * 100
