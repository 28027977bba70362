"""What the state asks of the shell."""

from dataclasses import dataclass

from gator.cli.chat.lines import Line
from gator.protocol.commands import Command
from gator.protocol.types import PersonaId


@dataclass(frozen=True, slots=True)
class Send:
    """Say this to the server, if there is a connection."""

    command: Command


@dataclass(frozen=True, slots=True)
class Show:
    """Show this to the user."""

    line: Line


@dataclass(frozen=True, slots=True)
class Rest:
    """Call `Chat.rested` after that time."""

    seconds: float


@dataclass(frozen=True, slots=True)
class ComeBack:
    """Close the connection and open another one after that time."""

    after_s: float


@dataclass(frozen=True, slots=True)
class AskMembers:
    """Ask for the members over HTTP, then call `Chat.tell_members`."""


@dataclass(frozen=True, slots=True)
class AskPersonas:
    """Ask for the personas over HTTP, then call `Chat.tell_personas`."""


@dataclass(frozen=True, slots=True)
class Stop:
    """End, and say why: nothing can be done here."""

    why: str


Effect = Send | Show | Rest | ComeBack | AskMembers | AskPersonas | Stop


@dataclass(frozen=True, slots=True)
class Present:
    """A member, and whether they are online."""

    user_id: str
    online: bool


@dataclass(frozen=True, slots=True)
class Persona:
    """A persona that the user may ask."""

    id: PersonaId
    name: str
