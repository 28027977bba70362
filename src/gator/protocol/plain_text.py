"""What may be kept of text from outside: nothing that a log or a database cannot hold."""

import re
from typing import Final, TypeGuard

from gator.protocol.types import ID_PATTERN

_NO_CONTROLS: Final = re.compile(ID_PATTERN)
_LONE_SURROGATE: Final = re.compile(r"[\ud800-\udfff]")


def is_plain_text(value: object, max_length: int) -> TypeGuard[str]:
    """Tell whether a value is non-empty text without control characters.

    A lone surrogate, which JSON can spell (RFC 8259 §8.2), is not text either: it
    has no UTF-8 form.
    """
    if not isinstance(value, str) or len(value) > max_length:
        return False
    return _NO_CONTROLS.match(value) is not None and _LONE_SURROGATE.search(value) is None
