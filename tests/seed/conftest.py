"""What the document's examples run against."""

import os
from collections.abc import Iterator

import pytest
from tests.support.server import Server, is_free

DOCUMENTED_PORT = 8000


@pytest.fixture(autouse=True, scope="module")
def data_in_a_directory_of_its_own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep an application that starts in this process away from settings and data of the developer."""
    home = tmp_path_factory.mktemp("in-process")
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.upper().startswith("GATOR_")]:
            patch.delenv(name)
        patch.setenv("GATOR_DATA", str(home / "data"))
        patch.chdir(home)
        yield


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Serve where the document says; on another port if something else has that one."""
    home = tmp_path_factory.mktemp("server")
    with Server(home, port=DOCUMENTED_PORT if is_free(DOCUMENTED_PORT) else 0) as server:
        yield server


def at(server: Server, example: str) -> str:
    """Point an example at the server. Nothing is changed if the documented port was free."""
    assert f"localhost:{DOCUMENTED_PORT}" in example
    port = server.url.rsplit(":", 1)[1]
    return example.replace(f"localhost:{DOCUMENTED_PORT}", f"localhost:{port}")
