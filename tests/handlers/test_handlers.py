"""The table of handlers."""

from typing import get_args

import pytest

from gator.handlers import HANDLERS
from gator.protocol.codec import COMMANDS
from gator.protocol.commands import Command


def test_every_command_has_one_handler() -> None:
    assert set(HANDLERS) == set(get_args(Command))


@pytest.mark.parametrize("tag", COMMANDS)
def test_a_handler_is_named_after_its_command_and_says_what_it_does(tag: str) -> None:
    handler = HANDLERS[COMMANDS[tag]]  # type: ignore[index]
    assert handler.__name__ == tag
    assert handler.__doc__
