"""What operators write is read, or refused with words that say what to write instead."""

import re

import pytest

from gator.domain.budget import Limit
from gator.domain.reply import Usage
from gator.personas.budgets import parse_budgets, parse_prices


def test_limits_are_read_in_their_order() -> None:
    text = " user/day/tokens=200000\n installation/month/currency=50.00 persona/minute/messages=0 "
    assert parse_budgets(text) == (
        Limit("user", "day", "tokens", 200_000),
        Limit("installation", "month", "currency", 50_000_000),
        Limit("persona", "minute", "messages", 0),
    )


def test_no_text_is_no_limit() -> None:
    assert parse_budgets("") == parse_budgets(" \n") == ()


@pytest.mark.parametrize(
    ("written", "micros"), [("0", 0), ("1", 1_000_000), ("0.000001", 1), ("12.5", 12_500_000)]
)
def test_currency_is_exact(written: str, micros: int) -> None:
    assert parse_budgets(f"user/day/currency={written}") == (Limit("user", "day", "currency", micros),)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "users/day/tokens=1",
            "The scope 'users' in 'users/day/tokens=1' is none of user, persona, installation.",
        ),
        ("user/week/tokens=1", "The window 'week' in 'user/week/tokens=1' is none of minute, day, month."),
        ("user/day/euros=1", "The measure 'euros' in 'user/day/euros=1' is none of tokens, messages, currency."),
        ("user/day=1", "'user/day=1' is not written as scope/window/measure=most"),
        ("user/day/tokens", "'user/day/tokens' is not written as"),
        ("user/day/tokens=", "'user/day/tokens=' is not written as"),
        ("user/day/tokens=200,000", "'200,000' in 'user/day/tokens=200,000' is not a whole number of tokens"),
        ("user/day/tokens=-1", "is not a whole number of tokens"),
        ("user/day/tokens=١", "is not a whole number of tokens"),
        ("user/day/messages=1.5", "is not a whole number of messages"),
        ("user/day/currency=1e3", "'1e3' in 'user/day/currency=1e3' is not an amount"),
        ("user/day/currency=0.0000001", "with up to six decimals"),
        ("user/day/currency=$5", "is not an amount"),
        ("user/day/tokens=1 user/day/tokens=2", "'user/day/tokens' is limited twice."),
    ],
)
def test_a_limit_that_cannot_be_used_is_named(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=re.escape(said)):
        parse_budgets(text)


def test_prices_are_of_a_million_tokens() -> None:
    prices = parse_prices("gpt-x=2.50/10.00 org/model:tag=0.10/0.40 *=1/2")
    assert prices.cost_micros("gpt-x", Usage(1_000_000, 100_000)) == 3_500_000
    assert prices.cost_micros("org/model:tag", Usage(10, 10)) == 5
    assert prices.cost_micros(None, Usage(1, 1)) == 3


def test_without_prices_everything_is_free() -> None:
    assert parse_prices("").cost_micros("gpt-x", Usage(1, 1)) == 0


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("gpt-x", "'gpt-x' is not written as model=prompt/completion"),
        ("gpt-x=2.50", "is not written as"),
        ("=1/2", "is not written as"),
        ("gpt-x=/2", "'' in 'gpt-x=/2' is not an amount"),
        ("gpt-x=1/2/3", "'2/3' in 'gpt-x=1/2/3' is not an amount"),
        ("gpt-x=1/-2", "'-2' in 'gpt-x=1/-2' is not an amount"),
        ("gpt-x=1/2 gpt-x=3/4", "'gpt-x' is priced twice."),
    ],
)
def test_a_price_that_cannot_be_used_is_named(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=re.escape(said)):
        parse_prices(text)
