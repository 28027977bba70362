"""Who takes part: tokens, shares, and the operator's own commands."""

import asyncio
import os
from pathlib import Path

import jwt
import pytest

from gator.cli.verify.address import address_of
from gator.cli.verify.figures import Figures
from gator.cli.verify.options import CannotRun
from gator.cli.verify.people import Person, cast
from gator.cli.verify.promises import Verdicts
from gator.cli.verify.restarts import restart_again_and_again
from gator.cli.verify.tokens import minted, tokens_of
from gator.protocol.events import Limits, OnlineUsers
from gator.settings import Settings

SECRET = "a secret of the tests, long enough for HS256"


def person(name: str, *, connections: int = 5, url: str = "wss://chat.example.org/team/") -> Person:
    limits = Limits(
        max_frame_bytes=65_536,
        max_message_chars=5_000,
        max_joined_conversations=1_000,
        max_connections_per_user=connections,
        messages_per_second=10.0,
    )
    greeting = OnlineUsers(users=(), limits=limits, timestamp="2025-01-15T12:00:00.000Z")
    return Person(name, address_of(url, name, "x", None), greeting, Verdicts())


def test_everybody_gets_a_client_before_anybody_gets_a_second_one() -> None:
    ada, bob = person("ada"), person("bob")
    assert [one.user_id for one in cast([ada, bob], 5)] == ["ada", "bob", "ada", "bob", "ada"]
    assert [one.user_id for one in cast([ada, bob], 1)] == ["ada"]


def test_a_user_keeps_connections_to_spare_for_repeats() -> None:
    assert len(cast([person("ada", connections=5)], 20)) == 3
    assert len(cast([person("ada", connections=2)], 20)) == 1
    assert len(cast([person("ada", connections=5), person("bob", connections=100)], 20)) == 20


def test_where_there_is_no_limit_a_user_may_be_every_client() -> None:
    ada = person("ada", connections=0)
    assert len(cast([ada], 20)) == 20
    assert not ada.connections.locked()


def test_the_api_is_where_the_socket_is() -> None:
    assert person("ada").api == "https://chat.example.org/team/api/v1"
    assert person("ada", url="ws://127.0.0.1:8000").api == "http://127.0.0.1:8000/api/v1"


def test_tokens_are_one_a_line_and_each_counts_once(tmp_path: Path) -> None:
    file = tmp_path / "tokens"
    file.write_text("# staging\n one \n\ntwo\none\n")
    assert tokens_of(None, file) == ("one", "two")
    assert tokens_of("one", None) == ("one",)
    assert tokens_of(None, None) == ()


def test_a_file_without_a_token_or_that_is_none_is_told_of(tmp_path: Path) -> None:
    (tmp_path / "empty").write_text("\n# nothing\n")
    for file in (tmp_path / "empty", tmp_path / "absent"):
        with pytest.raises(CannotRun, match=file.name):
            tokens_of(None, file)
    with pytest.raises(CannotRun, match="not both"):
        tokens_of("one", tmp_path / "empty")


def test_minted_tokens_are_those_of_each_client_and_a_stranger() -> None:
    settings = Settings.model_validate({"jwt_secret": SECRET})
    tokens = minted(settings, "verify-1", 2)
    claims = [jwt.decode(token, SECRET, algorithms=["HS256"]) for token in tokens]
    assert [one["sub"] for one in claims] == ["verify-1-0", "verify-1-1", "verify-1-2"]
    with pytest.raises(CannotRun, match="GATOR_JWT_SECRET"):
        minted(Settings(), "verify-1", 2)


async def test_the_restart_command_is_run_after_each_wait(tmp_path: Path) -> None:
    figures = Figures()
    await restart_again_and_again(f"echo again >> '{tmp_path}/log'", [0.0, 0.0, 0.0], figures)
    assert (tmp_path / "log").read_text() == "again\n" * 3
    assert figures.restarts == 3


async def test_a_restart_command_that_fails_is_told_of_with_what_it_said() -> None:
    with pytest.raises(CannotRun, match=r"status 3: there is no such unit"):
        await restart_again_and_again("echo there is no such unit >&2; exit 3", [0.0], Figures())


async def test_a_restart_that_has_begun_is_finished(tmp_path: Path) -> None:
    held, begun, done = tmp_path / "held", tmp_path / "begun", tmp_path / "done"
    for fifo in (held, begun):
        os.mkfifo(fifo)
    command = f"echo > '{begun}'; read line < '{held}'; touch '{done}'"
    restarting = asyncio.create_task(restart_again_and_again(command, [0.0], Figures()))
    await asyncio.to_thread(begun.read_text)
    restarting.cancel()
    await asyncio.to_thread(held.write_text, "go on\n")
    with pytest.raises(asyncio.CancelledError):
        await restarting
    assert done.exists()
