"""Random lives of a conversation for laws: what users try, and what becomes of it."""

from dataclasses import dataclass, field, replace
from typing import Final

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from gator.domain.conversation import (
    Change,
    Conversation,
    CreateConversation,
    DeleteConversation,
    RenameConversation,
    apply,
    begin,
)
from gator.domain.membership import AddMembers, ChangeRole, EnterConversation, RemoveMember
from gator.domain.message import PostMessage
from gator.protocol.errors import Refusal
from gator.protocol.events import ConversationCreated, DurableEvent, Sender
from gator.protocol.types import ConversationId, MessageId, Role, UserId, UtcMillis

law: Final = settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])
"""Bounds a law's effort by examples alone: a slow machine breaks no law."""

HERE: Final = ConversationId("garden")
USERS: Final = [UserId(name) for name in ("ann", "bob", "cleo", "dan")]
ROLES: Final[list[Role]] = ["reader", "member", "admin", "owner"]
TEXTS: Final = ["hello", "", "\x00", "line\nline", "\u2028", "\N{CROCODILE}", '"\\', "ж" * 300]

BEGINNINGS: Final[list[Change]] = [
    CreateConversation(HERE, "direct", None, USERS[0], USERS[:2]),
    *(CreateConversation(HERE, "group", title, USERS[0], USERS) for title in (None, TEXTS[3])),
    *(CreateConversation(HERE, "channel", None, USERS[0], USERS[1:end]) for end in (1, 2, 4)),
    EnterConversation(HERE, USERS[0]),
]
"""First wishes, none of which is refused."""


def _wishes(by: UserId) -> list[Change]:
    """List what one user may try; what is likelier stands there more often."""
    return [
        *[EnterConversation(HERE, by)] * 4,
        CreateConversation(HERE, "group", None, by, ()),
        *(AddMembers(HERE, [other], by, role) for other in USERS for role in ROLES),
        *(AddMembers(HERE, others, by) for others in ([], USERS, USERS[2:])),
        *[RemoveMember(HERE, other, by) for other in USERS] * 2,
        *[RemoveMember(HERE, by, by)] * 8,
        *(ChangeRole(HERE, other, role, by) for other in USERS for role in ROLES),
        *(RenameConversation(HERE, title, by) for title in (None, TEXTS[0], TEXTS[3])),
        *(PostMessage(HERE, by, Sender(name=by), text, MessageId(text), text) for text in TEXTS),
        DeleteConversation(HERE, by),
    ]


changes: Final = st.sampled_from([wish for by in USERS for wish in _wishes(by)])
moments: Final = st.integers(0, 4_102_444_800_000).map(UtcMillis)

histories: Final[st.SearchStrategy[list[Change]]] = st.builds(
    lambda first, rest: [first, *rest],
    st.sampled_from(BEGINNINGS),
    st.lists(changes, min_size=20, max_size=80),
)
"""What users try with one conversation, one after the other."""


@dataclass
class Life:
    """A conversation's log, and the state after each of its events."""

    log: list[DurableEvent] = field(default_factory=list)
    states: list[Conversation] = field(default_factory=list)

    @property
    def now(self) -> Conversation | None:
        """The newest state; None if the conversation never was."""
        return self.states[-1] if self.states else None

    def submit(self, change: Change, at: UtcMillis) -> DurableEvent | None:
        """Decide a change and fold what it causes; None if it was refused or in vain."""
        try:
            event = change.decide(self.now, at)
        except Refusal:
            return None
        if event is not None:
            self.log.append(event)
            self.states.append(self._after(event))
        return event

    def _after(self, event: DurableEvent) -> Conversation:
        if self.now is None:
            assert isinstance(event, ConversationCreated)
            return begin(event)
        after = snapshot(self.now)
        apply(after, event)
        return after


def lived(history: list[Change]) -> Life:
    """Live through a history, a change a second."""
    life = Life()
    for second, change in enumerate(history):
        life.submit(change, UtcMillis(1000 * second))
    return life


def snapshot(conversation: Conversation) -> Conversation:
    """Copy a state, so that folding into the copy leaves the original alone."""
    return replace(conversation, members=dict(conversation.members))
