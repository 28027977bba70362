"""The client's copy of the language is that of the server, and the client stands on its own."""

import subprocess
import sys

import pytest
from clients.python.generate import MODULES, TARGET, generated


@pytest.mark.parametrize("name", MODULES)
def test_the_generated_protocol_is_current(name: str) -> None:
    is_current = (TARGET / name).read_text(encoding="utf-8") == generated(name)
    assert is_current, "run `python clients/python/generate.py`"


def test_the_client_imports_nothing_of_the_server() -> None:
    code = "import sys, gator_chat_client; print([name for name in sys.modules if name.split('.')[0] == 'gator'])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
