"""A line to a PostgreSQL that can be cut at the moment of a commit."""

import socket
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from threading import Event, Thread
from typing import Literal, Self

Cut = Literal["before", "after"]


class PostgresLine:
    """Stands between a client and a server's socket, and lets everything through.

    Args:
        home: An empty directory for the socket that clients connect to.
        server: The server's socket.

    Attributes:
        cut: Whether to cut the connection of the next COMMIT before the server has it, or after the
            server has answered it and before the client knows. Done once.
        cuts: How often that was done.
        on_cut: Called then, after the server has answered and before the client notices anything.
        was_cut: Set after that.
    """

    def __init__(self, home: Path, server: Path) -> None:
        self.cut: Cut | None = None
        self.cuts = 0
        self.on_cut: Callable[[], object] = lambda: None
        self.was_cut = Event()
        self._home = home
        self._server = server
        self._listener = socket.socket(socket.AF_UNIX)

    def __enter__(self) -> Self:
        self._listener.bind(str(self._home / ".s.PGSQL.5432"))
        self._listener.listen()
        Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def url(self, url: str) -> str:
        """Lead an address over this line."""
        return url.partition("?")[0] + f"?host={self._home}"

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                Thread(target=self._carry, args=(client,), daemon=True).start()

    def _carry(self, client: socket.socket) -> None:
        server = socket.socket(socket.AF_UNIX)
        is_cut = Event()
        with client, server, suppress(OSError):
            server.connect(str(self._server))
            answers = Thread(target=_carry_answers, args=(server, client, is_cut), daemon=True)
            answers.start()
            while said := client.recv(65_536):
                if self.cut is None or b"COMMIT" not in said:
                    server.sendall(said)
                    continue
                cut, self.cut = self.cut, None
                self.cuts += 1
                is_cut.set()
                if cut == "after":
                    server.sendall(said)
                    server.shutdown(socket.SHUT_WR)
                    answers.join()  # The server's end comes after its commit.
                self.on_cut()
                self.was_cut.set()
                break
            _hang_up(client)


def _carry_answers(server: socket.socket, client: socket.socket, is_cut: Event) -> None:
    with suppress(OSError):
        while said := server.recv(65_536):
            if not is_cut.is_set():
                client.sendall(said)
    if not is_cut.is_set():
        _hang_up(client)


def _hang_up(client: socket.socket) -> None:
    with suppress(OSError):
        client.shutdown(socket.SHUT_RDWR)
