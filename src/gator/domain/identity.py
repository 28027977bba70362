"""Who speaks."""

from dataclasses import dataclass, field

from gator.protocol.types import UserId, UtcMillis


@dataclass(frozen=True, slots=True)
class Identity:
    """A user as their token, or in open mode the address, names them.

    Attributes:
        expires_at: When the proof of identity ends; None if it does not.
        roles: Rights over the whole installation (`admin`), not over a conversation.
    """

    user_id: UserId
    name: str | None = None
    avatar: str | None = None
    roles: frozenset[str] = field(default_factory=frozenset)
    expires_at: UtcMillis | None = None
