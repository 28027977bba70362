import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.laws.histories import law

from gator.personas.tokens import (
    MAX_MODELS,
    MAX_RATIO,
    MIN_RATIO,
    TURN_TOKENS,
    Calibration,
    Calibrations,
    estimate,
    prompt_tokens,
)
from gator.ports import Turn


@pytest.mark.parametrize(
    ("text", "tokens"), [("", 0), ("a", 1), ("abc", 1), ("abcd", 2), ("ж" * 3, 2), ("東京", 2), ("\ud800", 1)]
)
def test_three_bytes_are_a_token(text: str, tokens: int) -> None:
    assert estimate(text) == tokens


def test_a_turn_costs_more_than_its_text() -> None:
    assert prompt_tokens([Turn("system", "abc"), Turn("user", "")], estimate) == 1 + 2 * TURN_TOKENS


def test_a_calibration_comes_to_what_the_provider_counts() -> None:
    for truth in (0.7, 1.6):
        calibration = Calibration()
        for _ in range(60):
            calibration.observe(100, round(100 * truth))
        assert calibration.ratio == pytest.approx(truth, abs=0.01)
        assert calibration.estimate("x" * 300) == pytest.approx(100 * truth, abs=1)


def test_it_rises_faster_than_it_falls() -> None:
    up, down = Calibration(), Calibration()
    up.observe(100, 150)
    down.observe(100, 50)
    assert up.ratio - 1 > 3 * (1 - down.ratio) > 0


def test_calls_that_ran_at_once_do_not_overshoot() -> None:
    calibration = Calibration()
    for _ in range(64):
        calibration.observe(1000, 700)
    assert calibration.ratio >= 0.69


@law
@given(st.lists(st.tuples(st.integers(-5, 10**9), st.integers(-5, 10**9)), max_size=30))
def test_whatever_is_observed_the_ratio_stays_in_bounds(observed: list[tuple[int, int]]) -> None:
    calibration = Calibration()
    for estimated, actual in observed:
        calibration.observe(estimated, actual)
    assert MIN_RATIO - 0.01 <= calibration.ratio <= MAX_RATIO + 0.01


@law
@given(st.text(max_size=40), st.text(max_size=40), st.integers(0, 400))
def test_two_texts_joined_never_cost_more_than_apart(one: str, other: str, actual: int) -> None:
    calibration = Calibration()
    calibration.observe(100, actual)
    together = calibration.estimate(one + other)
    assert calibration.estimate(one) <= together <= calibration.estimate(one) + calibration.estimate(other)


def test_what_says_nothing_is_not_learned_from() -> None:
    calibration = Calibration()
    calibration.observe(10, 400)
    calibration.observe(1000, 0)
    assert calibration.ratio == 1


def test_each_model_has_its_own_calibration() -> None:
    calibrations = Calibrations()
    calibrations.of("here", "a").observe(100, 200)
    assert calibrations.of("here", "a").ratio > 1
    assert calibrations.of("here", "b").ratio == calibrations.of("there", "a").ratio == 1


def test_of_too_many_models_the_oldest_is_forgotten() -> None:
    calibrations = Calibrations()
    first, second = calibrations.of("p", "0"), calibrations.of("p", "1")
    for number in range(2, MAX_MODELS + 1):
        calibrations.of("p", str(number))
    assert calibrations.of("p", "1") is second
    assert calibrations.of("p", "0") is not first
