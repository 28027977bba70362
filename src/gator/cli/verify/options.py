"""What the operator asks for."""

from dataclasses import dataclass


class CannotRun(Exception):
    """The run could not be made, or not to its end; the text says why and what to do."""


@dataclass(frozen=True, slots=True)
class Options:
    """The options of a run.

    Attributes:
        tokens: One for each user; empty in open mode.
        secret_made: True if the tokens are ours, so that the users are nobody's own.
        seconds: How long the run takes, more or less, besides `idle_seconds`.
        idle_seconds: How long a connection stays idle after the run; 0 for not at all.
        restart_command: Run by the shell; kills the server and starts it again.
        name: Begins the ids of users, conversations and messages of this run.
    """

    url: str
    name: str
    seed: int
    tokens: tuple[str, ...] = ()
    clients: int = 20
    conversations: int = 4
    messages: int = 1000
    seconds: float = 30.0
    idle_seconds: float = 0.0
    restart_command: str | None = None
