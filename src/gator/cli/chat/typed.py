"""What a typed line means."""

from dataclasses import dataclass
from typing import Final, Literal, cast, get_args

Order = Literal["personas", "stop", "again", "who", "quit", "help"]

HELP: Final = (
    "Type a line and press Enter to say it.",
    "/ask NAME ...  say it to a persona, which replies",
    "/personas      whom you may ask",
    "/stop          stop the reply that is being made, or else the next one",
    "/again         have the newest reply made anew",
    "/who           who is here",
    "/quit          leave when all is sent (Ctrl-D: and replied to; Ctrl-C: at once)",
    "/help          this list",
    "//...          a message that begins with a slash",
)


@dataclass(frozen=True, slots=True)
class Text:
    """Something to say."""

    text: str


@dataclass(frozen=True, slots=True)
class Ask:
    """The name or id of a persona, and something to say to it."""

    text: str


@dataclass(frozen=True, slots=True)
class Unknown:
    """A command that does not exist."""

    name: str


def understand(line: str) -> Text | Ask | Order | Unknown | None:
    """Tell what a line asks for; None if it is blank."""
    if not line.strip():
        return None
    if line.startswith("//"):
        return Text(line[1:])
    if not line.startswith("/"):
        return Text(line)
    name = line[1:].strip()
    first, _, rest = name.partition(" ")
    if first == "ask":
        return Ask(rest.strip())
    return cast(Order, name) if name in get_args(Order) else Unknown(name)  # `in` does not narrow a str
