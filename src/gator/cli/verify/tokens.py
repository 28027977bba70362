"""Where the tokens of a run come from."""

from pathlib import Path
from typing import Final

from gator.cli.token import TokenError, make
from gator.cli.verify.options import CannotRun
from gator.settings import Settings

LIFE: Final = "24h"


def tokens_of(token: str | None, file: Path | None) -> tuple[str, ...]:
    """Take the one token, or read a file with one token a line; none in open mode.

    Raises:
        CannotRun: Both are given, or the file cannot be used.
    """
    if token is not None and file is not None:
        raise CannotRun("Give --token or --token-file, not both.")
    if file is None:
        return () if token is None else (token,)
    try:
        lines = [line.strip() for line in file.read_text().splitlines()]
    except (OSError, UnicodeError) as error:
        raise CannotRun(f"{str(file)!r} cannot be read: {error}") from None
    found = tuple(dict.fromkeys(line for line in lines if line and not line.startswith("#")))
    if not found:
        raise CannotRun(f"{str(file)!r} holds no token; it should have one a line.")
    return found


def minted(settings: Settings, name: str, clients: int) -> tuple[str, ...]:
    """Make tokens for users who never were: one for each client, and one for a stranger.

    Raises:
        CannotRun: There is no secret.
    """
    try:
        return tuple(
            make(settings, f"{name}-{at}", name=None, expires=LIFE, roles=()) for at in range(clients + 1)
        )
    except TokenError as error:
        raise CannotRun(str(error)) from None
