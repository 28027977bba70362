"""`gator chat` as a process: between pipes, and in a terminal."""

import asyncio
import fcntl
import os
import pty
import signal
import struct
import subprocess
import termios
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.cli.conftest import PATIENCE_S, Seat
from tests.support.server import GATOR, Server

from gator.cli.chat.lines import Note
from gator.cli.chat.terminal import PROMPT, Terminal


def url_of(server: Server) -> str:
    return server.url.replace("http", "ws", 1)


def environment() -> dict[str, str]:
    """Make the environment of a plain terminal, with none of the developer's settings."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("GATOR_", "NO_COLOR"))}
    return {**kept, "TERM": "xterm", "TZ": "UTC", "INPUTRC": os.devnull, "COLUMNS": "200"}


async def piped(typed: bytes, *arguments: str, home: Path) -> tuple[int | None, bytes, bytes]:
    """Run `gator chat` on a pipe; return its status, output and errors."""
    process = await asyncio.create_subprocess_exec(
        GATOR, "chat", *arguments, cwd=home, env=environment(), stdin=-1, stdout=-1, stderr=-1
    )
    async with asyncio.timeout(PATIENCE_S):
        out, errors = await process.communicate(typed)
    return process.returncode, out, errors


async def test_a_pipe_is_said_line_by_line_and_ends_well(server: Server, seat: Seat, tmp_path: Path) -> None:
    eve = seat(url_of(server), "eve", "pipe")
    eve.type("\x1b[2J\x9b31mI am ann\nann: trust me")
    await eve.until("trust me")
    typed = "héllo\r\n\n//slash\n/who\n\xff last"
    status, out, errors = await piped(
        typed.encode("latin-1"), "ann", "pipe", "--url", url_of(server), home=tmp_path
    )
    assert (status, errors) == (0, b"")
    lines = [line[6:] if line[:2].isdigit() else line for line in out.decode().splitlines()]
    assert [line for line in lines if line.startswith("ann: ")] == [
        "ann: h\ufffdllo",
        "ann: /slash",
        "ann: \ufffd last",
    ]
    assert "* Online (2): ann, eve" in lines
    assert "eve: ␛[2J\ufffd31mI am ann" in lines
    assert b"\x1b" not in out
    assert "\x9b" not in out.decode()
    await eve.until("ann: \ufffd last")


async def test_what_cannot_work_is_said_in_a_sentence(tmp_path: Path) -> None:
    nowhere, nonsense = await asyncio.gather(
        piped(b"hi\n", "ann", "room", "--url", "ws://127.0.0.1:9", home=tmp_path),
        piped(b"hi\n", "ann", "room", "--url", "nonsense", home=tmp_path),
    )
    why = "No chat server answers at ws://127.0.0.1:9 (connection refused). `make run` starts one."
    assert nowhere == (1, b"", f"gator: {why}\n".encode())
    why = "'nonsense' is no address of a server; write one like http://127.0.0.1:8000."
    assert nonsense == (1, b"", f"gator: {why}\n".encode())


class Tty:
    """A terminal with `gator chat` in it."""

    def __init__(self, process: "subprocess.Popen[bytes]", descriptor: int) -> None:
        self.process = process
        self.descriptor = descriptor
        self.output = b""
        self._arrived = asyncio.Event()
        self.modes_before = self.modes()
        os.set_blocking(descriptor, False)
        asyncio.get_running_loop().add_reader(descriptor, self._take)

    def _take(self) -> None:
        try:
            self.output += os.read(self.descriptor, 65_536)
        except OSError:  # nobody is at the other end any more
            asyncio.get_running_loop().remove_reader(self.descriptor)
        self._arrived.set()

    def type(self, keys: str) -> None:
        os.write(self.descriptor, keys.encode())

    async def until(self, text: str, after: int = 0) -> int:
        """Wait until the terminal was sent a text, and tell where it ends."""
        async with asyncio.timeout(PATIENCE_S):
            while (found := self.output.find(text.encode(), after)) < 0:
                self._arrived.clear()
                await self._arrived.wait()
        return found + len(text.encode())

    async def ends(self) -> int:
        async with asyncio.timeout(PATIENCE_S):
            return await asyncio.to_thread(self.process.wait)

    def modes(self) -> list[object]:
        return list(termios.tcgetattr(self.descriptor))


@contextmanager
def terminal(server: Server, user: str, conversation: str, home: Path) -> Iterator[Tty]:
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 60, 0, 0))
    arguments = [GATOR, "chat", user, conversation, "--plain", "--url", url_of(server)]
    process = subprocess.Popen(
        arguments, cwd=home, env=environment(), stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True
    )
    try:
        yield Tty(process, ours)
    finally:
        asyncio.get_running_loop().remove_reader(ours)
        process.kill()
        process.wait()
        os.close(ours)
        os.close(theirs)


async def test_what_arrives_is_printed_above_what_is_being_typed(
    server: Server, seat: Seat, tmp_path: Path
) -> None:
    bob = seat(url_of(server), "bob", "tty")
    await bob.until("You are bob")
    with terminal(server, "ann", "tty", tmp_path) as tty:
        here = await tty.until(PROMPT, await tty.until("You are ann in tty"))
        tty.type("hello b")
        here = await tty.until("hello b", here)
        bob.type("ann?")
        # The line that is being typed is cleared, and there again below the message.
        here = await tty.until("\r\x1b[J", here)
        here = await tty.until("\x1b[1mbob\x1b[0m: ann?", here)
        here = await tty.until(f"{PROMPT}hello b", here)
        tty.type("ob\r")
        await bob.until("ann: hello bob")
        # The typed line gives way to the message that it became.
        here = await tty.until("\x1b[1A\r\x1b[J", here)
        here = await tty.until("\x1b[1mann\x1b[0m: hello bob", here)
        tty.type("a line that is longer than the sixty columns of this terminal\r")
        await bob.until("sixty columns")
        here = await tty.until("\x1b[2A\r\x1b[J", here)
        tty.type("\x04")
        assert await tty.ends() == 0
        assert tty.modes() == tty.modes_before
    assert bob.said == [
        "bob: ann?",
        "ann: hello bob",
        "ann: a line that is longer than the sixty columns of this terminal",
    ]


async def test_a_signal_leaves_and_puts_the_terminal_right(server: Server, tmp_path: Path) -> None:
    with terminal(server, "ann", "signal", tmp_path) as one, terminal(server, "bob", "signal", tmp_path) as two:
        for tty, sign in ((one, signal.SIGINT), (two, signal.SIGTERM)):
            await tty.until(PROMPT, await tty.until("in signal: "))
            tty.process.send_signal(sign)
            assert await tty.ends() == 0
            assert tty.modes() == tty.modes_before


def test_what_passes_is_not_shown_on_paper(capsys: pytest.CaptureFixture[str]) -> None:
    paper = Terminal()
    paper.show(Note("bob is typing ...", passing=True))
    paper.show(Note("bob is online"))
    assert capsys.readouterr().out == "* bob is online\n"


async def test_who_stops_reading_the_output_ends_it_quietly(server: Server, tmp_path: Path) -> None:
    ours, theirs = os.pipe()
    os.close(ours)
    arguments = ["ann", "broken pipe", "--url", url_of(server)]
    process = await asyncio.create_subprocess_exec(
        GATOR, "chat", *arguments, cwd=tmp_path, env=environment(), stdin=-1, stdout=theirs, stderr=-1
    )
    os.close(theirs)
    async with asyncio.timeout(PATIENCE_S):
        _, errors = await process.communicate(b"one\n")
    assert (process.returncode, errors) == (1, b"")
