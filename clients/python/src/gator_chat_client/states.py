"""The states of a connection, as a table: what moves it, and where to."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, Literal

State = Literal["closed", "connecting", "catching_up", "open", "waiting"]
"""`connecting`: a socket is being opened, and the server's first frame awaited. `catching_up`: conversations
are being joined again, and what was missed arrives. `open`: everything is there and live. `waiting`: until the
next attempt. `closed`: nothing happens any more."""

Reason = Literal[
    "new",
    "asked",
    "welcomed",
    "caught_up",
    "lost",
    "silent",
    "server_restarts",
    "token_failed",
    "retry_due",
    "refused",
    "closed",
]
"""What made a connection change its state:

- `new`: nothing yet
- `asked`: the program wants it, or wants it now
- `welcomed`: the server's first frame came
- `caught_up`: every open conversation is joined again and has what it missed
- `lost`: the socket ended or could not be opened, and nothing speaks against another
- `silent`: nothing came for so long that the socket must be dead
- `server_restarts`: the server asked to be left for a while
- `token_failed`: the program's own function gave no token
- `retry_due`: the wait is over
- `refused`: another attempt would end the same way
- `closed`: the program is done with it
"""

_UNDER_WAY: Final[Mapping[Reason, State]] = {
    "lost": "waiting",
    "silent": "waiting",
    "server_restarts": "waiting",
    "refused": "closed",
    "closed": "closed",
}

MOVES: Final[Mapping[State, Mapping[Reason, State]]] = MappingProxyType(
    {
        "closed": {"asked": "connecting"},
        "connecting": {**_UNDER_WAY, "welcomed": "catching_up", "token_failed": "waiting"},
        "catching_up": {**_UNDER_WAY, "caught_up": "open"},
        "open": _UNDER_WAY,
        "waiting": {"retry_due": "connecting", "asked": "connecting", "closed": "closed"},
    }
)
"""Every change that there is. What is not here cannot happen."""


def moved(state: State, reason: Reason) -> State:
    """Tell the state that follows.

    Raises:
        LookupError: The table has no such move.
    """
    try:
        return MOVES[state][reason]
    except KeyError:
        raise LookupError(f"a connection that is {state} is not moved by {reason}") from None
