"""What may be said to a persona, and what a persona may say."""

from gator.personas.moderation.endpoint import ModerationEndpoint
from gator.personas.moderation.hold_back import HoldBack
from gator.personas.moderation.outgoing import Blocked, Outgoing
from gator.personas.moderation.verdicts import ALLOWED, All, Decision, Moderator, Verdict

__all__ = [
    "ALLOWED",
    "All",
    "Blocked",
    "Decision",
    "HoldBack",
    "ModerationEndpoint",
    "Moderator",
    "Outgoing",
    "Verdict",
]
