"""Budgets and prices as an operator writes them in the settings."""

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Final, TypeVar, get_args

from gator.domain.budget import MICROS, Limit, Measure, Price, Prices, Scope, Window

_WHOLE: Final = re.compile(r"[0-9]{1,15}")
_MONEY: Final = re.compile(r"[0-9]{1,9}(\.[0-9]{1,6})?")

_SCOPES: Final[Mapping[str, Scope]] = {name: name for name in get_args(Scope)}
_WINDOWS: Final[Mapping[str, Window]] = {name: name for name in get_args(Window)}
_MEASURES: Final[Mapping[str, Measure]] = {name: name for name in get_args(Measure)}

_Name = TypeVar("_Name", Scope, Window, Measure)


def parse_budgets(text: str) -> tuple[Limit, ...]:
    """Read limits such as `user/day/tokens=200000 installation/month/currency=50.00`.

    Raises:
        ValueError: Which limit cannot be used, and why.
    """
    limits: dict[str, Limit] = {}
    for written in text.split():
        name, _, most = written.partition("=")
        if name in limits:
            raise ValueError(f"{name!r} is limited twice.")
        limits[name] = _limit(written, name, most)
    return tuple(limits.values())


def _limit(written: str, name: str, most: str) -> Limit:
    parts = name.split("/")
    if len(parts) != 3 or not most:
        raise ValueError(f"{written!r} is not written as scope/window/measure=most, as user/day/tokens=200000 is.")
    scope = _one_of(_SCOPES, "scope", parts[0], written)
    window = _one_of(_WINDOWS, "window", parts[1], written)
    measure = _one_of(_MEASURES, "measure", parts[2], written)
    if measure == "currency":
        return Limit(scope, window, measure, _micros(most, written))
    if _WHOLE.fullmatch(most) is None:
        raise ValueError(f"{most!r} in {written!r} is not a whole number of {measure}, without separators.")
    return Limit(scope, window, measure, int(most))


def _one_of(known: Mapping[str, _Name], kind: str, name: str, written: str) -> _Name:
    if name not in known:
        raise ValueError(f"The {kind} {name!r} in {written!r} is none of {', '.join(known)}.")
    return known[name]


def parse_prices(text: str) -> Prices:
    """Read prices such as `gpt-x=2.50/10.00 *=1/2`: of a million tokens of prompt and of reply.

    Raises:
        ValueError: Which price cannot be used, and why.
    """
    prices: dict[str, Price] = {}
    for written in text.split():
        # A model's name may hold the sign itself; a price never does.
        model, _, price = written.rpartition("=")
        prompt, _, completion = price.partition("/")
        if not model or not completion:
            raise ValueError(f"{written!r} is not written as model=prompt/completion, as gpt-x=2.50/10.00 is.")
        if model in prices:
            raise ValueError(f"{model!r} is priced twice.")
        prices[model] = Price(_micros(prompt, written), _micros(completion, written))
    return Prices(prices)


def _micros(amount: str, written: str) -> int:
    if _MONEY.fullmatch(amount) is None:
        raise ValueError(f"{amount!r} in {written!r} is not an amount such as 0.25, with up to six decimals.")
    return int(Decimal(amount) * MICROS)
