from typing import get_args

import pytest

from gator.cli.chat.typed import HELP, Ask, Order, Text, Unknown, understand


@pytest.mark.parametrize("line", ["", "  ", "\t"])
def test_a_blank_line_asks_for_nothing(line: str) -> None:
    assert understand(line) is None


@pytest.mark.parametrize("line", ["hello", " two  spaces ", "1/2", " /who"])
def test_a_line_is_said_as_it_was_typed(line: str) -> None:
    assert understand(line) == Text(line)


def test_two_slashes_say_one() -> None:
    assert understand("//etc/hosts") == Text("/etc/hosts")


@pytest.mark.parametrize("order", get_args(Order))
def test_a_slash_begins_an_order(order: Order) -> None:
    assert understand(f"/{order} ") == order
    assert any(line.startswith(f"/{order}") for line in HELP)


@pytest.mark.parametrize("line", ["/whom", "/", "/Who", "/who else", "/asks", "/etc/hosts"])
def test_an_unknown_order_is_not_said_aloud(line: str) -> None:
    assert understand(line) == Unknown(line[1:])


@pytest.mark.parametrize(
    ("line", "text"), [("/ask Nia  how are you? ", "Nia  how are you?"), ("/ask", ""), ("/ask ", "")]
)
def test_a_question_begins_with_whom_it_asks(line: str, text: str) -> None:
    assert understand(line) == Ask(text)
    assert any(line.startswith("/ask NAME") for line in HELP)
