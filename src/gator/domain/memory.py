"""What the personas of a conversation remember of it; its members see it and may change it."""

from typing import Final

from msgspec import Struct

from gator.protocol.errors import Refusal
from gator.protocol.types import Seq

MAX_SUMMARY_CHARS: Final = 8_000
MAX_PINS: Final = 50
MAX_PIN_CHARS: Final = 500


class Memory(Struct, frozen=True, omit_defaults=True):
    """A rolling summary of what has fallen out of the prompt, and what is never to be forgotten.

    Attributes:
        summary_seq: The summary tells of everything up to here.
    """

    summary: str = ""
    summary_seq: Seq = Seq(0)
    pins: tuple[str, ...] = ()


def check_memory(memory: Memory) -> None:
    """Refuse a memory that is too large for a prompt.

    Raises:
        Refusal: `invalid_command`.
    """
    if len(memory.summary) > MAX_SUMMARY_CHARS:
        raise Refusal("invalid_command", f"A summary has at most {MAX_SUMMARY_CHARS} characters.")
    if len(memory.pins) > MAX_PINS:
        raise Refusal("invalid_command", f"There are at most {MAX_PINS} pinned memories.")
    if any(not pin.strip() or len(pin) > MAX_PIN_CHARS for pin in memory.pins):
        raise Refusal("invalid_command", f"A pinned memory has 1 to {MAX_PIN_CHARS} characters.")
