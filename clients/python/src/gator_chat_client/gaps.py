"""Places in a log: where a client stands, and where something is missing."""

from dataclasses import dataclass
from typing import Literal

from gator_chat_client.protocol.events import Unrecovered


@dataclass(frozen=True, slots=True)
class Position:
    """A place in a log: everything up to `seq` is there.

    Attributes:
        epoch: The history in which `seq` counts; another one begins with a restored backup.
    """

    seq: int
    epoch: str


@dataclass(frozen=True, slots=True)
class Discontinuity:
    """Events are missing here; what follows is what came after them.

    Attributes:
        reason: As the server says it (`no_position`, `too_far_behind`, `epoch_changed`, `ahead_of_log`);
            `missing`, if it promised events and did not send them; `reader_too_slow`, if the program did
            not take them.
        after_seq: The last event before the gap; of another history if the epoch changed.
        at_seq: The last event that is missing: everything after it is here again.
    """

    conversation_id: str
    reason: Unrecovered | Literal["missing", "reader_too_slow"]
    after_seq: int
    at_seq: int

    @property
    def is_other_history(self) -> bool:
        """True if positions count something else from here on: nothing that was known of them holds."""
        return self.reason in ("epoch_changed", "ahead_of_log")
