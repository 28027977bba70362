"""The keyboard and the screen, or whatever stands in their place."""

import asyncio
import os
import readline
import sys
import termios
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from types import TracebackType
from typing import Any, Final, Protocol, Self

from gator.cli.chat.lines import Line, Note, columns, worded

PROMPT: Final = "> "
_CLEAR: Final = "\r\x1b[K"


class Screen(Protocol):
    """Where lines are shown and typed."""

    def show(self, line: Line) -> None:
        """Show a line."""

    def lines(self) -> AsyncIterator[str]:
        """Yield what is typed, a line at a time, until the end of input."""


class Terminal:
    """Standard input and output.

    A terminal gets a prompt, with editing and history by readline; what arrives while
    somebody types is printed above the line they type. A pipe or a file gets plain lines.

    Queue: one line; the next is read when the caller asks for it.
    """

    def __init__(self) -> None:
        self._is_interactive = sys.stdin.isatty() and sys.stdout.isatty()
        self._colours = sys.stdout.isatty() and "NO_COLOR" not in os.environ
        self._lock = threading.Lock()
        self._is_prompting = False
        self._modes: list[Any] | None = None

    def __enter__(self) -> Self:
        # A name may hold what an old locale cannot write.
        for stream in (sys.stdout, sys.stderr):
            stream.reconfigure(errors="replace")  # type: ignore[union-attr]  # TextIO has it nowhere, ours do
        if self._is_interactive:
            self._modes = termios.tcgetattr(sys.stdin)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # The thread that reads may wait in readline for ever; what it changed is put back here.
        if self._modes is not None:
            termios.tcsetattr(sys.stdin, termios.TCSADRAIN, self._modes)
            sys.stdout.write(_CLEAR + "\x1b[?2004l")
            sys.stdout.flush()

    def show(self, line: Line) -> None:
        """Show a line, above the one that is being typed."""
        if isinstance(line, Note) and line.passing and not self._is_interactive:
            return
        text = worded(line, colours=self._colours) + "\n"
        with self._lock:
            if self._is_interactive:
                typed = PROMPT + readline.get_line_buffer() if self._is_prompting else ""
                text = f"{_up(_rows(typed) - 1)}\r\x1b[J{text}{typed}"
            sys.stdout.write(text)
            sys.stdout.flush()

    async def lines(self) -> AsyncIterator[str]:
        """Yield lines, read by a thread of its own: files cannot be waited for otherwise."""
        loop = asyncio.get_running_loop()
        typed: asyncio.Queue[str | None] = asyncio.Queue()
        go_on = threading.Semaphore()

        def hand_over(line: str | None) -> None:
            loop.call_soon_threadsafe(typed.put_nowait, line)

        threading.Thread(target=_read, args=(self._source(), hand_over, go_on), daemon=True).start()
        while (line := await typed.get()) is not None:
            if self._is_interactive:
                self._erase(line)
            yield line
            go_on.release()

    def _source(self) -> Iterator[str]:
        return self._prompted() if self._is_interactive else _plain(sys.stdin.fileno())

    def _prompted(self) -> Iterator[str]:
        readline.set_pre_input_hook(self._prompt_is_there)
        while True:
            self._expect_keys(echo=True)
            try:
                line = input(PROMPT)
            except EOFError:
                return
            finally:
                self._expect_keys(echo=False)
                with self._lock:
                    self._is_prompting = False
            # Bytes that are not of the terminal's encoding arrive as lone surrogates.
            yield line.encode("utf-8", "replace").decode()

    def _prompt_is_there(self) -> None:
        with self._lock:
            self._is_prompting = True
            # Something may have been printed over it just now.
            sys.stdout.write(_CLEAR + PROMPT)
            sys.stdout.flush()

    def _expect_keys(self, *, echo: bool) -> None:
        """Let keys be echoed, or not: between two prompts their echo would land anywhere.

        They are never gathered to lines by the kernel: it would swallow a Ctrl-D typed
        between two prompts. readline takes the modes that it finds, and echoes only if
        they say so.
        """
        modes = termios.tcgetattr(sys.stdin)
        modes[3] &= ~(termios.ICANON | termios.ECHO)
        modes[3] |= termios.ECHO if echo else 0
        termios.tcsetattr(sys.stdin, termios.TCSANOW, modes)

    def _erase(self, line: str) -> None:
        """Take a typed line from the screen: it comes back as a message when it is stored."""
        with self._lock:
            sys.stdout.write(f"{_up(_rows(PROMPT + line))}\r\x1b[J")
            sys.stdout.flush()


def _read(source: Iterator[str], hand_over: Callable[[str | None], None], go_on: threading.Semaphore) -> None:
    try:
        while go_on.acquire() and (line := next(source, None)) is not None:
            hand_over(line)
        hand_over(None)
    except RuntimeError:
        pass  # the loop is closed: nobody listens any more


def _plain(descriptor: int) -> Iterator[str]:
    # Not `sys.stdin`: its lock, held by a thread that waits, would keep the process from ending.
    rest = b""
    while read := os.read(descriptor, 65_536):
        *whole, rest = (rest + read).split(b"\n")
        for line in whole:
            yield line.decode("utf-8", "replace").removesuffix("\r")
    if rest:
        yield rest.decode("utf-8", "replace")


def _rows(text: str) -> int:
    """Count the rows that a text takes on the screen."""
    # As readline does, the terminal is asked and not COLUMNS; one over a serial line may not know.
    width = os.get_terminal_size(sys.stdout.fileno()).columns or 80
    return max(1, -(-columns(text) // width))


def _up(rows: int) -> str:
    return f"\x1b[{rows}A" if rows > 0 else ""
