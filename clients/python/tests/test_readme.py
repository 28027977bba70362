"""Every program in the README runs as it stands, before a real server."""

import asyncio
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.server import Server, token

from gator_chat_client import Client

README = (Path(__file__).resolve().parents[1] / "README.md").read_text(encoding="utf-8")
PROGRAMS = re.findall(r"## ([^\n]+)\n(?:(?!\n## ).)*?```python\n(.*?)```", README, re.DOTALL)
ENDLESS = "Listen, and answer"
WITH_TOKEN = "Tokens"
PRINTS = {
    "Say something": r"stored at \d+",
    "Look at a conversation": r"online: \('ada',\) unread: \d+\ntea-club \d+",
    "Send while offline": "",
    "Ask a persona": r"so far: .+\nin the end: \(Scripted",
    "Go on where an earlier run stopped": r"caught up with \d+",
    WITH_TOKEN: "I am ada",
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Server(tmp_path_factory.mktemp("readme")) as server:
        yield server


def test_every_section_with_a_program_is_run() -> None:
    assert {title for title, _ in PROGRAMS} == {*PRINTS, ENDLESS}


def run(program: str, url: str, home: Path) -> str:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program.replace("http://127.0.0.1:8000", url)],
        cwd=home,
        env=os.environ | {"CHAT_TOKEN": token("ada")},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return done.stdout


@pytest.mark.parametrize(("title", "program"), [each for each in PROGRAMS if each[0] not in (ENDLESS, WITH_TOKEN)])
def test_a_program_of_the_readme_does_what_it_says(
    title: str, program: str, server: Server, tmp_path: Path
) -> None:
    assert re.search(PRINTS[title], run(program, server.url, tmp_path))
    # A second run finds what the first one left behind.
    assert re.search(PRINTS[title], run(program, server.url, tmp_path))


def test_the_program_with_a_token_is_let_in(tmp_path: Path) -> None:
    with Server(tmp_path, auth="jwt") as strict:
        assert re.search(PRINTS[WITH_TOKEN], run(dict(PROGRAMS)[WITH_TOKEN], strict.url, tmp_path))


async def test_the_program_that_answers_answers(server: Server) -> None:
    program = dict(PROGRAMS)[ENDLESS].replace("http://127.0.0.1:8000", server.url)
    parrot = await asyncio.create_subprocess_exec(sys.executable, "-c", program)
    try:
        async with Client(server.url, user="bob") as bob, bob.conversation("tea-club") as tea:
            await tea.until(lambda snapshot: "parrot" in snapshot.online)
            await tea.send("Hello")
            await tea.until(lambda snapshot: any(each.content == "Hello! Hello!" for each in snapshot.messages))
    finally:
        parrot.kill()
        await parrot.wait()
