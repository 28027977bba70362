"""What a typed line means."""

from dataclasses import dataclass
from typing import Final, Literal, cast, get_args

Order = Literal["who", "quit", "help"]

HELP: Final = (
    "Type a line and press Enter to say it.",
    "/who   who is here",
    "/quit  leave when everything is sent (so does Ctrl-D; Ctrl-C does not wait)",
    "/help  this list",
    "//...  a message that begins with a slash",
)


@dataclass(frozen=True, slots=True)
class Text:
    """Something to say."""

    text: str


@dataclass(frozen=True, slots=True)
class Unknown:
    """A command that does not exist."""

    name: str


def understand(line: str) -> Text | Order | Unknown | None:
    """Tell what a line asks for; None if it is blank."""
    if not line.strip():
        return None
    if line.startswith("//"):
        return Text(line[1:])
    if not line.startswith("/"):
        return Text(line)
    name = line[1:].strip()
    return cast(Order, name) if name in get_args(Order) else Unknown(name)  # `in` does not narrow a str
