"""Conversations in a given state, for tests of what may become of them."""

from typing import Final

from gator.domain.conversation import Conversation
from gator.protocol.types import ConversationId, Kind, Role, Seq, UserId, UtcMillis

HERE: Final = ConversationId("garden")
ANN: Final = UserId("ann")
BOB: Final = UserId("bob")
CLEO: Final = UserId("cleo")
ZOE: Final = UserId("zoe")
"""Never a member."""

NOW: Final = UtcMillis(1_736_937_000_000)
NOW_TEXT: Final = "2025-01-15T10:30:00.000Z"


def conversation(kind: Kind = "group", *, head: int = 7, deleted: bool = False, **members: Role) -> Conversation:
    """Build a state; keywords are members with their roles."""
    return Conversation(
        id=HERE,
        kind=kind,
        title=None if kind == "direct" else "Garden",
        head=Seq(head),
        members={UserId(name): role for name, role in members.items()},
        created_at=NOW_TEXT,
        deleted=deleted,
    )


def direct() -> Conversation:
    """Build the direct conversation of Ann and Bob."""
    return conversation("direct", ann="member", bob="member")
