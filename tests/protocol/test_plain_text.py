"""Text from outside is kept only if every log and database can hold it."""

import pytest

from gator.protocol.plain_text import is_plain_text


@pytest.mark.parametrize("text", ["a", "test-user", "Ünïcödé 名前 🐊", "a" * 128, " "])
def test_text_is_text(text: str) -> None:
    assert is_plain_text(text, 128)


@pytest.mark.parametrize(
    "value",
    ["", "a" * 129, "a\x00", "\nalice", "alice\n", "a\x7fb", "a\ud800", "\udfffb", None, 7, b"alice", ["a"]],
)
def test_what_a_log_or_a_database_cannot_hold_is_not_text(value: object) -> None:
    assert not is_plain_text(value, 128)
