"""What a persona says, judged before anybody sees it."""

from typing import Final

from gator.personas.moderation.hold_back import HoldBack
from gator.personas.moderation.verdicts import Moderator, Verdict

STEPS_SEEN: Final = 8
"""Newest steps of a reply that are judged together: what is harmless alone may not be in its sentence."""


class Blocked(Exception):
    """A reply must not be said. What was shown of it is to be taken back.

    Attributes:
        verdict: Why; for the audit, not for clients.
    """

    def __init__(self, verdict: Verdict) -> None:
        super().__init__(verdict)
        self.verdict = verdict


class Outgoing:
    """One reply on its way out. Nothing leaves it that was not judged.

    Each step of the hold-back window is judged together with those before it, and at the
    end the whole reply, if it is longer than that.

    Args:
        moderator: None lets everything pass at once.
        hold_chars: See `HoldBack`; also about how often a moderator is asked.

    Attributes:
        flagged: The first verdict that was not clean, for the audit.
    """

    __slots__ = ("_hold_back", "_moderator", "_steps", "flagged")

    def __init__(self, moderator: Moderator | None, hold_chars: int = 40) -> None:
        self._moderator = moderator
        self._hold_back = HoldBack(hold_chars)
        self._steps: list[str] = []
        self.flagged: Verdict | None = None

    async def feed(self, text: str) -> str:
        """Take a piece of the reply; returns what may be shown now.

        Raises:
            Blocked: Nothing more may be shown.
        """
        if self._moderator is None:
            return text
        step = self._hold_back.feed(text)
        if step:
            self._steps.append(step)
            await self._check(self._moderator, self._steps[-STEPS_SEEN:])
        return step

    async def finish(self) -> str:
        """End the reply, or what there is of it; returns the rest that may be shown.

        Raises:
            Blocked: The rest may not be shown, or the reply not be kept.
        """
        rest = self._hold_back.flush()
        if rest:
            self._steps.append(rest)
        if self._moderator is not None and (rest or len(self._steps) > STEPS_SEEN):
            await self._check(self._moderator, self._steps)
        return rest

    async def _check(self, moderator: Moderator, steps: list[str]) -> None:
        verdict = await moderator.check("".join(steps))
        if verdict.decision == "blocked":
            raise Blocked(verdict)
        if verdict.decision == "flagged" and self.flagged is None:
            self.flagged = verdict
