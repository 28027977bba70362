"""Verdicts on texts, and how several of them become one."""

from collections.abc import Iterable
from typing import Final, Literal, Protocol

from msgspec import Struct

Decision = Literal["allowed", "flagged", "blocked"]
"""`flagged`: it may be said, and somebody may want to look at it. `blocked`: it may not."""


class Verdict(Struct, frozen=True):
    """What moderation says of a text.

    Attributes:
        categories: What is wrong with it; empty if it is allowed.
        by: Who says so, for the audit; empty if it is allowed.
    """

    decision: Decision
    categories: tuple[str, ...] = ()
    by: str = ""


ALLOWED: Final = Verdict("allowed")


class Moderator(Protocol):
    """Judges texts."""

    async def check(self, text: str) -> Verdict:
        """Judge a text. Never fails: who cannot judge says what was decided for that case."""


class All:
    """Several moderators in a row, of which one is enough to block.

    Args:
        moderators: The cheap ones first: whoever blocks spares those that follow.
    """

    __slots__ = ("_moderators",)

    def __init__(self, moderators: Iterable[Moderator]) -> None:
        self._moderators = tuple(moderators)

    async def check(self, text: str) -> Verdict:
        """See `Moderator`."""
        flags: list[Verdict] = []
        for moderator in self._moderators:
            verdict = await moderator.check(text)
            if verdict.decision == "blocked":
                return verdict
            if verdict.decision == "flagged":
                flags.append(verdict)
        return _joined(flags)


def _joined(flags: list[Verdict]) -> Verdict:
    if not flags:
        return ALLOWED
    categories = dict.fromkeys(category for flag in flags for category in flag.categories)
    return Verdict("flagged", tuple(categories), ", ".join(flag.by for flag in flags))
