"""What a server is to the measurements, and how the generator is told to speak with it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from bench.harness.processes import Process

TEXT: Final = "%T hello, this is a chat message of an ordinary length.%P"
"""What people say: the mark by which a delivery is recognised, and words."""

MARK_CHARS: Final = 24
FRAME_BYTES: Final = 370
"""What a `new_message` of ours is long on the wire; relays are given as much to pass on."""


@dataclass(frozen=True)
class Crowd:
    """Who connects: so many, in groups of so many, each group in a conversation."""

    connections: int
    group: int

    @property
    def groups(self) -> int:
        """How many conversations that makes."""
        return -(-self.connections // self.group)


@dataclass(frozen=True)
class Dialect:
    """How one speaks with a server, in the words of `load.c`.

    Attributes:
        greeting: Lines of the script until a connection is open.
        joining: Lines after that, until it is in its conversation.
        returning: Lines for who comes back and wants what was missed; empty if the
            server cannot do that.
        options: Further options of the generator.
        returning_options: Further ones where some come back.
    """

    path: str
    message: str
    greeting: tuple[str, ...] = ()
    joining: tuple[str, ...] = ()
    returning: tuple[str, ...] = ()
    options: tuple[str, ...] = ()
    returning_options: tuple[str, ...] = ()


class Server(Protocol):
    """A server that can be measured.

    Attributes:
        name: Short, as in `--servers`.
        title: As in tables.
    """

    name: str
    title: str

    def missing(self) -> str | None:
        """Tell why it cannot run here and what would help; None if it can."""

    def version(self) -> str:
        """Tell which version of what."""

    def start(self, crowd: Crowd, home: Path, port: int) -> Process:
        """Start it in an empty directory, ready for a crowd."""

    def dialect(self, crowd: Crowd, home: Path) -> Dialect:
        """Tell how to speak with it. Files that the generator needs may be in `home`."""


def relayed(before: str = "", after: str = "") -> str:
    """Make a message for a server that passes on what it gets, as long as one of ours.

    Args:
        before: What stands before the text, on the way to the members too.
        after: What stands after it.
    """
    header = 4  # RFC 6455 §5.2: frames of 126 to 65,535 bytes
    text = TEXT.replace("%P", "")
    shown = len(before + text + after) - len("%T") + MARK_CHARS
    return before + text + "x" * max(0, FRAME_BYTES - header - shown) + "%P" + after


JSON_MESSAGE: Final = relayed('{"type":"new_message","content":"', '"}')
