"""The platform's own document on WebSocket chat, and the examples in it."""

import re
from pathlib import Path
from typing import Final

HERE: Final = Path(__file__).parent

TEXT: Final = (HERE / "websocket-chat.md").read_text()
"""Unchanged: what it says has to work."""

_BLOCK: Final = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def block(language: str, containing: str) -> str:
    """Find the only code block in a language that contains some text."""
    [found] = [code for name, code in _BLOCK.findall(TEXT) if name == language and containing in code]
    return str(found)


def json_blocks(under: str) -> list[str]:
    """List the JSON examples below a heading, up to the next one of its rank."""
    rank = under.split(" ")[0]
    [section] = re.findall(rf"^{re.escape(under)}$(.*?)(?=^{rank} |\Z)", TEXT, re.MULTILINE | re.DOTALL)
    return [code for name, code in _BLOCK.findall(section) if name == "json"]
