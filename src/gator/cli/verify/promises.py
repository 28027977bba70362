"""What `docs/protocol.md` promises, and how each promise fared in a run."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final, Literal, get_args

PromiseName = Literal[
    "acknowledged",
    "heard_is_stored",
    "not_doubled",
    "stored_as_sent",
    "no_hole",
    "one_order",
    "sender_order",
    "ack_matches",
    "repeat",
    "conflict",
    "retry",
    "resume",
    "live",
    "history",
    "members_only",
    "typing",
    "greeting",
    "frames",
    "malformed",
    "too_big",
    "heartbeat",
    "closing_codes",
    "subprotocol",
    "idle",
    "others_not_held_up",
]

Result = Literal["PASS", "FAIL", "not checked"]


@dataclass(frozen=True, slots=True)
class Promise:
    """One promise: its sentence, and the heading of `docs/protocol.md` under which it stands."""

    sentence: str
    section: str


_PROMISED: Final = "What is promised, and what is not"
_ORDER: Final = "Order, resuming, loss"
_ONCE: Final = "Sending again safely"

PROMISES: Final[Mapping[PromiseName, Promise]] = MappingProxyType(
    {
        "acknowledged": Promise("An acknowledged message is stored.", _PROMISED),
        "heard_is_stored": Promise("What anybody was told is stored as it was told.", _PROMISED),
        "not_doubled": Promise("A message that was sent several times is stored once.", _ONCE),
        "stored_as_sent": Promise("What is stored is what was sent, and by whom; nothing is invented.", _PROMISED),
        "no_hole": Promise("A conversation's events count 1, 2, 3 and so on, without a hole.", _ORDER),
        "one_order": Promise("All clients are told the same events at the same places, in order.", _PROMISED),
        "sender_order": Promise("Messages of one connection are stored in the order of sending.", _ONCE),
        "ack_matches": Promise("An ack names the id and the seq of the message that others are told.", _ONCE),
        "repeat": Promise("A repeat gets the first ack again, with duplicate: true.", _ONCE),
        "conflict": Promise("A repeat with other content is refused with conflict.", _ONCE),
        "retry": Promise("A message that is sent until it is answered is acknowledged.", _ONCE),
        "resume": Promise("Who comes back gets all that was missed, before anything newer.", _ORDER),
        "live": Promise("Who has joined is told every event, and nothing is missing in between.", _PROMISED),
        "history": Promise("History over HTTP is what the clients were told.", _ORDER),
        "members_only": Promise("Strangers cannot tell a conversation from one that never was.", _PROMISED),
        "typing": Promise("Who types is not told of it.", "typing_indicator"),
        "greeting": Promise("The first frame is online_users, with the limits in force.", "Connecting"),
        "frames": Promise("Frames of a known type have the documented form.", "Frames"),
        "malformed": Promise("A bad frame is answered with its error, and the connection goes on.", "Frames"),
        "too_big": Promise("A frame up to the limit is taken, a longer one closes with 1009.", "Frames"),
        "heartbeat": Promise("The command heartbeat is answered.", "Signs of life"),
        "closing_codes": Promise("Connections are closed with the codes of the table.", "Closing codes"),
        "subprotocol": Promise("The subprotocol gator.v1 passes the proxies; a token in it too.", "Connecting"),
        "idle": Promise("An idle connection lives on, with a heartbeat in every interval.", "Signs of life"),
        "others_not_held_up": Promise("One client that reads slowly costs the others nothing.", _PROMISED),
    }
)
assert set(PROMISES) == set(get_args(PromiseName))

KEPT_EXAMPLES: Final = 5
"""Breaches described for each promise; the others are only counted."""


@dataclass(slots=True)
class Verdict:
    """How one promise fared.

    Attributes:
        checked: How often it was put to the test, breaches included.
        broken: Breaches.
        examples: The first of them, in words.
        why_not: Why it was not checked.
    """

    checked: int = 0
    broken: int = 0
    examples: list[str] = field(default_factory=list)
    why_not: str = "nothing in this run put it to the test"

    @property
    def result(self) -> Result:
        """Sum it up in a word: one breach is enough to fail."""
        if self.broken:
            return "FAIL"
        return "PASS" if self.checked else "not checked"


class Verdicts:
    """The verdicts on all promises, while a run collects them."""

    def __init__(self) -> None:
        self._verdicts: dict[PromiseName, Verdict] = {name: Verdict() for name in PROMISES}

    def __getitem__(self, name: PromiseName) -> Verdict:
        return self._verdicts[name]

    def __iter__(self) -> Iterator[tuple[PromiseName, Verdict]]:
        return iter(self._verdicts.items())

    @property
    def any_broken(self) -> bool:
        """True after the first breach of any promise."""
        return any(verdict.broken for verdict in self._verdicts.values())

    def kept(self, name: PromiseName, times: int = 1) -> None:
        """Count tests that a promise passed."""
        self._verdicts[name].checked += times

    def broken(self, name: PromiseName, what: str) -> None:
        """Count a breach, and keep the first ones in words."""
        verdict = self._verdicts[name]
        verdict.checked += 1
        verdict.broken += 1
        if len(verdict.examples) < KEPT_EXAMPLES:
            verdict.examples.append(what)

    def check(self, name: PromiseName, holds: bool, otherwise: str) -> bool:
        """Count a test, passed or not, and tell which."""
        if holds:
            self.kept(name)
        else:
            self.broken(name, otherwise)
        return holds

    def not_checked(self, name: PromiseName, why: str) -> None:
        """Say why a promise is not put to the test."""
        self._verdicts[name].why_not = why
