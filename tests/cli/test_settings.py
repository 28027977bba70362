"""`gator settings`, and what every command says when a setting is wrong."""

import pytest
from tests.cli.gator import gator

from gator.settings import describe


def test_every_setting_is_printed_with_default_unit_and_help() -> None:
    said = gator("settings")
    assert said.code == 0
    for name, default, unit, text in describe():
        entry = f"{name}\n    {text}\n    default: {f'{default} {unit}'.strip() or '(not set)'}\n"
        assert entry in said.out


@pytest.mark.parametrize("command", [["serve"], ["migrate"], ["token", "alice"], ["chat", "alice", "room"]])
def test_a_wrong_setting_stops_every_command_with_a_sentence(command: list[str]) -> None:
    said = gator(*command, GATOR_PROT="8000")
    assert said.code == 2
    assert said.err == "gator: settings: GATOR_PROT is not a setting; `gator settings` lists them.\n"


@pytest.mark.parametrize("command", [["serve"], ["migrate"], ["token", "alice"], ["doctor"]])
def test_an_address_of_another_database_stops_every_command_and_is_not_shown(command: list[str]) -> None:
    said = gator(*command, GATOR_DATABASE_URL="mysql://ann:secret@host/chat")
    assert said.code == (1 if command == ["doctor"] else 2)
    assert "GATOR_DATABASE_URL is the address of a PostgreSQL database" in said.out + said.err
    assert "secret" not in said.out + said.err
    assert "mysql" not in said.out + said.err


def test_the_settings_are_printed_without_what_they_are() -> None:
    said = gator("settings", GATOR_DATABASE_URL="postgresql://ann:secret@host/chat")
    assert said == gator("settings")


def test_the_settings_are_printed_though_one_is_wrong() -> None:
    assert gator("settings", GATOR_PROT="8000").code == 0


def test_without_a_command_the_commands_are_listed() -> None:
    said = gator()
    for command in ("serve", "token", "chat", "doctor", "migrate", "settings"):
        assert command in said.out + said.err


def test_the_version_is_printed() -> None:
    from gator import __version__

    assert gator("version").out == f"{__version__}\n"
