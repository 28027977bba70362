"""Write the client's `protocol` package anew from the server's: the same commands, events and tables.

Run by hand after a change of the language: `python clients/python/generate.py`. A test fails when
it was forgotten.
"""

import ast
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
SOURCE = HERE.parents[1] / "src" / "gator" / "protocol"
TARGET = HERE / "src" / "gator_chat_client" / "protocol"

MODULES = ("types.py", "commands.py", "events.py", "errors.py")
LEFT_OUT = frozenset({"Refusal"})
"""What only a server does; a client has `ChatError`."""

HEADER = "# Generated from the server's {name} by clients/python/generate.py; edit that one instead.\n"


def generated(name: str) -> str:
    """Word a module of the client's protocol."""
    text = (SOURCE / name).read_text(encoding="utf-8")
    lines = text.splitlines(keepends=True)
    for node in reversed(ast.parse(text).body):
        if isinstance(node, ast.ClassDef) and node.name in LEFT_OUT:
            assert node.end_lineno is not None
            # With the two blank lines behind it.
            del lines[node.lineno - 1 : node.end_lineno + 2]
    return HEADER.format(name=name) + "".join(lines).replace("gator.protocol.", "gator_chat_client.protocol.")


def main() -> None:
    """Write all modules."""
    for name in MODULES:
        (TARGET / name).write_text(generated(name), encoding="utf-8")
        sys.stdout.write(f"written: {name}\n")


if __name__ == "__main__":
    main()
