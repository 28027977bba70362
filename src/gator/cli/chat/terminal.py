"""The keyboard and the screen, or whatever stands in their place."""

import asyncio
import ctypes
import os
import readline
import sys
import termios
import threading
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from types import TracebackType
from typing import Any, Final, Protocol, Self

from gator.cli.chat.bottom import Bottom, height, redrawn, tail
from gator.cli.chat.lines import Line, Note, rows, worded

PROMPT: Final = "> "
_CLEAR: Final = "\r\x1b[K"


class Screen(Protocol):
    """Where lines are shown and typed."""

    def show(self, line: Line) -> None:
        """Show a line."""

    def show_live(self, lines: Sequence[Line]) -> None:
        """Show lines that still change, in the place of those that were shown so before."""

    def lines(self) -> AsyncIterator[str]:
        """Yield what is typed, a line at a time, until the end of input."""


class Terminal:
    """Standard input and output.

    A terminal gets a prompt, with editing and history by readline; what arrives while
    somebody types is printed above the line they type, and above what still changes. A
    pipe or a file gets plain lines, and nothing that changes.

    Queue: one line; the next is read when the caller asks for it.
    """

    def __init__(self) -> None:
        self._is_interactive = sys.stdin.isatty() and sys.stdout.isatty()
        self._is_screen = sys.stdout.isatty()
        self._colours = self._is_screen and "NO_COLOR" not in os.environ
        self._lock = threading.Lock()
        self._is_prompting = False
        self._entered: str | None = None
        """A line that was entered and still stands on the screen, above the cursor."""
        self._live: Sequence[str] = ()
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
        self.show_live(())
        # The thread that reads may wait in readline for ever; what it changed is put back here.
        if self._modes is not None:
            termios.tcsetattr(sys.stdin, termios.TCSADRAIN, self._modes)
            _write(_CLEAR + "\x1b[?2004l")

    def show(self, line: Line) -> None:
        """Show a line, above what changes and what is being typed."""
        if isinstance(line, Note) and line.passing and not self._is_interactive:
            return
        with self._lock:
            if self._is_screen:
                width, _ = _size()
                self._draw(self._live, worded(line, colours=self._colours, width=width - 1) + "\n")
            else:
                _write(worded(line, colours=False) + "\n")

    def show_live(self, lines: Sequence[Line]) -> None:
        """Show what still changes above what is being typed: its last rows, if there are many."""
        if not self._is_screen or not (lines or self._live):
            return
        with self._lock:
            width, _ = _size()
            # A column to spare: some characters are wider than they say.
            self._draw([row for line in lines for row in rows(line, colours=self._colours, width=width - 1)])

    def _draw(self, live: Sequence[str], above: str = "") -> None:
        width, rows_of_screen = _size()
        typed, after = _typed() if self._is_prompting else ("", "")
        live = tail(live, max(1, rows_of_screen - height(typed + after, width) - 1))
        if self._entered is None:
            before = Bottom(self._live, typed, after)
        else:
            before = Bottom(self._live, self._entered, is_entered=True)
        self._live, self._entered = live, None
        _write(redrawn(before, Bottom(live, typed, after), width, above))

    async def lines(self) -> AsyncIterator[str]:
        """Yield lines, read by a thread of its own: files cannot be waited for otherwise."""
        loop = asyncio.get_running_loop()
        typed: asyncio.Queue[str | None] = asyncio.Queue()
        go_on = threading.Semaphore()

        def hand_over(line: str | None) -> None:
            loop.call_soon_threadsafe(typed.put_nowait, line)

        threading.Thread(target=_read, args=(self._source(), hand_over, go_on), daemon=True).start()
        while (line := await typed.get()) is not None:
            self._erase_entered()
            yield line
            go_on.release()

    def _source(self) -> Iterator[str]:
        return self._prompted() if self._is_interactive else _plain(sys.stdin.fileno())

    def _prompted(self) -> Iterator[str]:
        readline.set_pre_input_hook(self._prompt_is_there)
        while (line := self._prompt()) is not None:
            # Bytes that are not of the terminal's encoding arrive as lone surrogates.
            yield line.encode("utf-8", "replace").decode()

    def _prompt(self) -> str | None:
        line = None
        self._expect_keys(echo=True)
        try:
            line = input(PROMPT)
        except EOFError:
            pass
        finally:
            self._expect_keys(echo=False)
            with self._lock:
                self._is_prompting = False
                self._entered = None if line is None else PROMPT + line
        return line

    def _prompt_is_there(self) -> None:
        with self._lock:
            self._is_prompting = True
            # Something may have been printed over it just now.
            _write(_CLEAR + PROMPT)

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

    def _erase_entered(self) -> None:
        """Take a typed line from the screen: it comes back as a message when it is stored."""
        with self._lock:
            if self._entered is not None:
                self._draw(self._live)


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


def _typed() -> tuple[str, str]:
    """Ask readline for the prompt and what is typed, before and behind the cursor."""
    line = readline.get_line_buffer().encode(errors="surrogateescape")
    try:
        # Python's module does not tell it, GNU readline has it as a variable; editline hides it.
        point = ctypes.c_int.in_dll(ctypes.CDLL(readline.__file__), "rl_point").value
    except (AttributeError, OSError, ValueError):
        point = len(line)
    return PROMPT + line[:point].decode(errors="replace"), line[point:].decode(errors="replace")


def _size() -> tuple[int, int]:
    """Measure the screen in columns and rows."""
    # As readline does, the terminal is asked and not COLUMNS; one over a serial line may not know.
    size = os.get_terminal_size(sys.stdout.fileno())
    return size.columns or 80, size.lines or 24


def _write(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()
