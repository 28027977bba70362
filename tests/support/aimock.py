"""`@copilotkit/aimock` (MIT): an OpenAI-compatible server that others wrote.

Its version is locked in `aimock/`. It is installed when it is missing, into pytest's cache.
"""

import asyncio
import json
import os
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any, Final, Self

import httpx2
import pytest
from tests.support import npm

HERE: Final = Path(__file__).parent / "aimock"
CLI: Final = Path("node_modules/@copilotkit/aimock/dist/cli.js")


def installed(cache: Path) -> Path:
    """Find the server's program."""
    if os.environ.get("SKIP_AIMOCK") == "1":
        pytest.skip("SKIP_AIMOCK=1")
    return npm.installed(HERE, cache) / CLI


class Aimock:
    """A server that runs.

    Attributes:
        url: The base URL of its OpenAI API.
    """

    def __init__(self, address: str, key: str) -> None:
        self.url: Final = f"{address}/v1"
        self._chaos = f"{address}/__aimock/chaos"
        self._headers = {"Authorization": f"Bearer {key}"}

    @contextmanager
    def chaos(self, **rates: float) -> Iterator[None]:
        """Have it misbehave, such as `malformedRate=1`."""
        httpx2.post(self._chaos, json=rates, headers=self._headers).raise_for_status()
        try:
            yield
        finally:
            httpx2.delete(self._chaos, headers=self._headers).raise_for_status()


@contextmanager
def running(program: Path, directory: Path, replies: list[dict[str, Any]], key: str) -> Iterator[Aimock]:
    """Run the server with these fixtures, in pieces of three UTF-16 units."""
    fixtures = directory / "fixtures.json"
    fixtures.write_text(json.dumps({"fixtures": replies}))
    command = ["node", str(program), "--port", "0", "--fixtures", str(fixtures), "--chunk-size", "3", "--strict"]
    process = subprocess.Popen(
        command,
        env={**os.environ, "AIMOCK_API_KEYS": key},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        yield Aimock(_address(process), key)
    finally:
        process.terminate()
        process.communicate()


def _address(process: "subprocess.Popen[str]") -> str:
    assert process.stdout is not None
    said = []
    for line in process.stdout:
        said.append(line)
        if "listening on " in line:
            return line.rpartition(" ")[2].strip()
    raise AssertionError("aimock did not start:\n" + "".join(said))


class Relay:
    """A way to a server on which one sees who is still connected.

    Attributes:
        empty: Set while nobody is.
    """

    def __init__(self, to: str) -> None:
        self._to = httpx2.URL(to)
        self._open = 0
        self.empty = asyncio.Event()
        self.empty.set()

    @property
    def url(self) -> str:
        """The way in."""
        return str(self._to.copy_with(port=self._port))

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self._port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async with self._counted():
            far_reader, far_writer = await asyncio.open_connection(self._to.host, self._to.port)
            answering = asyncio.create_task(_pass_on(far_reader, writer))
            await _pass_on(reader, far_writer)
            answering.cancel()

    @asynccontextmanager
    async def _counted(self) -> AsyncIterator[None]:
        self._open += 1
        self.empty.clear()
        try:
            yield
        finally:
            self._open -= 1
            if self._open == 0:
                self.empty.set()


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while part := await reader.read(65536):
            writer.write(part)
            await writer.drain()
    except ConnectionError:
        pass
    finally:
        writer.close()
