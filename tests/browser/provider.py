"""A real OpenID provider: panva's `oidc-provider` (MIT), certified by the OpenID Foundation."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from tests.support import npm

HERE: Final = Path(__file__).parent / "oidc"

CLIENT_ID: Final = "gator"


@contextmanager
def running(cache: Path, redirect_uri: str, *, id_token_s: int = 3600) -> Iterator[str]:
    """Run the provider, and give its issuer. It knows everybody by their name; `admin` has that role.

    Args:
        cache: Where it is installed, if nobody did.
        redirect_uri: Where it sends people who have logged in.
        id_token_s: How long its tokens live.
    """
    place = npm.installed(HERE, cache)
    command = ["node", str(place / "provider.mjs"), redirect_uri, str(id_token_s)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        yield _issuer(process)
    finally:
        process.terminate()
        process.communicate()


def _issuer(process: "subprocess.Popen[str]") -> str:
    assert process.stdout is not None
    said = []
    for line in process.stdout:
        said.append(line)
        if line.startswith("listening on "):
            return line.removeprefix("listening on ").strip()
    raise AssertionError("the provider did not start:\n" + "".join(said))
